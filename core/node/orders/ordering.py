"""Ordering: what people here ask of other nodes goes there by the shared store or by a drop, and its end comes back."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from core.control.request import Request
from core.control.verbs import Verb, permitted
from core.coordination.orders import (
    LONGEST,
    Order,
    OrderRefused,
    Report,
    Sealed,
    is_over,
    open_report,
    seal,
)
from core.errors import BadRequest, ConfigurationError, Forbidden, NoSuchThing
from core.node.context import Context
from core.node.jobs import Json
from core.node.orders.kept import NOWHERE, Kept, Memory
from core.site.model.nodes import Obeys
from core.site.secrets import read_secret
from core.text import safe

log = logging.getLogger(__name__)

LASTS = timedelta(hours=1)  # an order, when nothing is said
AGAIN = 60.0  # seconds until an order that could not be put into a drop is put there again
UNHEARD, ENDLESS = "nothing was heard of it", "its end was not heard of"
NEVER = float("inf")


@dataclass
class Ordering:
    """The orders that were given here. `lay` puts one into the drop of a node, and returns whether a way is known."""

    context: Context
    lay: Callable[[str, str, Json], bool] = lambda node, number, line: False
    has_way: Callable[[str], bool] = lambda node: False
    has_engine: bool = False
    on_given: Callable[[], None] = lambda: None  # there is one for the shared store
    memory: Memory = field(init=False)
    _laying: dict[str, float] = field(default_factory=dict)  # order -> monotonic: when it is put there (again)

    def __post_init__(self) -> None:
        self.memory = Memory(self.context.catalogue, "given")

    def begin(self) -> None:
        """Put into the drops what a stop left: it is known there if it was there already."""
        self._laying = {one.order.id: 0.0 for one in self.memory.open.values() if self._to_lay(one)}

    def give(self, request: Request) -> Json:
        """Take an order for another node; raise Forbidden, NoSuchThing, BadRequest or ConfigurationError."""
        args, now = request.args, self.context.now_ms()
        verb = self._checked(request)
        rule = self._rule(args["node"])
        lasts = timedelta(seconds=args["lasts"]) if "lasts" in args else LASTS
        if lasts > LONGEST:
            raise BadRequest(f"lasts: an order waits for at most {LONGEST.days} days")
        if not self.context.trust.trusted:
            raise Forbidden(f"the clock here is not trusted ({self.context.trust.why}): nobody could say when it ends")
        order = Order(
            id=secrets.token_hex(16),
            site=self.context.site.site.name,
            origin=self.context.node.name,
            to=args["node"],
            verb=verb.name,
            args=args["args"],
            who=safe(request.who.user, 60),
            uid=request.who.uid,
            role=request.who.role.word,
            key=request.who.key,
            asked=now,
            expires=now + int(lasts.total_seconds() * 1000),
        )
        way = self._way(order.to)
        told = {"order": order.id, "to": order.to, "does": verb.does, "way": way, "expires": order.expires / 1000}
        if args.get("dry_run"):
            return told
        self._keep(order, seal(order, read_secret(self.context.base / rule.key_file)), way)
        return told

    def _checked(self, request: Request) -> Verb:
        """Return the verb if the person may use it here and the other node may be asked for it."""
        verb = permitted(request.args["verb"], request.who.role)
        if verb.here_only:
            raise Forbidden(f"{verb.name} is asked for on the node itself")
        verb.parse(request.args["args"])
        if self.memory.is_full:
            raise Forbidden("too many orders wait: see `overlapse orders`")
        return verb

    def _rule(self, to: str) -> Obeys:
        me = self.context.node.name
        node = next((one for one in self.context.site.node if one.name == to), None)
        if node is None or to == me:
            others = ", ".join(one.name for one in self.context.site.node if one.name != me)
            raise NoSuchThing(f"there is no other node {to}; there are: {others or 'none'}")
        rule = next((one for one in node.obeys if one.node == me), None)
        if rule is None:
            key = f'obeys = [{{ node = "{me}", role = "operate", key_file = "secrets/orders-{to}" }}]'
            raise Forbidden(f"{to} does not obey {me}: write {key} in its [[node]] (docs/orders.md)")
        return rule

    def _way(self, to: str) -> str:
        if self.has_engine:
            return "engine"
        if self.has_way(to):
            return "drop"
        raise NoSuchThing(f"no way to {to} is known: it has handed nothing to this node yet, and none is shared")

    def _keep(self, order: Order, sealed: Sealed, way: str) -> None:
        self.memory.tidy(order.asked)
        place = NOWHERE if way == "engine" else ""
        self.memory.put(Kept(order=order, sealed=sealed, place=place, noted=order.asked))
        self.context.tell("order given", order.to, f"{order.verb} by {order.who}", order=order.id)
        if place:
            self.on_given()
        else:
            self._laying[order.id] = 0.0

    # By the drop.

    def tick(self) -> None:
        """Put orders into drops; end those that nobody can obey any more."""
        now = self.context.monotonic()
        for number in [one for one, at in self._laying.items() if at <= now]:
            kept = self.memory.by_id[number]
            assert kept.sealed is not None
            if is_over(kept.order, self.context.now_ms()) or not self._to_lay(kept):
                del self._laying[number]
            else:
                self._laying[number] = now + AGAIN
                self.lay(kept.order.to, number, kept.sealed.to_json("order"))
        for kept in list(self.memory.open.values()):
            if is_over(kept.order, self.context.now_ms()):
                text = (
                    "nothing was heard of it" if kept.report is None else "it was taken, and its end was not heard of"
                )
                self._end(kept, Report(id=kept.order.id, state="expired", ended=self.context.now_ms(), text=text))

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        ends = (one.order.expires for one in self.memory.open.values())
        soonest = min(ends, default=None)
        over = NEVER if soonest is None else (soonest - self.context.now_ms()) / 1000 + 121.0
        return min([*self._laying.values(), self.context.monotonic() + max(1.0, over)])

    def laid(self, numbers: Iterable[str]) -> None:
        """Note that orders stand in the drop."""
        for number in numbers:
            self._laying.pop(number, None)
            if number in self.memory.by_id:
                self.memory.change(number, sent=self.context.now_ms())

    @staticmethod
    def _to_lay(kept: Kept) -> bool:
        return not kept.place and kept.sent is None and kept.report is None

    # What comes back.

    def hear(self, node: str, said: object) -> None:
        """Take a report that a node sent by a drop; what makes no sense is logged."""
        try:
            self.reported(node, Sealed.of(said, "report"))
        except (OrderRefused, ConfigurationError, Forbidden, NoSuchThing) as error:
            log.warning("report not believed: from=%s error=%s", safe(node), safe(error))

    def reported(self, node: str, sealed: Sealed) -> None:
        """Take what a node reports; raise OrderRefused for what it did not say, or of an order not given to it."""
        report = open_report(sealed, read_secret(self.context.base / self._rule(node).key_file))
        kept = self.memory.by_id.get(report.id)
        if kept is None or kept.order.to != node:
            raise OrderRefused("no order of that number was given to it")
        if kept.report is not None and (kept.report == report or (kept.ended and not _by_us(kept.report))):
            return
        if report.state == "taken":
            if kept.report is None:
                self.memory.change(report.id, report=report)
        else:
            self._end(kept, report)

    def _end(self, kept: Kept, report: Report) -> None:
        self.memory.change(kept.order.id, report=report, told=True)
        self._laying.pop(kept.order.id, None)
        text = f"{kept.order.verb} by {kept.order.who}: {report.state}"
        told = f"{text}: {safe(report.text, 300)}" if report.text else text
        self.context.tell("order ended", kept.order.to, told, order=report.id)

    def expect(self, kept: Kept, place: str) -> None:
        """Note under which key of the shared store an order stands."""
        self.memory.change(kept.order.id, place=place, sent=self.context.now_ms())

    def refuse(self, kept: Kept, text: str) -> None:
        """End an order that could not be put into the shared store."""
        self._end(kept, replace(_NOBODY, id=kept.order.id, ended=self.context.now_ms(), text=text))


_NOBODY = Report(id="", state="refused")


def _by_us(report: Report) -> bool:
    """Return whether we ended it ourselves because nothing was heard: the word of who obeyed counts more."""
    return report.state == "expired" and report.text in (UNHEARD, ENDLESS)
