"""Windows of local time on days of the week, as text and as instants.

A slot lies in a window when the wall clock shows a time in it: an hour that the clock repeats counts both times, one
that it skips does not exist. A window belongs to the day on which it begins and may run over midnight.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.schedule.days import ALWAYS, DAY, LocalDays, Span, overlap
from core.schedule.sun import NEEDS_PLACE, WORDS, Sun
from core.units import parse_duration

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = frozenset(range(7))
MOST_OFFSET = timedelta(hours=12)  # of a sun word

_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2})")
_SUN = re.compile(rf"({'|'.join(WORDS)})(?:\s*([+-])\s*(\S+))?")
_HOUR = 3600
# How a sun word compares with a clock time in telling whether a window runs over midnight: as its begin, as its end.
_ABOUT = {
    "dawn": (4 * _HOUR, 12 * _HOUR),
    "sunrise": (4 * _HOUR, 12 * _HOUR),
    "noon": (11 * _HOUR, 14 * _HOUR),
    "sunset": (12 * _HOUR, 22 * _HOUR),
    "dusk": (12 * _HOUR, 22 * _HOUR),
}


@dataclass(frozen=True, slots=True)
class WallTime:
    """A time of the day as the wall clock shows it, in seconds past midnight."""

    second: int


@dataclass(frozen=True, slots=True)
class SunWord:
    """A time of the day by the sun, `offset` seconds later."""

    word: str
    offset: int = 0


Bound = WallTime | SunWord


@dataclass(frozen=True, slots=True)
class Window:
    """From `begin` to `end` on each of `days` (0 is Monday)."""

    days: frozenset[int] = EVERY_DAY
    begin: Bound = WallTime(0)
    end: Bound = WallTime(DAY)

    @property
    def over_midnight(self) -> bool:
        """Whether it ends on the day after the one it begins on."""
        begin, end = _order(self.begin, self.end)
        return end <= begin

    def spans(self, day: int, days: LocalDays, sun: Sun | None) -> list[Span]:
        """Return when it is open for having begun on local `day`; a day that the zone skipped begins none."""
        if (day - 1) % 7 not in self.days or days.start(day) == days.start(day + 1):
            return []
        last = day + 1 if self.over_midnight else day
        return overlap(_since(self.begin, day, days, sun), _until(self.end, last, days, sun))


def instants(bound: Bound, day: int, days: LocalDays, sun: Sun | None) -> list[int]:
    """Return when `bound` comes on local `day`: once, twice in a repeated hour, or not at all."""
    if days.start(day) == days.start(day + 1):
        return []
    if isinstance(bound, WallTime):
        moment = days.moment(day, bound.second)
        return sorted({moment.first, moment.last}) if moment.exists else []
    time = _the(sun).time(day, bound.word)
    return [time.seconds + bound.offset] if time.happens else []


def _since(bound: Bound, day: int, days: LocalDays, sun: Sun | None) -> list[Span]:
    if isinstance(bound, WallTime):
        return days.moment(day, bound.second).since()
    return [(_sun_bound(bound, day, sun), ALWAYS)]


def _until(bound: Bound, day: int, days: LocalDays, sun: Sun | None) -> list[Span]:
    if isinstance(bound, WallTime):
        return days.moment(day, bound.second).until()
    return [(-ALWAYS, _sun_bound(bound, day, sun))]


def _sun_bound(bound: SunWord, day: int, sun: Sun | None) -> int:
    time = _the(sun).time(day, bound.word)
    return time.seconds + (bound.offset if time.happens else 0)


def _the(sun: Sun | None) -> Sun:
    if sun is None:
        raise ValueError(NEEDS_PLACE)
    return sun


def _order(begin: Bound, end: Bound) -> tuple[tuple[int, int], tuple[int, int]]:
    if isinstance(begin, SunWord) and isinstance(end, SunWord):
        return (WORDS.index(begin.word), begin.offset), (WORDS.index(end.word), end.offset)
    return (_about(begin, 0), 0), (_about(end, 1), 0)


def _about(bound: Bound, as_end: int) -> int:
    return bound.second if isinstance(bound, WallTime) else _ABOUT[bound.word][as_end]


def parse_bound(text: str, end: bool = False) -> Bound:
    """Return the time of day that `text` says ("07:30", "sunrise-30m"; "24:00" only as an end); raise ValueError."""
    word = text.strip()
    if match := _CLOCK.fullmatch(word):
        return WallTime(_clock_seconds(word, int(match[1]), int(match[2]), end))
    match = _SUN.fullmatch(word)
    if match is None:
        raise ValueError(
            f'{text!r} is not a time of day; write "07:30", or dawn, sunrise, noon, sunset or dusk, such as "sunset+1h"'
        )
    return SunWord(match[1], _offset_seconds(match[2], match[3]))


def _clock_seconds(text: str, hour: int, minute: int, end: bool) -> int:
    seconds = hour * _HOUR + minute * 60
    if minute > 59 or seconds > DAY or (seconds == DAY and not end):
        until = '"24:00"' if end else '"23:59"'
        raise ValueError(f'{text!r} is not a time of day; write one between "00:00" and {until}')
    return seconds


def _offset_seconds(sign: str | None, text: str | None) -> int:
    if text is None:
        return 0
    offset = parse_duration(text)
    if offset > MOST_OFFSET:
        raise ValueError(f'"{text}" is too far from the sun\'s word; write at most 12h, or a clock time')
    return round(offset.total_seconds()) * (-1 if sign == "-" else 1)


def parse_days(text: str) -> frozenset[int]:
    """Return the days of the week that `text` says ("mon-sat", "mon,wed", "daily"), 0 for Monday; raise ValueError."""
    if text.strip() == "daily":
        return EVERY_DAY
    return frozenset(day for part in text.split(",") for day in _day_range(part.strip()))


def _day_range(text: str) -> Iterable[int]:
    first, dash, last = text.partition("-")
    begin = _weekday(first.strip())
    end = _weekday(last.strip()) if dash else begin
    return [(begin + step) % 7 for step in range((end - begin) % 7 + 1)]


def _weekday(text: str) -> int:
    if text not in WEEKDAYS:
        raise ValueError(
            f'{text!r} is not a day; write "daily", or mon, tue, wed, thu, fri, sat, sun, as in "mon-sat" or "mon,wed"'
        )
    return WEEKDAYS.index(text)


def parse_local(text: str) -> tuple[int, int]:
    """Return the local day (an ordinal) and the second in it that "2026-11-21T08:00" says; raise ValueError."""
    try:
        wall = datetime.fromisoformat(text.strip())
    except ValueError:
        wall = None
    if wall is None or wall.tzinfo is not None or wall.microsecond or not 1970 <= wall.year < 9999:
        raise ValueError(f'{text!r} is not a local date and time; write one such as "2026-11-21T08:00", without a zone')
    return wall.toordinal(), wall.hour * _HOUR + wall.minute * 60 + wall.second
