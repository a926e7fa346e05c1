"""From what site.toml says to rules, windows and stretches of time; what it cannot say raises ValueError."""

from __future__ import annotations

from datetime import timedelta

from core.schedule.days import DAY, LocalDays, Span
from core.schedule.rules import At, Every, Rule
from core.schedule.sun import NEEDS_PLACE
from core.schedule.windows import SunWord, WallTime, Window, parse_bound, parse_days, parse_local
from core.site.model.cameras import Event, Schedule

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


def rule_of(entry: Schedule) -> Rule:
    """Return the rule of a schedule; raise ValueError unless it says `every` or `at` and says it right."""
    if entry.every is None and not entry.at:
        raise ValueError('says neither every nor at; write one, such as every = "10m" or at = ["12:00"]')
    if entry.every is not None and entry.at:
        raise ValueError("says both every and at; keep one, or write two schedules")
    if entry.every is None:
        return At(tuple(parse_bound(text) for text in entry.at))
    return Every(every_seconds(entry.every), offset_seconds(entry.offset))


def window_of(entry: Schedule, has_place: bool) -> Window:
    """Return the window of a schedule; raise ValueError, also for the sun at a site without coordinates."""
    begin = WallTime(0) if entry.begin is None else parse_bound(entry.begin)
    end = WallTime(DAY) if entry.end is None else parse_bound(entry.end, end=True)
    if not has_place and any(isinstance(bound, SunWord) for bound in (begin, end, *map(parse_bound, entry.at))):
        raise ValueError(NEEDS_PLACE)
    return Window(parse_days(entry.days), begin, end)


def event_rule(event: Event) -> Rule:
    """Return the rule of a one-off event; raise ValueError."""
    return Every(every_seconds(event.every), offset_seconds(event.offset))


def event_span(event: Event, days: LocalDays) -> Span:
    """Return when an event lasts: from the first time that the clock shows its begin to the last that it shows its end.

    Raise ValueError when it ends before it begins.
    """
    begin = days.moment(*parse_local(event.begin)).first
    end = days.moment(*parse_local(event.end)).last
    if end <= begin:
        raise ValueError(f'ends at {event.end}, which is not after its begin, {event.begin}; write a later "to"')
    return begin, end


def every_seconds(every: timedelta) -> int:
    """Return an interval in whole seconds; raise ValueError unless it is one from 1 s to 24 h."""
    if not _SECOND <= every <= _DAY or every % _SECOND:
        raise ValueError('is not an interval of whole seconds from "1s" to "24h"; for rarer shots write at and days')
    return int(every.total_seconds())


def offset_seconds(offset: timedelta) -> int:
    """Return an offset in whole seconds; raise ValueError unless it is one from 0 to under 24 h."""
    if not timedelta(0) <= offset < _DAY or offset % _SECOND:
        raise ValueError('is not an offset of whole seconds from "0s" to less than "24h"')
    return int(offset.total_seconds())
