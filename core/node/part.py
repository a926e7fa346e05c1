"""What this node does for one site: it gives its desks their turn, their reports, and what people ask."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from core.control.audit import Audit
from core.control.request import Request
from core.control.trail import Trail
from core.errors import CatalogueCorrupt, CatalogueError, OverlapseError, StorageError
from core.node.cameras.idle import applied_now, write_gaps
from core.node.context import Context
from core.node.desks import Desks
from core.node.engine import Heard
from core.node.guard import Guard
from core.node.jobs import Report
from core.node.reload import Reload
from core.node.serving import Serving
from core.node.timekeeping import Kernel, Timekeeping
from core.site.model.file import SiteFile

log = logging.getLogger(__name__)


class SitePart:
    """One site on this node. It takes events and ticks from the loop and touches nothing but its desks."""

    def __init__(
        self,
        context: Context,
        *,
        witnesses: Kernel = lambda: (False, {}),
        reread: Callable[[], SiteFile] | None = None,
        on_reload: Callable[[SiteFile], list[str]] | None = None,
        on_stop: Callable[[bool], None] = lambda again: None,
        trail: Trail | None = None,
    ) -> None:
        """`reread` reads the site file again, `on_reload` keeps what was applied and says what changed; `on_stop`
        ends the node, True: to start it again. `trail`: where other nodes' orders are audited, beside people's.
        """
        self.context = context
        self._reread = reread
        self._on_reload = on_reload
        trail = trail or Trail(Audit(context.folders.audit, context.clock))
        self.desks = Desks(context, lambda: self.guard.trouble, trail)
        self.guard = Guard(context, self.desks.in_order, self.desks.recover, self._make_room)
        self._clock = Timekeeping(context, witnesses, self.desks.measuring.witnesses)
        self._serving = Serving(self.desks, self.reload, on_stop)
        self.desks.obeying.carry_out = self._serving.handle

    def begin(self, before: SiteFile | None) -> None:
        """Start: judge the clock, write what a stop left out, take up what it left behind.

        `before` is the configuration last applied: by it the slots since the last one are written as missed.
        """
        self._clock.judge()
        self.desks.owning.begin()
        write_gaps(self.context, self.desks.shooting, before or self.context.site)
        self.desks.begin()
        self.desks.apply()
        self.desks.retaining.begin()
        with suppress(StorageError):  # a disk that has no room for it is told by others
            self.context.keeper.hold_reserve()
        self.desks.leftovers.begin()

    def reload(self, request: Reload) -> None:
        """Read the site file again and apply it; one that is not valid is refused and the old one kept."""
        if self._reread is None:
            request.reply({"done": {"changed": []}})
            return
        try:
            site = self._reread()
        except OverlapseError as error:
            self.context.tell("configuration refused", self.context.site.site.name, str(error))
            request.reply({"error": type(error).__name__, "message": str(error)})
            return
        changed = self._on_reload(site) if self._on_reload is not None else []
        self._take_over(site)
        self.context.tell("configuration applied", site.site.name, "; ".join(changed) or "nothing changed")
        request.reply({"done": {"changed": changed}})

    def _take_over(self, site: SiteFile) -> None:
        node = next((node for node in site.node if node.name == self.context.node.name), self.context.node)
        self.context.file, self.context.site, self.context.node = site, site, node
        applied_now(self.context)
        self.desks.apply()

    def handle(self, event: object) -> None:
        """Give an event to the desk that it is for."""
        with self.guard.over():
            if isinstance(event, Request):
                self._serving.handle(event)
            elif isinstance(event, Reload):
                self.reload(event)
            elif isinstance(event, Report):
                self.desks.report(event)
            elif isinstance(event, Heard):
                event.tell()
        self.desks.reporting.changed()

    def tick(self) -> None:
        """Let every desk do what is due."""
        with self.guard.over():
            if self._clock.tick():
                self._require_catalogue()
        self.guard.tick()

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        return min(self._clock.wake(), self.guard.wake())

    def stop(self) -> None:
        """Begin nothing new."""
        self.desks.stop()

    def finished(self) -> bool:
        """Return whether nothing is in hand."""
        return self.desks.finished()

    def close(self) -> None:
        """Let go of the children, write what is owed, and the last status."""
        self.context.hands.close()
        self.desks.owning.close()
        endings = (
            self.desks.delivering.write_receipts,
            self.desks.writer.finish,
            self._clock.note,
            self.desks.reporting.write,
            self.context.keeper.close,
        )
        for ending in endings:
            try:
                ending()
            except (StorageError, CatalogueError) as error:
                log.error("not all was written at the end: error=%s", error)
        self.context.catalogue.close()

    def _require_catalogue(self) -> None:
        """Raise CatalogueCorrupt when the file that is written to is not the one that others read."""
        if not self.context.catalogue.is_in_place():
            where = self.context.folders.catalogue
            raise CatalogueCorrupt(f"{where}: it was moved or deleted while in use; the next start makes it anew")

    def _make_room(self) -> None:
        """Give free what was kept back, so that retention can write what it deletes."""
        try:
            if self.context.keeper.drop_reserve():
                self.context.tell("reserve used", self.context.node.name, "the disk is full: 16 MB kept back are free")
                self.desks.retaining.look()
        except StorageError as error:
            log.error("reserve not dropped: error=%s", error)
