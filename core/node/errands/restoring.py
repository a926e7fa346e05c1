"""A restore: what a destination, or the node behind it, has of an emptied node's pictures comes back, newest first."""

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
from core.node.between import batches
from core.node.errands.errands import NEVER, Bench, Json, Order
from core.node.errands.fromnode import FromNode
from core.node.errands.restoreday import DayInHand
from core.node.errands.restoreplan import RestorePlan
from core.node.errands.restoretally import How, RestoreTally
from core.node.errands.returning import Returning
from core.node.errands.ways import LISTING, Course, Do, FromPlace, Task, Wait, Way
from core.node.jobs import Asked, Done, Failed, Job, Report, Said, Setting, Worker
from core.node.sending.station import OPENING, QUIET, SLOWEST, opening
from core.site.model.places import Destination
from core.transfer.backoff import next_try
from core.transfer.delivery import LEAST
from core.transfer.holdings import Held
from core.transfer.origin import origin
from core.units import show_size
from core.values import PictureName

ATTEMPTS = 5  # of one picture that ends the child each time
IN_A_ROW = 10  # pictures that are refused one after the other before all are taken to be
BUSY = 4  # pictures that may wait for their look before more are fetched
WATCH = 0.5  # seconds between two looks at what is waited for
SHUT = 60.0  # seconds until it is asked again whether the link carries what is brought back
CLASS = "audit"  # of links: what is brought back waits for all that is new
WHO = "restore"  # in a link's line


