"""What an earlier run left: whole pictures are taken in, pieces are set aside and told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.errors import CatalogueError, StorageError
from core.node.context import Context
from core.node.jobs import Done, Failed, Job, Report, Worker
from core.node.pictures.taking import Taking

SECONDS = 3600.0  # for hashing what a stop left


@dataclass
class Leftovers:
    """Has the disk worker look once, at the start. `then`: from now on pictures of others are taken in, too."""

    context: Context
    taking: Taking
    then: Callable[[], None]
    _job: Job | None = None

    @property
    def looked(self) -> bool:
        """Whether all is seen."""
        return self._job is None

    def begin(self) -> None:
        """Look at what is in the spool now: what comes into it from now on is this run's own."""
        folders = self.context.folders
        args = {
            "spool": str(folders.spool),
            "quarantine": str(folders.quarantine),
            "pictures": str(folders.pictures),
            "only": self.context.keeper.spooled(),
        }
        self._job = Job(Worker("disk"), "adopt", args, SECONDS, about="adopt")
        self.context.hands.give(self._job)

    def handle(self, report: Report) -> None:
        """Take in what is whole, and tell what is in pieces."""
        if report.job is not self._job or not isinstance(report, Done | Failed):
            return
        self._job = None
        self.then()
        if isinstance(report, Failed):
            self._tell(f"could not be looked at: {report.error}")
            return
        try:
            kept = self.taking.adopt(report.result["whole"])
            kept += self.taking.adopt(report.result.get("unlisted", []), in_spool=False)
        except (StorageError, CatalogueError) as error:
            self._tell(f"could not be taken in: {error}")
            return
        aside = report.result["quarantined"]
        if kept or aside:
            self._tell(f"{len(kept)} whole pictures taken in, {len(aside)} pieces set aside in quarantine")
        if unreadable := report.result.get("unreadable"):
            self._tell(f"{len(unreadable)} cannot be read: {unreadable[0]['name']}: {unreadable[0]['why']}")

    def _tell(self, text: str) -> None:
        self.context.tell("leftovers", self.context.node.name, text)
