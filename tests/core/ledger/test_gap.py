"""Slots that nobody was there to shoot are written afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from core.ledger.gap import MOST_ROWS, Gap, Pause, Stretch, gap
from core.schedule.slots import Timetable
from core.site.model.cameras import Schedule

Compile = Callable[..., Timetable]

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
TEN_MINUTES = Schedule(every=10 * MINUTE)


def outcomes(found: Gap) -> list[tuple[str, str | None]]:
    return [(entry.at.strftime("%H:%M"), entry.cause or entry.outcome) for entry in found.entries]


def test_a_stop_of_the_node_misses_the_slots_in_between(timetable: Compile) -> None:
    found = gap(timetable(TEN_MINUTES), "north", "unit1", Stretch(NOON, NOON + 30 * MINUTE, "node down"))
    assert found.folded is None
    assert outcomes(found) == [("12:10", "node down"), ("12:20", "node down")]  # 12:00 has one, 12:30 is still to come


@pytest.mark.parametrize(
    ("after", "until", "count"),
    [
        pytest.param(0, 600, 0, id="neither-end-belongs-to-it"),
        pytest.param(-0.000001, 600, 1, id="a-microsecond-before-the-first"),
        pytest.param(0, 600.000001, 1, id="a-microsecond-past-the-last"),
        pytest.param(600, 0, 0, id="no-length"),
    ],
)
def test_the_ends_of_a_gap(timetable: Compile, after: float, until: float, count: int) -> None:
    stretch = Stretch(NOON + timedelta(seconds=after), NOON + timedelta(seconds=until), "node down")
    assert len(list(gap(timetable(TEN_MINUTES), "north", "unit1", stretch).entries)) == count


def test_slots_outside_windows_are_not_missed(timetable: Compile) -> None:
    compiled = timetable(Schedule(every=HOUR, days="mon-fri", begin="08:00", end="10:00"), zone="Europe/Paris")
    found = list(gap(compiled, "north", "unit1", Stretch(NOON, NOON + 7 * DAY, "node down")).entries)
    assert len(found) == 10
    assert {entry.at.isoweekday() for entry in found} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize(
    ("begin", "end", "excused"),
    [
        pytest.param(10, 20, ["12:10"], id="its-begin-belongs-to-a-pause-its-end-does-not"),
        pytest.param(15, None, ["12:20", "12:30", "12:40"], id="a-pause-that-nobody-ended-goes-on"),
        pytest.param(-60, 25, ["12:10", "12:20"], id="begun-before-the-stop"),
        pytest.param(50, 60, [], id="after-it"),
    ],
)
def test_a_slot_in_a_pause_is_excused(timetable: Compile, begin: int, end: int | None, excused: list[str]) -> None:
    pause = Pause(NOON + begin * MINUTE, None if end is None else NOON + end * MINUTE, "mast work")
    stretch = Stretch(NOON, NOON + 50 * MINUTE, "node down")
    found = list(gap(timetable(TEN_MINUTES), "north", "unit1", stretch, [pause]).entries)
    assert len(found) == 4
    paused = [entry for entry in found if entry.outcome == "excused"]
    assert [entry.at.strftime("%H:%M") for entry in paused] == excused
    assert {entry.text for entry in paused} <= {"mast work"}


def test_a_slot_with_an_outcome_keeps_it(timetable: Compile) -> None:
    stretch = Stretch(NOON, NOON + 40 * MINUTE, "clock")
    recorded = {NOON + 20 * MINUTE}
    found = gap(timetable(TEN_MINUTES), "north", "unit1", stretch, recorded=recorded.__contains__)
    assert outcomes(found) == [("12:10", "clock"), ("12:30", "clock")]


@pytest.mark.parametrize(
    ("slots", "is_folded"),
    [
        pytest.param(MOST_ROWS, False, id="exactly-at-the-limit-each-is-written"),
        pytest.param(MOST_ROWS + 1, True, id="one-more-is-folded"),
    ],
)
def test_a_gap_of_very_many_slots_is_one_summary(timetable: Compile, slots: int, is_folded: bool) -> None:
    stretch = Stretch(NOON, NOON + timedelta(seconds=slots + 1), "node down")
    found = gap(timetable(Schedule(every=timedelta(seconds=1))), "north", "unit1", stretch)
    assert (found.folded is not None) is is_folded
    if found.folded is None:
        assert sum(1 for _ in found.entries) == slots
    else:
        assert (found.folded.count, found.folded.stretch, list(found.entries)) == (slots, stretch, [])


def test_a_clock_that_comes_from_1970_writes_no_million_rows(timetable: Compile) -> None:
    stretch = Stretch(datetime(1970, 1, 1, 0, 50, tzinfo=UTC), NOON, "clock")
    found = gap(timetable(TEN_MINUTES), "north", "unit1", stretch)
    assert found.folded is not None
    assert (found.folded.count, found.folded.camera, list(found.entries)) == (None, "north", [])


def test_a_camera_off_for_two_years_with_one_slot_a_day_is_written_slot_by_slot(timetable: Compile) -> None:
    stretch = Stretch(NOON, NOON + 730 * DAY, "node down")
    found = gap(timetable(Schedule(at=("08:00",))), "north", "unit1", stretch)
    assert len(list(found.entries)) == 730
