"""When a camera shoots, on a wall clock that may stand still, jump or repeat itself.

Pure and driven by the loop: `begin` at its start, `due` at each wake, `done` when what was due is begun (whatever then
becomes of it). The rules:

- A slot with an outcome is never shot again.
- A slot is shot until the next one comes, but at most ten minutes after its time; those that can no longer be shot
  are told as a stretch to write down: still busy when the clock ran evenly, else "node down" (suspended) when the
  clock was trusted before and after it jumped forward, and "clock" when it was not.
- A jump of more than a week by a clock that is not trusted may be into a wrong future: its stretch is owed, and
  written only once the clock is trusted.
- When the wall clock goes back, time goes on by the monotonic clock on the timeline that it left: what would have been
  a slot there is shot as an extra, windows and events included, until the wall clock reaches a slot without outcome.
- At a start there is no such timeline: then each slot that has an outcome already is shot as an extra in its place.
- An extra is left out when a slot without outcome follows within half an interval.

Steps of up to two seconds are the clock being steered and count as none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from core.ledger.causes import Cause
from core.ledger.expected import Expected, ExpectedSlot
from core.ledger.gap import Stretch

STEERED = timedelta(seconds=2)
CREDIBLE = timedelta(days=7)  # a clock that is not trusted is believed to have passed over
LATEST = timedelta(minutes=10)

_NONE = timedelta(0)
_MOMENT = timedelta(microseconds=1)
_TRIES = 10

Recorded = Callable[[datetime], bool]  # whether the slot at this instant has an outcome


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Where one camera stands.

    `seen`, `monotonic`: both clocks at the last look, and whether the wall clock was `trusted` then. `settled`: no
    slot up to here is to be shot, on the wall clock as it runs now. `ahead`: how far the timeline that the wall clock
    left lies ahead of it, zero when it left none; `beaten`: the last beat on that timeline. `owed`: slots that were
    passed over if the clock was right, and are not written yet.
    """

    seen: datetime
    monotonic: float
    trusted: bool
    settled: datetime
    beaten: datetime
    ahead: timedelta = _NONE
    owed: Stretch | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What to do now.

    `kind`: shoot `slot`; shoot an extra, in the place of `slot` on the timeline that the clock left; or nothing.
    `at`: what the pictures are named after, the slot or the extra's second (never a slot's, unless nearly every second
    is one). `wake`: the second of the monotonic clock at which to ask again; None when the timetable holds nothing
    more. It holds for an even clock: ask also when the wall clock was set. `missed`: slots to write down with `gap`
    before anything else.
    """

    kind: Literal["slot", "extra", "none"]
    at: datetime | None = None
    slot: ExpectedSlot | None = None
    wake: float | None = None
    missed: Stretch | None = None


def begin(highest: datetime | None, now: datetime, monotonic: float, trusted: bool) -> Rhythm:
    """Return the rhythm of a camera at a start; `highest` is its last slot with an outcome.

    The slots between `highest` and `now` are the caller's to write as a stretch of "node down" when it
    `is_credible`; otherwise they are owed, and come with a later `due`.
    """
    settled = now - _MOMENT
    if highest is not None and settled < highest <= now + STEERED:
        settled = highest
    owed = None
    if highest is not None and not trusted and not timedelta(0) <= now - highest <= CREDIBLE:
        owed = Stretch(highest, highest, "node down")
    return Rhythm(now, monotonic, trusted, settled, settled, owed=owed)


def newest_fresh(expected: Expected, after: datetime, now: datetime) -> datetime | None:
    """Return the newest slot of after < at <= now if it can still be shot, for a node that takes a camera over."""
    newest = _newest(expected, now, after)
    return newest.at if newest is not None and _is_fresh(newest, now) else None


def is_credible(stretch: Stretch, trusted: bool) -> bool:
    """Return whether a clock that is or is not `trusted` is believed to have passed over a stretch."""
    return trusted or stretch.until - stretch.after <= CREDIBLE


def due(
    state: Rhythm, expected: Expected, now: datetime, monotonic: float, trusted: bool, recorded: Recorded
) -> tuple[Rhythm, Due]:
    """Return the state after this look, and what to do."""
    step = now - state.seen - timedelta(seconds=monotonic - state.monotonic)
    before, state = state, _observe(state, now, monotonic, trusted, step)
    state, missed = _own_up(*_pass_over(before, state, expected, step))
    state, chosen = _choose(state, expected, recorded)
    return state, replace(chosen, missed=missed)


def done(state: Rhythm, due: Due) -> Rhythm:
    """Return the state once the shot of `due` was begun, excused or given up: it is not due again."""
    if due.kind == "slot" and due.slot is not None:
        return replace(state, settled=due.slot.at, beaten=due.slot.at, ahead=_NONE)
    if due.kind == "extra" and due.slot is not None:
        return replace(state, beaten=due.slot.at)
    return state


def _observe(state: Rhythm, now: datetime, monotonic: float, trusted: bool, step: timedelta) -> Rhythm:
    ahead, settled = state.ahead, state.settled
    if abs(step) > STEERED:
        ahead = max(_NONE, ahead - step)
    if step < -STEERED and now <= settled:
        settled = now - _MOMENT
    return replace(state, seen=now, monotonic=monotonic, trusted=trusted, settled=settled, ahead=ahead)


def _pass_over(before: Rhythm, state: Rhythm, expected: Expected, step: timedelta) -> tuple[Rhythm, Stretch | None]:
    """Give up the slots that can no longer be shot; the newest still can while it is fresh."""
    newest = _newest(expected, state.seen, state.settled)
    if newest is None:
        return state, None
    until = newest.at if _is_fresh(newest, state.seen) else newest.at + _MOMENT
    first = expected.next(state.settled)
    if first is None or first.at >= until:
        return state, None
    if step <= STEERED:
        cause: Cause = "still busy"
    else:
        cause = "node down" if before.trusted and state.trusted else "clock"
    return replace(state, settled=until - _MOMENT), Stretch(state.settled, until, cause)


def _own_up(state: Rhythm, passed: Stretch | None) -> tuple[Rhythm, Stretch | None]:
    """Put off what only a wrong clock may have passed over; once the clock is trusted, return all that is owed."""
    if passed is not None and not is_credible(passed, state.trusted):
        return replace(state, owed=state.owed or passed), None
    owed = state.owed
    if owed is None or not state.trusted:
        return state, passed
    until = passed.until if passed is not None else state.settled + _MOMENT
    stretch = replace(owed, until=until) if until > owed.after else passed
    return replace(state, owed=None), stretch


def _choose(state: Rhythm, expected: Expected, recorded: Recorded) -> tuple[Rhythm, Due]:
    slot = _newest(expected, state.seen, state.settled)
    if slot is not None and not recorded(slot.at):
        return state, Due("slot", slot.at, slot, state.monotonic)
    if slot is not None:
        state = replace(state, settled=slot.at)
    beat = _newest(expected, state.seen + state.ahead, state.beaten)
    if beat is not None and _is_fresh(beat, state.seen + state.ahead) and not _yields(beat, state, expected, recorded):
        return state, Due("extra", _second(state.seen, expected), beat, state.monotonic)
    if beat is not None:
        state = replace(state, beaten=beat.at)
    return state, Due("none", wake=_wake(state, expected))


def _newest(expected: Expected, now: datetime, settled: datetime) -> ExpectedSlot | None:
    """Return the last slot of settled < at <= now."""
    newest = expected.previous(now + _MOMENT)
    return newest if newest is not None and newest.at > settled else None


def _is_fresh(slot: ExpectedSlot, now: datetime) -> bool:
    return now - slot.at < min(slot.interval, LATEST)


def _yields(beat: ExpectedSlot, state: Rhythm, expected: Expected, recorded: Recorded) -> bool:
    """Return whether an extra is left out because a slot without outcome is near."""
    coming = expected.next(max(state.seen, state.settled))
    return coming is not None and coming.at - state.seen <= beat.interval / 2 and not recorded(coming.at)


def _second(now: datetime, expected: Expected) -> datetime:
    """Return the second to name an extra after: this one, or soon after if it is a slot's own."""
    this = now.replace(microsecond=0)
    for later in range(_TRIES):
        second = this + timedelta(seconds=later)
        slot = expected.next(second - _MOMENT)
        if slot is None or slot.at != second:
            return second
    return this


def _wake(state: Rhythm, expected: Expected) -> float | None:
    slot = expected.next(max(state.seen, state.settled))
    waits = [] if slot is None else [slot.at - state.seen]
    if state.ahead:
        timeline = state.seen + state.ahead
        beat = expected.next(max(timeline, state.beaten))
        waits += [] if beat is None else [beat.at - timeline]
    return state.monotonic + min(waits).total_seconds() if waits else None
