"""Handing on: lines of the day books go ahead of the pictures to the node that takes them in; its receipts come back.

Both are small objects in the drop, over the connection by which the pictures go there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from core.catalogue import deliveries, news, pictures, rebuild, states
from core.catalogue.deliveries import Delivery
from core.errors import NoSuchThing, ObjectDiffers
from core.intake.entries import Entry, to_json
from core.node.between import batches
from core.node.between.batches import TO as PEER
from core.node.between.checkins import CheckIns
from core.node.between.hearing import Hearing, Refusal
from core.node.context import Context
from core.node.jobs import Done, Failed, Job, Json, Report
from core.node.orders.kept import Kept
from core.node.orders.obeying import Obeying
from core.node.sending.delivering import Delivering
from core.node.writing import Writer
from core.site.at import used_at
from core.site.model.places import Destination
from core.transfer import drops
from core.transfer.backoff import next_try
from core.values import PictureName

log = logging.getLogger(__name__)

SOON = 2.0  # seconds after something was sent, or is to be told
SELDOM = 900.0  # at most, while something waits for its receipt
IDLE = 3600.0  # when nothing waits: receipts of places further on still come
ANSWERED = (60.0, 300.0)  # seconds in which a taker that was told a whole document says that it has it, most likely
SHUT = 60.0  # seconds until it is asked again whether the link's budget has bytes for batches
SHARE = 10.0  # a request is made again after so many times as long as it took: a thin link is for pictures
ASKED = 5  # deliveries that are looked for in the drop, when receipts stay away
MANY = 20  # batches of receipts read and not acknowledged yet, at which that is told by itself
NEVER = float("inf")


@dataclass
class Taker:
    """A node that takes in what this one delivers to one destination."""

    destination: Destination
    job: Job | None = None
    look_at: float = 0.0  # monotonic: when receipts are looked for
    wait: float = SOON
    tell_at: float = 0.0  # monotonic: when lines are sent
    ends: dict[str, int] = field(default_factory=dict)  # of the day books, up to where the lines under way go
    failed: bool = False  # the last attempt to tell
    answers: tuple[float, ...] = ()  # monotonic: when it is looked for its word on a document that it was told
    reported: list[Kept] = field(default_factory=list)  # orders whose reports are under way

    @property
    def peer(self) -> str:
        """As whom the catalogue knows it."""
        return f"{PEER}{self.destination.name}"


@dataclass
class Handing:
    """Tells takers, and hears what they have. `on_proven` hears of destinations of which there are new receipts."""

    context: Context
    writer: Writer
    delivering: Delivering
    checkins: CheckIns
    on_proven: Callable[[], None]
    obeying: Obeying
    _takers: dict[str, Taker] = field(default_factory=dict)
    _stopping: bool = False

    def apply(self) -> None:
        """Take over the destinations of the site as it is configured now."""
        site, node = self.context.site, self.context.node.name
        used = used_at(site, node)
        wanted = {one.name: one for one in site.destination if one.node not in (None, node) and one.name in used}
        self._takers = {name: self._takers.get(name) or Taker(one) for name, one in wanted.items()}
        for name, taker in self._takers.items():
            taker.destination = wanted[name]
        recent = batches.recent_folders(self.context) if wanted else []
        news.set_peers(self.context.catalogue, PEER, [one.peer for one in self._takers.values()], recent)
        self.written()

    def written(self) -> None:
        """Send what was written to the day books, soon."""
        for taker in self._takers.values():
            if taker.tell_at == NEVER:
                taker.tell_at = self.context.monotonic() + SOON

    def delivered(self, name: str) -> None:
        """Look for a receipt soon: something was sent; lines that failed to get there get there now."""
        if name in self._takers:
            taker, now = self._takers[name], self.context.monotonic()
            taker.wait = SOON
            taker.look_at = min(taker.look_at, now + SOON)
            if taker.failed:
                taker.tell_at, taker.failed = now, False

    def tick(self) -> None:
        """Tell and look where it is time."""
        now = self.context.monotonic()
        for taker in self._takers.values():
            if taker.job is None and self._asked_from(taker, now) <= now:
                if now >= self._tell_at(taker):
                    self._tell(taker)
                elif now >= taker.look_at:
                    self._look(taker)

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        now = self.context.monotonic()
        idle = [one for one in self._takers.values() if one.job is None]
        return min(
            (max(min(self._tell_at(one), one.look_at), self._asked_from(one, now)) for one in idle), default=NEVER
        )

    def stop(self) -> None:
        """Begin nothing new: what was not told is told after the next start."""
        self._stopping = True

    def handle(self, report: Report) -> None:
        """Take in what a worker did of it."""
        taker = next((one for one in self._takers.values() if one.job is report.job), None)
        if taker is None or not isinstance(report, Done | Failed):
            return
        taker.job = None
        if isinstance(report, Done) and report.job.op in ("settle", "collect"):
            self.delivering.linking.spent(taker.destination, "status", batches.cost(report))
        if isinstance(report, Failed):
            self._failed(taker, report)
        elif report.job.op == "tails":
            self._send(taker, report.result)
        elif report.job.op == "settle":
            self._told(taker, report.seconds)
        else:
            self._heard(taker, report.result, report.seconds)

    def _asked_from(self, taker: Taker, now: float) -> float:
        """Return from when on a destination that is paused or in trouble may be asked."""
        station = self.delivering.stations.get(taker.destination.name)
        if self._stopping or station is None or station.is_paused(self.context.now()):
            return NEVER
        if self.writer.waiting():  # what was heard could not be written down now
            return max(now + 1.0, self.writer.wake())
        if not self.delivering.linking.carries(taker.destination, "status"):
            return now + SHUT
        return station.trouble.until if station.trouble is not None else now

    def _give(self, taker: Taker, op: str, args: Json) -> None:
        station = self.delivering.stations[taker.destination.name]
        taker.job = Job(station.worker, op, args, batches.DEADLINE, batches.QUICK, taker)
        self.context.hands.give(taker.job)

    # Lines to the taker.

    def _tell_at(self, taker: Taker) -> float:
        """Return the monotonic time at which it is told something: lines, or at least how this node is."""
        if taker.failed:
            return taker.tell_at
        return min(taker.tell_at, self.checkins.due(taker.destination.name))

    def _tell(self, taker: Taker) -> None:
        begins = news.waiting(self.context.catalogue, taker.peer)
        if begins:
            taker.job = batches.tails_job(self.context, begins, batches.FORWARD, taker)
            self.context.hands.give(taker.job)
        elif self._is_to_hear(taker):
            self._send(taker, {"lines": [], "ends": {}})
        else:
            taker.tell_at = NEVER

    def _send(self, taker: Taker, read: Json) -> None:
        context, site = self.context, self.context.site
        name, node = taker.destination.name, context.node.name
        wanted = batches.for_taker(site, node, name, read["lines"])
        lines = [line for line in wanted if not self._is_there(name, line)]
        taker.ends = read["ends"]
        heard, status, reports = self._heard_of(taker), self.checkins.lines(name), self._reports(taker)
        if not lines and not status and not reports and len(heard) < MANY:
            self._told(taker, 0.0)
            return
        said = [*status, *([{"heard": heard}] if heard else []), *lines, *reports]
        batch = drops.lines(site.site.name, node, batches.next_number(context))
        rests = not lines and not self.checkins.offers(name) and not self.obeying.obeys(taker.destination.node)
        self._give(taker, "settle", {"put": [batches.put(batch, said)], "remove": [], "rests": rests})

    def _is_to_hear(self, taker: Taker) -> bool:
        """Return whether there is something to tell beside lines: how this node is, what was read, orders' ends."""
        reports = self.obeying.reports(taker.destination.node)
        return len(self._heard_of(taker)) >= MANY or self._checks_in(taker) or bool(reports)

    def _checks_in(self, taker: Taker) -> bool:
        return self.checkins.due(taker.destination.name) <= self.context.monotonic()

    def _reports(self, taker: Taker) -> list[Json]:
        """Return what became of a taker's orders."""
        taker.reported = self.obeying.reports(taker.destination.node)
        told = ((one.order, one.report) for one in taker.reported)
        return [self.obeying.seal(order, report).to_json("report") for order, report in told if report is not None]

    def _is_there(self, destination: str, line: Json) -> bool:
        """Return whether a line is of a picture that its taker has: it may have been told of anew with its day."""
        if line["line"] != "picture":
            return False
        picture = pictures.by_name(self.context.catalogue, PictureName.parse(line["name"]))
        found = deliveries.of_picture(self.context.catalogue, picture.id) if picture is not None else []
        return any((one.destination, one.rendition, one.state) == (destination, "", "proven") for one in found)

    def _told(self, taker: Taker, seconds: float) -> None:
        taker.failed = False
        if self._checks_in(taker) and self.obeying.obeys(taker.destination.node):
            taker.look_at = self.context.monotonic()  # on the line that is open now
        if self.checkins.told(taker.destination.name):
            taker.answers = tuple(self.context.monotonic() + each for each in ANSWERED)
            taker.look_at = min(taker.look_at, *taker.answers)
        news.told(self.context.catalogue, taker.peer, taker.ends)
        self.obeying.told(taker.reported)
        taker.reported = []
        taker.tell_at = self.context.monotonic() + max(1.0, seconds * SHARE)

    # Receipts from it.

    def _heard_of(self, taker: Taker) -> list[str]:
        """Return the batches that were read and still stand in the drop."""
        return list(states.get(self.context.catalogue, _key(taker), []))

    def _look(self, taker: Taker) -> None:
        site, name = self.context.site.site.name, taker.destination.name
        args: Json = {
            "prefix": f"{site}/{drops.RECEIPTS}/{taker.destination.node}_",
            "but": self._heard_of(taker),
        }
        if taker.wait > 8 * SOON:
            waiting = deliveries.awaiting_proof(self.context.catalogue, name, ASKED)
            args["stat"] = [one.remote for one in waiting]
        self._give(taker, "collect", args)

    def _heard(self, taker: Taker, result: Json, seconds: float) -> None:
        """Write down what came: lines first, then the catalogue, with the names of the batches that are known now."""
        taker.look_at = self.context.monotonic() + SELDOM  # at once would be for ever, should this fail each time
        hearing = Hearing(self.context, taker.destination.name)
        for found in result["objects"]:
            hearing.read(found)
        lines = hearing.lines
        known = set(result["listed"]) & {*self._heard_of(taker), *(one["name"] for one in result["objects"])}

        def commit() -> None:
            self._prove(lines)
            self.obeying.hear(hearing.orders, str(taker.destination.node))
            states.put(self.context.catalogue, _key(taker), sorted(known))

        taker.answers = () if hearing.bases else tuple(at for at in taker.answers if at > self.context.monotonic())
        self.checkins.answered(taker.destination.name, hearing.bases)
        self._look_again(taker, bool(lines), seconds)
        self._refused(hearing.refusals)
        self.writer.write(lines, commit, then=lambda: self._written_down(taker, result["missing"]))

    def _written_down(self, taker: Taker, missing: Iterable[str]) -> None:
        """What was heard is durable: what is missing and still has no receipt is lost."""
        self._missing(taker, missing)
        self.on_proven()

    def _look_again(self, taker: Taker, news_came: bool, seconds: float) -> None:
        name = taker.destination.name
        waits = any(
            one.n for one in deliveries.tally(self.context.catalogue) if (one.destination, one.state) == (name, "sent")
        )
        taker.wait = SOON if news_came else min(2 * taker.wait, SELDOM)
        pause = taker.wait if waits else IDLE
        if self.obeying.obeys(taker.destination.node):
            pause = min(pause, self.context.node.check_in.total_seconds())
        taker.look_at = min([self.context.monotonic() + max(pause, seconds * SHARE), *taker.answers])
        if len(self._heard_of(taker)) >= MANY:
            taker.tell_at = min(taker.tell_at, self.context.monotonic() + SOON)

    def _prove(self, lines: Iterable[Entry]) -> None:
        for line in lines:
            try:
                rebuild.apply(self.context.catalogue, to_json(line))
            except (NoSuchThing, ObjectDiffers) as error:
                log.info("receipt not needed any more: %s", error)

    def _refused(self, wrong: Iterable[Refusal]) -> None:
        """Send again what came altered; what the taker does not want waits for an operator."""
        for one in wrong:
            told = f"by {one.delivery.destination}: {one.why}"
            if one.final:
                deliveries.refuse(self.context.catalogue, one.delivery.id, "NotTakenIn", one.why)
            else:
                self._again(one.delivery, one.why)
                told += "; sent again"
            self.context.tell("not taken in", str(one.delivery.name), told)

    def _missing(self, taker: Taker, remotes: Iterable[str]) -> None:
        """Send again what is neither in the drop nor in any receipt: it was lost there."""
        gone = set(remotes)
        for one in deliveries.awaiting_proof(self.context.catalogue, taker.destination.name, ASKED) if gone else ():
            if one.remote in gone:
                self._again(one, "it is not there any more, and no receipt tells of it")
                self.context.tell("lost on the way", str(one.name), f"at {one.destination}: sent again")

    def _again(self, delivery: Delivery, why: str) -> None:
        wait = next_try(delivery.attempts + 1, True, self.context.jitter())
        due = self.context.now_ms() + int(wait.total_seconds() * 1000)
        deliveries.fail(self.context.catalogue, delivery.id, "NotTakenIn", why, True, due)
        news.again(self.context.catalogue, f"{PEER}{delivery.destination}", delivery.name.folder)
        self.written()
        self.delivering.look([delivery.destination])

    def _failed(self, taker: Taker, report: Failed) -> None:
        """Try again later: what is wrong with the destination is told where pictures are delivered."""
        log.info("handing failed: destination=%s op=%s %s", taker.destination.name, report.job.op, report.error)
        later = self.context.monotonic() + max(10.0, report.seconds * SHARE)
        if report.job.op in ("tails", "settle"):
            taker.tell_at, taker.failed = later, True
        else:
            taker.wait = min(2 * taker.wait, SELDOM)
            taker.look_at = max(later, self.context.monotonic() + taker.wait)


def _key(taker: Taker) -> str:
    """Return under which key the catalogue keeps the batches of receipts that were read."""
    return f"heard/{taker.destination.name}"
