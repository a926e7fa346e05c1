"""A restore: what a destination holds of an emptied node's pictures comes back, the newest day first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from core.errors import (
    CatalogueCorrupt,
    CatalogueError,
    ChildError,
    DestinationError,
    DestinationRefused,
    DiskFull,
    ObjectDiffers,
    ObjectNotFound,
    OverlapseError,
    StorageError,
)
from core.intake.adopt import INCOMING
from core.intake.entries import from_json
from core.node.errands import NEVER, Bench, Json, Order
from core.node.jobs import Asked, Done, Failed, Job, Report, Said, Setting, Worker
from core.node.restoreday import DayInHand
from core.node.restoreplan import RestorePlan
from core.node.returning import Returning
from core.node.station import OPENING, QUIET, SLOWEST, opening
from core.site.model import Destination
from core.transfer.backoff import next_try
from core.transfer.holdings import Held
from core.transfer.link import LinkGrants
from core.transfer.origin import origin
from core.units import show_size
from core.values import PictureName

LISTING = 6 * 3600.0  # seconds for a listing of any length
ATTEMPTS = 5  # of one picture that ends the child each time
IN_A_ROW = 10  # pictures that are refused one after the other before all are taken to be
BUSY = 4  # pictures that may wait for their look before more are fetched
WATCH = 0.5  # seconds between two looks at what is waited for


class Restoring:
    """See core.node.errands.Errand. One job at a time is with the destination's child, which is this errand's own."""

    def __init__(self, order: Order, bench: Bench) -> None:
        self.ended = False
        self.error: OverlapseError | None = None
        self._bench, self._is_look = bench, order.is_look
        context = bench.context
        self._from: Destination = origin(context.site, order.args["from"])
        self._child = Worker("destination", f"{self._from.name}:restore")
        self._plan = RestorePlan(context, order.args)
        self._returning = Returning(bench, self._from)
        self._link = LinkGrants(self._rate())
        self._incoming = context.folders.spool / INCOMING
        self._phase = "survey"
        self._stopping = False
        self._asked: Asked | None = None
        self._job: Job | None = None
        self._failures = 0
        self._again_at = NEVER
        self._trouble: str | None = None
        self._day = DayInHand()
        self._counts = {"restored": 0, "restored_bytes": 0, "received": 0, "differ": 0, "gone": 0, "refused": 0}
        self._refused = 0  # in a row
        self._offset = 0  # of what is on its way

    def _rate(self) -> int | None:
        links = {link.name: link.rate for link in self._bench.context.node.link}
        return links.get(self._from.link or "")

    def begin(self) -> None:
        context = self._bench.context
        described = opening(self._from, context.base)
        context.hands.equip(self._child, Setting(opening=described, opening_deadline=OPENING))
        self._give(Job(self._child, "survey", self._plan.asked(), LISTING, QUIET * 10, self))

    def _give(self, job: Job) -> None:
        self._job = job
        self._bench.context.hands.give(job)

    def handle(self, report: Report) -> None:
        if isinstance(report, Asked):
            self._answer(report)
        elif isinstance(report, Said):
            self._heard(report)
        elif report.job is self._job:
            self._job, self._asked = None, None
            with self._ending():
                self._came_back(report)

    def _came_back(self, report: Done | Failed) -> None:
        if isinstance(report, Failed):
            self._failed(report)
        else:
            self._failures, self._trouble = 0, None
            self._done(report)
        if not self.ended:
            self._next()

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """End the errand over an error of disk or catalogue: what was received is kept as soon as that can be."""
        try:
            yield
        except CatalogueCorrupt:
            raise
        except OverlapseError as error:
            self.error = self.error or error
            self._finish()

    def _answer(self, asked: Asked) -> None:
        try:
            if "held" in asked.question:
                asked.answer({} if self._stopping else {"missing": self._missing(asked.question["held"])})
            else:
                self._asked, self._offset = asked, asked.question["offset"]
                now = self._bench.context.monotonic()
                self._link.ask(self._from.name, asked.question["grant"], "audit", now)
                self.tick()
        except OverlapseError as error:
            self.error = self.error or error
            asked.answer({})

    def _missing(self, rows: Sequence[Sequence[Any]]) -> list[bool]:
        return [not self._returning.is_here(Held(row[2], PictureName.parse(row[0]), row[1])) for row in rows]

    def _heard(self, said: Said) -> None:
        if "objects" in said.news:
            for one in said.news["objects"]:
                self._day.add(one["name"], one["size"])
        for fields in said.news.get("lines", ()):
            with suppress(ValueError):
                entry = from_json(fields)
                if entry is not None:
                    self._returning.learn(entry)

    def tick(self) -> None:
        now = self._bench.context.monotonic()
        if self._asked is not None:
            granted = 0 if self._stopping else sum(size for _, size in self._link.grants(now))
            if granted or self._stopping:
                asked, self._asked = self._asked, None
                asked.answer({"granted": granted})
        if self._job is None and not self.ended and (now >= self._again_at or self._waits()):
            self._again_at = NEVER
            with self._ending():
                self._next()
        if self._phase == "look" and (self._stopping or not self._returning.look()):
            self._phase, self.ended = "ended", True

    def wake(self) -> float:
        now = self._bench.context.monotonic()
        times = [self._again_at, now + WATCH if self._phase == "look" or self._waits() else NEVER]
        return min([*times, self._link.wake(now) if self._asked is not None else NEVER])

    def _waits(self) -> bool:
        """Return whether the next picture waits for the looks at those that came, and for the disk."""
        return self._job is None and not self.ended and self._again_at == NEVER and self._phase == "fetch"

    def stop(self) -> None:
        self._stopping = True
        self.tick()
        if self._job is None and not self.ended:
            self._finish()

    def _done(self, report: Done) -> None:
        op = report.job.op
        if op == "survey":
            self._plan.take(report.result)
            self._phase = "day"
        elif op == "list":
            self._phase = "book"
            if self._day.book is None:
                self._choose()
        elif op == "read":
            self._phase = "lines"
        elif op == "book":
            self._returning.keep_outcomes()
            self._choose()
        elif op == "restore":
            self._came(report)

    def _choose(self) -> None:
        """Choose what of the day that was listed is to come."""
        self._phase = "fetch"
        self._day.choose(
            lambda held: self._plan.wants(held) and not self._returning.is_here(held), self._returning.sha256
        )

    def _next(self) -> None:
        """Do what comes next: the next day, its book, its next picture; or end."""
        if self._stopping or self.error is not None or (self._is_look and self._phase != "survey"):
            self._finish()
        elif self._again_at != NEVER:
            return
        elif self._phase == "day":
            self._next_day()
        elif self._phase == "book":
            args = {"name": self._day.book, "into": str(self._incoming / "restore.jsonl"), "make": True}
            self._give(Job(self._child, "read", args, LISTING, QUIET, self))
        elif self._phase == "lines":
            folder = self._plan.folder()
            args = {"path": str(self._incoming / "restore.jsonl"), "folder": folder}
            self._give(Job(Worker("disk", "restore"), "book", args, LISTING, about=self))
        elif self._phase == "fetch" and self._bench.waiting() < BUSY:
            self._fetch()

    def _next_day(self) -> None:
        if not self._plan.todo:
            self._finish()
            return
        self._day, self._phase = DayInHand(), "list"
        self._returning.forget()
        prefix = f"{self._bench.context.site.site.name}/{self._plan.folder()}/"
        self._give(Job(self._child, "list", {"prefix": prefix}, LISTING, QUIET * 10, self))

    def _fetch(self) -> None:
        """Fetch the next picture of the day; after its last one, turn to the next day."""
        if not self._day.wanted:
            self._plan.todo.popleft()
            self._phase = "day"
            self._next_day()
            return
        one = self._day.wanted[0]
        context = self._bench.context
        free, keep = context.keeper.free().free, context.node.buffer.keep_free
        if free - one.held.size < keep:
            self.error = DiskFull(
                f"no more fits: {show_size(free)} free, and {show_size(keep)} stay free (keep_free); "
                "the newest pictures are here, the others stay where they are"
            )
            self._finish()
            return
        name = self._returning.name(one.held.name)
        args = {
            "name": one.held.remote,
            "size": one.held.size,
            "part": str(self._incoming / f"{one.held.remote.rpartition('/')[2]}.part"),
            "into": str(context.folders.spool / str(name)),
            "sha256": one.sha256,
            "chunk": self._from.chunk,
        }
        deadline = self._from.deadline.total_seconds()
        quiet = QUIET + self._from.chunk / SLOWEST
        self._give(Job(self._child, "restore", args, deadline, quiet, self))

    def _came(self, report: Done) -> None:
        self._offset = 0
        if report.result.get("paused"):
            return
        one = self._day.wanted.popleft()
        self._counts["received"] += report.result["received"]
        name = PictureName.parse(Path(report.job.args["into"]).name)
        try:
            self._returning.keep(one.held, name, report.result)
        except (StorageError, CatalogueError) as error:  # it is kept as soon as that can be
            self.error = error
        self._refused = 0
        self._counts["restored"] += 1
        self._counts["restored_bytes"] += one.held.size

    def _failed(self, failed: Failed) -> None:
        """Pass over one picture, try again later, or end: a link that is down is waited for, a refusal is not."""
        error, fetching = failed.error, failed.job.op == "restore" and not failed.opening
        self._failures += 1
        if fetching and isinstance(error, ObjectDiffers | ObjectNotFound):
            self._pass_over("differ" if isinstance(error, ObjectDiffers) else "gone", error)
        elif fetching and self._is_about_it_alone(error):
            self._refused += 1
            self._pass_over("refused", error)
        elif failed.job.op == "survey" or not isinstance(error, DestinationError | ChildError) or not error.transient:
            self.error = error
        else:
            self._trouble = str(error)
            if failed.job.op in ("list", "read"):  # what came of it in part comes again
                self._phase = "day"
            wait = next_try(self._failures, error.transient, self._bench.context.jitter()).total_seconds()
            self._again_at = self._bench.context.monotonic() + wait

    def _is_about_it_alone(self, error: OverlapseError) -> bool:
        """Return whether one picture is refused, or ends the child, and the others may well come."""
        if isinstance(error, ChildError):
            return self._failures >= ATTEMPTS
        return type(error) is DestinationRefused and self._refused < IN_A_ROW

    def _pass_over(self, how: str, error: OverlapseError) -> None:
        one = self._day.wanted.popleft()
        self._counts[how] += 1
        self._failures = 0
        self._bench.context.tell("picture not restored", str(one.held.name), str(error))

    def _finish(self) -> None:
        if self._phase != "ended":
            self._phase = "look"
        if self.error is None and not self._stopping and not self._is_look:
            self._clear()
        self.tick()

    def _clear(self) -> None:
        """Remove what earlier attempts left of pictures that nobody wants any more."""
        with suppress(OSError):
            for path in self._incoming.iterdir():
                path.unlink(missing_ok=True)
            self._incoming.rmdir()

    def state(self) -> Json:
        return {
            "phase": self._phase,
            "from": self._from.name,
            "plan": {**self._plan.to_json(), "rate": self._link.rate},
            **self._counts,
            "offset": self._offset,
            **self._returning.counts(),
            "trouble": self._trouble,
        }

    def told(self) -> str:
        found = self._counts
        proofs = ", ".join(f"{n} {how}" for how, n in self._returning.proofs.items() if n)
        more = "".join(f", {found[how]} {how}" for how in ("differ", "gone", "refused") if found[how])
        size = show_size(found["restored_bytes"])
        return f"from {self._from.name}: {found['restored']} pictures back ({size}; {proofs or 'none'}){more}"
