"""Learning how nodes are from places that are none: each leaves an object there, which is read now and then."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from core.errors import ConfigurationError
from core.node.between import batches
from core.node.between.checkins import CheckIns
from core.node.context import Context
from core.node.jobs import Done, Failed, Job, Json, Report, Setting, Worker
from core.node.sending.linking import Linking
from core.node.sending.station import OPENING, opening
from core.site.at import reads_at, used_at
from core.site.model.places import Destination
from core.text import safe
from core.transfer import drops

log = logging.getLogger(__name__)

OFTEN, SELDOM = 5.0, 300.0  # seconds between two looks at least, at most; else half of the soonest check-in there
SHUT = 300.0  # seconds until it is asked again whether the place's link carries status
NEVER = float("inf")


@dataclass
class Source:
    """A place that is read."""

    destination: Destination
    job: Job | None = None
    at: float = 0.0  # monotonic
    trouble: str | None = None

    @property
    def worker(self) -> Worker:
        """Its child: not that of deliveries, which are not held up."""
        return Worker("drop", f"{self.destination.name}/status")


@dataclass
class Reading:
    """Reads what stands at the places that this node's `reads` names."""

    context: Context
    linking: Linking
    checkins: CheckIns

    def __post_init__(self) -> None:
        self._sources: dict[str, Source] = {}
        self._stopping = False

    def apply(self) -> None:
        """Take over the places of the site as it is configured now."""
        wanted = reads_at(self.context.site, self.context.node.name)
        places = {one.name: one for one in self.context.site.destination if one.name in wanted}
        self._sources = {name: self._sources.get(name) or Source(one) for name, one in places.items()}
        for name, source in self._sources.items():
            source.destination = places[name]
            try:
                described = opening(source.destination, self.context.base)
            except ConfigurationError as error:
                self._troubled(source, str(error))
                source.at = NEVER
                continue
            setting = Setting(described, OPENING, idle=2 * self._every(source))
            self.context.hands.equip(source.worker, setting)
            source.at = 0.0

    def owns(self, report: Report) -> bool:
        """Return whether a report is of a look of this desk."""
        return isinstance(report.job.about, Source)

    def tick(self) -> None:
        """Look where it is time."""
        now = self.context.monotonic()
        for source in self._sources.values():
            if source.job is None and not self._stopping and now >= source.at:
                if self.linking.carries(source.destination, "status"):
                    self._look(source)
                else:
                    source.at = now + SHUT

    def wake(self) -> float:
        """Return the monotonic time of the next look."""
        free = [one.at for one in self._sources.values() if one.job is None]
        return NEVER if self._stopping else min(free, default=NEVER)

    def stop(self) -> None:
        """Begin nothing new."""
        self._stopping = True

    def handle(self, report: Report) -> None:
        """Take in what stands there."""
        source = report.job.about
        if not isinstance(report, Done | Failed) or not isinstance(source, Source) or source.job is not report.job:
            return
        source.job = None
        source.at = self.context.monotonic() + self._every(source)
        if isinstance(report, Failed):
            self._troubled(source, str(report.error))
            return
        if source.trouble is not None:
            source.trouble = None
            self.context.tell("status readable", source.destination.name, "again")
        self.linking.spent(source.destination, "status", batches.cost(report))
        for found in report.result["objects"]:
            self._read(source, found)

    def _read(self, source: Source, found: Json) -> None:
        try:
            for one in batches.said_in(found):
                self.checkins.read(str(found["name"]).rpartition("/")[2], one.get("status"))
        except (ValueError, RecursionError) as error:
            told = "status not believed: destination=%s object=%s error=%s"
            log.error(told, source.destination.name, safe(found["name"]), safe(str(error)))

    def _look(self, source: Source) -> None:
        names = [drops.status(self.context.site.site.name, node) for node in self._writers(source)]
        source.job = Job(source.worker, "collect", {"names": names}, batches.DEADLINE, batches.QUICK, source)
        self.context.hands.give(source.job)

    def _writers(self, source: Source) -> list[str]:
        """Return the other nodes that leave something at a place."""
        site, ours = self.context.site, self.context.node.name
        return [
            one.name for one in site.node if one.name != ours and source.destination.name in used_at(site, one.name)
        ]

    def _every(self, source: Source) -> float:
        writers = self._writers(source)
        soonest = min(
            (one.check_in.total_seconds() for one in self.context.site.node if one.name in writers), default=0
        )
        return max(OFTEN, min(SELDOM, soonest / 2))

    def _troubled(self, source: Source, error: str) -> None:
        if source.trouble is None:
            self.context.tell("status unreadable", source.destination.name, f"{error}; tried again and again")
        source.trouble = error
