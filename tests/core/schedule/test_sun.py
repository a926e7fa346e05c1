"""Windows by the sun follow it through the year, and stay sensible where it does not set or rise."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import asin, atan2, cos, degrees, radians, sin
from zoneinfo import ZoneInfo

import pytest

from core.schedule.days import LocalDays
from core.schedule.slots import Timetable
from core.schedule.sun import WORDS, Sun
from core.site.model.cameras import Schedule

Local = Callable[[str, str], datetime]
Compile = Callable[..., Timetable]

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SAINT_MALO = (48.64, -2.02)
TROMSO = (69.65, 18.96)
POLE = (-90.0, 0.0)
DAYLIGHT = Schedule(every=10 * MINUTE, begin="sunrise", end="sunset")
NIGHT = Schedule(every=10 * MINUTE, begin="sunset", end="sunrise")


def times(place: tuple[float, float], zone: str, day: date) -> dict[str, datetime]:
    sun = Sun(*place, LocalDays(zone))
    return {word: datetime.fromtimestamp(sun.time(day.toordinal(), word).seconds, ZoneInfo(zone)) for word in WORDS}


def altitude(place: tuple[float, float], at: datetime) -> float:
    """Return the sun's geometric altitude in degrees (the Astronomical Almanac's low-precision formulas, 0.01 deg)."""
    n = at.timestamp() / 86_400 + 2_440_587.5 - 2_451_545.0
    mean, anomaly = 280.460 + 0.9856474 * n, radians(357.528 + 0.9856003 * n)
    ecliptic, tilt = radians(mean + 1.915 * sin(anomaly) + 0.020 * sin(2 * anomaly)), radians(23.439 - 4e-7 * n)
    declination = asin(sin(tilt) * sin(ecliptic))
    ascension = atan2(cos(tilt) * sin(ecliptic), cos(ecliptic))
    hour_angle = radians(280.46061837 + 360.98564736629 * n + place[1]) - ascension
    latitude = radians(place[0])
    return degrees(asin(sin(latitude) * sin(declination) + cos(latitude) * cos(declination) * cos(hour_angle)))


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        pytest.param((51.4769, 0.0), "Europe/London", id="greenwich"),
        pytest.param((40.71, -74.01), "America/New_York", id="new-york"),
        pytest.param((-36.85, 174.76), "Pacific/Auckland", id="auckland-far-east"),
        pytest.param((21.31, -157.86), "Pacific/Honolulu", id="honolulu-far-west"),
        pytest.param((-13.83, -171.76), "Pacific/Apia", id="apia-a-day-ahead-of-its-longitude"),
        pytest.param((27.7, 85.3), "Asia/Kathmandu", id="kathmandu"),
        pytest.param((64.15, -21.94), "Atlantic/Reykjavik", id="reykjavik-far-north"),
    ],
)
def test_the_sun_stands_where_each_word_says_on_every_day_of_a_year(place: tuple[float, float], zone: str) -> None:
    heights = {"dawn": -6.0, "sunrise": -0.833, "sunset": -0.833, "dusk": -6.0}  # USNO's definitions, degrees
    for n in range(0, 366, 5):
        found = times(place, zone, date(2024, 1, 1) + timedelta(days=n))
        for word, height in heights.items():
            if word in ("dawn", "dusk") and altitude(place, found["noon"] - 12 * HOUR) > -7:
                continue  # twilight all night
            assert altitude(place, found[word]) == pytest.approx(height, abs=0.2), (word, n)
        around = [altitude(place, found["noon"] + timedelta(minutes=minutes)) for minutes in (-20, 0, 20)]
        assert max(around) == around[1]


@pytest.mark.parametrize("zone", ["Europe/Paris", "Pacific/Apia", "Pacific/Auckland", "America/Anchorage"])
def test_dawn_sunrise_noon_sunset_and_dusk_come_in_this_order_on_each_day_of_a_year(zone: str) -> None:
    place = {"Europe/Paris": SAINT_MALO, "Pacific/Apia": (-13.8, -171.8), "Pacific/Auckland": (-36.9, 174.8)}
    for n in range(366):
        day = date(2024, 1, 1) + timedelta(days=n)
        found = times(place.get(zone, (58.3, -134.4)), zone, day)
        assert sorted(found, key=found.__getitem__) == list(WORDS)
        assert found["noon"].date() == day


def test_a_window_by_the_sun_follows_it_with_its_offsets(timetable: Compile, local: Local) -> None:
    entry = Schedule(every=MINUTE, begin="sunrise-30m", end="sunset+1h")
    compiled = timetable(entry, place=SAINT_MALO)
    slots = [
        slot.at for slot in compiled.slots(local("Europe/Paris", "2026-06-21"), local("Europe/Paris", "2026-06-22"))
    ]
    sun = times(SAINT_MALO, "Europe/Paris", date(2026, 6, 21))
    assert timedelta(0) <= slots[0] - (sun["sunrise"] - 30 * MINUTE) < MINUTE
    assert timedelta(0) < sun["sunset"] + HOUR - slots[-1] <= MINUTE


def test_a_picture_at_noon_is_taken_when_the_sun_is_highest(timetable: Compile, local: Local) -> None:
    compiled = timetable(Schedule(at=("noon", "sunset-10m")), place=SAINT_MALO)
    slots = list(compiled.slots(local("Europe/Paris", "2026-06-21"), local("Europe/Paris", "2026-06-22")))
    assert [slot.at.astimezone(ZoneInfo("Europe/Paris")).hour for slot in slots] == [14, 22]
    assert [slot.index for slot in slots] == [0, 1]


@pytest.mark.parametrize(
    ("day", "light", "night"),
    [
        pytest.param("2026-03-20", 73, 71, id="equinox"),
        pytest.param("2026-06-21", 144, 0, id="the-sun-never-sets"),
        pytest.param("2026-12-21", 0, 144, id="the-sun-never-rises"),
    ],
)
def test_polar_day_is_all_light_and_polar_night_has_none(
    timetable: Compile, local: Local, day: str, light: int, night: int
) -> None:
    begin = local("Europe/Oslo", day)
    for entry, count in ((DAYLIGHT, light), (NIGHT, night)):
        compiled = timetable(entry, zone="Europe/Oslo", place=TROMSO)
        assert compiled.count(begin, begin + timedelta(days=1)) == pytest.approx(count, abs=1)


def test_offsets_do_not_open_a_window_in_polar_night_nor_cut_one_in_polar_day(timetable: Compile, local: Local) -> None:
    wide = timetable(Schedule(every=10 * MINUTE, begin="sunrise-1h", end="sunset+1h"), zone="Europe/Oslo", place=TROMSO)
    narrow = timetable(
        Schedule(every=10 * MINUTE, begin="sunrise+1h", end="sunset-1h"), zone="Europe/Oslo", place=TROMSO
    )
    assert wide.count(local("Europe/Oslo", "2026-12-21"), local("Europe/Oslo", "2026-12-22")) == 0
    assert narrow.count(local("Europe/Oslo", "2026-06-21"), local("Europe/Oslo", "2026-06-22")) == 144


def test_in_polar_night_there_is_still_twilight(timetable: Compile, local: Local) -> None:
    compiled = timetable(Schedule(every=10 * MINUTE, begin="dawn", end="dusk"), zone="Europe/Oslo", place=TROMSO)
    count = compiled.count(local("Europe/Oslo", "2026-12-21"), local("Europe/Oslo", "2026-12-22"))
    assert 18 <= count <= 30


def test_a_picture_at_sunset_is_not_taken_on_days_without_one(timetable: Compile, local: Local) -> None:
    compiled = timetable(Schedule(at=("sunset",)), zone="Europe/Oslo", place=TROMSO)
    assert compiled.count(local("Europe/Oslo", "2026-06-01"), local("Europe/Oslo", "2026-07-01")) == 0
    assert compiled.count(local("Europe/Oslo", "2026-12-01"), local("Europe/Oslo", "2027-01-01")) == 0
    year = compiled.count(local("Europe/Oslo", "2026-01-01"), local("Europe/Oslo", "2027-01-01"))
    assert 230 < year < 260


def test_light_and_night_share_every_slot_of_a_polar_year_between_them(timetable: Compile, local: Local) -> None:
    begin, end = local("Europe/Oslo", "2026-01-01"), local("Europe/Oslo", "2027-01-01")
    light, night = (
        {slot.at for slot in timetable(entry, zone="Europe/Oslo", place=TROMSO).slots(begin, end)}
        for entry in (DAYLIGHT, NIGHT)
    )
    assert not light & night
    assert 52_560 - len(light | night) < 150  # around midnight where polar day begins and ends


def test_the_days_grow_and_shrink_without_a_leap_over_a_polar_year(timetable: Compile, local: Local) -> None:
    compiled = timetable(DAYLIGHT, zone="Europe/Oslo", place=TROMSO)
    begin = local("Europe/Oslo", "2026-01-01")
    counts = [compiled.count(begin + timedelta(days=n), begin + timedelta(days=n + 1)) for n in range(364)]
    leaps = [abs(after - before) for before, after in pairwise(counts)]
    assert max(leaps) <= 16
    assert {0, 144} <= set(counts)


def test_the_pole_has_one_day_and_one_night_a_year(timetable: Compile) -> None:
    compiled = timetable(DAYLIGHT, zone="Antarctica/McMurdo", place=POLE)
    counts = [
        compiled.count(day, day + timedelta(days=1))
        for day in (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 6, 12))
    ]
    assert counts == [144, 0, 144]


def test_a_night_in_june_that_begins_after_midnight_belongs_to_the_day_before(timetable: Compile, local: Local) -> None:
    reykjavik = (64.15, -21.94)
    found = times(reykjavik, "Atlantic/Reykjavik", date(2026, 6, 21))
    assert found["sunset"].date() == date(2026, 6, 22)
    compiled = timetable(NIGHT, zone="Atlantic/Reykjavik", place=reykjavik)
    assert (
        compiled.count(local("Atlantic/Reykjavik", "2026-06-21T12:00"), local("Atlantic/Reykjavik", "2026-06-22T12:00"))
        == 17
    )


def test_a_schedule_without_the_sun_does_not_load_the_almanac() -> None:
    code = """
import sys
from datetime import UTC, datetime, timedelta
from core.schedule.slots import Timetable
from core.site.model.cameras import Camera, FolderSource, Schedule
source = FolderSource(kind="folder", path="in")
camera = Camera(name="north", source=source, schedule=(Schedule(every=timedelta(hours=1)),))
Timetable(camera, "Europe/Paris", 48.6, -2.0).next(datetime(2026, 1, 1, tzinfo=UTC))
print("astral" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
