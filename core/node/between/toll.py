"""What it costs to empty a place over a link: asked for before it comes, counted as what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.capture.shot import kind_of
from core.node.between import batches
from core.node.between.drop import Drop
from core.node.jobs import Done
from core.node.sending.linking import Linking
from core.transfer.drops import Found

REST = 300.0  # seconds until a place is looked into again whose link lets nothing through


@dataclass
class Toll:
    """Asks the link of a place before a picture is fetched there. A place that names no link costs nothing."""

    linking: Linking

    def may_look(self, drop: Drop) -> bool:
        """Tell whether a place may be looked into now: listings and batches count as status."""
        return self.linking.carries(drop.place, "status")

    def ask(self, drop: Drop, found: Found, take: Callable[[], None], leave: Callable[[], None]) -> None:
        """Call `take` when the bytes of an object may come, `leave` when its link does not carry them now."""
        if drop.place.link is None:
            take()
            return

        def answered(size: int) -> None:
            drop.asking = False
            (take if size else leave)()

        drop.asking = True
        self.linking.ask(drop.place, f"fetch/{drop.name}", found.size, kind_of(found.base) or "audit", answered)

    def count(self, drop: Drop, done: Done) -> None:
        """Count what went without having been asked for."""
        if drop.place.link is None:
            return
        if done.job.op in ("collect", "settle"):
            self.linking.spent(drop.place, "status", batches.cost(done))
        elif done.job.op == "look":
            self.linking.spent(drop.place, "status", batches.AROUND * (1 + len(done.result["found"]) // 5))

    def forget(self, drop: Drop) -> None:
        """Want nothing more of a link."""
        drop.asking = False
        self.linking.forget(f"fetch/{drop.name}")
