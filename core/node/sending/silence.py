"""Destinations that do not answer, and those that take their pictures meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.catalogue import ready, standins
from core.catalogue.deliveries import Delivery
from core.catalogue.ready import Choice
from core.node.context import Context
from core.node.sending.station import NEVER, Station
from core.transfer.routes import name_at

SILENT_AFTER = 600.0  # seconds of trouble after which another destination of its group stands in


@dataclass
class Silence:
    """Says which of the `stations` are silent, and has others of their groups stand in for them."""

    context: Context
    stations: Mapping[str, Station]

    def stand_in(self, station: Station, choice: Choice) -> Delivery | None:
        """Take over the next delivery of a destination that is silent, in a group where this one is the next."""
        silent = [name for name in station.stands_in_for if self._lasts(self.stations[name]) <= 0]
        if not silent:
            return None
        name, catalogue = station.destination.name, self.context.catalogue
        found = standins.next_for(catalogue, name, silent, self.context.now_ms(), choice)
        if found is None:
            return None
        remote = name_at(self.context.site, found.remote, found.name, found.destination, name)
        standins.stand_in(catalogue, found, name, remote)
        if name not in self.stations[found.destination].stood_in:
            self.stations[found.destination].stood_in.add(name)
            self.context.tell("stand-in", found.destination, f"does not answer; {name} takes its pictures")
        return ready.next_ready(catalogue, name, self.context.now_ms(), choice)

    def until(self, station: Station) -> float:
        """Return in how many seconds another destination for which this one stands in counts as silent."""
        waits = [self._lasts(self.stations[name]) for name in station.stands_in_for]
        return min((wait for wait in waits if wait > 0), default=NEVER)

    def _lasts(self, station: Station) -> float:
        """Return in how many seconds a destination counts as one that does not answer; 0: now."""
        if station.is_paused(self.context.now()):
            return 0.0
        if station.trouble is None:
            return NEVER
        return max(0.0, SILENT_AFTER - (self.context.now_ms() - station.trouble.since_ms) / 1000)
