"""What is wrong with a camera's schedules that the types of site.toml cannot say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from core.schedule.days import DAY, LocalDays, Span, zone_problem
from core.schedule.entries import event_span, every_seconds, offset_seconds, rule_of
from core.schedule.slots import Timetable
from core.schedule.sun import NEEDS_PLACE, is_place
from core.schedule.windows import SunWord, parse_bound, parse_days, parse_local
from core.site.model.cameras import Camera, Event, Schedule
from core.values import seconds_of, utc

Problem = tuple[str, str]  # the key's path below the camera, and the sentence

_ANY_YEAR = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 5, tzinfo=UTC)  # without a slot in it: never one


def problems(camera: Camera, zone: str, latitude: float | None, longitude: float | None) -> list[Problem]:
    """Return every problem of the camera's schedules and events, each with what to write instead.

    A zone that is not known is told once, for the first of them; what depends on it is then not looked at.
    """
    found: list[Problem] = []
    placed = is_place(latitude, longitude)
    unknown = zone_problem(zone)
    if unknown is not None and (camera.schedule or camera.event):
        found.append(("schedule" if camera.schedule else "event", f"no slot can be counted: {unknown}"))
    for n, entry in enumerate(camera.schedule):
        wrong = [*_schedule_words(entry), *([] if placed else _unplaced(entry))]
        if not wrong and unknown is None:
            alone = Timetable(replace(camera, schedule=(entry,), event=()), zone, latitude, longitude)
            wrong = list(_no_slot(alone, LocalDays(zone)))
        found += _below(f"schedule[{n}]", wrong)
    spans: list[tuple[int, Span]] = []
    for n, event in enumerate(camera.event):
        wrong = list(_event_words(event))
        if not wrong and unknown is None:
            wrong = list(_event_time(camera, n, zone, spans))
        found += _below(f"event[{n}]", wrong)
    return found


def _below(path: str, wrong: list[Problem]) -> list[Problem]:
    return [(f"{path}.{key}" if key else path, sentence) for key, sentence in wrong]


def _wrong(key: str, parse: Callable[[], object]) -> Iterator[Problem]:
    try:
        parse()
    except ValueError as error:
        yield key, str(error)


def _times(entry: Schedule) -> Iterator[tuple[str, str]]:
    yield from ((f"at[{n}]", text) for n, text in enumerate(entry.at))
    if entry.begin is not None:
        yield "from", entry.begin
    if entry.end is not None:
        yield "to", entry.end


def _schedule_words(entry: Schedule) -> Iterator[Problem]:
    if (entry.every is None) == (not entry.at):
        yield from _wrong("", partial(rule_of, entry))
    if entry.every is not None:
        yield from _wrong("every", partial(every_seconds, entry.every))
    if entry.every is None and entry.offset:
        yield "offset", 'goes with every; leave it out here and write the times themselves, such as at = ["12:05"]'
    else:
        yield from _wrong("offset", partial(offset_seconds, entry.offset))
    yield from _wrong("days", partial(parse_days, entry.days))
    for key, text in _times(entry):
        yield from _wrong(key, partial(parse_bound, text, end=key == "to"))


def _unplaced(entry: Schedule) -> Iterator[Problem]:
    for key, text in _times(entry):
        try:
            by_sun = isinstance(parse_bound(text, end=key == "to"), SunWord)
        except ValueError:
            continue  # told already
        if by_sun:
            yield key, f"{text!r}: {NEEDS_PLACE}"


def _no_slot(alone: Timetable, days: LocalDays) -> Iterator[Problem]:
    begin, end = _ANY_YEAR
    slot = alone.next(begin)
    while slot is not None and slot.at < end:
        day = days.day_of(seconds_of(slot.at))
        if days.start(day + 1) - days.start(day) == DAY:
            return
        slot = alone.next(utc(days.start(day + 1) - 1))  # when the clock changes, intervals shift into any window
    yield "", "no slot ever falls into its window; write a wider from and to, a shorter every or another offset"


def _event_words(event: Event) -> Iterator[Problem]:
    yield from _wrong("every", partial(every_seconds, event.every))
    yield from _wrong("offset", partial(offset_seconds, event.offset))
    yield from _wrong("from", partial(parse_local, event.begin))
    yield from _wrong("to", partial(parse_local, event.end))


def _event_time(camera: Camera, n: int, zone: str, spans: list[tuple[int, Span]]) -> Iterator[Problem]:
    event = camera.event[n]
    try:
        span = event_span(event, LocalDays(zone))
    except ValueError as error:
        yield "to", str(error)
        return
    for other, (begin, end) in spans:
        if span[0] < end and begin < span[1]:
            yield "from", f"overlaps event[{other}]; let one end before the other begins, or make one of the two"
    spans.append((n, span))
    alone = Timetable(replace(camera, schedule=(), event=(event,)), zone)
    if next(alone.slots(utc(span[0]), utc(span[1])), None) is None:
        yield "", "no slot falls between its from and to; write a longer time, a shorter every or another offset"
