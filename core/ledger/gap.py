"""The slots that nobody was there to shoot: written afterwards, as missed or excused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.ledger.causes import Cause
from core.ledger.expected import Expected
from core.ledger.outcomes import Entry, excused, missed

MOST_ROWS = 100_000  # slots of one gap that are written one by one
LONGEST = timedelta(days=1100)  # a longer gap is a wrong clock: its slots are not even counted

_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which an operator had paused a camera or taken it for maintenance; without `end` it still lasts."""

    begin: datetime
    end: datetime | None = None
    text: str = "paused"

    def covers(self, at: datetime) -> bool:
        """Return whether it lasted at that instant: its begin belongs to it, its end does not."""
        return self.begin <= at and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The slots of after < at < until, without a picture for one cause."""

    after: datetime
    until: datetime
    cause: Cause


@dataclass(frozen=True, slots=True)
class Folded:
    """A stretch too long to write slot by slot: told once as an event, no outcome for any slot in it.

    `count`: its slots; None when it is so long that only a wrong clock explains it.
    """

    camera: str
    node: str
    stretch: Stretch
    count: int | None


@dataclass(frozen=True, slots=True)
class Gap:
    """What to write for a stretch: `entries`, made as they are read, or one summary and no entries."""

    entries: Iterator[Entry]
    folded: Folded | None = None


def gap(
    expected: Expected,
    camera: str,
    node: str,
    stretch: Stretch,
    pauses: Sequence[Pause] = (),
    recorded: Callable[[datetime], bool] = lambda _: False,
) -> Gap:
    """Return what to write for the slots of a stretch: excused in a pause that was written before, else missed.

    A slot that has an outcome already is passed over. A stretch of more than 100,000 slots or more than three years
    is folded: its slots keep no outcome, so that one which the clock reaches after all (it had jumped into a wrong
    future) is still shot.
    """
    summary = _fold(expected, camera, node, stretch)
    if summary is not None:
        return Gap(iter(()), summary)
    return Gap(_entries(expected, camera, node, stretch, pauses, recorded))


def _fold(expected: Expected, camera: str, node: str, stretch: Stretch) -> Folded | None:
    if stretch.until - stretch.after > LONGEST:
        return Folded(camera, node, stretch, None)
    count = expected.count(stretch.after + _MOMENT, stretch.until)
    return Folded(camera, node, stretch, count) if count > MOST_ROWS else None


def _entries(
    expected: Expected,
    camera: str,
    node: str,
    stretch: Stretch,
    pauses: Sequence[Pause],
    recorded: Callable[[datetime], bool],
) -> Iterator[Entry]:
    for slot in expected.slots(stretch.after + _MOMENT, stretch.until):
        if recorded(slot.at):
            continue
        pause = next((pause for pause in pauses if pause.covers(slot.at)), None)
        if pause is None:
            yield missed(slot, camera, node, stretch.cause)
        else:
            yield excused(slot, camera, node, pause.text)
