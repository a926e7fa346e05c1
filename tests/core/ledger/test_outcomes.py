"""Every expected slot ends in the ledger with one outcome, which never changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import errors
from core.errors import CameraError, CameraTimeout, ChildError, OverlapseError, StorageError
from core.ledger.causes import CAUSES, cause_of
from core.ledger.outcomes import OUTCOMES, Entry, excused, hub_view, judge, merge, missed, settle, shot, tolerance
from core.schedule.slots import Slot

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
SLOT = Slot(NOON, 72, 10 * MINUTE)
MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("interval", "limit"),
    [
        pytest.param(SECOND, 0.1, id="a-tenth-of-a-second"),
        pytest.param(10 * SECOND, 1.0, id="one-second-of-ten"),
        pytest.param(299 * SECOND, 29.9, id="just-under-five-minutes-it-is-still-a-tenth"),
        pytest.param(5 * MINUTE, 30.0, id="at-five-minutes-both-are-the-same"),
        pytest.param(301 * SECOND, 30.0, id="just-over-five-minutes-it-is-30-seconds"),
        pytest.param(24 * HOUR, 30.0, id="a-day-has-30-seconds-too"),
    ],
)
def test_late_is_more_than_a_tenth_of_the_interval_or_30_seconds(interval: timedelta, limit: float) -> None:
    slot = Slot(NOON, 0, interval)
    allowed = timedelta(seconds=limit)
    assert tolerance(interval) == allowed
    assert judge(slot, NOON + allowed - MICROSECOND) == "captured"
    assert judge(slot, NOON + allowed) == "captured"
    assert judge(slot, NOON + allowed + MICROSECOND) == "late"


@pytest.mark.parametrize("early", [timedelta(0), MICROSECOND, HOUR])
def test_a_shot_on_time_or_before_is_captured(early: timedelta) -> None:
    assert judge(SLOT, NOON - early) == "captured"


def test_a_shot_makes_an_entry_that_says_when_and_whether_half_a_pair_is_missing() -> None:
    entry = shot(SLOT, "north", "unit1", NOON + 31 * SECOND, partial=True)
    assert (entry.camera, entry.at, entry.index, entry.node) == ("north", NOON, 72, "unit1")
    assert (entry.outcome, entry.partial, entry.cause, entry.shutter) == ("late", True, None, NOON + 31 * SECOND)
    assert shot(SLOT, "north", "unit1", NOON).outcome == "captured"


def test_a_failed_shot_makes_an_entry_with_its_cause_and_a_text_that_is_safe_to_show() -> None:
    entry = missed(SLOT, "north", "unit1", CameraTimeout("no answer\x1b[2J after 30 s"))
    assert (entry.outcome, entry.cause, entry.shutter) == ("missed", "camera timeout", None)
    assert entry.text == "no answer\\x1b[2J after 30 s"
    assert missed(SLOT, "north", "unit1", "stopped").cause == "stopped"


def all_errors(root: type[OverlapseError] = OverlapseError) -> list[type[OverlapseError]]:
    return [root, *(found for child in root.__subclasses__() for found in all_errors(child))]


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_every_error_has_a_cause_and_those_of_a_shot_a_known_one(kind: type[OverlapseError]) -> None:
    cause = cause_of(kind("x"))
    assert cause in CAUSES
    if issubclass(kind, CameraError | StorageError | ChildError):
        assert cause != "unknown"


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("CameraTimeout", "camera timeout"),
        ("ChildTimeout", "camera timeout"),
        ("CameraGone", "camera gone"),
        ("CameraBusy", "camera busy"),
        ("CameraClaimed", "camera busy"),
        ("CameraRefused", "camera refused"),
        ("MirrorUp", "camera setting"),
        ("CardFull", "card full"),
        ("FocusFailed", "no focus"),
        ("CameraTransferCut", "transfer cut"),
        ("CameraError", "camera error"),
        ("ChildDied", "camera crashed"),
        ("DiskFull", "disk full"),
        ("NotDurable", "not durable"),
        ("NameTaken", "disk error"),
        ("CatalogueLocked", "catalogue"),
        ("FenceRefused", "not the owner"),
        ("PictureBroken", "unknown"),
    ],
)
def test_the_cause_names_what_an_operator_can_act_on(name: str, cause: str) -> None:
    assert cause_of(getattr(errors, name)("x")) == cause


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"outcome": "missed"}, id="missed-without-a-cause"),
        pytest.param({"outcome": "captured", "cause": "clock"}, id="captured-with-a-cause"),
        pytest.param({"outcome": "captured", "filled": True}, id="captured-and-filled"),
        pytest.param({"outcome": "excused", "partial": True}, id="half-a-pair-of-nothing"),
        pytest.param({"outcome": "excused", "shutter": NOON}, id="a-shutter-without-a-picture"),
    ],
)
def test_an_entry_that_cannot_be_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Entry("north", NOON, 72, "unit1", **fields)  # type: ignore[arg-type]


CAPTURED, LATE = shot(SLOT, "north", "unit1", NOON), shot(SLOT, "north", "unit1", NOON + MINUTE)
MISSED, EXCUSED = missed(SLOT, "north", "unit1", "camera gone"), excused(SLOT, "north", "unit1", "mast work")
KINDS = (CAPTURED, LATE, MISSED, EXCUSED)


def test_the_outcome_that_came_first_never_changes() -> None:
    for first in KINDS:
        assert settle(None, first) == first
        for later in KINDS:
            assert replace(settle(first, later), filled=False) == first


@pytest.mark.parametrize(
    ("first", "later", "filled"),
    [
        pytest.param(MISSED, CAPTURED, True, id="a-spare-fills-a-missed-slot"),
        pytest.param(MISSED, LATE, True, id="a-late-one-too"),
        pytest.param(EXCUSED, CAPTURED, True, id="and-an-excused-one"),
        pytest.param(CAPTURED, CAPTURED, False, id="a-captured-slot-needs-none"),
        pytest.param(MISSED, EXCUSED, False, id="an-excuse-is-no-picture"),
    ],
)
def test_a_spare_that_comes_later_fills(first: Entry, later: Entry, filled: bool) -> None:
    assert settle(first, later).filled is filled


def by(node: str, entry: Entry) -> Entry:
    return replace(entry, node=node)


@pytest.mark.parametrize(
    ("entries", "best"),
    [
        pytest.param([MISSED, by("fr", CAPTURED)], by("fr", CAPTURED), id="captured-by-the-backup"),
        pytest.param([LATE, by("fr", CAPTURED)], by("fr", CAPTURED), id="captured-before-late"),
        pytest.param([EXCUSED, by("fr", LATE)], by("fr", LATE), id="late-before-excused"),
        pytest.param([MISSED, by("fr", EXCUSED)], by("fr", EXCUSED), id="excused-before-missed"),
        pytest.param(
            [replace(CAPTURED, partial=True), by("fr", CAPTURED)], by("fr", CAPTURED), id="a-whole-pair-first"
        ),
        pytest.param(
            [LATE, by("fr", replace(CAPTURED, partial=True))],
            by("fr", replace(CAPTURED, partial=True)),
            id="half-a-pair-in-time-before-a-late-one",
        ),
        pytest.param(
            [missed(SLOT, "north", "unit1", "node down"), by("fr", MISSED)],
            by("fr", MISSED),
            id="the-cause-that-says-more",
        ),
        pytest.param([by("b", CAPTURED), by("a", CAPTURED)], by("a", CAPTURED), id="else-by-name"),
    ],
)
def test_a_hub_shows_the_best_of_its_nodes(entries: list[Entry], best: Entry) -> None:
    assert all(merge(order) == best for order in permutations(entries))


def test_a_slot_that_one_node_filled_is_filled_for_the_hub_unless_another_captured_it() -> None:
    filled = replace(MISSED, filled=True)
    assert merge([filled, by("fr", EXCUSED)]) == replace(by("fr", EXCUSED), filled=True)
    assert merge([filled, by("fr", CAPTURED)]) == by("fr", CAPTURED)


def test_entries_of_different_slots_are_not_merged() -> None:
    for wrong in ([], [MISSED, replace(MISSED, at=NOON + HOUR)], [MISSED, replace(MISSED, camera="gate")]):
        with pytest.raises(ValueError, match="one slot of one camera"):
            merge(wrong)


def test_the_view_of_a_hub_has_each_slot_of_each_camera_once() -> None:
    gate = replace(MISSED, camera="gate")
    later = replace(LATE, at=NOON + HOUR)
    view = hub_view([later, MISSED, by("fr", CAPTURED), gate])
    assert view == [gate, by("fr", CAPTURED), later]


ENTRIES = st.builds(
    lambda kind, node, partial, filled: replace(
        kind, node=node, partial=partial and kind.has_picture, filled=filled and not kind.has_picture
    ),
    st.sampled_from([*KINDS, missed(SLOT, "north", "x", "node down"), missed(SLOT, "north", "x", "clock", "set")]),
    st.sampled_from(["unit1", "fr", "ca"]),
    st.booleans(),
    st.booleans(),
)


@given(st.lists(ENTRIES, min_size=1, max_size=5), st.randoms())
def test_merging_gives_the_same_in_any_order_and_in_any_groups(entries: list[Entry], random: Random) -> None:
    whole = merge(entries)
    shuffled = random.sample(entries, len(entries))
    split = random.randint(0, len(entries))
    groups = [group for group in (shuffled[:split], shuffled[split:]) if group]
    assert merge([merge(group) for group in groups]) == whole
    assert merge([whole, *entries]) == whole
    assert OUTCOMES.index(whole.outcome) == min(OUTCOMES.index(entry.outcome) for entry in entries)
