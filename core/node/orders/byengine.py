"""Orders by the store that nodes share: put there and taken there by compare-and-set."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core.coordination.base import Conflict, Coordination, CoordinationError, Held, Unknown
from core.coordination.orderbook import PLACES, free_place, parse_value, prefix_of, value_of
from core.coordination.orders import OrderRefused, Report, Sealed
from core.errors import OverlapseError
from core.node.context import Context
from core.node.engine import Engine
from core.node.orders.kept import NOWHERE, Kept
from core.node.orders.obeying import Obeying
from core.node.orders.ordering import Ordering
from core.text import safe

log = logging.getLogger(__name__)

POLL = 60.0  # seconds between two looks: hints may be lost
AGAIN = 5.0  # seconds after a store that did not answer
ATTEMPTS = 8  # at a place that others take
NEVER = float("inf")


@dataclass
class ByEngine:
    """Carries the orders of both desks through the shared store, while there is one."""

    context: Context
    engine: Engine | None
    ordering: Ordering
    obeying: Obeying
    _look_at: float = 0.0  # monotonic
    _busy: bool = False
    _bad: list[tuple[str, int]] = field(default_factory=list)  # what was told: (key, revision)
    _ends: list[Callable[[], None]] = field(default_factory=list)

    def apply(self) -> None:
        """Listen for changes of the orders of this node, and of those that obey it; the first look finds the rest."""
        self.stop()
        self.ordering.has_engine = self.engine is not None
        if self.engine is None:
            return
        self._ends = [self.engine.hint(prefix_of(self.context.node.name), self.look)]
        self._ends += [
            self.engine.hint(prefix_of(one.name), self.look)
            for one in self.context.site.node
            if any(rule.node == self.context.node.name for rule in one.obeys)
        ]

    def stop(self) -> None:
        """Listen no more."""
        ends, self._ends = self._ends, []
        for end in ends:
            end()

    def look(self) -> None:
        """Look soon."""
        self._look_at = 0.0

    def tick(self) -> None:
        """Look at what is there, when it is time."""
        if self.engine is None or self._busy or self.context.monotonic() < self._look_at:
            return
        self._busy, self._look_at = True, self.context.monotonic() + POLL
        given = [one for one in self.ordering.memory.open.values() if one.place]
        mine, now = prefix_of(self.context.node.name), self.context.now_ms()
        self.engine.ask(lambda store: _Look.at(store, given, mine, now), self._looked)

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        return NEVER if self.engine is None or self._busy else self._look_at

    def _looked(self, found: _Look | CoordinationError) -> None:
        self._busy = False
        if isinstance(found, CoordinationError):
            log.info("orders not looked at: error=%s", safe(found))
            self._again()
            return
        given = self.ordering.memory.by_id
        for number, place in found.put.items():
            self._was_put(given[number], place)
        for number, there in found.read.items():
            self._was_read(given[number], there)
        for key, held in found.mine.items():
            self._came(key, held)

    def _again(self) -> None:
        self._look_at = min(self._look_at, self.context.monotonic() + AGAIN)

    # Those that were given here.

    def _was_put(self, kept: Kept, place: object) -> None:
        if isinstance(place, str):
            self.ordering.expect(kept, place)
        elif isinstance(place, OrderRefused):
            self.ordering.refuse(kept, str(place))
        else:  # it is put there again: where it is already, it is found
            self._again()

    def _was_read(self, kept: Kept, held: Held | None) -> None:
        try:
            order, report = parse_value(held.value) if held is not None else (None, None)
            if order == kept.sealed and report is not None:
                self.ordering.reported(kept.order.to, report)
        except OverlapseError as error:
            log.warning("report not believed: from=%s error=%s", kept.order.to, safe(error))

    # Those that came.

    def _came(self, key: str, held: Held) -> None:
        there = _There(key, held.rev)
        try:
            there.sealed, report = parse_value(held.value)
            order = self.obeying.opened(there.sealed)
        except OrderRefused as error:
            self._refuse(there, error)
            return
        known = self.obeying.memory.by_id.get(order.id)
        if known is None and report is not None:
            return  # it was carried out before this node's memory begins
        if known is None:
            self.obeying.note(order, key)
        elif known.told:
            return
        self._go_on(there, self.obeying.memory.by_id[order.id], report)

    def _go_on(self, there: _There, kept: Kept, report: Sealed | None) -> None:
        """Do the next step of an order: take it, begin it, or say what became of it."""
        number = kept.order.id
        if kept.report is None and report is not None and not self._is_ours(kept, report):
            self.obeying.leave(number)
            return
        if kept.report is None and (end := self.obeying.judge(number)) is not None:
            self.obeying.end(number, end)
        elif kept.report is None and report is None:
            self._claim(there, kept)
            return
        elif kept.report is None:  # it was taken, and a stop or a lost answer came before it was begun
            self.obeying.begin_one(number)
            return
        self._answer(there, self.obeying.memory.by_id[number])

    def _is_ours(self, kept: Kept, report: Sealed) -> bool:
        """Return whether it was this machine that took an order: another one may have its name."""
        return kept.claim is not None and self.obeying.seal(kept.order, kept.claim) == report

    def _refuse(self, there: _There, error: OrderRefused) -> None:
        if (what := (there.key, there.rev)) not in self._bad:
            self._bad = [*self._bad[-PLACES:], what]
            self.obeying.refuse(there.key, error)

    def _claim(self, there: _There, kept: Kept) -> None:
        """Take an order: whoever's report is there first carries it out."""
        number = kept.order.id
        mark = {"claim": secrets.token_hex(8)}
        taken = Report(id=number, state="taken", taken=self.context.now_ms(), result=mark)
        self.obeying.memory.change(number, claim=taken)

        def claimed(result: object) -> None:
            if result is True:
                self.obeying.begin_one(number)
            else:
                log.info("order not taken: key=%s error=%s", there.key, safe(result))
                self._again()

        self._swap(there, self.obeying.seal(kept.order, taken), claimed)

    def _answer(self, there: _There, kept: Kept) -> None:
        assert kept.report is not None

        def said(result: object) -> None:
            if result is True:
                self.obeying.told([kept])
            else:
                self._again()

        self._swap(there, self.obeying.seal(kept.order, kept.report), said)

    def _swap(self, there: _There, report: Sealed, then: Callable[[object], None]) -> None:
        assert self.engine is not None
        assert there.sealed is not None
        value = value_of(there.sealed, report)
        self.engine.ask(lambda store: _swap(store, there.key, there.rev, value), then)


