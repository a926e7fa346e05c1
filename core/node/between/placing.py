"""Saying how this node is at places that keep pictures and are no node: one small object there, replaced each time.

It goes after what was delivered, on the same connection, and by itself when there was nothing to deliver for a while.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from core.node.between import batches
from core.node.between.changes import Changes
from core.node.between.checkins import STAYS
from core.node.context import Context
from core.node.jobs import Done, Failed, Job, Report
from core.node.sending.delivering import Delivering
from core.site.at import used_at
from core.site.model.places import Destination
from core.status.document import Document
from core.transfer import drops

log = logging.getLogger(__name__)

SOON = 5.0  # seconds after a delivery: more may follow
APART = 60.0  # seconds between two objects at least, unless it checks in more often
SHARE = 10.0  # the next is made after so many times as long as it took: a thin link is for pictures
RECENT = 86400.0  # seconds: changes of verdicts that are told, since nobody says what was read
NEVER = float("inf")


@dataclass
class Place:
    """A destination where this node says how it is."""

    destination: Destination
    job: Job | None = None
    at: float = 0.0  # monotonic: when it is told again
    from_at: float = 0.0  # monotonic: not before
    refused: bool = False


@dataclass
class Placing:
    """Keeps the object at each place of this node that wants it."""

    context: Context
    delivering: Delivering
    document: Callable[[], Document]
    changes: Changes

    def __post_init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._stopping = False

    def apply(self) -> None:
        """Take over the destinations of the site as it is configured now."""
        used = used_at(self.context.site, self.context.node.name)
        wanted = {one.name: one for one in self.context.site.destination if one.status and one.name in used}
        self._places = {name: self._places.get(name) or Place(one) for name, one in wanted.items()}
        for name, place in self._places.items():
            place.destination = wanted[name]

    def delivered(self, name: str) -> None:
        """Say soon how this node is where something was delivered."""
        if (place := self._places.get(name)) is not None:
            place.at = min(place.at, max(place.from_at, self.context.monotonic() + SOON))

    def owns(self, report: Report) -> bool:
        """Return whether a report is of an object of this desk."""
        return isinstance(report.job.about, Place)

    def tick(self) -> None:
        """Put the object where it is time."""
        now = self.context.monotonic()
        for place in self._places.values():
            if place.job is None and self._from(place, now) <= now >= place.at:
                self._put(place)

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        now = self.context.monotonic()
        idle = (one for one in self._places.values() if one.job is None)
        return min((max(one.at, self._from(one, now)) for one in idle), default=NEVER)

    def stop(self) -> None:
        """Begin nothing new."""
        self._stopping = True

    def handle(self, report: Report) -> None:
        """Take in what became of it; a place that does not answer is told where pictures are delivered."""
        place = report.job.about
        if not isinstance(report, Done | Failed) or not isinstance(place, Place) or place.job is not report.job:
            return
        place.job = None
        now, every = self.context.monotonic(), self.context.node.check_in.total_seconds()
        place.from_at = now + max(min(APART, every), report.seconds * SHARE)
        place.at = max(min(place.at, now + every), place.from_at)  # sooner, where something was delivered meanwhile
        if isinstance(report, Done):
            self.delivering.linking.spent(place.destination, "status", batches.cost(report))
            place.refused = False
            return
        log.info("status not placed: destination=%s %s", place.destination.name, report.error)
        if not report.error.transient and not place.refused:
            place.refused = True
            self.context.tell("status refused", place.destination.name, f"{report.error}; tried at each check-in")

    def _from(self, place: Place, now: float) -> float:
        """Return from when on a destination that is paused or in trouble, or whose link is shut, may be told."""
        station = self.delivering.stations.get(place.destination.name)
        if self._stopping or station is None or station.is_paused(self.context.now()):
            return NEVER
        if not self.delivering.linking.carries(place.destination, "status"):
            return now + APART
        return station.rests_until

    def _put(self, place: Place) -> None:
        said = self.document()
        recent = [one for one in self.changes.after(0) if one["at"] > said["at"] - RECENT]
        told = {key: one for key, one in said.items() if key not in STAYS} | ({"changes": recent} if recent else {})
        name = drops.status(self.context.site.site.name, self.context.node.name)
        args = {"put": [batches.put(name, [{"status": told}])], "remove": [], "rests": True}
        worker = self.delivering.stations[place.destination.name].worker
        place.job, place.at = Job(worker, "settle", args, batches.DEADLINE, batches.QUICK, place), NEVER
        self.context.hands.give(place.job)
