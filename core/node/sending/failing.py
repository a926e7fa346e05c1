"""What a delivery that failed, or got through again, means for itself and for its destination."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from core.catalogue import deliveries
from core.catalogue.deliveries import Delivery
from core.errors import (
    DestinationFull,
    DestinationRefused,
    DestinationUnreachable,
    FenceRefused,
    HostKeyMismatch,
    NameConflict,
    OriginalLost,
    OverlapseError,
)
from core.node.context import Context
from core.node.sending.station import Sending, Station, Trouble
from core.transfer.backoff import next_knock, next_try
from core.values import PictureName

log = logging.getLogger(__name__)

STATION_WIDE = (DestinationUnreachable, DestinationFull, DestinationRefused)  # no use to try its next file
REFUSALS = 3  # files in a row that it refuses before it is taken to refuse all
STUCK = 5  # cuts in a row of one file that gets no further: then it is taken to be the file's, and others go first
BEHIND = 1000  # milliseconds that a refused file is tried later than those behind it


@dataclass
class Failing:
    """Judges failures. `look` has stations looked at again; `on_unmade` hears of a picture whose rendition is gone."""

    context: Context
    stations: Mapping[str, Station]
    look: Callable[[Iterable[str]], None]
    on_unmade: Callable[[PictureName], None]

    def failed(self, station: Station, sending: Sending, error: OverlapseError, opening: bool = False) -> None:
        """Queue again what failed, and leave the destination alone when its next file would fare no better."""
        delivery = sending.delivery
        if isinstance(error, OriginalLost):
            self._lost(delivery, error)
            return
        if isinstance(error, FenceRefused):
            deliveries.withdraw(self.context.catalogue, [delivery.id])
            self.context.tell("live picture refused", str(delivery.name), str(error))
            return
        its_own = not opening and self._is_its_own(station, sending, error)
        holds = isinstance(error, STATION_WIDE) and not (its_own and len(station.refused) < REFUSALS)
        if holds:
            self._troubled(station, sending, error)
        due, kind = self._due(station, delivery, error, its_own, holds), type(error).__name__
        deliveries.fail(self.context.catalogue, delivery.id, kind, str(error), error.transient, due, its_own)
        if holds and its_own:  # so that the next knock is with one that it has not refused yet
            deliveries.postpone(self.context.catalogue, station.destination.name, kind, self._behind(station))
        if isinstance(error, NameConflict):
            self._keep_both(station, delivery)
        elif isinstance(error, STATION_WIDE) and not holds and not delivery.attempts:
            self.context.tell("delivery refused", str(delivery.name), f"by {station.destination.name}: {error}")

    def _is_its_own(self, station: Station, sending: Sending, error: OverlapseError) -> bool:
        """Tell whether a failure may lie in the file that was sent, so that others are to be tried before it."""
        if isinstance(error, DestinationUnreachable):
            if sending.resume is None or sending.offset > sending.delivery.offset:
                station.stuck.pop(sending.delivery.id, None)
                return False
            station.stuck[sending.delivery.id] = times = station.stuck.get(sending.delivery.id, 0) + 1
            return times >= STUCK
        if isinstance(error, DestinationRefused) and not isinstance(error, HostKeyMismatch):
            if self._beside(station, sending) and sending.delivery.id not in station.stuck:
                station.stuck[sending.delivery.id] = 1  # the server may allow fewer at once
                return False
            station.refused.add(sending.delivery.id)
            return True
        return not isinstance(error, STATION_WIDE)

    def _due(self, station: Station, delivery: Delivery, error: OverlapseError, its_own: bool, holds: bool) -> int:
        """Return when a delivery that failed is tried again, in milliseconds; behind others after a refusal of all."""
        now = self.context.now_ms()
        if not its_own:
            return now
        due = now + int(next_try(delivery.attempts, error.transient, self.context.jitter()).total_seconds() * 1000)
        return max(due, self._behind(station)) if holds else due

    def _behind(self, station: Station) -> int:
        """Return a time just after the next knock at a place in trouble, in milliseconds."""
        rest = station.trouble.until - self.context.monotonic() if station.trouble is not None else 0.0
        return self.context.now_ms() + int(1000 * max(0.0, rest)) + BEHIND

    def recovered(self, station: Station, sending: Sending) -> None:
        """Forget the trouble if what got through was begun after it was last met."""
        station.refused.clear()
        station.stuck.pop(sending.delivery.id, None)
        trouble = station.trouble
        if trouble is None or sending.began < trouble.at:
            return
        station.trouble, station.fewer = None, None
        station.stood_in.clear()
        for other in self.stations.values():  # what leads there leads most likely to these, too
            if other.destination.link == station.destination.link and other.unreachable:
                other.hope()
        lasted = (self.context.now_ms() - trouble.since_ms) / 1000
        self.context.tell("destination back", station.destination.name, f"takes files again after {lasted:.0f} s")

    def hold(self, station: Station, error: OverlapseError) -> None:
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

    def _troubled(self, station: Station, sending: Sending, error: OverlapseError) -> None:
        """Leave the destination alone, once for all that were on their way when it failed.

        A server that turns one away while others go on allows fewer at once: then it gets fewer.
        """
        if station.trouble is not None and sending.began < station.trouble.at:
            return
        if (others := self._beside(station, sending)) and not isinstance(error, DestinationFull):
            station.fewer = others
            log.info("fewer lanes: destination=%s lanes=%d error=%s", station.destination.name, station.fewer, error)
            return
        self.hold(station, error)

    def _beside(self, station: Station, sending: Sending) -> int:
        """Return how many others go on while the server turned this one away before it began."""
        if sending.resume is not None:
            return 0
        return sum(one.resume is not None for one in station.sending.values())

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

    def _keep_both(self, station: Station, delivery: Delivery) -> None:
        """Another object has our name there: it stays, and ours goes beside it under a name of its own."""
        stem, dot, extension = delivery.remote.rpartition(".")
        mark = f"~{str(delivery.sha256)[:8]}"
        if stem.endswith(mark):
            return
        deliveries.rename(self.context.catalogue, delivery.id, f"{stem}{mark}{dot}{extension}")
        text = f"{station.destination.name} holds another {delivery.remote}; both are kept"
        self.context.tell("name conflict", str(delivery.name), text)
