"""The slots of a camera: every instant at which its schedule expects a shot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from heapq import merge
from itertools import pairwise

from core.errors import ConfigurationError
from core.schedule.days import LocalDays, Span, overlap, union, without, zone_problem
from core.schedule.entries import event_rule, event_span, rule_of, window_of
from core.schedule.rules import Run
from core.schedule.sun import Sun, is_place
from core.site.model.cameras import Camera
from core.values import utc

LOOK_AHEAD = 400  # days in which `next` and `previous` look for a slot

_LONGEST_SUN_OFFSET_DAYS = 2  # a window may reach this many days past the one it begins on


@dataclass(frozen=True, slots=True)
class Slot:
    """One instant at which a shot is expected.

    `at`: UTC, whole seconds. `index`: the ordinal since local midnight plus offset as the schedule counts without
    its windows, the same on every node. `interval`: to the next slot of that schedule, windows aside.
    """

    at: datetime
    index: int
    interval: timedelta


class Timetable:
    """All slots of one camera; pure, compiled once, cheap to ask.

    `every` counts elapsed time from the UTC instant of local midnight plus `offset`, and anew each day. So on the
    day when clocks go forward an hour holds no slots and the day one hour fewer; on the day when they go back the
    repeated hour has its slots twice, as two instants, and the day one hour more; in between the wall-clock times of
    intervals that do not divide an hour are shifted until the next midnight. Times in `at` and the ends of windows
    are what the wall clock shows. Slots that several schedules share are one slot, with the index and interval of
    the schedule that stands first. While an event lasts only its own slots count.
    """

    def __init__(
        self, camera: Camera, zone: str, latitude: float | None = None, longitude: float | None = None
    ) -> None:
        """Compile the schedules; raise ConfigurationError with the first problem; `check.problems` tells all."""
        self._days = _local_days(zone)
        self._sun = _sun(latitude, longitude, self._days)
        try:
            self._rules = [(rule_of(entry), window_of(entry, self._sun is not None)) for entry in camera.schedule]
            self._events = [(event_rule(event), event_span(event, self._days)) for event in camera.event]
        except ValueError as error:
            raise ConfigurationError(f"camera {camera.name}: {error}") from error
        self._day = lru_cache(maxsize=16)(self._runs_of)
        self._open = lru_cache(maxsize=64)(self._opened_on)

    def slots(self, begin: datetime, end: datetime) -> Iterator[Slot]:
        """Return the slots of begin <= at < end in order, each once."""
        low, high = _ceiling(begin), _ceiling(end)
        if low >= high:
            return
        for day in range(self._days.day_of(low), self._days.day_of(high - 1) + 1):
            runs = self._day(day)
            for second, order in _merged(runs, low, high):
                yield _slot(runs[order], second)

    def count(self, begin: datetime, end: datetime) -> int:
        """Return how many slots `slots` would give, without making them."""
        low, high = _ceiling(begin), _ceiling(end)
        if low >= high:
            return 0
        days = range(self._days.day_of(low), self._days.day_of(high - 1) + 1)
        return sum(_count(self._day(day), low, high) for day in days)

    def next(self, after: datetime) -> Slot | None:
        """Return the first slot later than `after`; None if there is none in the next 400 days."""
        low = _floor(after) + 1
        today = self._days.day_of(low)
        for day in range(today, today + LOOK_AHEAD + 1):
            runs = self._day(day)
            found = [(second, order) for order, run in enumerate(runs) if (second := run.at_or_after(low)) is not None]
            if found:
                second, order = min(found)
                return _slot(runs[order], second)
        return None

    def previous(self, before: datetime) -> Slot | None:
        """Return the last slot earlier than `before`; None if there is none in the 400 days before."""
        high = _ceiling(before)
        today = self._days.day_of(high)
        for day in range(today, today - LOOK_AHEAD - 1, -1):
            runs = self._day(day)
            found = [(second, -order) for order, run in enumerate(runs) if (second := run.before(high)) is not None]
            if found:
                second, order = max(found)
                return _slot(runs[-order], second)
        return None

    def _runs_of(self, day: int) -> tuple[Run, ...]:
        today: list[Span] = [(self._days.start(day), self._days.start(day + 1))]
        events = [span for _, span in self._events]
        runs: list[Run] = []
        for order, (rule, _) in enumerate(self._rules):
            near = range(day - _LONGEST_SUN_OFFSET_DAYS, day + 2)
            opened = union(span for begun in near for span in self._open(order, begun))
            runs += rule.runs(day, without(overlap(opened, today), events), self._days, self._sun)
        for rule, span in self._events:
            runs += rule.runs(day, overlap([span], today), self._days, self._sun)
        return tuple(runs)

    def _opened_on(self, order: int, day: int) -> list[Span]:
        return self._rules[order][1].spans(day, self._days, self._sun)


def _local_days(zone: str) -> LocalDays:
    problem = zone_problem(zone)
    if problem is not None:
        raise ConfigurationError(problem)
    return LocalDays(zone)


def _sun(latitude: float | None, longitude: float | None, days: LocalDays) -> Sun | None:
    if latitude is None or longitude is None or not is_place(latitude, longitude):
        return None
    return Sun(latitude, longitude, days)


def _slot(run: Run, second: int) -> Slot:
    return Slot(utc(second), run.index_of(second), timedelta(seconds=run.interval(second)))


def _clip(run: Run, low: int, high: int) -> range:
    first = run.at_or_after(low)
    return range(0) if first is None else range(first, min(high, run.stop), run.every)


def _merged(runs: Iterable[Run], low: int, high: int) -> Iterator[tuple[int, int]]:
    """Return (second, order of its run) in order of time; where runs meet, the first of them."""
    last = None
    tagged = (_tagged(_clip(run, low, high), order) for order, run in enumerate(runs))
    for second, order in merge(*tagged):
        if second != last:
            yield second, order
            last = second


def _tagged(seconds: range, order: int) -> Iterator[tuple[int, int]]:
    return ((second, order) for second in seconds)


def _count(runs: tuple[Run, ...], low: int, high: int) -> int:
    clipped = sorted((clip for run in runs if (clip := _clip(run, low, high))), key=lambda clip: clip.start)
    if all(left[-1] < right[0] for left, right in pairwise(clipped)):
        return sum(map(len, clipped))
    return len(set().union(*clipped))


def _floor(instant: datetime) -> int:
    return int(instant.timestamp() // 1)


def _ceiling(instant: datetime) -> int:
    return -int(-instant.timestamp() // 1)
