"""Where the slots of one rule fall on a local day: an interval counted from midnight, or times of the day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.schedule.days import DAY, LocalDays, Span
from core.schedule.sun import Sun
from core.schedule.windows import Bound, instants


@dataclass(frozen=True, slots=True)
class Run:
    """Slots at first, first + every, ... below `stop`; the first has `index`.

    `renewal` is when the rule begins to count anew, which makes the last interval before it shorter.
    """

    first: int
    every: int
    stop: int
    index: int
    renewal: int

    @property
    def instants(self) -> range:
        """The seconds of its slots."""
        return range(self.first, self.stop, self.every)

    def at_or_after(self, second: int) -> int | None:
        """Return its first slot that is not before `second`."""
        steps = max(0, -((self.first - second) // self.every))
        found = self.first + steps * self.every
        return found if found < self.stop else None

    def before(self, second: int) -> int | None:
        """Return its last slot before `second`."""
        if second <= self.first or self.stop <= self.first:
            return None
        return self.first + (min(second, self.stop) - 1 - self.first) // self.every * self.every

    def index_of(self, second: int) -> int:
        """Return the index of its slot at `second`."""
        return self.index + (second - self.first) // self.every

    def interval(self, second: int) -> int:
        """Return the seconds from its slot at `second` to the rule's next one, windows aside."""
        return min(self.every, self.renewal - second)


class Rule(Protocol):
    """What tells slots; `runs` gives those of `spans`, which lie within local `day`."""

    def runs(self, day: int, spans: Sequence[Span], days: LocalDays, sun: Sun | None) -> Iterable[Run]: ...


@dataclass(frozen=True, slots=True)
class Every:
    """A slot each `every` seconds of elapsed time, counted anew from `offset` after each local midnight."""

    every: int
    offset: int = 0

    def runs(self, day: int, spans: Sequence[Span], days: LocalDays, sun: Sun | None) -> Iterable[Run]:
        """Return the runs of `spans`; before `offset` the count of the day before still goes on."""
        for counted_from in (day - 2, day - 1, day) if self.offset else (day,):
            origin, renewal = (days.start(counted_from + step) + self.offset for step in (0, 1))
            for begin, end in spans:
                index = max(0, -((origin - begin) // self.every))
                first = origin + index * self.every
                if first < min(end, renewal):
                    yield Run(first, self.every, min(end, renewal), index, renewal)


@dataclass(frozen=True, slots=True)
class At:
    """A slot at each of these times of the day; the index counts them within their day."""

    times: tuple[Bound, ...]

    def runs(self, day: int, spans: Sequence[Span], days: LocalDays, sun: Sun | None) -> Iterable[Run]:
        """Return a run of one for each time; one by the sun may belong to the day before or after."""
        for named in (day - 1, day, day + 1):
            found = self._of_day(named, days, sun)
            coming = [*found, *self._of_day(named + 1, days, sun)]
            for index, second in enumerate(found):
                if any(begin <= second < end for begin, end in spans):
                    interval = min((later - second for later in coming if later > second), default=DAY)
                    yield Run(second, interval, second + 1, index, second + interval)

    def _of_day(self, day: int, days: LocalDays, sun: Sun | None) -> list[int]:
        return sorted({second for time in self.times for second in instants(time, day, days, sun)})
