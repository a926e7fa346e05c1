"""The local days of a time zone, as stretches of UTC seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Span = tuple[int, int]  # seconds since the epoch, begin <= t < end

DAY = 86_400
ALWAYS = 1 << 40  # beyond any instant that a datetime can hold


@dataclass(frozen=True, slots=True)
class Moment:
    """When the wall clock shows a time of a day: once; twice in a repeated hour; never in a skipped one.

    `change` is the instant at which the clock was set: in a repeated hour first < change <= last, in a skipped one
    it is all three, and `exists` is False.
    """

    first: int
    last: int
    change: int
    exists: bool = True

    def since(self) -> list[Span]:
        """Return when the wall clock shows this time or a later one."""
        if self.first == self.last:
            return [(self.first, ALWAYS)]
        return [(self.first, self.change), (self.last, ALWAYS)]

    def until(self) -> list[Span]:
        """Return when the wall clock shows an earlier time."""
        if self.first == self.last:
            return [(-ALWAYS, self.first)]
        return [(-ALWAYS, self.first), (self.change, self.last)]


class LocalDays:
    """The calendar of one zone; days are proleptic ordinals as in `date.toordinal`.

    A day runs from the first instant at which the wall clock shows its midnight (or what follows, where the clock
    skips midnight) until the next day's. A day that the zone skipped has no length.
    """

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self.start = lru_cache(maxsize=64)(self._start)

    def _start(self, day: int) -> int:
        return self.moment(day, 0).first

    def day_of(self, seconds: int) -> int:
        """Return the day in which an instant lies."""
        day = datetime.fromtimestamp(seconds, self._zone).toordinal()
        while seconds < self.start(day):
            day -= 1
        while seconds >= self.start(day + 1):
            day += 1
        return day

    def moment(self, day: int, second: int) -> Moment:
        """Return when the wall clock of `day` shows `second` seconds past midnight; 86400 is the next midnight."""
        wall = datetime.fromordinal(day) + timedelta(seconds=second)
        early, late = (self._seconds(wall, fold) for fold in (0, 1))
        if early == late:
            return Moment(early, early, early)
        change = self._change(min(early, late), max(early, late))
        if early < late:
            return Moment(early, late, change)
        return Moment(change, change, change, exists=False)

    def _seconds(self, wall: datetime, fold: int) -> int:
        return int(wall.replace(tzinfo=self._zone, fold=fold).timestamp())

    def _change(self, before: int, after: int) -> int:
        """Return the instant in before < t <= after at which the zone's offset changes."""
        offset = self._offset(before)
        while after - before > 1:
            middle = (before + after) // 2
            if self._offset(middle) == offset:
                before = middle
            else:
                after = middle
        return after

    def _offset(self, seconds: int) -> timedelta | None:
        return datetime.fromtimestamp(seconds, UTC).astimezone(self._zone).utcoffset()


def zone_problem(zone: str) -> str | None:
    """Return what is wrong with the name of a time zone, and what to write instead."""
    try:
        LocalDays(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones, such as "Europe"
        return f'{zone!r} is not a known time zone; write one by region and city, such as "Europe/Paris", or "UTC"'
    return None


def overlap(left: Iterable[Span], right: Iterable[Span]) -> list[Span]:
    """Return what lies in both, in the order of `left`."""
    others = list(right)
    both = [(max(a, c), min(b, d)) for a, b in left for c, d in others]
    return [(begin, end) for begin, end in both if begin < end]


def union(spans: Iterable[Span]) -> list[Span]:
    """Return the same time as spans in order that neither touch nor overlap."""
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif begin < end:
            joined.append((begin, end))
    return joined


def without(spans: Iterable[Span], removed: Iterable[Span]) -> list[Span]:
    """Return what of `spans` lies outside all of `removed`."""
    left = list(spans)
    for begin, end in removed:
        left = overlap(left, [(-ALWAYS, begin), (end, ALWAYS)])
    return left
