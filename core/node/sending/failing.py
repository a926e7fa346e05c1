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


@dataclass
class Failing:
    """Judges failures. `look` has stations looked at again; `on_unmade` hears of a picture whose rendition is gone."""

    context: Context
    stations: Mapping[str, Station]
    look: Callable[[Iterable[str]], None]
    on_unmade: Callable[[PictureName], None]

    def failed(self, station: Station, sending: Sending, error: OverlapseError) -> None:
        """Queue again what failed, and leave the destination alone when its next file would fare no better."""
        delivery = sending.delivery
        if isinstance(error, OriginalLost):
            self._lost(delivery, error)
            return
        if isinstance(error, FenceRefused):
            deliveries.withdraw(self.context.catalogue, [delivery.id])
            self.context.tell("live picture refused", str(delivery.name), str(error))
            return
        due, whole = self.context.now_ms(), isinstance(error, STATION_WIDE)
        if whole:
            self._troubled(station, sending, error)
        else:
            due += int(next_try(delivery.attempts, error.transient, self.context.jitter()).total_seconds() * 1000)
        kind = type(error).__name__
        deliveries.fail(self.context.catalogue, delivery.id, kind, str(error), error.transient, due, its_own=not whole)
        if isinstance(error, NameConflict):
            self._keep_both(station, delivery)

    def recovered(self, station: Station, sending: Sending) -> None:
        """Forget the trouble if what got through was begun after it was last met."""
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
        others = [one for one in station.sending.values() if one.resume is not None]
        if others and sending.resume is None and not isinstance(error, DestinationFull):
            station.fewer = len(others)
            log.info("fewer lanes: destination=%s lanes=%d error=%s", station.destination.name, station.fewer, error)
            return
        self.hold(station, error)

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
