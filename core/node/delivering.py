"""Deliveries: what goes where next, who may send now, what became of it. No destination waits for another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.catalogue import deliveries, ready, receipts, standins, states
from core.catalogue.deliveries import Delivery
from core.catalogue.ready import Choice
from core.errors import (
    CatalogueError,
    ConfigurationError,
    DestinationFull,
    DestinationRefused,
    DestinationUnreachable,
    NameConflict,
    NoSuchThing,
    ObjectDiffers,
    OriginalLost,
    OverlapseError,
    StorageError,
)
from core.node.auditing import Auditing
from core.node.context import Context
from core.node.jobs import Asked, Done, Failed, Json, Report
from core.node.linking import Linking
from core.node.looks import LOOK, Looks
from core.node.record import receipt_line
from core.node.station import NEVER, Sending, Station, Trouble, decode
from core.node.uplink import Uplink
from core.node.writing import Writer
from core.site.at import used_at
from core.transfer.backoff import next_knock, next_try
from core.transfer.base import Level
from core.transfer.lanes import Room
from core.transfer.routes import has_live, name_at, stood_in_for
from core.values import PictureName, milliseconds_of, utc

log = logging.getLogger(__name__)

NOTE_EVERY = 4_000_000  # bytes between two notes of the offset in the catalogue
NOTE_WITHIN = 30.0  # seconds between them on a thin link: what a kill of the node may cost there
SYNC_WITHIN = 1.0  # seconds within which a receipt reaches the disk, in a group
SILENT_AFTER = 600.0  # seconds of trouble after which another destination of its group stands in
LEAVE_WITHIN = 5.0  # seconds that a stop leaves what is on its way to come to its next grant
STATION_WIDE = (DestinationUnreachable, DestinationFull, DestinationRefused)  # no use to try its next file


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
    _receipts: list[tuple[Delivery, Json, int]] = field(default_factory=list)  # not yet on the disk
    _proving: set[int] = field(default_factory=set)  # deliveries whose receipts the disk did not take yet
    _write_at: float = NEVER  # monotonic: when they are written
    _stopping: bool = False
    _leave_at: float = NEVER  # monotonic: from then on a stop waits for no destination

    def __post_init__(self) -> None:
        self.linking = Linking(self.context, self._link_changed)
        self.looks = Looks(self.context, self.auditing, self.linking, self._is_needed)

    def apply(self) -> None:
        """Take over the destinations and links of the site as it is now configured."""
        known = {destination.name: destination for destination in self.context.site.destination}
        ours = used_at(self.context.site, self.context.node.name)
        for station in self.stations.values():
            station.refuse_grants()  # who waits in a link's line begins again there, under the new configuration
        with suppress(StorageError, CatalogueError):  # they are written later, and the writer tells of it
            self.write_receipts()  # what is proven stays so, wherever the routes go now
        self._withdraw({one.destination for one in deliveries.tally(self.context.catalogue)} - set(known))
        self.stations = {name: self.stations.get(name) or Station(known[name]) for name in known if name in ours}
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
                self._hold(station, DestinationRefused(str(error)))
        self.linking.apply()

    def _withdraw(self, gone: Iterable[str]) -> None:
        """Ask no more of destinations that the site has not any more: what only they lacked would stay for ever."""
        for name in sorted(gone):
            count = deliveries.withdraw_all(self.context.catalogue, name)
            if count:
                self.context.tell("deliveries withdrawn", name, f"{count}: the site has no such destination any more")

    def recover(self) -> None:
        """Queue again what the catalogue believes to be on its way and is not."""
        deliveries.resume_all(self.context.catalogue, self._in_hand())
        self.look(self.stations)

    def _in_hand(self) -> set[int]:
        under_way = {number for station in self.stations.values() for number in station.sending}
        return under_way | self._proving | {delivery.id for delivery, _, _ in self._receipts}

    def look(self, names: Iterable[str]) -> None:
        """Look again whether something is ready for these destinations."""
        some = set(names)
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

    def audit(self, name: str, number: int | None = None) -> int:
        """Look now at a copy, or at all that a destination has; return at how many. Raise NoSuchThing."""
        self._station(name)
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
            self._line_up(station, now)
        for uplink in self.linking.uplinks.values():
            for who, size in uplink.grants.grants(now):
                if isinstance(who, str):
                    self.linking.granted(who, size)
                else:
                    self._grant(uplink, who, size)
        if now >= self._write_at:
            self.write_receipts()

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        now = self.context.monotonic()
        times = [min(self._ready_at(station), station.next_turn(now)) for station in self.stations.values()]
        times += [uplink.grants.wake(now) for uplink in self.linking.uplinks.values()]
        times.append(self.linking.wake())
        return min([*times, self._write_at, self._leave_at if self._leave_at > now else NEVER])

    def write_receipts(self) -> None:
        """Bring the receipts that came to the day books, and only then into the catalogue; raise StorageError."""
        if not self._receipts:
            return
        new, self._receipts, self._write_at = self._receipts, [], NEVER
        self._proving |= {delivery.id for delivery, _, _ in new}
        self.writer.write([receipt_line(*receipt) for receipt in new], lambda: self._prove(new), then=self._proven(new))

    def _prove(self, new: Iterable[tuple[Delivery, Json, int]]) -> None:
        for delivery, result, at in new:
            level = int(Level.named(result["level"]))
            try:
                receipts.prove(self.context.catalogue, delivery.id, level, result["size"], result["sha256"], at)
            except (NoSuchThing, ObjectDiffers) as error:  # withdrawn meanwhile, or its picture has left
                log.info("receipt not needed any more: picture=%s %s", delivery.name, error)

    def _proven(self, new: Iterable[tuple[Delivery, Json, int]]) -> Callable[[], None]:
        return lambda: self._proving.difference_update(delivery.id for delivery, _, _ in new)

    def stop(self) -> None:
        """Begin nothing new; what is on its way stops at its next grant and goes on there after the next start."""
        self._stopping, self._leave_at = True, self.context.monotonic() + LEAVE_WITHIN
        for station in self.stations.values():
            station.refuse_grants()

    def finished(self) -> bool:
        """Return whether nothing is on its way and every receipt is written; a stop waits for no destination long."""
        left_alone = self._stopping and self.context.monotonic() >= self._leave_at
        return not self._receipts and (
            left_alone or not any(one.sending or one.looking for one in self.stations.values())
        )

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
        elif isinstance(report, Done):
            self._ended(station, sending, whole=True)
            self._done(station, sending, report.result)
        elif isinstance(report, Failed):
            self._ended(station, sending, whole=False)
            self._failed(station, sending, report.error)

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
        return max(station.trouble.until if station.trouble else 0.0, station.look_at)

    def _paused(self, station: Station) -> bool:
        return station.paused_until is not None and self.context.now() < station.paused_until

    def _next(self, station: Station) -> None:
        """Begin the destination's next delivery, or note when to look again."""
        catalogue, name = self.context.catalogue, station.destination.name
        choice = station.choice(self._uplink(station))
        delivery = ready.next_ready(catalogue, name, self.context.now_ms(), choice)
        if delivery is None:
            delivery = self._stand_in(station, choice)
        if delivery is None:
            due = ready.next_due(catalogue, name)
            wait = NEVER if due is None else self._seconds_until(due)
            later = self.context.monotonic() + min(wait, self._until_silence(station))
            station.look_at = min(later, self.looks.begin(station))
            return
        station.chosen(delivery, choice)
        deliveries.start(catalogue, delivery.id)
        self.context.hands.give(station.begin(self.context, delivery))

    def _stand_in(self, station: Station, choice: Choice) -> Delivery | None:
        """Take over the next delivery of a destination that is silent, in a group where this one is the next."""
        silent = [name for name in station.stands_in_for if self._silent_in(self.stations[name]) <= 0]
        if not silent:
            return None
        name = station.destination.name
        found = standins.next_for(self.context.catalogue, name, silent, self.context.now_ms(), choice)
        if found is None:
            return None
        standins.stand_in(
            self.context.catalogue,
            found,
            name,
            name_at(self.context.site, found.remote, found.name, found.destination, name),
        )
        if name not in self.stations[found.destination].stood_in:
            self.stations[found.destination].stood_in.add(name)
            self.context.tell("stand-in", found.destination, f"does not answer; {name} takes its pictures")
        return ready.next_ready(self.context.catalogue, name, self.context.now_ms(), choice)

    def _is_needed(self, station: Station) -> bool:
        """Return whether a station has something to send, or has to rest."""
        if self._stopping or self._paused(station) or station.sending:
            return True
        name, choice = station.destination.name, station.choice(self._uplink(station))
        return ready.first_of(self.context.catalogue, name, choice) is not None

    def _until_silence(self, station: Station) -> float:
        """Return in how many seconds another destination for which this one stands in counts as silent."""
        waits = [self._silent_in(self.stations[name]) for name in station.stands_in_for]
        return min((wait for wait in waits if wait > 0), default=NEVER)

    def _silent_in(self, station: Station) -> float:
        """Return in how many seconds a destination counts as one that does not answer; 0: now."""
        if self._paused(station):
            return 0.0
        if station.trouble is None:
            return NEVER
        return max(0.0, SILENT_AFTER - (self.context.now_ms() - station.trouble.since_ms) / 1000)

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
        catalogue, now, delivery = self.context.catalogue, self.context.now_ms(), sending.delivery
        if result.get("paused"):
            deliveries.progress(catalogue, delivery.id, result["offset"], decode(result.get("resume")))
            deliveries.put_back(catalogue, delivery.id)
            return
        if station.destination.node is not None:  # proven by what that node says when it has taken it in
            deliveries.sent(catalogue, delivery.id)
            self._recovered(station, sending, now)
            return
        self._receipts.append((delivery, result, now))
        self._write_at = min(self._write_at, self.context.monotonic() + SYNC_WITHIN)
        self._recovered(station, sending, now)

    def _recovered(self, station: Station, sending: Sending, now_ms: int) -> None:
        """Forget the trouble if what got through was begun after it was last met."""
        trouble = station.trouble
        if trouble is None or sending.began < trouble.at:
            return
        station.trouble, station.fewer = None, None
        station.stood_in.clear()
        for other in self.stations.values():  # what leads there leads most likely to these, too
            if other.destination.link == station.destination.link and other.unreachable:
                other.hope()
        lasted = (now_ms - trouble.since_ms) / 1000
        self.context.tell("destination back", station.destination.name, f"takes files again after {lasted:.0f} s")

    def _failed(self, station: Station, sending: Sending, error: OverlapseError) -> None:
        delivery = sending.delivery
        if isinstance(error, OriginalLost):
            self._lost(delivery, error)
            return
        if sending.resume is not None:
            self._note(sending)
        due, whole = self.context.now_ms(), isinstance(error, STATION_WIDE)
        if whole:
            self._troubled(station, sending, error)
        else:
            due += int(next_try(delivery.attempts, error.transient, self.context.jitter()).total_seconds() * 1000)
        kind = type(error).__name__
        deliveries.fail(self.context.catalogue, delivery.id, kind, str(error), error.transient, due, its_own=not whole)
        if isinstance(error, NameConflict):
            self._keep_both(station, delivery)

    def _troubled(self, station: Station, sending: Sending, error: OverlapseError) -> None:
        """Leave the destination alone, once for all that were on their way when it failed.

        A server that turns one away while others go on allows fewer at once: then it gets fewer.
        """
        if station.trouble is not None and sending.began < station.trouble.at:
            return
        others = [one for one in station.sending.values() if one.resume is not None]
        if others and sending.resume is None and not isinstance(error, DestinationFull):
            station.fewer = len(others)
            log.info("fewer lanes: destination=%s lanes=%d error=%s", station.destination.name, station.fewer, error)
            return
        self._hold(station, error)

    def _lost(self, delivery: Delivery, error: OriginalLost) -> None:
        """There is nothing to send: a rendition is made anew, an original is told."""
        catalogue = self.context.catalogue
        if delivery.rendition:
            deliveries.fail(catalogue, delivery.id, "OriginalLost", str(error), True, self.context.now_ms())
            deliveries.unmake(catalogue, delivery.picture, delivery.rendition)
            self.on_unmade(delivery.name)
            return
        deliveries.refuse(catalogue, delivery.id, "OriginalLost", str(error))
        self.context.tell("original lost", str(delivery.name), f"cannot be delivered: {error}")

    def _hold(self, station: Station, error: OverlapseError) -> None:
        """Leave the whole destination alone for a while; the first failure of a kind is an event."""
        station.refuse_grants()
        before, kind = station.trouble, type(error).__name__
        failures = before.failures + 1 if before else 1
        since = before.since_ms if before else self.context.now_ms()
        if isinstance(error, DestinationUnreachable):
            lasted = timedelta(milliseconds=max(0, self.context.now_ms() - since)) if before else None
            wait = next_knock(lasted, self.context.jitter()).total_seconds()
        else:
            wait = next_try(failures, error.transient, self.context.jitter()).total_seconds()
        now = self.context.monotonic()
        station.trouble = Trouble(kind, str(error), since, now, now + wait, failures)
        self.look([station.destination.name])  # for those that stand in for it
        if before is None or before.error != kind:
            self.context.tell("destination trouble", station.destination.name, f"{error}; next try in {wait:.0f} s")

    def _keep_both(self, station: Station, delivery: Delivery) -> None:
        """Another object has our name there: it stays, and ours goes beside it under a name of its own."""
        stem, dot, extension = delivery.remote.rpartition(".")
        mark = f"~{str(delivery.sha256)[:8]}"
        if stem.endswith(mark):
            return
        deliveries.rename(self.context.catalogue, delivery.id, f"{stem}{mark}{dot}{extension}")
        text = f"{station.destination.name} holds another {delivery.remote}; both are kept"
        self.context.tell("name conflict", str(delivery.name), text)


def _pause_key(destination: str) -> str:
    """Return under which key the catalogue keeps until when nothing is sent there."""
    return f"paused/{destination}"
