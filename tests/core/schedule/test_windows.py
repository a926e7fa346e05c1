"""Windows as operators write them: days, times of the day, over midnight."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.schedule.slots import Timetable
from core.schedule.windows import SunWord, WallTime, Window, parse_bound, parse_days, parse_local
from core.site.model.cameras import Schedule

DayOf = Callable[[Timetable, str, str], list[str]]
Local = Callable[[str, str], datetime]
Compile = Callable[..., Timetable]

PARIS = "Europe/Paris"
HOUR = timedelta(hours=1)
SAINT_MALO = (48.64, -2.02)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("daily", "0123456"),
        ("mon", "0"),
        ("mon-sat", "012345"),
        ("mon,wed", "02"),
        ("sat-mon", "056"),
        ("sun-sun", "6"),
        ("mon-wed, sat", "0125"),
        (" tue ", "1"),
    ],
)
def test_days_of_the_week(text: str, days: str) -> None:
    assert parse_days(text) == frozenset(map(int, days))


@pytest.mark.parametrize("text", ["", "monday", "Mon", "mon-", "-mon", "mon,,tue", "mon-tue-wed", "daily,mon", "1-5"])
def test_other_words_for_days_are_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match='is not a day; write "daily"'):
        parse_days(text)


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("00:00", WallTime(0)),
        ("07:30", WallTime(27_000)),
        ("23:59", WallTime(86_340)),
        ("24:00", WallTime(86_400)),
        ("sunrise", SunWord("sunrise")),
        ("sunrise-30m", SunWord("sunrise", -1_800)),
        ("sunset + 1h30m", SunWord("sunset", 5_400)),
        ("dusk+12h", SunWord("dusk", 43_200)),
    ],
)
def test_times_of_the_day(text: str, bound: object) -> None:
    assert parse_bound(text, end=True) == bound


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("7:30", "is not a time of day", id="one-digit-hour"),
        pytest.param("12:60", "between", id="sixtieth-minute"),
        pytest.param("24:00", '"23:59"', id="24-only-ends-a-window"),
        pytest.param("24:01", "between", id="past-midnight"),
        pytest.param("99:00", "between", id="no-such-hour"),
        pytest.param("", "is not a time of day", id="empty"),
        pytest.param("sunup", "is not a time of day", id="no-such-word"),
        pytest.param("sunrise-30", "is not a duration", id="offset-without-unit"),
        pytest.param("sunrise-", "is not a time of day", id="offset-without-number"),
        pytest.param("sunrise-13h", "at most 12h", id="offset-too-long"),
        pytest.param("sunrise--5m", "is not a duration", id="two-signs"),
        pytest.param("\u0661\u0662:\u0660\u0660", "is not a time of day", id="other-digits"),
    ],
)
def test_other_times_are_refused_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_bound(text)


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2026-13-01T00:00", "2026-06-10T08:00Z", "2026-06-10T08:00+02:00", "1969-12-31", "9999-12-31"],
)
def test_a_local_date_and_time_needs_its_form_and_no_zone(text: str) -> None:
    with pytest.raises(ValueError, match="is not a local date and time"):
        parse_local(text)


@pytest.mark.parametrize(
    ("begin", "end", "over"),
    [
        ("08:00", "18:00", False),
        ("22:00", "02:00", True),
        ("08:00", "08:00", True),
        ("00:00", "24:00", False),
        ("08:00", "00:00", True),
        ("sunrise", "sunset", False),
        ("sunset", "sunrise", True),
        ("dusk", "dawn", True),
        ("sunset-1h", "sunset+1h", False),
        ("noon", "noon", True),
        ("sunset", "23:00", False),
        ("sunset", "02:00", True),
        ("20:00", "sunrise", True),
        ("05:00", "sunrise", False),
        ("16:00", "sunset", False),
        ("sunrise", "09:00", False),
    ],
)
def test_a_window_runs_over_midnight_when_its_end_is_not_after_its_begin(begin: str, end: str, over: bool) -> None:
    assert Window(begin=parse_bound(begin), end=parse_bound(end, end=True)).over_midnight is over


@pytest.mark.parametrize(
    ("begin", "end", "first", "last", "count"),
    [
        pytest.param("08:00", "18:00", "08:00", "17:00", 10, id="its-begin-belongs-to-it-its-end-does-not"),
        pytest.param("08:00", "08:00", "00:00", "23:00", 24, id="a-whole-day-from-eight-to-eight"),
        pytest.param("22:00", "02:00", "00:00", "23:00", 4, id="over-midnight"),
        pytest.param("08:00", None, "08:00", "23:00", 16, id="without-end-until-midnight"),
        pytest.param(None, "08:00", "00:00", "07:00", 8, id="without-begin-from-midnight"),
        pytest.param("08:00", "24:00", "08:00", "23:00", 16, id="until-midnight"),
        pytest.param("08:00", "00:00", "08:00", "23:00", 16, id="until-the-next-midnight"),
        pytest.param("08:00", "09:01", "08:00", "09:00", 2, id="a-minute-past"),
        pytest.param("07:59", "08:59", "08:00", "08:00", 1, id="a-minute-before"),
    ],
)
def test_hourly_slots_in_a_window(
    timetable: Compile, day_of: DayOf, begin: str | None, end: str | None, first: str, last: str, count: int
) -> None:
    times = day_of(timetable(Schedule(every=HOUR, begin=begin, end=end)), PARIS, "2026-06-10")
    assert (times[0], times[-1], len(times)) == (first, last, count)


@pytest.mark.parametrize(
    ("begin", "end", "day", "count"),
    [
        pytest.param("sunset", "20:00", "2026-06-21", 0, id="sunset-after-the-end-is-no-window"),
        pytest.param("sunset", "20:00", "2026-12-21", 2, id="sunset-before-the-end"),
        pytest.param("07:00", "sunrise", "2026-06-21", 0, id="sunrise-before-the-begin-is-no-window"),
        pytest.param("07:00", "sunrise", "2026-12-21", 2, id="sunrise-after-the-begin"),
    ],
)
def test_a_clock_time_and_the_sun_may_leave_nothing_between_them(
    timetable: Compile, day_of: DayOf, begin: str, end: str, day: str, count: int
) -> None:
    compiled = timetable(Schedule(every=HOUR, begin=begin, end=end), place=SAINT_MALO)
    assert len(day_of(compiled, PARIS, day)) == count


def test_the_day_of_a_window_over_midnight_is_the_one_it_begins_on(timetable: Compile, local: Local) -> None:
    compiled = timetable(Schedule(every=HOUR, days="fri", begin="20:00", end="06:00"))
    slots = [
        slot.at.astimezone(ZoneInfo(PARIS))
        for slot in compiled.slots(local(PARIS, "2026-06-08"), local(PARIS, "2026-06-15"))
    ]
    assert [slot.strftime("%a %H") for slot in slots] == [
        *(f"Fri {hour}" for hour in range(20, 24)),
        *(f"Sat {hour:02}" for hour in range(6)),
    ]
