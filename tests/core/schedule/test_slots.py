"""A schedule says at which instants a shot is expected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from core.errors import ConfigurationError
from core.schedule.slots import Slot, Timetable
from core.site.model.cameras import Event, Schedule

DayOf = Callable[[Timetable, str, str], list[str]]
Local = Callable[[str, str], datetime]
Compile = Callable[..., Timetable]

PARIS = "Europe/Paris"
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TEN_MINUTES = Schedule(every=10 * MINUTE)


def test_ten_minutes_are_144_slots_a_day_from_local_midnight(timetable: Compile, local: Local, day_of: DayOf) -> None:
    times = day_of(timetable(TEN_MINUTES), PARIS, "2026-06-10")
    assert len(times) == 144
    assert times[:3] == ["00:00", "00:10", "00:20"]
    assert times[-1] == "23:50"


def test_a_slot_is_utc_at_whole_seconds_with_its_ordinal_and_interval(timetable: Compile, local: Local) -> None:
    slot = timetable(TEN_MINUTES).next(local(PARIS, "2026-06-10T08:55:12.5"))
    assert slot == Slot(datetime(2026, 6, 10, 7, 0, tzinfo=UTC), 54, 10 * MINUTE)
    assert slot.at.tzinfo is UTC


def test_the_last_interval_of_a_day_is_shorter_when_the_interval_does_not_divide_it(
    timetable: Compile, local: Local
) -> None:
    slots = list(timetable(Schedule(every=7 * MINUTE)).slots(local(PARIS, "2026-06-10"), local(PARIS, "2026-06-11")))
    assert len(slots) == 206
    assert slots[-1].at.astimezone(ZoneInfo(PARIS)).strftime("%H:%M") == "23:55"
    assert slots[-1].interval == 5 * MINUTE
    assert {slot.interval for slot in slots[:-1]} == {7 * MINUTE}


def test_the_count_begins_at_midnight_plus_offset_and_goes_on_until_it_begins_again(
    timetable: Compile, day_of: DayOf, local: Local
) -> None:
    compiled = timetable(Schedule(every=7 * HOUR, offset=5 * HOUR))
    assert day_of(compiled, PARIS, "2026-06-10") == ["02:00", "05:00", "12:00", "19:00"]
    slots = list(compiled.slots(local(PARIS, "2026-06-10"), local(PARIS, "2026-06-11")))
    assert [slot.index for slot in slots] == [3, 0, 1, 2]
    assert [slot.interval for slot in slots] == [3 * HOUR, 7 * HOUR, 7 * HOUR, 7 * HOUR]


def test_the_index_counts_the_whole_day_so_that_windows_do_not_change_every_nth(
    timetable: Compile, local: Local
) -> None:
    narrow = timetable(Schedule(every=10 * MINUTE, begin="08:00", end="09:00"))
    wide = timetable(TEN_MINUTES)
    begin, end = local(PARIS, "2026-06-10"), local(PARIS, "2026-06-11")
    indexes = {slot.at: slot.index for slot in wide.slots(begin, end)}
    found = list(narrow.slots(begin, end))
    assert [slot.index for slot in found] == [48, 49, 50, 51, 52, 53]
    assert all(indexes[slot.at] == slot.index for slot in found)


@pytest.mark.parametrize(
    ("every", "count"),
    [
        pytest.param(SECOND, 86_400, id="one-second-is-the-shortest"),
        pytest.param(13 * SECOND, 6_647, id="thirteen-seconds"),
        pytest.param(90 * MINUTE, 16, id="ninety-minutes"),
        pytest.param(23 * HOUR, 2, id="twenty-three-hours-and-a-last-interval-of-one"),
        pytest.param(DAY, 1, id="a-day-is-the-longest"),
    ],
)
def test_every_takes_any_number_of_seconds_up_to_a_day(
    timetable: Compile, local: Local, every: timedelta, count: int
) -> None:
    compiled = timetable(Schedule(every=every))
    begin, end = local(PARIS, "2026-06-10"), local(PARIS, "2026-06-11")
    assert compiled.count(begin, end) == sum(1 for _ in compiled.slots(begin, end)) == count


def test_at_names_the_times_of_the_day_themselves(timetable: Compile, day_of: DayOf, local: Local) -> None:
    compiled = timetable(Schedule(at=("17:30", "12:00")))
    assert day_of(compiled, PARIS, "2026-06-10") == ["12:00", "17:30"]
    noon = compiled.next(local(PARIS, "2026-06-10"))
    assert noon is not None
    evening = compiled.next(noon.at)
    assert evening is not None
    assert (noon.index, noon.interval) == (0, 5 * HOUR + 30 * MINUTE)
    assert (evening.index, evening.interval) == (1, 18 * HOUR + 30 * MINUTE)


def test_at_keeps_to_the_days_and_the_window_of_its_schedule(timetable: Compile, day_of: DayOf) -> None:
    compiled = timetable(Schedule(at=("07:00", "12:00"), days="mon-fri", begin="08:00"))
    assert day_of(compiled, PARIS, "2026-06-12") == ["12:00"]  # a Friday
    assert day_of(compiled, PARIS, "2026-06-13") == []


def test_schedules_merge_and_a_slot_that_they_share_is_one_with_the_first_ones_interval(
    timetable: Compile, local: Local
) -> None:
    compiled = timetable(Schedule(every=HOUR), Schedule(every=10 * MINUTE, begin="08:00", end="09:00"))
    slots = list(compiled.slots(local(PARIS, "2026-06-10T07:00"), local(PARIS, "2026-06-10T10:00")))
    assert [slot.at for slot in slots] == sorted({slot.at for slot in slots})
    assert [(slot.index, slot.interval) for slot in slots[:3]] == [(7, HOUR), (8, HOUR), (49, 10 * MINUTE)]
    assert len(slots) == 8
    assert compiled.count(local(PARIS, "2026-06-10"), local(PARIS, "2026-06-11")) == 29


def test_a_camera_without_a_schedule_has_no_slots(timetable: Compile, local: Local) -> None:
    compiled = timetable()
    assert compiled.next(local(PARIS, "2026-06-10")) is None
    assert compiled.previous(local(PARIS, "2026-06-10")) is None
    assert compiled.count(local(PARIS, "2026-06-10"), local(PARIS, "2027-06-10")) == 0


@pytest.mark.parametrize(
    ("asked", "following", "preceding"),
    [
        pytest.param("08:00:00", "08:10:00", "07:50:00", id="exactly-on-a-slot-it-is-neither"),
        pytest.param("08:00:00.000001", "08:10:00", "08:00:00", id="a-microsecond-after"),
        pytest.param("07:59:59.999999", "08:00:00", "07:50:00", id="a-microsecond-before"),
    ],
)
def test_next_is_later_and_previous_is_earlier(
    timetable: Compile, local: Local, asked: str, following: str, preceding: str
) -> None:
    compiled, instant = timetable(TEN_MINUTES), local(PARIS, f"2026-06-10T{asked}")
    after, before = compiled.next(instant), compiled.previous(instant)
    assert after is not None
    assert before is not None
    assert after.at == local(PARIS, f"2026-06-10T{following}")
    assert before.at == local(PARIS, f"2026-06-10T{preceding}")


@pytest.mark.parametrize(
    ("begin", "end", "count"),
    [
        pytest.param("08:00:00", "08:10:00", 1, id="begin-belongs-to-it-and-end-does-not"),
        pytest.param("08:00:00.000001", "08:10:00", 0, id="a-microsecond-after-the-slot"),
        pytest.param("08:00:00", "08:10:00.000001", 2, id="a-microsecond-past-the-next"),
        pytest.param("08:00:00", "08:00:00", 0, id="no-length"),
        pytest.param("09:00:00", "08:00:00", 0, id="end-before-begin"),
    ],
)
def test_slots_are_those_from_begin_to_before_end(
    timetable: Compile, local: Local, begin: str, end: str, count: int
) -> None:
    compiled = timetable(TEN_MINUTES)
    ends = local(PARIS, f"2026-06-10T{begin}"), local(PARIS, f"2026-06-10T{end}")
    assert len(list(compiled.slots(*ends))) == compiled.count(*ends) == count


def test_an_event_replaces_the_schedule_while_it_lasts_and_ends_by_itself(timetable: Compile, local: Local) -> None:
    pour = Event(every=MINUTE, begin="2026-06-10T08:05", end="2026-06-10T08:20")
    compiled = timetable(Schedule(every=10 * MINUTE, begin="07:00", end="08:30"), event=[pour])
    found = [slot.at for slot in compiled.slots(local(PARIS, "2026-06-10T07:50"), local(PARIS, "2026-06-10T10:00"))]
    expected = ["07:50", "08:00", *(f"08:{minute:02}" for minute in range(5, 20)), "08:20"]
    assert [at.astimezone(ZoneInfo(PARIS)).strftime("%H:%M") for at in found] == expected


def test_an_event_may_be_slower_than_the_schedule_and_holds_outside_its_windows(
    timetable: Compile, day_of: DayOf
) -> None:
    slow = Event(every=12 * HOUR, begin="2026-06-12T00:00", end="2026-06-14T00:00")
    compiled = timetable(Schedule(every=HOUR, days="mon-fri"), event=[slow])
    assert day_of(compiled, PARIS, "2026-06-12") == ["00:00", "12:00"]  # a Friday
    assert day_of(compiled, PARIS, "2026-06-13") == ["00:00", "12:00"]
    assert len(day_of(compiled, PARIS, "2026-06-15")) == 24


def test_the_next_slot_is_looked_for_400_days_ahead_and_no_further(timetable: Compile, local: Local) -> None:
    event = Event(every=HOUR, begin="2026-06-10T00:00", end="2026-06-10T02:00")
    compiled = timetable(event=[event])
    first, last = compiled.next(local(PARIS, "2025-06-01")), compiled.previous(local(PARIS, "2027-06-01"))
    assert first is not None
    assert last is not None
    assert first.at == local(PARIS, "2026-06-10")
    assert last.at == local(PARIS, "2026-06-10T01:00")
    assert compiled.next(local(PARIS, "2025-05-01")) is None
    assert compiled.next(local(PARIS, "2026-06-10T01:00")) is None


@pytest.mark.parametrize(
    ("year", "sundays"),
    [
        pytest.param(2020, 52, id="a-year-with-week-53"),
        pytest.param(2023, 53, id="a-year-that-begins-and-ends-on-a-sunday"),
        pytest.param(2026, 52, id="the-next-year-with-week-53"),
        pytest.param(2028, 53, id="a-leap-year-with-53-sundays"),
    ],
)
def test_sundays_count_like_any_day_over_the_whole_year(
    timetable: Compile, local: Local, year: int, sundays: int
) -> None:
    compiled = timetable(Schedule(every=HOUR, days="sun", begin="10:00", end="12:00"))
    slots = list(compiled.slots(local(PARIS, f"{year}-01-01"), local(PARIS, f"{year + 1}-01-01")))
    assert len(slots) == 2 * sundays
    assert {slot.at.astimezone(ZoneInfo(PARIS)).isoweekday() for slot in slots} == {7}


def test_the_week_that_crosses_the_year_after_week_53_has_no_hole(timetable: Compile, local: Local) -> None:
    assert date(2021, 1, 3).isocalendar()[1] == 53
    compiled = timetable(Schedule(at=("12:00",), days="thu-sun"))
    found = [slot.at.date() for slot in compiled.slots(local(PARIS, "2020-12-30"), local(PARIS, "2021-01-08"))]
    assert found == [date(2020, 12, 31), date(2021, 1, 1), date(2021, 1, 2), date(2021, 1, 3), date(2021, 1, 7)]


def test_a_late_saturday_window_reaches_into_sunday(timetable: Compile, day_of: DayOf) -> None:
    compiled = timetable(Schedule(every=HOUR, days="sat", begin="22:00", end="02:00"))
    assert day_of(compiled, PARIS, "2026-06-13") == ["22:00", "23:00"]  # a Saturday
    assert day_of(compiled, PARIS, "2026-06-14") == ["00:00", "01:00"]
    assert day_of(compiled, PARIS, "2026-06-15") == []


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_a_year_of_ten_minute_slots_holds_each_ten_minutes_of_it_once(timetable: Compile, zone: str) -> None:
    slots = list(
        timetable(TEN_MINUTES, zone=zone).slots(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    )
    assert len(slots) == 52_560
    assert {after.at - before.at for before, after in pairwise(slots)} == {10 * MINUTE}


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        pytest.param(Schedule(), "neither every nor at", id="neither"),
        pytest.param(Schedule(every=HOUR, at=("12:00",)), "both every and at", id="both"),
        pytest.param(Schedule(every=HOUR, days="funday"), "'funday' is not a day", id="days"),
        pytest.param(Schedule(every=HOUR, begin="sunrise"), "latitude", id="sun-without-coordinates"),
    ],
)
def test_what_cannot_be_counted_is_refused_as_configuration(timetable: Compile, entry: Schedule, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        timetable(entry)


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "Europe", "", "../../etc/passwd", "/etc/localtime", "Europe/\0"])
def test_a_zone_that_does_not_exist_is_refused_as_configuration(timetable: Compile, zone: str) -> None:
    with pytest.raises(ConfigurationError, match="is not a known time zone"):
        timetable(TEN_MINUTES, zone=zone)
