"""Long work that an operator orders: an import, a restore. One at a time; it goes on after a restart of the node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.catalogue import states
from core.errors import CatalogueError, NoSuchThing, OverlapseError, StorageError, to_wire
from core.node.context import Context
from core.node.errands.arriving import Arriving
from core.node.jobs import Report
from core.node.pictures.taking import Taking
from core.node.sending.linking import Linking
from core.text import safe

Json = dict[str, Any]
ORDERED = "errand/ordered"
NEVER = float("inf")
LEAVE_WITHIN = 10.0  # seconds that a stop leaves a child to come to its next question


@dataclass(frozen=True)
class Order:
    """What was ordered. `args` are JSON: the order is remembered over a restart."""

    kind: str  # import, restore
    args: Json
    who: str
    id: str
    resumed: bool = False  # after a restart: nobody is there who could order it again

    @property
    def is_look(self) -> bool:
        """Whether it only says what would be done."""
        return bool(self.args.get("dry_run"))


@dataclass(frozen=True)
class Bench:
    """What an errand works with. `waiting`: how many pictures and writes of others are not done."""

    context: Context
    arriving: Arriving
    linking: Linking
    waiting: Callable[[], int]


class Errand(Protocol):
    """One errand at work; its jobs have itself as `about`."""

    ended: bool  # nothing more will be done
    error: OverlapseError | None  # why it ended before its work was done

    def begin(self) -> None:
        """Hand out the first job; raise OverlapseError when it cannot be done at all."""
        ...

    def handle(self, report: Report) -> None:
        """Take in what its child reports."""
        ...

    def tick(self) -> None:
        """Do what is due."""
        ...

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        ...

    def stop(self) -> None:
        """Begin nothing more."""
        ...

    def state(self) -> Json:
        """Return what was planned and how far it has come."""
        ...

    def progress(self) -> str:
        """Return in a few words how far it has come."""
        ...

    def told(self) -> str:
        """Return in one sentence what was done."""
        ...


Make = Callable[[Order, Bench], Errand]


@dataclass
class Errands:
    """The desk of errands. `ready`: whether what an earlier run left is taken in; `kinds`: how each is made."""

    context: Context
    taking: Taking
    linking: Linking
    waiting: Callable[[], int]
    ready: Callable[[], bool]
    kinds: Mapping[str, Make]
    _order: Order | None = None
    _errand: Errand | None = None
    _began: bool = False
    _told: bool = True  # its end
    _stopped: bool = False  # by an operator
    _leave_at: float = NEVER  # monotonic: the node ends
    _since: float = field(default=0.0)

    def order(self, kind: str, args: Json, who: str, remember: bool = True) -> Json:
        """Take an order; return {"order": number}. The same one again is joined, another one is refused."""
        if self._order is not None and not self._told:
            if (self._order.kind, self._order.args) == (kind, args):
                return {"order": self._order.id, "joined": True}
            raise OverlapseError(f"{_a(self._order.kind)} that {self._order.who} ordered is under way: stop it first")
        order = Order(kind, args, who, f"{kind}-{self.context.now_ms()}")
        self._take(order)
        if remember and not order.is_look:
            states.put(self.context.catalogue, ORDERED, {"kind": kind, "args": args, "who": who, "id": order.id})
        return {"order": order.id}

    def resume(self) -> None:
        """Go on with what was ordered before the node was stopped."""
        said = states.get(self.context.catalogue, ORDERED)
        if said is None or said.get("kind") not in self.kinds:
            return
        try:
            self._take(Order(**said, resumed=True))
        except OverlapseError as error:  # the site file has changed meanwhile
            states.forget(self.context.catalogue, ORDERED)
            self.context.tell("errand ended", self.context.node.name, f"{said['kind']}: cannot go on: {error}")

    def _take(self, order: Order) -> None:
        bench = Bench(self.context, Arriving(self.context, self.taking), self.linking, self.waiting)
        self._order, self._errand = order, self.kinds[order.kind](order, bench)
        self._began, self._told, self._stopped, self._since = False, False, False, self.context.monotonic()

    def end(self) -> Json:
        """Stop the errand, as an operator asks; raise NoSuchThing when there is none."""
        if self._errand is None or self._order is None or self._told:
            raise NoSuchThing("no import or restore is under way")
        self._stopped = True
        self._errand.stop()
        return {"order": self._order.id}

    def state(self) -> Json:
        """Return the errand that is under way, or that was last: see `Errand.state`."""
        if self._errand is None or self._order is None:
            return {}
        head = {"order": self._order.id, "kind": self._order.kind, "by": self._order.who, "ended": self._told}
        error = self._errand.error
        return {
            **head,
            "stopped": self._stopped,
            "seconds": round(self.context.monotonic() - self._since, 1),
            "error": None if error is None else to_wire(error),
            **self._errand.state(),
        }

    def row(self) -> Json | None:
        """Return what the status document says of the errand that is under way, None when there is none."""
        if self._errand is None or self._order is None or self._told:
            return None
        ordered = int(self._order.id.rpartition("-")[2]) / 1000
        text = self._errand.progress() if self._began else "waits until what an earlier run left is taken in"
        return {"kind": self._order.kind, "by": self._order.who, "since": ordered, "text": safe(text)}

    def owns(self, report: Report) -> bool:
        """Return whether a report is about an errand, this or an earlier one."""
        return any(isinstance(report.job.about, kind) for kind in self.kinds.values() if isinstance(kind, type))

    def handle(self, report: Report) -> None:
        """Give a report to the errand that it is about."""
        errand: Errand = report.job.about
        errand.handle(report)

    def tick(self) -> None:
        """Begin what was ordered when it can be, let it work, tell its end."""
        if self._errand is None or self._told:
            return
        if not self._began:
            self._begin(self._errand)
        else:
            self._errand.tick()
        if self._errand.ended and self._leave_at == NEVER:
            self._end(self._errand)

    def _begin(self, errand: Errand) -> None:
        if not self.ready() or self._leave_at < NEVER:
            return
        assert self._order is not None
        self._began = True
        if not self._order.is_look:
            self.context.tell("errand begun", self.context.node.name, f"{self._order.kind}, by {self._order.who}")
        if self._stopped:
            errand.ended = True
            return
        try:
            errand.begin()
        except OverlapseError as error:
            if isinstance(error, StorageError | CatalogueError):
                self._began = False
                raise
            errand.error, errand.ended = error, True

    def _end(self, errand: Errand) -> None:
        assert self._order is not None
        self._told = True
        if self._order.is_look:
            return
        states.forget(self.context.catalogue, ORDERED)
        how = f"failed: {errand.error}; " if errand.error is not None else "stopped; " if self._stopped else ""
        self.context.tell("errand ended", self.context.node.name, f"{self._order.kind}: {how}{errand.told()}")

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        if self._errand is None or self._told:
            return NEVER
        if not self._began:
            return self.context.monotonic() + 0.5
        due = self._errand.wake()
        return min(due, self._leave_at) if self._leave_at > self.context.monotonic() else due

    def stop(self) -> None:
        """Begin nothing more, because the node ends; the next run goes on."""
        self._leave_at = self.context.monotonic() + LEAVE_WITHIN
        if self._errand is not None and not self._told:
            self._errand.stop()

    def finished(self) -> bool:
        """Return whether nothing is in hand; a stop does not wait long."""
        if self._errand is None or self._told or not self._began or self._errand.ended:
            return True
        return self.context.monotonic() >= self._leave_at

    def idle(self) -> bool:
        """Return whether what was ordered has ended."""
        return self._told


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
