"""A day of slots fits on one line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.ledger.gap import Folded, Stretch
from core.ledger.outcomes import Entry, excused, missed, shot
from core.ledger.strip import strip
from core.schedule.slots import Slot

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BEGIN = datetime(2026, 6, 10, tzinfo=UTC)
END = BEGIN + DAY


def slot(hour: float) -> Slot:
    return Slot(BEGIN + hour * HOUR, int(hour * 6), 10 * MINUTE)


def captured(hour: float) -> Entry:
    return shot(slot(hour), "north", "unit1", slot(hour).at)


def late(hour: float) -> Entry:
    return shot(slot(hour), "north", "unit1", slot(hour).at + MINUTE)


def gone(hour: float) -> Entry:
    return missed(slot(hour), "north", "unit1", "camera gone")


def paused(hour: float) -> Entry:
    return excused(slot(hour), "north", "unit1")


def test_a_day_in_24_letters() -> None:
    entries = [*(captured(hour) for hour in range(8, 12)), late(12), gone(13), paused(14), captured(15)]
    assert strip(entries, BEGIN, END, 24, now=BEGIN + 16 * HOUR) == "........####+xe#        "


@pytest.mark.parametrize(
    ("entries", "letter"),
    [
        pytest.param([], ".", id="no-slot"),
        pytest.param([captured(0)], "#", id="captured"),
        pytest.param([captured(0), paused(1)], "e", id="excused-is-worse-than-captured"),
        pytest.param([paused(0), late(1), captured(2)], "+", id="late-is-worse-than-excused"),
        pytest.param([late(0), gone(1), paused(2)], "x", id="missed-is-worst"),
    ],
)
def test_a_cell_shows_the_worst_of_its_slots(entries: list[Entry], letter: str) -> None:
    assert strip(entries, BEGIN, END, 1, now=END) == letter
    assert strip(reversed(entries), BEGIN, END, 1, now=END) == letter


@pytest.mark.parametrize(
    ("now", "shown"),
    [
        pytest.param(12, ".. ", id="a-cell-in-progress-is-not-yet"),
        pytest.param(16, "..", id="a-cell-that-is-just-over-had-no-slot"),
        pytest.param(24, "...", id="all-over"),
        pytest.param(-1, "", id="before-it-all"),
    ],
)
def test_what_is_to_come_is_blank(now: int, shown: str) -> None:
    assert strip([], BEGIN, END, 3, now=BEGIN + now * HOUR) == (shown if now != 12 else ".").ljust(3)


def test_a_slot_of_the_cell_in_progress_shows_at_once() -> None:
    assert strip([captured(12)], BEGIN, END, 2, now=BEGIN + 12 * HOUR) == ".#"


@pytest.mark.parametrize(
    ("hour", "shown"),
    [
        pytest.param(-0.001, "..", id="just-before"),
        pytest.param(0, "#.", id="the-begin-belongs-to-it"),
        pytest.param(11.999, "#.", id="the-last-of-a-cell"),
        pytest.param(12, ".#", id="the-first-of-the-next"),
        pytest.param(23.999, ".#", id="the-last"),
        pytest.param(24, "..", id="the-end-does-not"),
    ],
)
def test_the_edges_of_cells(hour: float, shown: str) -> None:
    assert strip([captured(hour)], BEGIN, END, 2, now=END) == shown


@pytest.mark.parametrize("width", [1, 7, 24, 80, 144, 1_000])
def test_a_strip_has_exactly_its_width_in_printable_ascii(width: int) -> None:
    entries = [captured(hour / 6) for hour in range(144)]
    shown = strip(entries, BEGIN, END, width, now=END)
    assert len(shown) == width
    assert set(shown) == ({"#"} if width <= 144 else {"#", "."})


@pytest.mark.parametrize(
    ("after", "until", "shown"),
    [
        pytest.param(6, 12, "#x##", id="one-cell"),
        pytest.param(5.9, 12.1, "xxx#", id="what-it-touches"),
        pytest.param(-100, 100, "xxxx", id="all-of-it"),
        pytest.param(-100, 0, "####", id="before"),
        pytest.param(24, 100, "####", id="after"),
    ],
)
def test_a_gap_that_was_folded_shows_as_missed_and_not_as_no_slot(after: float, until: float, shown: str) -> None:
    folded = Folded("north", "unit1", Stretch(BEGIN + after * HOUR, BEGIN + until * HOUR, "node down"), 200_000)
    entries = [captured(hour) for hour in range(24)]
    assert strip(entries, BEGIN, END, 4, now=END, gaps=[folded]) == shown


@pytest.mark.parametrize(("end", "width"), [(BEGIN, 10), (BEGIN - DAY, 10), (END, 0), (END, -1)])
def test_a_strip_without_length_is_refused(end: datetime, width: int) -> None:
    with pytest.raises(ValueError, match="at least one letter"):
        strip([], BEGIN, end, width, now=END)
