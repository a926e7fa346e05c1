"""Twice a year the wall clock jumps; slots are instants and follow it without loss or doubles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.schedule.slots import Timetable
from core.site.model.cameras import Event, Schedule

DayOf = Callable[[Timetable, str, str], list[str]]
Local = Callable[[str, str], datetime]
Compile = Callable[..., Timetable]

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
HALF_HOURS = Schedule(every=30 * MINUTE)

# zone, the day, its half hours, and how its wall clock reads around the change
CHANGES = [
    pytest.param("Europe/Paris", "2026-03-29", 46, "01:30 03:00", id="paris-forward"),
    pytest.param("Europe/Paris", "2026-10-25", 50, "02:00 02:30 02:00 02:30 03:00", id="paris-back"),
    pytest.param("America/New_York", "2026-03-08", 46, "01:30 03:00", id="new-york-forward"),
    pytest.param("America/New_York", "2026-11-01", 50, "01:00 01:30 01:00 01:30 02:00", id="new-york-back"),
    pytest.param("Australia/Lord_Howe", "2026-10-04", 47, "01:30 02:30", id="lord-howe-forward-half-an-hour"),
    pytest.param("Australia/Lord_Howe", "2026-04-05", 49, "01:30 01:30 02:00", id="lord-howe-back-half-an-hour"),
    pytest.param("America/Havana", "2026-03-08", 46, "01:00 01:30", id="havana-skips-midnight"),
    pytest.param("America/Havana", "2026-11-01", 50, "00:00 00:30 00:00 00:30 01:00", id="havana-repeats-midnight"),
    pytest.param("Asia/Beirut", "2026-03-29", 46, "01:00 01:30", id="beirut-skips-midnight"),
    pytest.param("Asia/Beirut", "2026-10-24", 50, "23:00 23:30 23:00 23:30", id="beirut-repeats-the-last-hour"),
    pytest.param("Asia/Kathmandu", "2026-03-29", 48, "02:30 03:00", id="kathmandu-never-changes"),
]


@pytest.mark.parametrize(("zone", "day", "count", "around"), CHANGES)
def test_the_day_of_a_change_has_as_many_slots_as_time(
    timetable: Compile, day_of: DayOf, zone: str, day: str, count: int, around: str
) -> None:
    times = day_of(timetable(HALF_HOURS, zone=zone), zone, day)
    assert len(times) == count
    assert around in " ".join(times)


def test_a_skipped_hour_has_no_slot_and_a_repeated_one_has_two_instants(timetable: Compile, local: Local) -> None:
    compiled = timetable(Schedule(at=("02:30",)))
    days = compiled.slots(local("Europe/Paris", "2026-03-28"), local("Europe/Paris", "2026-03-31"))
    assert [slot.at.day for slot in days] == [28, 30]
    autumn = compiled.slots(local("Europe/Paris", "2026-10-25"), local("Europe/Paris", "2026-10-26"))
    assert [slot.at for slot in autumn] == [
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ]


def test_intervals_count_elapsed_time_so_their_wall_clock_shifts_until_the_next_midnight(
    timetable: Compile, day_of: DayOf
) -> None:
    six_hours = timetable(Schedule(every=6 * HOUR))
    assert day_of(six_hours, "Europe/Paris", "2026-03-29") == ["00:00", "07:00", "13:00", "19:00"]
    assert day_of(six_hours, "Europe/Paris", "2026-03-30") == ["00:00", "06:00", "12:00", "18:00"]
    assert day_of(six_hours, "Europe/Paris", "2026-10-25") == ["00:00", "05:00", "11:00", "17:00", "23:00"]


def test_the_interval_before_midnight_is_the_short_one_on_a_changed_day(timetable: Compile, local: Local) -> None:
    compiled = timetable(Schedule(every=24 * HOUR))
    slots = list(compiled.slots(local("Europe/Paris", "2026-10-24"), local("Europe/Paris", "2026-10-27")))
    assert [slot.interval for slot in slots] == [24 * HOUR, 24 * HOUR, HOUR, 24 * HOUR]
    spring = compiled.next(local("Europe/Paris", "2026-03-28T12:00"))
    assert spring is not None
    assert spring.interval == 23 * HOUR


@pytest.mark.parametrize(
    ("day", "begin", "end", "times"),
    [
        pytest.param("2026-03-29", "02:15", "04:00", ["03:00", "03:30"], id="begins-in-the-skipped-hour"),
        pytest.param("2026-03-29", "00:30", "02:30", ["00:30", "01:00", "01:30"], id="ends-in-the-skipped-hour"),
        pytest.param("2026-03-29", "02:10", "02:50", [], id="lies-in-the-skipped-hour"),
        pytest.param("2026-10-25", "02:30", "03:30", ["02:30", "02:30", "03:00"], id="begins-in-the-repeated-hour"),
        pytest.param("2026-10-25", "01:30", "02:30", ["01:30", "02:00", "02:00"], id="ends-in-the-repeated-hour"),
        pytest.param("2026-10-25", "02:00", "02:30", ["02:00", "02:00"], id="lies-in-the-repeated-hour"),
    ],
)
def test_a_window_is_open_while_the_wall_clock_shows_a_time_in_it(
    timetable: Compile, day_of: DayOf, day: str, begin: str, end: str, times: list[str]
) -> None:
    compiled = timetable(Schedule(every=30 * MINUTE, begin=begin, end=end))
    assert day_of(compiled, "Europe/Paris", day) == times


def test_a_window_over_midnight_is_right_when_midnight_itself_is_skipped_or_repeated(
    timetable: Compile, local: Local
) -> None:
    compiled = timetable(Schedule(every=30 * MINUTE, begin="23:00", end="00:30"), zone="America/Havana")

    def night(day: str, after: str) -> list[str]:
        slots = compiled.slots(local("America/Havana", f"{day}T12:00"), local("America/Havana", f"{after}T12:00"))
        return [slot.at.astimezone(ZoneInfo("America/Havana")).strftime("%H:%M") for slot in slots]

    assert night("2026-03-06", "2026-03-07") == ["23:00", "23:30", "00:00"]
    assert night("2026-03-07", "2026-03-08") == ["23:00", "23:30"]
    assert night("2026-10-31", "2026-11-01") == ["23:00", "23:30", "00:00", "00:00"]


def test_a_day_that_a_zone_skipped_has_no_slots_and_takes_none_from_its_neighbours(
    timetable: Compile, local: Local
) -> None:
    zone = "Pacific/Apia"  # went from 29 to 31 December 2011
    compiled = timetable(Schedule(every=6 * HOUR), zone=zone)
    slots = list(compiled.slots(local(zone, "2011-12-29"), local(zone, "2012-01-01")))
    shown = [slot.at.astimezone(ZoneInfo(zone)).strftime("%d %H") for slot in slots]
    assert shown == ["29 00", "29 06", "29 12", "29 18", "31 00", "31 06", "31 12", "31 18"]
    assert [slot.index for slot in slots] == [0, 1, 2, 3, 0, 1, 2, 3]
    assert {slot.interval for slot in slots} == {6 * HOUR}


def test_windows_and_weekdays_ignore_a_skipped_day(timetable: Compile, local: Local) -> None:
    zone = "Pacific/Apia"
    fridays = timetable(Schedule(at=("12:00",), days="fri"), zone=zone)
    assert [
        slot.at.astimezone(ZoneInfo(zone)).day
        for slot in fridays.slots(local(zone, "2011-12-20"), local(zone, "2012-01-10"))
    ] == [23, 6]
    nights = timetable(Schedule(every=HOUR, begin="22:00", end="02:00"), zone=zone)
    shown = [
        slot.at.astimezone(ZoneInfo(zone)).strftime("%d %H")
        for slot in nights.slots(local(zone, "2011-12-29T12:00"), local(zone, "2012-01-01T12:00"))
    ]
    assert shown == ["29 22", "29 23", "31 22", "31 23", "01 00", "01 01"]


def test_a_clock_that_goes_back_over_midnight_still_counts_each_instant_once(timetable: Compile) -> None:
    zone = "America/St_Johns"  # until 2011 it went from 00:01 back to 23:01 of the day before
    begin, end = datetime(2010, 11, 6, tzinfo=UTC), datetime(2010, 11, 9, tzinfo=UTC)
    assert timetable(Schedule(every=10 * MINUTE), zone=zone).count(begin, end) == 3 * 144
    saturday = timetable(Schedule(every=10 * MINUTE, days="sat"), zone=zone)
    sunday = timetable(Schedule(every=10 * MINUTE, days="sun"), zone=zone)
    first, second = ({slot.at for slot in half.slots(begin, end)} for half in (saturday, sunday))
    assert not first & second
    assert all(at.astimezone(ZoneInfo(zone)).isoweekday() == 6 for at in first)
    assert all(at.astimezone(ZoneInfo(zone)).isoweekday() == 7 for at in second)


@pytest.mark.parametrize(
    ("begin", "end", "count"),
    [
        pytest.param("2026-10-25T02:00", "2026-10-25T03:00", 120, id="both-of-a-repeated-hour"),
        pytest.param("2026-03-29T01:30", "2026-03-29T02:30", 30, id="until-the-skipped-hour"),
        pytest.param("2026-03-29T02:30", "2026-03-29T03:30", 30, id="from-the-skipped-hour"),
    ],
)
def test_an_event_over_a_change_lasts_from_its_first_begin_to_its_last_end(
    timetable: Compile, local: Local, begin: str, end: str, count: int
) -> None:
    compiled = timetable(event=[Event(every=MINUTE, begin=begin, end=end)])
    year = local("Europe/Paris", "2026-01-01"), local("Europe/Paris", "2027-01-01")
    assert compiled.count(*year) == count


@pytest.mark.parametrize(
    "zone",
    ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana", "Asia/Beirut"],
)
def test_over_years_every_slot_of_a_day_window_reads_as_the_schedule_says(
    timetable: Compile, local: Local, zone: str
) -> None:
    compiled = timetable(Schedule(every=15 * MINUTE, days="mon-sat", begin="07:30", end="19:00"), zone=zone)
    per_day: dict[date, int] = {}
    for slot in compiled.slots(local(zone, "2020-01-06"), local(zone, "2027-01-04")):  # 365 whole weeks
        wall = slot.at.astimezone(ZoneInfo(zone))
        assert wall.isoweekday() != 7
        assert (7, 30) <= (wall.hour, wall.minute) < (19, 0)
        assert wall.minute % 15 == 0
        per_day[wall.date()] = per_day.get(wall.date(), 0) + 1
    assert set(per_day.values()) == {46}
    assert len(per_day) == 365 * 6