class Restoring:
    """See core.node.errands.errands.Errand. Its child, a destination's, is its own and has one job at a time."""

    def __init__(self, order: Order, bench: Bench) -> None:
        self.ended = False
        self.error: OverlapseError | None = None
        self._bench, self._is_look, self._resumed = bench, order.is_look, order.resumed
        context = bench.context
        self._from: Destination = origin(context.site, context.node.name, order.args["from"])
        self._child = Worker("destination", f"{self._from.name}:restore")
        self._plan = RestorePlan(context, order.args)
        self._returning = Returning(bench, self._from)
        self._incoming = context.folders.spool / INCOMING
        self._phase = "survey"
        self._stopping = False
        self._asked: Asked | None = None
        self._job: Job | None = None
        self._failures = 0
        self._again_at = NEVER
        self._trouble: str | None = None
        self._day = DayInHand()
        self._tally = RestoreTally()
        self._refused = 0  # in a row
        self._offset = 0  # of what is on its way
        task = Task(context, self._plan, self._returning, self._incoming, lambda: self._day)
        self._way: Way = FromPlace(task) if self._from.node is None else FromNode(task, self._from)
        self._course: Course | None = None

    def begin(self) -> None:
        context = self._bench.context
        described = opening(self._from, context.base)
        context.hands.equip(self._child, Setting(opening=described, opening_deadline=OPENING))
        self._next()

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
            self._bench.linking.forget(WHO)
            with self._ending():
                self._came_back(report)

    def _came_back(self, report: Done | Failed) -> None:
        if isinstance(report, Failed):
            self._failed(report.error, report.job.op == "restore" and not report.opening)
        else:
            self._failures = 0
            if report.job.op not in ("settle", "collect"):  # that a question gets there is no answer yet
                self._trouble = None
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
                return
            self._asked, self._offset = asked, asked.question["offset"]
            if self._stopping:
                self._granted(0)
            else:
                self._bench.linking.ask(self._from, WHO, asked.question["grant"], CLASS, self._granted)
        except OverlapseError as error:
            self.error = self.error or error
            asked.answer({})

    def _granted(self, size: int) -> None:
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.answer({"granted": size})

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
        if self._stopping:
            self._bench.linking.forget(WHO)
            self._granted(0)
        if self._job is None and not self.ended and (now >= self._again_at or self._waits()):
            self._again_at = NEVER
            with self._ending():
                self._next()
        if self._phase == "look" and (self._stopping or not self._returning.look()):
            self._phase, self.ended = "ended", True

    def wake(self) -> float:
        now = self._bench.context.monotonic()
        return min(self._again_at, now + WATCH if self._phase == "look" or self._waits() else NEVER)

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
        if op in ("settle", "collect"):
            size = batches.cost(report)
            self._tally.batches += size
            self._bench.linking.spent(self._from, "status", size)
        if op == "restore":
            self._came(report)
        else:
            self._advance(report)

    # What comes next.

    def _next(self) -> None:
        """Do what comes next: the next day, its book, its next picture; or end."""
        if self._job is not None or self._phase in ("look", "ended"):
            return
        if self._stopping or self.error is not None:
            self._finish()
        elif self._again_at != NEVER:
            return
        elif self._course is not None:
            self._advance()
        elif self._phase == "survey":
            self._begin(self._way.survey())
        elif self._phase == "day" and (self._is_look or not self._plan.todo):
            self._phase = "farewell"
            self._begin(self._way.farewell())
        elif self._phase == "day":
            self._day = DayInHand()
            self._returning.forget()
            self._begin(self._way.read_day())
        elif self._phase == "fetch" and self._bench.waiting() < BUSY:
            self._fetch()

    def _begin(self, course: Course) -> None:
        self._course = course
        self._advance()

    def _advance(self, done: Done | None = None) -> None:
        """Take the next step of what is under way; when that has ended, do what comes after it."""
        assert self._course is not None
        try:
            step = self._course.send(done)
        except StopIteration:
            self._course = None
            self._after()
        except OverlapseError as error:
            self._failed(error, self._phase == "fetch")
        else:
            if isinstance(step, Do):
                self._give(Job(step.worker or self._child, step.op, step.args, LISTING, step.quiet, self))
            else:
                self._again_at = self._bench.context.monotonic() + step.seconds
            self._trouble = step.trouble if isinstance(step, Wait) else self._trouble

    def _after(self) -> None:
        if self._phase == "survey":
            self._phase = "day"
            self._next()
        elif self._phase == "day":
            self._returning.keep_outcomes()
            self._phase = "fetch"
            self._day.choose(
                lambda held: self._plan.wants(held) and not self._returning.is_here(held), self._returning.sha256
            )
            self._next()
        elif self._phase == "fetch":
            self._receive()
        else:
            self._finish()

    def _fetch(self) -> None:
        """Fetch the next picture of the day; after its last one, turn to the next day."""
        if not self._day.wanted:
            self._plan.todo.popleft()
            self._phase = "day"
            self._next()
            return
        size = self._day.wanted[0].held.size
        free, keep = self._bench.context.keeper.free().free, self._bench.context.node.buffer.keep_free
        if free - size < keep:
            self.error = DiskFull(
                f"no more fits: {show_size(free)} free, and {show_size(keep)} stay free (keep_free); "
                "the newest pictures are here, the others stay where they are"
            )
            self._finish()
            return
        self._begin(self._way.bring(self._day.wanted[0]))

    def _receive(self) -> None:
        """Have the child bring the next picture, which stands there now."""
        one = self._day.wanted[0]
        name = self._returning.name(one.held.name)
        args = {
            "name": self._way.remote(one),
            "size": one.held.size,
            "part": str(self._incoming / f"{one.held.remote.rpartition('/')[2]}.part"),
            "into": str(self._bench.context.folders.spool / str(name)),
            "sha256": one.sha256,
            "chunk": self._chunk(),
        }
        deadline = self._from.deadline.total_seconds()
        quiet = QUIET + self._from.chunk / SLOWEST
        self._give(Job(self._child, "restore", args, deadline, quiet, self))

    def _chunk(self) -> int:
        """Return the bytes of one grant: a second's on a link with a rate, so that what is new soon overtakes it."""
        rate = self._bench.linking.of(self._from).grants.rate
        return self._from.chunk if rate is None else max(LEAST, min(self._from.chunk, rate))

    def _shut(self) -> str | None:
        """Return why the link carries nothing that is brought back now; None: it does."""
        why = self._bench.linking.shut_by(self._from, CLASS)
        return None if why is None else f"link {self._from.link} carries no restore now: {why}"

    def _came(self, report: Done) -> None:
        self._offset = 0
        if report.result.get("paused"):
            if (shut := self._shut()) is not None:
                self._again_at, self._trouble = self._bench.context.monotonic() + SHUT, shut
            return
        one = self._day.wanted.popleft()
        self._tally.received += report.result["received"]
        name = PictureName.parse(Path(report.job.args["into"]).name)
        try:
            self._returning.keep(one.held, name, report.result)
        except (StorageError, CatalogueError) as error:  # it is kept as soon as that can be
            self.error = error
        self._refused = 0
        self._tally.restored += 1
        self._tally.restored_bytes += one.held.size

    # What goes wrong.

    def _failed(self, error: OverlapseError, fetching: bool) -> None:
        """Pass over one picture, try again later, or end: a link that is down is waited for, a refusal is not."""
        self._failures += 1
        self._course = None
        if fetching and isinstance(error, ObjectNotFound) and self._way.vanished(self._day.wanted[0]):
            return
        if fetching and isinstance(error, ObjectDiffers | ObjectNotFound):
            self._pass_over("differ" if isinstance(error, ObjectDiffers) else "gone", error)
        elif fetching and self._is_about_it_alone(error):
            self._refused += 1
            self._pass_over("refused", error)
        elif self._phase == "farewell":  # what is left there is removed without it, a day later
            self._finish()
        elif self._is_final(error):
            self.error = error
        else:
            self._trouble = str(error)
            wait = next_try(self._failures, error.transient, self._bench.context.jitter()).total_seconds()
            self._again_at = self._bench.context.monotonic() + wait

    def _is_final(self, error: OverlapseError) -> bool:
        """Return whether waiting is of no use: whoever looks what is there wants to know at once that it is not."""
        surveys = self._phase == "survey" and not self._resumed
        return surveys or not isinstance(error, DestinationError | ChildError) or not error.transient

    def _is_about_it_alone(self, error: OverlapseError) -> bool:
        """Return whether one picture is refused, or ends the child, and the others may well come."""
        if isinstance(error, ChildError):
            return self._failures >= ATTEMPTS
        return type(error) is DestinationRefused and self._refused < IN_A_ROW

    def _pass_over(self, how: How, error: OverlapseError) -> None:
        one = self._day.wanted.popleft()
        self._tally.pass_over(how)
        self._failures = 0
        self._bench.context.tell("picture not restored", str(one.held.name), str(error))

    def _finish(self) -> None:
        self._course = None
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

    # What is told.

    def state(self) -> Json:
        return {
            "phase": self._phase,
            "from": self._from.name,
            "node": self._from.node,
            "plan": {
                **self._plan.to_json(),
                "rate": self._bench.linking.of(self._from).grants.rate,
                "shut": self._shut(),
            },
            **self._tally.to_json(),
            "offset": self._offset,
            **self._returning.counts(),
            "trouble": self._trouble,
        }

    def progress(self) -> str:
        waits = "" if self._trouble is None else f"; waits: {self._trouble}"
        return f"from {self._from.name}: {self._tally.of(self._plan)}{waits}"

    def told(self) -> str:
        return f"from {self._from.name}: {self._tally.told(self._returning.proofs)}"
