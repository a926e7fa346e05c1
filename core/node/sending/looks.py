"""Looks at copies: they begin when nothing is sent, and give way as soon as something is to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.node.context import Context
from core.node.jobs import Asked, Done, Failed, Report
from core.node.sending.auditing import Auditing
from core.node.sending.linking import Linking
from core.node.sending.station import Looking, Station

AUDIT = "audit"  # the class of their bytes
LOOK = -1  # stands for a look among the numbers of deliveries


@dataclass
class Looks:
    """Has copies looked at. `is_needed` says whether a station is wanted for something else, or has to rest."""

    context: Context
    auditing: Auditing
    linking: Linking
    is_needed: Callable[[Station], bool]

    def begin(self, station: Station) -> float:
        """Begin a look if one is due and nothing is on its way; return the monotonic time at which to ask again."""
        if station.sending or station.looking is not None:
            return float("inf")  # the end of that asks again
        job = self.auditing.next(station.destination)
        if job is None:
            return self.auditing.due(station.destination)
        station.looking = Looking(job)
        self.context.hands.give(job)
        return float("inf")

    def owns(self, station: Station, report: Report) -> bool:
        """Return whether a report is of the look that a station has."""
        return station.looking is not None and station.looking.job is report.job

    def handle(self, station: Station, report: Report) -> None:
        """Take in what a worker reports of a look."""
        uplink, who = self.linking.of(station.destination), (station.destination.name, LOOK)
        assert station.looking is not None
        if isinstance(report, Asked):
            station.looking.answer = report.answer
            if self.is_needed(station) or AUDIT not in uplink.grants.carries:
                station.looking.grant(0)
            else:
                uplink.grants.ask(who, int(report.question["grant"]), AUDIT, self.context.monotonic())
        elif isinstance(report, Done | Failed):
            uplink.grants.forget(who)
            station.looking, station.look_at, station.audit_at = None, 0.0, 0.0
            self.auditing.handle(report)

    def grant(self, station: Station, size: int) -> None:
        """Let the look read `size` bytes back."""
        self.linking.charge(station.destination, AUDIT, size)
        self.auditing.granted(station.destination.name, size)
        if station.looking is not None:
            station.looking.grant(size)

    def make_way(self, station: Station) -> None:
        """End a read-back that waits for bytes when the station is wanted for something else."""
        looking = station.looking
        if looking is not None and looking.answer is not None and self.is_needed(station):
            self.linking.of(station.destination).grants.forget((station.destination.name, LOOK))
            looking.grant(0)
