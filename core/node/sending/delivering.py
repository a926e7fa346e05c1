"""Deliveries: what goes where next, who may send now, what became of it. No destination waits for another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from core.catalogue import deliveries, ready, states
from core.catalogue.deliveries import Delivery
from core.errors import (
    CatalogueError,
    ConfigurationError,
    DestinationRefused,
    Forbidden,
    NoSuchThing,
    OriginalLost,
    StorageError,
)
from core.node.context import Context
from core.node.jobs import Asked, Done, Failed, Json, Report, Said
from core.node.sending import heirs
from core.node.sending.auditing import Auditing
from core.node.sending.failing import Failing
from core.node.sending.linking import Linking
from core.node.sending.looks import LOOK, Looks
from core.node.sending.proofs import Proofs
from core.node.sending.silence import Silence
from core.node.sending.station import NEVER, Sending, Station, decode
from core.node.sending.uplink import Uplink
from core.node.writing import Writer
from core.site.at import used_at
from core.transfer.lanes import Room
from core.transfer.routes import has_live, stood_in_for
from core.values import PictureName, milliseconds_of, utc

log = logging.getLogger(__name__)

NOTE_EVERY = 4_000_000  # bytes between two notes of the offset in the catalogue
NOTE_WITHIN = 30.0  # seconds between them on a thin link: what a kill of the node may cost there
LEAVE_WITHIN = 5.0  # seconds that a stop leaves what is on its way to come to its next grant


@dataclass
class Delivering:
    """Hands files to destinations, a few at a time for each, and keeps their receipts.

    `on_unmade` hears of a picture whose rendition is to be made again.
    """

    context: Context
    writer: Writer
    on_unmade: Callable[[PictureName], None]
    auditing: Auditing  # what a destination's worker does when there is nothing to send
    stations: dict[str, Station] = field(default_factory=dict)
    linking: Linking = field(init=False)
    looks: Looks = field(init=False)
    proofs: Proofs = field(init=False)
    failing: Failing = field(init=False)
    silence: Silence = field(init=False)
    _stopping: bool = False
    _leave_at: float = NEVER  # monotonic: from then on a stop waits for no destination

    def __post_init__(self) -> None:
        self.linking = Linking(self.context, self._link_changed)
        self.looks = Looks(self.context, self.auditing, self.linking, self._is_needed)
        self.proofs = Proofs(self.context, self.writer)
        self.failing = Failing(self.context, self.stations, self.look, self.on_unmade)
        self.silence = Silence(self.context, self.stations)

    def apply(self) -> None:
        """Take over the destinations and links of the site as it is now configured."""
        known = {destination.name: destination for destination in self.context.site.destination}
        ours = used_at(self.context.site, self.context.node.name)
        for station in self.stations.values():
            station.refuse_grants()  # who waits in a link's line begins again there, under the new configuration
        with suppress(StorageError, CatalogueError):  # they are written later, and the writer tells of it
            self.write_receipts()  # what is proven stays so, wherever the routes go now
        heirs.settle(self.context)
        stations = {name: self.stations.get(name) or Station(known[name]) for name in known if name in ours}
        self.stations.clear()  # the one mapping that all parts of this desk see
        self.stations.update(stations)
        for name, station in self.stations.items():
            station.destination = known[name]
            station.kept = has_live(self.context.site, name)
            station.stands_in_for = stood_in_for(self.context.site, name)
            paused = states.get(self.context.catalogue, _pause_key(name))
            station.paused_until = None if paused is None else utc(paused / 1000)
            station.hope()
            try:
                self.context.hands.equip(station.worker, station.setting(self.context))
            except ConfigurationError as error:
                self.failing.hold(station, DestinationRefused(str(error)))
        self.linking.apply()

    def recover(self) -> None:
        """Queue again what the catalogue believes to be on its way and is not."""
        deliveries.resume_all(self.context.catalogue, self._in_hand())
        self.look(self.stations)

    def _in_hand(self) -> set[int]:
        under_way = {number for station in self.stations.values() for number in station.sending}
        return under_way | self.proofs.deliveries

    def look(self, names: Iterable[str]) -> None:
        """Look again whether something is ready for these destinations."""
        some = set(names)
        self.linking.news()
        for name, station in self.stations.items():
            if name in some or not some.isdisjoint(station.stands_in_for):
                station.look_at = 0.0
                self.looks.make_way(station)

    def retry(self, name: str) -> int:
        """Try now what waits for this destination; return how many deliveries that are. Raise NoSuchThing."""
        station = self._station(name)
        station.hope()
        station.look_at = 0.0
        return deliveries.retry(self.context.catalogue, name)

    def prioritise(self, number: int, priority: deliveries.Priority) -> deliveries.Delivery:
        """Have a delivery that waits go among those of another class; return it as it was.

        Raise NoSuchThing, and Forbidden for what is under way, done, or a live picture: of that the newest wins.
        """
        delivery = deliveries.get(self.context.catalogue, number)
        if delivery.state != "queued":
            raise Forbidden(f"delivery {number} does not wait: it is {delivery.state}")
        if delivery.priority <= deliveries.Priority.LIVE:
            raise Forbidden(f"delivery {number} is a live picture: the newest of them goes first as it is")
        deliveries.change(self.context.catalogue, number, priority=int(priority))
        if (station := self.stations.get(delivery.destination)) is not None:
            station.left_out.clear()
        self.look([delivery.destination])
        return delivery

    def audit(self, name: str, number: int | None = None) -> int:
        """Look now at a copy, or at all that a destination has; return at how many. Raise NoSuchThing."""
        self._station(name).audit_at = 0.0
        count = self.auditing.want(name, number)
        self.look([name])
        return count

    def pause(self, name: str, until: datetime | None) -> None:
        """Send nothing to this destination until then; what is on its way stops where it is. Raise NoSuchThing."""
        station = self._station(name)
        if until is None:
            states.forget(self.context.catalogue, _pause_key(name))
        else:
            states.put(self.context.catalogue, _pause_key(name), milliseconds_of(until))
        station.paused_until = until
        self.look([name])
        if until is not None:
            station.refuse_grants()

    def tick(self) -> None:
        """Begin what is ready, grant what may go, sync what is due."""
        now = self.context.monotonic()
        self.linking.tick()
        for station in self.stations.values():
            while now >= self._ready_at(station):
                self._next(station)
            if now >= self._audit_at(station):
                station.audit_at = self.looks.begin(station)
            self._line_up(station, now)
        for uplink in self.linking.uplinks.values():
            for who, size in uplink.grants.grants(now):
                if isinstance(who, str):
                    self.linking.granted(who, size)
                else:
                    self._grant(uplink, who, size)
        if now >= self.proofs.wake:
            self.write_receipts()

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        now = self.context.monotonic()
        times = [
            min(self._ready_at(station), self._audit_at(station), station.next_turn(now))
            for station in self.stations.values()
        ]
        times += [uplink.grants.wake(now) for uplink in self.linking.uplinks.values()]
        times.append(self.linking.wake())
        return min([*times, self.proofs.wake, self._leave_at if self._leave_at > now else NEVER])

    def write_receipts(self) -> None:
        """Bring the receipts that came to the day books, and only then into the catalogue; raise StorageError."""
        self.proofs.write()

    def stop(self) -> None:
        """Begin nothing new; what is on its way stops at its next grant and goes on there after the next start."""
        self._stopping, self._leave_at = True, self.context.monotonic() + LEAVE_WITHIN
        for station in self.stations.values():
            station.refuse_grants()

    def finished(self) -> bool:
        """Return whether nothing is on its way and every receipt is written; a stop waits for no destination long."""
        left_alone = self._stopping and self.context.monotonic() >= self._leave_at
        busy = any(one.sending or one.looking for one in self.stations.values())
        return not self.proofs and (left_alone or not busy)

    def handle(self, report: Report) -> None:
        """Take in what a destination's worker reports."""
        station = self.stations.get(report.job.worker.name)
        if station is not None and self.looks.owns(station, report):
            self.looks.handle(station, report)
            return
        sending = station.of(report.job) if station is not None else None
        if station is None or sending is None:
            self._let_go(report)
        elif isinstance(report, Asked):
            self._asked(station, sending, report)
        elif isinstance(report, Said) and "resume" in report.news:
            sending.offset, sending.resume = report.news["offset"], report.news["resume"]
        elif isinstance(report, Done):
            self._ended(station, sending, whole=True)
            station.went_well(sending, report.seconds)
            self._done(station, sending, report.result)
        elif isinstance(report, Failed):
            self._ended(station, sending, whole=False)
            station.swing = 0
            if sending.resume is not None and not isinstance(report.error, OriginalLost):
                self._note(sending)
            self.failing.failed(station, sending, report.error, report.opening)

    def _let_go(self, report: Report) -> None:
        """Take back what is on its way to a destination that the site does not have any more."""
        if isinstance(report, Asked):
            report.answer({"granted": 0})
        elif isinstance(report, Done | Failed) and isinstance(report.job.about, Delivery):
            deliveries.put_back(self.context.catalogue, report.job.about.id)
            self.look([report.job.worker.name])

    def _station(self, name: str) -> Station:
        if name not in self.stations:
            raise NoSuchThing(f"there is no destination {name}; there are: {', '.join(self.stations) or 'none'}")
        return self.stations[name]

    def _ready_at(self, station: Station) -> float:
        if self._stopping or self._paused(station) or station.room is Room.NOTHING:
            return NEVER
        return max(station.rests_until, station.look_at)

    def _audit_at(self, station: Station) -> float:
        """Return when to look at copies of a place that is full: it can be read all the same."""
        if (
            self._stopping
            or not station.full
            or station.sending
            or station.looking is not None
            or self._paused(station)
        ):
            return NEVER
        return station.audit_at if self.context.monotonic() < station.rests_until else NEVER

    def _paused(self, station: Station) -> bool:
        return station.is_paused(self.context.now())

    def _next(self, station: Station) -> None:
        """Begin the destination's next delivery, or note when to look again."""
        catalogue, name = self.context.catalogue, station.destination.name
        choice = station.choice(self._uplink(station))
        delivery = ready.next_ready(catalogue, name, self.context.now_ms(), choice)
        if delivery is None:
            delivery = self.silence.stand_in(station, choice)
        if delivery is None:
            due = ready.next_due(catalogue, name)
            wait = NEVER if due is None else self._seconds_until(due)
            later = self.context.monotonic() + min(wait, self.silence.until(station))
            station.look_at = min(later, self.looks.begin(station))
            return
        station.chosen(delivery, choice)
        deliveries.start(catalogue, delivery.id)
        uplink, now = self._uplink(station), self.context.monotonic()
        ahead = station.ahead(delivery, uplink, now)
        if ahead:
            self.linking.charge(station.destination, delivery.priority.name.lower(), ahead)
            uplink.goodput.given((name, delivery.id), ahead, now)
        self.context.hands.give(station.begin(self.context, delivery, ahead))

    def _is_needed(self, station: Station) -> bool:
        """Return whether a station has something to send, or has to rest."""
        if self._stopping or self._paused(station) or station.sending:
            return True
        if station.full and self.context.monotonic() < station.rests_until:
            return False
        name, choice = station.destination.name, station.choice(self._uplink(station))
        return ready.first_of(self.context.catalogue, name, choice) is not None

    def _seconds_until(self, due_ms: int) -> float:
        return max(0.1, (due_ms - self.context.now_ms()) / 1000)

    def _asked(self, station: Station, sending: Sending, asked: Asked) -> None:
        station.asked(sending, asked.question, asked.answer)
        now = self.context.monotonic()
        if sending.offset - sending.noted >= NOTE_EVERY or now - sending.noted_at >= NOTE_WITHIN:
            self._note(sending)
        uplink = self._uplink(station)
        uplink.goodput.came((station.destination.name, sending.delivery.id), now)
        if self._stopping or self._paused(station) or sending.class_name not in uplink.grants.carries:
            sending.refuse()

    def _line_up(self, station: Station, now: float) -> None:
        """Put into the link's line those whose turn it is."""
        for sending in station.in_turn(now):
            who = (station.destination.name, sending.delivery.id)
            self._uplink(station).grants.ask(who, sending.line_up(now), sending.class_name, now)

    def _grant(self, uplink: Uplink, who: Hashable, size: int) -> None:
        assert isinstance(who, tuple)
        station = self.stations[who[0]]
        if who[1] == LOOK:
            self.looks.grant(station, size)
            return
        sending = station.sending[who[1]]
        self.linking.charge(station.destination, sending.class_name, size)
        uplink.goodput.given(who, size, self.context.monotonic())
        sending.grant(size)
        station.look_at = 0.0  # another may begin beside what is left of it

    def _link_changed(self, names: list[str]) -> None:
        """Have what a link does not carry any more stop where it is, and look for what it carries now."""
        for name in names:
            if (station := self.stations.get(name)) is not None:
                uplink = self._uplink(station)
                uplink.grants.shut_out()
                station.not_carried(uplink.grants.carries)
                station.left_out.clear()
        self.look(names)

    def _note(self, sending: Sending) -> None:
        """Write down how far it has come; without a note a later resume asks the destination alone."""
        sending.noted_at = self.context.monotonic()
        try:
            deliveries.progress(self.context.catalogue, sending.delivery.id, sending.offset, decode(sending.resume))
            sending.noted = sending.offset
        except (StorageError, CatalogueError) as error:
            log.error("progress not noted: delivery=%d error=%s", sending.delivery.id, error)

    def _uplink(self, station: Station) -> Uplink:
        return self.linking.of(station.destination)

    def _ended(self, station: Station, sending: Sending, whole: bool) -> None:
        uplink, who = self._uplink(station), (station.destination.name, sending.delivery.id)
        uplink.grants.forget(who)
        uplink.goodput.came(who, self.context.monotonic(), whole)
        del station.sending[sending.delivery.id]
        station.look_at = 0.0

    def _done(self, station: Station, sending: Sending, result: Json) -> None:
        catalogue, delivery = self.context.catalogue, sending.delivery
        self._uplink(station).quality.passed(result.get("way"), self.context.now().timestamp())
        if result.get("paused"):
            deliveries.progress(catalogue, delivery.id, result["offset"], decode(result.get("resume")))
            deliveries.put_back(catalogue, delivery.id)
            return
        if station.destination.node is not None:  # proven by what that node says when it has taken it in
            deliveries.sent(catalogue, delivery.id)
        else:
            self.proofs.add(delivery, result, self.context.now_ms())
        self.failing.recovered(station, sending)


def _pause_key(destination: str) -> str:
    """Return under which key the catalogue keeps until when nothing is sent there."""
    return f"paused/{destination}"
