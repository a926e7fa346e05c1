"""What holds for every schedule, in zones with all kinds of clock changes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from core.schedule.slots import Slot, Timetable
from core.site.model.cameras import Event, Schedule

Compile = Callable[..., Timetable]

ZONES = (
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Havana",
    "Asia/Beirut",
    "America/St_Johns",
    "Pacific/Apia",
)
NEAR_CHANGES = st.sampled_from(
    [
        datetime(2011, 12, 29, tzinfo=UTC),
        datetime(2010, 11, 6, tzinfo=UTC),
        *(
            datetime(2026, month, day, tzinfo=UTC)
            for month, day in [(3, 7), (3, 28), (4, 4), (10, 3), (10, 24), (10, 31)]
        ),
        datetime(2026, 12, 30, tzinfo=UTC),
    ]
)
CLOCK = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
BOUND = st.none() | CLOCK | st.sampled_from(["dawn", "sunrise-30m", "noon", "sunset+1h", "dusk"])
DAYS = st.sampled_from(["daily", "mon-fri", "sat,sun", "sun", "fri-mon"])
EVERY = st.sampled_from([59, 300, 420, 600, 3_600, 5_400, 25_200, 86_400]) | st.integers(60, 86_400)
SCHEDULE = st.builds(
    Schedule,
    every=EVERY.map(lambda seconds: timedelta(seconds=seconds)),
    offset=(st.just(0) | st.integers(0, 86_399)).map(lambda seconds: timedelta(seconds=seconds)),
    days=DAYS,
    begin=BOUND,
    end=BOUND,
) | st.builds(Schedule, at=st.lists(CLOCK | st.sampled_from(["noon", "sunset-90m"]), min_size=1).map(tuple), days=DAYS)
EVENT = st.builds(
    lambda day, hours: Event(every=timedelta(minutes=13), begin=f"2026-{day}T02:30", end=f"2026-{day}T{hours:02}:30"),
    st.sampled_from(["03-08", "03-29", "10-25", "11-01"]),
    st.integers(3, 23),
)
SCHEDULES = st.lists(SCHEDULE, min_size=1, max_size=3)
HOURS = st.integers(0, 72 * 3_600).map(lambda seconds: timedelta(seconds=seconds))
PLACE = (59.3, 18.1)


@settings(max_examples=60, deadline=None)
@given(SCHEDULES, st.lists(EVENT, max_size=1), st.sampled_from(ZONES), NEAR_CHANGES, HOURS, HOURS)
def test_slots_are_sorted_and_unique_and_splitting_the_time_changes_nothing(
    timetable: Compile,
    schedules: list[Schedule],
    events: list[Event],
    zone: str,
    begin: datetime,
    split: timedelta,
    length: timedelta,
) -> None:
    compiled = timetable(*schedules, zone=zone, event=events, place=PLACE)
    end = begin + max(split, length)
    slots = list(compiled.slots(begin, end))
    instants = [slot.at for slot in slots]
    assert instants == sorted(set(instants))
    assert all(begin <= at < end for at in instants)
    assert slots == [*compiled.slots(begin, begin + split), *compiled.slots(begin + split, end)]
    assert compiled.count(begin, end) == len(slots)
    assert slots == list(timetable(*schedules, zone=zone, event=events, place=PLACE).slots(begin, end))
    assert all(slot.interval >= timedelta(seconds=1) and slot.index >= 0 for slot in slots)


@settings(max_examples=60, deadline=None)
@given(SCHEDULES, st.lists(EVENT, max_size=1), st.sampled_from(ZONES), NEAR_CHANGES)
def test_next_and_previous_walk_the_same_slots(
    timetable: Compile, schedules: list[Schedule], events: list[Event], zone: str, begin: datetime
) -> None:
    compiled = timetable(*schedules, zone=zone, event=events, place=PLACE)
    end = begin + timedelta(days=2)
    slots = list(compiled.slots(begin, end))[:500]
    forward = walk(compiled, begin - timedelta(microseconds=1), len(slots))
    assert forward == slots
    for earlier, later in itertools.pairwise(slots):
        assert compiled.previous(later.at) == earlier


def walk(compiled: Timetable, after: datetime, count: int) -> list[Slot | None]:
    found: list[Slot | None] = []
    for _ in range(count):
        slot = compiled.next(after)
        found.append(slot)
        assert slot is not None
        after = slot.at
    return found


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([300, 600, 1_020, 5_400]),
    st.sampled_from([0, 90, 7_200, 80_000]),
    st.none() | CLOCK,
    st.none() | CLOCK,
    DAYS,
    st.sampled_from(ZONES),
    NEAR_CHANGES,
)
def test_slots_are_those_of_the_count_at_which_the_wall_clock_shows_a_time_of_the_window(
    timetable: Compile,
    every: int,
    offset: int,
    opens: str | None,
    closes: str | None,
    days: str,
    zone: str,
    begin: datetime,
) -> None:
    entry = Schedule(
        every=timedelta(seconds=every), offset=timedelta(seconds=offset), begin=opens, end=closes, days=days
    )
    end = begin + timedelta(days=3)
    found = [slot.at for slot in timetable(entry, zone=zone).slots(begin, end)]
    expected = [
        at
        for at in counted(ZoneInfo(zone), begin, end, timedelta(seconds=every), timedelta(seconds=offset))
        if inside(at.astimezone(ZoneInfo(zone)), opens or "00:00", closes, days)
    ]
    assert found == expected


def counted(zone: ZoneInfo, begin: datetime, end: datetime, every: timedelta, offset: timedelta) -> Iterator[datetime]:
    """Count as the text says, looking at the wall clock of every minute for the local midnights."""
    minutes = [begin + timedelta(minutes=n) for n in range(-3 * 1_440, 6 * 1_440)]
    seen, origins = minutes[0].astimezone(zone).date(), []
    for minute in minutes:
        if minute.astimezone(zone).date() > seen:
            seen = minute.astimezone(zone).date()
            origins.append(minute + offset)
    for origin, renewal in itertools.pairwise(origins):
        at = origin
        while at < renewal:
            if begin <= at < end:
                yield at
            at += every


def inside(wall: datetime, opens: str, closes: str | None, days: str) -> bool:
    shown, chosen = (
        wall.strftime("%H:%M"),
        {
            "daily": {1, 2, 3, 4, 5, 6, 7},
            "mon-fri": {1, 2, 3, 4, 5},
            "sat,sun": {6, 7},
            "sun": {7},
            "fri-mon": {5, 6, 7, 1},
        }[days],
    )
    closes = closes or "24:00"
    yesterday = (wall.date() - timedelta(days=1)).isoweekday()
    exists = (wall.date() - timedelta(days=1)).isoformat() != "2011-12-30" or wall.tzinfo != ZoneInfo("Pacific/Apia")
    if opens < closes:
        return wall.isoweekday() in chosen and opens <= shown < closes
    return (wall.isoweekday() in chosen and shown >= opens) or (yesterday in chosen and exists and shown < closes)
