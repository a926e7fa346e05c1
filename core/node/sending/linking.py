"""Links: what may go now, what the month has cost, and what an operator said of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.catalogue import buffer, deliveries
from core.errors import BadRequest, CatalogueError, NoSuchThing, StorageError
from core.node.context import Context
from core.node.jobs import Report
from core.node.sending.metering import Metering
from core.node.sending.uplink import NOTE_EVERY, Uplink
from core.planner.flows import Made, flows
from core.schedule.slots import Timetable
from core.site.model.links import Link
from core.site.model.places import Destination
from core.transfer.budget import OVERHEAD
from core.transfer.drain import NEVER, Flow, drain, seconds
from core.transfer.rungs import Override, rung
from core.units import show_size

log = logging.getLogger(__name__)

SOON = 10.0  # seconds between two reckonings while sizes are guessed and pictures come
AHEAD = timedelta(days=7)  # of the timetable from which the pictures of a day are reckoned
NOWHERE = Link(name="none")  # of destinations that name no link: nothing is counted, nothing held back


@dataclass(frozen=True)
class _Asking:
    destination: Destination
    name: str  # of the class
    answer: Callable[[int], None]


@dataclass
class Linking:
    """Keeps the links of this node. `on_change` hears of destinations whose link lets something else through now."""

    context: Context
    on_change: Callable[[list[str]], None]
    uplinks: dict[str, Uplink] = field(default_factory=dict)
    metering: Metering = field(init=False)
    _asking: dict[str, _Asking] = field(default_factory=dict)  # who is in a line, and sends no delivery
    _flows: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    _look_at: float = 0.0  # monotonic
    _reckon_at: float = 0.0
    _reckoned: float = 0.0  # monotonic: when it was done last
    _guessed: bool = False  # sizes that nobody knows yet were taken to be the usual ones

    def __post_init__(self) -> None:
        self.metering = Metering(self.context)

    def apply(self) -> None:
        """Take over the links of the site as it is now configured; what is under way goes on under the new ones."""
        self.note()
        for who in list(self._asking):
            self._answer(who, 0)
        before = self.uplinks
        self.uplinks = {link.name: Uplink.of(self.context, link) for link in (*self.context.node.link, NOWHERE)}
        for name, uplink in self.uplinks.items():
            if name in before:
                uplink.goodput, uplink.quality = before[name].goodput, before[name].quality
        self._look_at = self._reckon_at = 0.0
        self.tick()

    def of(self, destination: Destination) -> Uplink:
        """Return the link that leads there; one that this node has not does not hold it up."""
        return self.uplinks.get(destination.link or "", self.uplinks[NOWHERE.name])

    def tick(self) -> None:
        """Look at the links when it is time."""
        now = self.context.monotonic()
        if now >= self._reckon_at:
            self._reckon_at = now + self.context.pace.reckon
            self._reckon()
        if now >= self._look_at:
            self._look_at = now + self.context.pace.judge
            self._look()

    def news(self) -> None:
        """Hear that pictures came: while sizes are guessed they are reckoned with soon."""
        if self._guessed:
            self._reckon_at = min(self._reckon_at, max(self.context.monotonic(), self._reckoned + SOON))

    def wake(self) -> float:
        """Return the monotonic time of the next look."""
        return min(self._look_at, self._reckon_at)

    def charge(self, destination: Destination, name: str, size: int) -> None:
        """Count bytes that go there, or come from there, as class `name`."""
        uplink = self.of(destination)
        if uplink.link is NOWHERE:
            return
        if uplink.charge(name, size, self.context.now()):
            self._changed(uplink)
            self._tell_short(uplink)
        if uplink.unnoted >= NOTE_EVERY:
            self._note(uplink)
            self._look_at = 0.0

    def spent(self, destination: Destination, name: str, size: int) -> None:
        """Count bytes that went, or came, without a grant: batches are small, and what follows waits for them."""
        self.of(destination).grants.spend(size)
        self.charge(destination, name, size)

    def carries(self, destination: Destination, name: str) -> bool:
        """Return whether the link that leads there lets class `name` through now."""
        return name in self.of(destination).grants.carries

    def shut_by(self, destination: Destination, name: str) -> str | None:
        """Return why the link that leads there does not let class `name` through now; None: it does."""
        return self.of(destination).shut_by(name, self.context.now())

    def ask(self, destination: Destination, who: str, size: int, name: str, answer: Callable[[int], None]) -> None:
        """Put somebody who sends no delivery into the link's line; `answer` hears the bytes granted, 0: not now."""
        self._asking[who] = _Asking(destination, name, answer)
        if self.carries(destination, name):
            self.of(destination).grants.ask(who, size, name, self.context.monotonic())
        else:
            self._answer(who, 0)

    def forget(self, who: str) -> None:
        """Take somebody who does not want any more out of the line."""
        asking = self._asking.pop(who, None)
        if asking is not None:
            self.of(asking.destination).grants.forget(who)

    def granted(self, who: str, size: int) -> None:
        """Give a grant to one who asked by `ask`, and count it."""
        asking = self._asking.get(who)
        if asking is not None:  # it may have been told meanwhile that the link does not carry it any more
            self._answer(who, size)
            self.charge(asking.destination, asking.name, size)

    def _answer(self, who: str, size: int) -> None:
        asking = self._asking.pop(who)
        self.of(asking.destination).grants.forget(who)
        asking.answer(size)

    def _changed(self, uplink: Uplink) -> None:
        """Tell all of whom the link lets something else through now; who waits for what it does not carry, does not."""
        for who, asking in list(self._asking.items()):
            if self.of(asking.destination) is uplink and asking.name not in uplink.grants.carries:
                self._answer(who, 0)
        self.on_change(self._destinations(uplink))

    def note(self) -> None:
        """Write down what a stop must not forget."""
        for uplink in self.uplinks.values():
            if uplink.link is not NOWHERE:
                self._note(uplink)

    def _note(self, uplink: Uplink) -> None:
        try:
            uplink.note(self.context)
        except (StorageError, CatalogueError) as error:
            log.error("account not noted: link=%s error=%s", uplink.link.name, error)

    def order(self, name: str, rung_name: str, until: datetime, why: str) -> None:
        """Have a link stand on a rung until then; raise NoSuchThing or BadRequest."""
        uplink = self._ours(name)
        try:
            rung(rung_name)
        except ValueError as error:
            raise BadRequest(str(error)) from error
        uplink.order(self.context, Override(rung_name, until, why))
        self._look()

    def release(self, name: str) -> None:
        """Have a link go by its ladder again; raise NoSuchThing."""
        self._ours(name).order(self.context, None)
        self._look()

    def _ours(self, name: str) -> Uplink:
        known = [link for link in self.uplinks if link != NOWHERE.name]
        if name not in known:
            raise NoSuchThing(f"this node has no link {name}; there are: {', '.join(known) or 'none'}")
        return self.uplinks[name]

    def _look(self) -> None:
        now = self.context.now()
        for uplink in self.uplinks.values():
            if uplink.link is NOWHERE:
                continue
            self.metering.read(uplink)
            before = uplink.rung.name
            if uplink.look(now):
                self._changed(uplink)
            if uplink.rung.name != before:
                self._tell(uplink, before)
            self._tell_short(uplink)
            if uplink.unnoted:
                self._note(uplink)

    def handle(self, report: Report) -> None:
        """Take in what the router of a link answered."""
        self.metering.handle(report, self.uplinks.get(str(report.job.about)))

    def _tell(self, uplink: Uplink, before: str) -> None:
        word = uplink.override
        why = f"by order: {word.why}" if word is not None else uplink.standing.why or "the order has ended"
        self._note(uplink)
        self.context.tell("link rung", uplink.link.name, f"{uplink.rung.name} instead of {before}: {why}")

    def _tell_short(self, uplink: Uplink) -> None:
        """Tell once a month of each class that the budget holds back; a guess is no news."""
        used, budget, end = uplink.account.usage.on_the_wire, uplink.budget, uplink.account.month.end
        if budget is None or (self._guessed and used < budget):
            return
        if short := uplink.short(self.context.now()):
            spent = f"{show_size(used)} of {show_size(budget)} are used"
            why = f"{spent}, the rest is kept for what is missed first" if uplink.grants.carries else spent
            self._note(uplink)
            until = f"{end.astimezone(self.context.zone):%Y-%m-%d}"
            self.context.tell("link budget", uplink.link.name, f"{', '.join(short)} may wait until {until}: {why}")

    def _destinations(self, uplink: Uplink) -> list[str]:
        return [one.name for one in self.context.site.destination if self.of(one) is uplink]

    def _reckon(self) -> None:
        """Say anew what is made for each destination, and so what each rung of each link needs."""
        self._reckoned, before, self._guessed = self.context.monotonic(), self._guessed, False
        self._flows = flows(self.context.site, Made(self._per_day(), self._sizes()), self.context.node.name)
        for uplink in self.uplinks.values():
            uplink.reckon(self._flow(self._destinations(uplink)), self.context.now())
        if before:  # what was kept back for pictures that are smaller than was thought may go now
            self._look()

    def _per_day(self) -> dict[str, float]:
        where, now = self.context.site.site, self.context.now()
        return {
            camera.name: Timetable(camera, where.zone, where.latitude, where.longitude).count(now, now + AHEAD)
            / AHEAD.days
            for camera in self.context.site.camera
        }

    def _sizes(self) -> Callable[[str, str], int | None]:
        """Return who knows the mean bytes of a camera's pictures, and of the copies that a recipe makes."""
        held = {(one.camera, str(one.kind)): one for one in buffer.tally(self.context.catalogue)}

        def size(camera: str, what: str) -> int | None:
            known = self._mean(held.get((camera, what)), what)
            self._guessed = self._guessed or known is None
            return known

        return size

    def _mean(self, held: buffer.PictureTally | None, what: str) -> int | None:
        if what not in ("raw", "jpeg"):
            return deliveries.rendition_size(self.context.catalogue, what)
        count = 0 if held is None else held.present + held.gone
        return None if held is None or not count else (held.present_bytes + held.gone_bytes) // count

    def why_not(self, name: str, class_name: str) -> str | None:
        """Return why a class waits for the destination: "rung jpeg", "window", "budget"; None: it may go."""
        found = next((one for one in self.context.site.destination if one.name == name), None)
        return None if found is None else self.of(found).why_not(class_name, self.context.now())

    def rows(self) -> list[dict[str, Any]]:
        """Return what the status document says of the links."""
        now = self.context.now()
        return [uplink.row(now) for uplink in self.uplinks.values() if uplink.link is not NOWHERE]

    def drains(self) -> dict[str, float]:
        """Return the seconds until each destination has all that its link's rung sends; infinite: never.

        Nothing is said of a link of which nobody knows what it carries.
        """
        found: dict[str, float] = {}
        for uplink in self.uplinks.values():
            if (carried := uplink.carried) is not None:
                flow = {place: self._flow([place]).through(uplink.rung) for place in self._destinations(uplink)}
                found |= drain(flow, carried)
        return found

    def what_if(self, name: str) -> list[dict[str, Any]]:
        """Return what each rung of a link would come to: bytes a second, the month, and when all has gone.

        Raise NoSuchThing.
        """
        uplink, now = self._ours(name), self.context.now()
        flow = self._flow(self._destinations(uplink))
        return [_what_if(uplink, each, flow.through(rung(each)), now) for each in uplink.ladder]

    def _flow(self, places: list[str]) -> Flow:
        made: dict[str, float] = {}
        for place in places:
            for name, rate in self._flows.get(place, {}).items():
                made[name] = made.get(name, 0.0) + rate
        waiting = deliveries.waiting(self.context.catalogue, places)
        return Flow({priority.name.lower(): size for priority, size in waiting.items()}, made)


def _what_if(uplink: Uplink, name: str, flow: Flow, now: datetime) -> dict[str, Any]:
    needs, waiting = sum(flow.made.values()), sum(flow.waiting.values())
    rest = (uplink.account.month.end - now).total_seconds()
    row = {"rung": name, "needs": round(needs), "waiting": waiting}
    if uplink.carried is not None:
        row["eta"] = eta(seconds(flow, uplink.carried))
    return row | {"month": round(uplink.account.usage.on_the_wire + (needs * rest + waiting) * OVERHEAD)}


def eta(left: float) -> float | str:
    """Return seconds as JSON says them: "never" when it is never."""
    return "never" if left == NEVER else round(left)
