"""Obeying: orders of other nodes, judged by this node's own configuration, carried out once, and reported.

They come by the shared store or in a drop. Each is remembered before anything else is done with it, so that one that
comes again is known, and it is carried out through the same table of verbs and the same audit as what people ask.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from core.catalogue import states
from core.control.peer import Who
from core.control.request import Frame, Request
from core.control.trail import Trail
from core.control.verbs import Role, Verb, permitted
from core.coordination.orders import (
    Order,
    OrderRefused,
    Report,
    Sealed,
    Times,
    open_order,
    seal_short,
    why_not,
)
from core.errors import ConfigurationError, Forbidden, OverlapseError, to_wire
from core.node.context import Context
from core.node.jobs import Json
from core.node.orders.kept import Kept, Memory
from core.site.model.nodes import Obeys
from core.site.secrets import read_secret
from core.text import safe

log = logging.getLogger(__name__)

AT_ONCE = 64  # orders of one batch that are looked at
QUIET = 60.0  # seconds between two events about refused orders: whoever forges them shall not fill the journal
BORN = "orders/born"
CUT = "the node was stopped in the middle: whether it was done is not known; look at its events"
NEVER = float("inf")
SHOTS = ("capture", "recover")  # verbs whose order ends with a shot


@dataclass
class Obeying:
    """The orders that came. `carry_out` does what a request asks; `on_news` hears that there is something to report."""

    context: Context
    trail: Trail
    last_seen: Callable[[], int | None]  # milliseconds: the latest time at which the clock was trusted
    carry_out: Callable[[Request], None] = lambda request: None
    on_news: Callable[[], None] = lambda: None
    memory: Memory = field(init=False)
    _secrets: dict[str, str] = field(default_factory=dict)  # by the node that is obeyed
    _shots: dict[str, str] = field(default_factory=dict)  # order of the camera's desk -> order
    _waiting: list[str] = field(default_factory=list)  # orders that were noted by a drop, and not looked at yet
    _told_at: float = float("-inf")
    _untold: int = 0
    _born: int | None = None  # milliseconds: since when orders are remembered here

    def __post_init__(self) -> None:
        self.memory = Memory(self.context.catalogue, "received")

    def begin(self) -> None:
        """Take up what a stop left: what was begun and has no end is told as such, and never done again."""
        for kept in list(self.memory.open.values()):
            if kept.state == "taken":
                self._end(kept, Report(id=kept.order.id, state="failed", ended=self.context.now_ms(), text=CUT))
            elif kept.state == "asked" and not kept.place:
                self._waiting.append(kept.order.id)

    def apply(self) -> None:
        """Take over whose orders are obeyed now."""
        self._secrets = {}
        for one in self.context.node.obeys:
            try:
                self._secrets[one.node] = read_secret(self.context.base / one.key_file)
            except ConfigurationError as error:
                self.context.tell("order refused", one.node, f"its orders cannot be proved: {error}")

    def obeys(self, node: str | None) -> bool:
        """Return whether orders of a node are obeyed."""
        return node in self._secrets

    # What comes.

    def hear(self, lines: Iterable[Json], carrier: str) -> None:
        """Note the orders among what a node left in the drop, within a transaction; others are refused and told."""
        for said in list(lines)[:AT_ONCE]:
            try:
                order = self.opened(Sealed.of(said, "order"))
                if order.origin != carrier:
                    raise OrderRefused(f"an order of {order.origin} does not come from {carrier}")
            except OrderRefused as error:
                self.refuse(carrier, error)
                continue
            if self.note(order):
                self._waiting.append(order.id)
            elif self.memory.by_id[order.id].told:  # it comes again, so nobody heard what became of it
                self.memory.change(order.id, told=False)
                self.on_news()

    def opened(self, sealed: Sealed) -> Order:
        """Return the order of a node that is obeyed; raise OrderRefused."""
        order = open_order(sealed, self._secrets)
        if self.memory.is_full and order.id not in self.memory.by_id:
            raise OrderRefused("too many orders came: they are not looked at before older ones are over")
        return order

    def note(self, order: Order, place: str = "") -> bool:
        """Remember an order; return whether it is new."""
        if order.id in self.memory.by_id:
            return False
        self.memory.put(Kept(order=order, place=place, noted=self.context.now_ms()))
        return True

    def refuse(self, carrier: str, error: OrderRefused) -> None:
        """Tell of something that is no order of anybody who is obeyed, but not of each one of a flood."""
        log.warning("order refused: from=%s error=%s", safe(carrier), safe(error))
        self._untold += 1
        now = self.context.monotonic()
        if now - self._told_at >= QUIET:
            others = f" (and {self._untold - 1} before it)" if self._untold > 1 else ""
            self.context.tell("order refused", carrier, f"{error}{others}")
            self._told_at, self._untold = now, 0

    # Carrying out.

    def tick(self) -> None:
        """Carry out what came by a drop."""
        if self._born is None and self.context.trust.trusted:
            self._born = states.get(self.context.catalogue, BORN)
            if self._born is None:
                self._born = self.context.now_ms()
                states.put(self.context.catalogue, BORN, self._born)
        waiting, self._waiting = self._waiting, []
        for number in waiting:
            if (end := self.judge(number)) is not None:
                self._end(self.memory.by_id[number], end)
            else:
                self.begin_one(number)
        if waiting and self.context.trust.trusted:
            self.memory.tidy(self.context.now_ms())

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        return self.context.monotonic() if self._waiting else NEVER

    def judge(self, number: str) -> Report | None:
        """Return how an order ends that is not carried out, None: it may be."""
        order, context = self.memory.by_id[number].order, self.context
        times = Times(
            now=context.now_ms(),
            trusted=context.trust.trusted,
            last_seen=self.last_seen(),
            born=self._born,
        )
        try:
            verb = self._permitted(order)
        except OverlapseError as error:
            self.trail.refused(self._who(order), _frame(order), error)
            said = to_wire(error)
            return Report(
                id=order.id, state="refused", ended=times.now, error=said["error"], text=safe(said["message"], 300)
            )
        return why_not(order, context.site.site.name, context.node.name, times, verb.dangerous)

    def begin_one(self, number: str) -> None:
        """Carry an order out: from here on it is never begun again."""
        order = self.memory.by_id[number].order
        who, frame, now = self._who(order), _frame(order), self.context.now_ms()
        verb = self._permitted(order)
        self.memory.change(number, report=Report(id=number, state="taken", taken=now))
        self.trail.asked(verb, who, frame)
        self.context.tell("order taken", order.origin, f"{order.verb} by {who.user}", order=number)
        self.on_news()
        request = Request(verb.name, verb.parse(order.args), who, lambda answer: self._answered(number, verb, answer))
        self.carry_out(request)

    def _permitted(self, order: Order) -> Verb:
        """Return the verb of an order if its origin may give it; raise Forbidden, NoSuchThing or BadRequest."""
        rule = self._rule(order.origin)
        if rule is None:
            raise Forbidden(f"no orders of {safe(order.origin, 40)} are obeyed here")
        verb = permitted(order.verb, self._role(order, rule))
        if verb.here_only:
            raise Forbidden(f"{verb.name} is asked for on the node itself")
        verb.parse(order.args)
        return verb

    def _rule(self, origin: str) -> Obeys | None:
        return next((one for one in self.context.node.obeys if one.node == origin), None)

    @staticmethod
    def _role(order: Order, rule: Obeys) -> Role:
        """Return as what an order counts: its person's role there, and no more than that node may have here."""
        roles = {role.word: role for role in Role}
        if order.role not in roles:
            raise Forbidden(f"{safe(order.role, 40)} is no role")
        return min(roles[order.role], roles[rule.role])

    def _who(self, order: Order) -> Who:
        rule = self._rule(order.origin)
        try:
            role = self._role(order, rule) if rule is not None else Role.VIEW
        except Forbidden:
            role = Role.VIEW
        user = f"{order.who}@{order.origin}"
        return Who(order.uid, user, role, 0, order.key, node=order.origin, order=order.id)

    def _answered(self, number: str, verb: Verb, answer: Json) -> None:
        """Take the answer of whoever carried it out; of a shot only the picture is one."""
        kept = self.memory.by_id[number]
        if kept.state != "taken":
            return
        self.trail.answered(verb, self._who(kept.order), _frame(kept.order), answer)
        if verb.name in SHOTS and "done" in answer:
            self._shots[answer["done"]["order"]] = number
            return
        assert kept.report is not None
        now = self.context.now_ms()
        if "error" in answer:
            text = safe(answer["message"], 500)
            self._end(kept, replace(kept.report, state="failed", ended=now, error=answer["error"], text=text))
        else:
            self._end(kept, replace(kept.report, state="done", ended=now, result=_plain(answer["done"])))

    def shot(self, order: str, pictures: list[str], error: OverlapseError | None) -> None:
        """Take the end of a shot by hand."""
        number = self._shots.pop(order, None)
        if number is None:
            return
        kept = self.memory.by_id[number]
        assert kept.report is not None
        now = self.context.now_ms()
        if error is None:
            self._end(kept, replace(kept.report, state="done", ended=now, result={"pictures": pictures}))
        else:
            said = to_wire(error)
            text = safe(said["message"], 500)
            self._end(kept, replace(kept.report, state="failed", ended=now, error=said["error"], text=text))

    def _end(self, kept: Kept, report: Report) -> None:
        self.memory.change(kept.order.id, report=report, told=False)
        kind = "order refused" if report.state in ("refused", "expired") else "order ended"
        text = f"{kept.order.verb} by {kept.order.who}@{kept.order.origin}: {report.state}"
        self.context.tell(kind, kept.order.origin, f"{text}: {report.text}" if report.text else text, order=report.id)
        self.on_news()

    def leave(self, number: str) -> None:
        """Note that another machine which has this node's name took an order; that one reports."""
        text = "another machine of this name took it"
        report = Report(id=number, state="refused", ended=self.context.now_ms(), text=text)
        self._end(self.memory.by_id[number], report)
        self.memory.change(number, told=True)

    def end(self, number: str, report: Report) -> None:
        """Note how an order ended that was not carried out."""
        self._end(self.memory.by_id[number], report)

    # What goes back.

    def reports(self, carrier: str | None) -> list[Kept]:
        """Return the orders of which is to be told in the drop of a node."""
        if not self.obeys(carrier):
            return []
        waiting = (one for one in self.memory.by_id.values() if not one.told and not one.place)
        return [one for one in waiting if one.report is not None and one.order.origin == carrier][:AT_ONCE]

    def seal(self, order: Order, report: Report) -> Sealed:
        """Return a report as it goes back."""
        return seal_short(report, self._secrets[order.origin])

    def told(self, reported: Iterable[Kept]) -> None:
        """Note that reports went back, unless there is more to tell since."""
        for one in reported:
            if self.memory.by_id.get(one.order.id) == one:
                self.memory.change(one.order.id, told=True)


def _frame(order: Order) -> Frame:
    return Frame(order.verb, order.args, order.id, order.key)


def _plain(result: Any) -> Json:
    said: Json = json.loads(json.dumps(result, default=str))
    return said