@dataclass
class _There:
    """An order as it stands in the store."""

    key: str
    rev: int
    sealed: Sealed | None = None


@dataclass(frozen=True)
class _Look:
    """What one look did and found: where new orders were put, what stands under the others, what came."""

    put: Mapping[str, object]
    read: Mapping[str, Held | None]
    mine: Mapping[str, Held]

    @classmethod
    def at(cls, store: Coordination, given: Sequence[Kept], mine: str, now_ms: int) -> _Look:
        put = {one.order.id: _put(store, one, now_ms) for one in given if one.place == NOWHERE}
        read = {one.order.id: store.read(one.place) for one in given if one.place != NOWHERE}
        return cls(put, read, store.list(mine))


def _put(store: Coordination, kept: Kept, now_ms: int) -> object:
    """Put an order under a free key of its node; return the key, OrderRefused when there is none, or another error."""
    assert kept.sealed is not None
    value = value_of(kept.sealed, None)
    for _ in range(ATTEMPTS):
        held = store.list(prefix_of(kept.order.to))
        there = next((key for key, one in held.items() if _is_of(one, kept.sealed)), None)
        if there is not None:
            return there
        try:
            key, rev = free_place(held, kept.order.to, now_ms)
            store.cas(key, rev, value)
        except (Conflict, Unknown):
            continue
        except CoordinationError as error:
            return error
        return key
    return Conflict("others were first, time and again")


def _is_of(held: Held, sealed: Sealed) -> bool:
    try:
        return parse_value(held.value)[0] == sealed
    except OrderRefused:
        return False


def _swap(store: Coordination, key: str, rev: int, value: bytes) -> object:
    """Set a key; return True when that was done, else the error: the next look finds what holds after an Unknown."""
    try:
        store.cas(key, rev, value)
    except CoordinationError as error:
        return error
    return True
