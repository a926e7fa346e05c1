"""Two ways by which pictures come back: from a place that keeps them under their names, or from a node behind a drop.

A way is asked for what a restore needs, as a generator of steps: it yields what its child is to do, or how long to
wait, and is sent what was done.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.node.context import Context
from core.node.errands.restoreday import DayInHand, Wanted
from core.node.errands.restoreplan import RestorePlan
from core.node.errands.returning import Returning
from core.node.jobs import Done, Json, Worker
from core.node.sending.station import QUIET

LISTING = 6 * 3600.0  # seconds for a listing of any length


@dataclass(frozen=True)
class Do:
    """Something that a child is to do: the way's own one, or `worker`."""

    op: str
    args: Json
    quiet: float | None = QUIET
    worker: Worker | None = None


@dataclass(frozen=True)
class Wait:
    """Seconds until the next step. `trouble`: what is told of it meanwhile."""

    seconds: float
    trouble: str | None = None


Course = Generator[Do | Wait, Done | None, None]


@dataclass(frozen=True)
class Task:
    """What a way works with: the restore's plan, what comes back, and the day in hand."""

    context: Context
    plan: RestorePlan
    returning: Returning
    incoming: Path
    day: Callable[[], DayInHand]


class Way(Protocol):
    """Finds and brings near what comes back."""

    def survey(self) -> Course:
        """Fill the plan."""
        ...

    def read_day(self) -> Course:
        """List the plan's next day into the day in hand, and learn what its book says."""
        ...

    def bring(self, wanted: Wanted) -> Course:
        """Have one original stand under `remote`; raise ObjectNotFound when it is not to be had."""
        ...

    def farewell(self) -> Course:
        """Leave nothing behind."""
        ...

    def remote(self, wanted: Wanted) -> str:
        """Return the name under which an original is fetched."""
        ...

    def vanished(self, wanted: Wanted) -> bool:
        """Return whether one that was not there any more is worth asking for again."""
        ...


@dataclass
class FromPlace:
    """A destination that keeps originals under the names that routes give."""

    task: Task

    def survey(self) -> Course:
        """Have the child list all; it asks what of that is here."""
        done = yield Do("survey", self.task.plan.asked(), QUIET * 10)
        assert done is not None
        self.task.plan.take(done.result)

    def read_day(self) -> Course:
        """List the folder of the day, then read the book in it."""
        task, site = self.task, self.task.context.site.site.name
        folder, copy = task.plan.folder(), str(task.incoming / "restore.jsonl")
        yield Do("list", {"prefix": f"{site}/{folder}/"}, QUIET * 10)
        book = task.day().book
        if book is not None:
            yield Do("read", {"name": book, "into": copy, "make": True})
            yield Do("book", {"path": copy, "folder": folder}, None, Worker("disk", "restore"))

    def bring(self, wanted: Wanted) -> Course:
        """It is there."""
        yield from ()

    def farewell(self) -> Course:
        """Nothing was left there."""
        yield from ()

    def remote(self, wanted: Wanted) -> str:
        """Return its name there."""
        return wanted.held.remote

    def vanished(self, wanted: Wanted) -> bool:
        """Nobody brings it there again."""
        return False
