"""When something that is open in windows of local time is open: a link for the archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

from core.schedule.days import DAY, LocalDays, Span
from core.schedule.sun import NEEDS_PLACE, Sun, is_place
from core.schedule.windows import SunWord, WallTime, Window, parse_bound, parse_days
from core.values import seconds_of, utc

AHEAD = 8  # days: a window of one weekday comes again within them


class Described(Protocol):
    """A window as site.toml says it."""

    @property
    def days(self) -> str:
        """The days of the week."""

    @property
    def begin(self) -> str | None:
        """From when; None: local midnight."""

    @property
    def end(self) -> str | None:
        """Until when; None: the next local midnight."""


def window(described: Described, has_place: bool) -> Window:
    """Return the window that site.toml describes; raise ValueError, also for the sun without coordinates."""
    begin = WallTime(0) if described.begin is None else parse_bound(described.begin)
    end = WallTime(DAY) if described.end is None else parse_bound(described.end, end=True)
    if not has_place and (isinstance(begin, SunWord) or isinstance(end, SunWord)):
        raise ValueError(NEEDS_PLACE)
    return Window(parse_days(described.days), begin, end)


def window_problems(
    windows: Sequence[Described], latitude: float | None, longitude: float | None
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with windows of site.toml: (key, what to write instead)."""
    for n, one in enumerate(windows):
        for key, parse in (("days", partial(parse_days, one.days)), ("", partial(window, one, True))):
            try:
                parse()
            except ValueError as error:
                yield f"window[{n}]{key and f'.{key}'}", str(error)
                break
        else:
            if not is_place(latitude, longitude) and _by_sun(one):
                yield f"window[{n}]", NEEDS_PLACE


def _by_sun(described: Described) -> bool:
    bound = window(described, True)
    return isinstance(bound.begin, SunWord) or isinstance(bound.end, SunWord)


class Opening:
    """Open inside of any of its windows; without windows always."""

    def __init__(
        self, windows: Sequence[Described], zone: str, latitude: float | None = None, longitude: float | None = None
    ) -> None:
        self._days = LocalDays(zone)
        placed = is_place(latitude, longitude)
        self._sun = Sun(latitude, longitude, self._days) if latitude is not None and longitude is not None else None
        self._windows = [window(one, placed) for one in windows]

    def is_open(self, now: datetime) -> bool:
        """Return whether it is open at `now`."""
        second = seconds_of(now)
        return not self._windows or any(begin <= second < end for begin, end in self._spans(second, 1))

    def next_change(self, now: datetime) -> datetime | None:
        """Return when it opens or closes next; None: not within a week."""
        if not self._windows:
            return None
        second, was = seconds_of(now), self.is_open(now)
        edges = sorted({edge for span in self._spans(second, AHEAD) for edge in span if edge > second})
        return next((utc(edge) for edge in edges if self.is_open(utc(edge)) is not was), None)

    def _spans(self, second: int, ahead: int) -> Iterator[Span]:
        today = self._days.day_of(second)
        for day in range(today - 1, today + ahead):
            for one in self._windows:
                yield from one.spans(day, self._days, self._sun)
