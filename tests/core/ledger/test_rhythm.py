"""A camera shoots each slot once, whatever the wall clock does, and keeps its rhythm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.schedule.slots import Timetable
from core.site.model.cameras import Schedule

Compile = Callable[..., Timetable]
NewNode = Callable[..., Any]

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
START = datetime(2026, 6, 10, 8, 0, tzinfo=UTC)


def test_on_an_even_clock_each_slot_is_shot_on_time_and_once(node: Any) -> None:
    node.start()
    node.run(days=1)
    assert Counter(node.outcomes()) == {("captured", None): 144}
    assert set(node.rhythm()) == {600.0}
    assert node.looks <= 2 * 144 + 1  # one look to wait and one to shoot


def test_a_new_camera_owes_nothing_from_before_its_first_start(node: Any) -> None:
    node.pass_time(300)
    node.start()
    assert node.look().wake == pytest.approx(node.monotonic + 300)
    assert node.ledger == {}


def test_a_camera_without_slots_waits_for_a_change(new_node: NewNode, timetable: Compile) -> None:
    node = new_node(timetable())
    node.start()
    assert (node.look().kind, node.look().wake) == ("none", None)


def test_after_a_stop_the_slots_in_between_are_node_down_and_none_is_shot_again(node: Any) -> None:
    node.start()
    node.run(minutes=25)
    node.stop(3_600)
    node.start()
    node.run(minutes=25)
    assert [cause or outcome for outcome, cause in node.outcomes()] == [
        *["captured"] * 3,
        *["node down"] * 6,
        *["captured"] * 2,
    ]


@pytest.mark.parametrize("seconds", [-0.5, 0.0, 0.5], ids=["a-little-before", "exactly-at", "a-little-after"])
def test_a_restart_at_the_second_of_a_slot_that_has_its_outcome_does_not_shoot_it_again(
    node: Any, seconds: float
) -> None:
    node.shot_seconds = 0.0
    node.start()
    node.run(seconds=0.001)
    assert node.kinds() == ["slot"]
    node.stop(seconds - 0.001)
    node.start()
    node.run(minutes=9)
    assert node.kinds() == ["slot"]


@pytest.mark.parametrize(
    ("took", "kinds"),
    [
        pytest.param(9, "captured captured captured", id="done-before-the-next"),
        pytest.param(11, "captured captured late", id="one-second-of-ten-is-still-in-time-the-second-is-late"),
        pytest.param(25, "captured still-busy late", id="ran-over-a-whole-slot"),
    ],
)
def test_a_shot_that_runs_into_the_next_slot_makes_it_late_or_missed(
    new_node: NewNode, timetable: Compile, took: float, kinds: str
) -> None:
    node = new_node(timetable(Schedule(every=10 * SECOND)), shot_seconds=took)
    node.start()
    node.run(seconds=50)
    found = [(cause or outcome).replace(" ", "-") for outcome, cause in node.outcomes()]
    assert " ".join(found[:3]) == kinds


@pytest.mark.parametrize(
    ("late", "kind"),
    [
        pytest.param(timedelta(minutes=10) - timedelta(microseconds=1), "slot", id="just-under-ten-minutes-it-is-shot"),
        pytest.param(timedelta(minutes=10), "none", id="at-ten-minutes-it-is-missed"),
    ],
)
def test_a_slot_of_a_long_interval_is_shot_late_only_for_ten_minutes(
    new_node: NewNode, timetable: Compile, late: timedelta, kind: str
) -> None:
    node = new_node(timetable(Schedule(at=("12:00",))))
    node.start()
    node.pass_time((4 * HOUR + late).total_seconds())
    assert node.look().kind == kind
    assert list(node.outcomes()) == ([] if kind == "slot" else [("missed", "still busy")])


@pytest.mark.parametrize(("trusted", "cause"), [(True, "node down"), (False, "clock")], ids=["suspended", "untrusted"])
def test_a_jump_forward_misses_the_slots_in_between(node: Any, trusted: bool, cause: str) -> None:
    node.trusted = trusted
    node.start()
    node.run(minutes=5)
    node.jump(hours=1)  # to 09:05
    node.trusted = True
    node.run(minutes=10)
    causes = [found for outcome, found in node.outcomes() if outcome == "missed"]
    assert causes == [cause] * 5  # 08:10 to 08:50; 09:00 is shot, late
    assert node.shots[1][2] == START + HOUR
    assert node.ledger[START + HOUR].outcome == "late"


def test_a_node_that_boots_in_1970_goes_on_when_the_time_arrives(node: Any) -> None:
    node.trusted, node.now = False, datetime(1970, 1, 1, tzinfo=UTC)
    node.start()
    node.run(hours=1)
    node.trusted, node.now = True, START + 3 * MINUTE
    node.run(hours=1)
    assert len(node.ledger) == 6 + 7  # 08:00 is shot, late; nothing of the years between is written
    assert set(node.kinds()) == {"slot"}


def test_a_stop_before_a_boot_in_1970_is_written_as_node_down_when_the_time_arrives(node: Any) -> None:
    node.start()
    node.run(minutes=25)
    node.stop()
    node.trusted, node.now = False, datetime(1970, 1, 1, tzinfo=UTC)
    node.start()
    node.run(minutes=5)
    assert "node down" not in dict(node.outcomes()).values()
    node.trusted, node.now = True, START + 2 * HOUR + MINUTE
    node.run(minutes=10)
    down = [at for at, entry in node.ledger.items() if entry.cause == "node down"]
    assert down == [START + nth * 10 * MINUTE for nth in range(3, 12)]
    assert node.ledger[START + 2 * HOUR].outcome == "late"


def test_a_short_stop_is_written_at_once_even_if_the_clock_is_not_trusted(node: Any) -> None:
    node.start()
    node.run(minutes=25)
    node.stop(3_600)
    node.trusted = False
    node.start()
    assert Counter(cause for _, cause in node.outcomes()) == {None: 3, "node down": 6}


def test_a_jump_into_a_wrong_year_and_back_costs_only_the_slots_of_the_time_spent_there(node: Any) -> None:
    node.start()
    node.run(minutes=25)
    node.trusted = False
    node.jump(days=400)
    node.run(hours=1)
    node.jump(days=-400)
    node.trusted = True
    node.run(hours=1)
    causes = [entry.cause for at, entry in sorted(node.ledger.items()) if at < START + 30 * HOUR]
    assert causes == [None] * 3 + ["clock"] * 6 + [None] * 6
    assert len(node.ledger) < 40, "nothing of the year between is written"
    assert max(node.rhythm()) < 1200


def test_a_jump_of_a_year_that_proves_right_is_written_once_the_clock_is_trusted(node: Any) -> None:
    node.start()
    node.run(minutes=5)
    node.trusted = False
    node.jump(days=30)
    node.run(hours=1)
    assert len(node.ledger) < 10
    node.trusted = True
    node.run(hours=1)
    slots = sorted(node.ledger)
    assert {b - a for a, b in pairwise(slots)} == {10 * MINUTE}
    assert Counter(entry.cause for entry in node.ledger.values())["clock"] == 30 * 144 - 1


def test_when_each_boot_begins_in_1970_its_repeated_slots_become_extras(node: Any) -> None:
    node.trusted = False
    for _ in range(3):
        node.now = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
        node.start()
        node.run(hours=2)
        node.stop()
    assert Counter(node.kinds()) == {"slot": 12, "extra": 24}
    seconds = [at for _, kind, at in node.shots if kind == "extra"]
    assert not set(seconds) & set(node.ledger)  # an extra never carries the name of a slot


@pytest.mark.parametrize(
    ("step", "extras"),
    [
        pytest.param(timedelta(seconds=1), 0, id="a-clock-being-steered"),
        pytest.param(timedelta(seconds=3), 0, id="three-seconds"),
        pytest.param(timedelta(minutes=4), 0, id="less-than-half-an-interval"),
        pytest.param(timedelta(minutes=9), 1, id="nearly-an-interval"),
        pytest.param(timedelta(minutes=10), 1, id="one-interval"),
        pytest.param(timedelta(hours=1), 6, id="an-hour-as-a-wrong-zone-would"),
        pytest.param(timedelta(days=1), 144, id="a-day"),
        pytest.param(timedelta(days=20_000), 0, id="before-anything-recorded"),
    ],
)
def test_while_the_clock_repeats_recorded_slots_the_camera_keeps_its_rhythm_with_extras(
    node: Any, step: timedelta, extras: int
) -> None:
    node.start()
    node.run(days=1, minutes=5)
    taken = len(node.shots)
    node.jump(seconds=-step.total_seconds())
    node.run(days=2)
    assert node.kinds()[taken:].count("extra") == extras
    assert max(node.rhythm()) < 1.5 * 600 + 1
    assert min(node.rhythm()) >= 300
    assert all(cause is None for _, cause in node.outcomes())


def test_extras_keep_to_the_windows_of_the_time_that_the_clock_left(new_node: NewNode, timetable: Compile) -> None:
    node = new_node(timetable(Schedule(every=10 * MINUTE, begin="08:00", end="18:00")))
    node.start()
    node.run(hours=9, minutes=1)  # 17:01
    node.jump(hours=-8)  # 09:01
    node.run(hours=3)
    extras = [second for second, kind, _ in node.shots if kind == "extra"]
    assert len(extras) == 5  # what would have been 17:10 to 17:50; not the repeated morning


def test_when_a_wrong_future_is_corrected_the_slots_of_today_are_shot_as_slots(node: Any) -> None:
    node.start()
    node.run(minutes=5)
    node.trusted = False
    node.jump(days=4 * 365)
    node.run(hours=1)
    node.trusted = True
    node.jump(days=-4 * 365)
    before = len(node.shots)
    node.run(hours=1)
    assert set(node.kinds()[before:]) == {"slot"}
    assert [at for _, _, at in node.shots[before:]][-1] == START + 2 * HOUR


def test_a_clock_that_goes_back_and_forth_leaves_no_slot_twice_and_misses_only_what_it_jumped_over(node: Any) -> None:
    node.start()
    node.run(hours=2, minutes=1)
    node.trusted = False
    node.jump(hours=-1)
    node.run(minutes=30)
    node.trusted = True
    node.jump(hours=1)
    node.run(hours=1)
    assert [at for _, kind, at in node.shots if kind == "slot"] == sorted(
        set(node.ledger) - {at for at, entry in node.ledger.items() if entry.outcome == "missed"}
    )
    assert {cause for outcome, cause in node.outcomes() if outcome == "missed"} == {"clock"}
    assert max(node.rhythm()) <= 900


STEPS = st.lists(
    st.tuples(
        st.sampled_from([-86_400, -7_200, -600, -61, -3, -1, 0, 1, 5, 601, 7_200, 90_000]), st.integers(1, 20_000)
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.booleans(), st.sampled_from([17, 60, 600, 5_400]), st.sampled_from(["Europe/Paris", "America/Havana"]))
def test_whatever_the_clock_does_no_slot_is_shot_twice_and_none_between_is_forgotten(
    new_node: NewNode, timetable: Compile, steps: list[tuple[int, int]], restarts: bool, every: int, zone: str
) -> None:
    node = new_node(timetable(Schedule(every=timedelta(seconds=every)), zone=zone))
    node.start()
    for step, seconds in steps:
        node.run(seconds=seconds)
        node.jump(seconds=step)
        if restarts:
            node.stop()
            node.start()
    node.run(seconds=2 * every)
    shot = [at for _, kind, at in node.shots if kind == "slot"]
    assert len(shot) == len(set(shot))
    assert max(node.rhythm(), default=0) <= 2.5 * every + 10 * len(steps)
    if not any(step < 0 for step, _ in steps):
        begin, end = min(node.ledger), max(node.ledger)
        expected = [slot.at for slot in node.expected.slots(begin, end + SECOND)]
        assert sorted(node.ledger) == expected


@pytest.mark.parametrize("zone", ["Europe/Paris", "Australia/Lord_Howe"])
def test_a_year_with_a_weekly_stop_leaves_exactly_one_outcome_for_each_slot(
    new_node: NewNode, timetable: Compile, zone: str
) -> None:
    node = new_node(timetable(Schedule(every=30 * MINUTE, days="mon-sat", begin="06:00", end="20:00"), zone=zone))
    node.start()
    for week in range(52):
        node.run(days=6)
        if week % 2:
            node.pass_time(86_400)
        else:
            node.stop(86_400)
            node.start()
    expected = [slot.at for slot in node.expected.slots(START, max(node.ledger) + SECOND)]
    assert sorted(node.ledger) == expected
    assert Counter(node.kinds()).keys() == {"slot"}
