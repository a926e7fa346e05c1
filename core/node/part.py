"""What this node does for one site: the desks, in the order in which a picture passes them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

from core.catalogue import slots, states
from core.clock import Trust, judge
from core.control.request import Request
from core.errors import CatalogueCorrupt, CatalogueError, OverlapseError, StorageError
from core.ledger.gap import Stretch
from core.ledger.rhythm import STEERED, is_credible
from core.node.between.batches import BOOKS
from core.node.between.handing import Handing, Taker
from core.node.between.receiving import Receiving
from core.node.cameras.measuring import Measuring
from core.node.cameras.post import InHand
from core.node.cameras.pushing import Pushing
from core.node.cameras.shooting import Shooting
from core.node.context import Context
from core.node.errands.arriving import owes_from
from core.node.errands.errands import Errands, Make
from core.node.errands.importing import Importing
from core.node.errands.restoring import Restoring
from core.node.guard import Guard
from core.node.jobs import Done, Failed, Job, Report, Worker
from core.node.keeping.retaining import Retaining
from core.node.pictures.paging import Paging
from core.node.pictures.taking import Taking
from core.node.pictures.viewing import Viewing
from core.node.reload import Reload
from core.node.reporting import Reporting
from core.node.sending.auditing import Auditing
from core.node.sending.delivering import Delivering
from core.node.serving import Desks, Serving
from core.node.writing import Writer
from core.schedule.slots import Timetable
from core.site.model import SiteFile
from core.values import PictureName, milliseconds_of, seconds_of, utc

log = logging.getLogger(__name__)

LAST_SEEN, APPLIED_AT = "clock/last-seen", "site/applied-at"
ADOPT_SECONDS = 3600.0  # for hashing what a stop left

ERRANDS: Mapping[str, Make] = {"import": Importing, "restore": Restoring}
Witnesses = Callable[[], tuple[bool, Mapping[str, datetime]]]  # is the kernel's clock synchronised; who says what


class SitePart:
    """One site on this node. It takes events and ticks from the loop and touches nothing but its desks."""

    def __init__(
        self,
        context: Context,
        *,
        witnesses: Witnesses = lambda: (False, {}),
        reread: Callable[[], SiteFile] | None = None,
        on_reload: Callable[[SiteFile], list[str]] | None = None,
        on_stop: Callable[[bool], None] = lambda again: None,
    ) -> None:
        """`reread` reads the site file again, `on_reload` keeps what was applied and says what changed; `on_stop`
        ends the node, True: to start it again.
        """
        self.context = context
        self._witnesses = witnesses
        self._reread = reread
        self._on_reload = on_reload
        self._judge_at = 0.0
        self.writer = Writer(context)
        self.auditing = Auditing(
            context, self.writer, lambda name: self.delivering.look([name]), lambda: self.retaining.leaving_next()
        )
        self.delivering = Delivering(context, self.writer, lambda name: self.viewing.add([name]), self.auditing)
        self.viewing = Viewing(context, self._made)
        self.paging = Paging(context, self._made)
        self.taking = Taking(context, self.writer, self._new)
        self.handing = Handing(context, self.writer, self.delivering, lambda: self.retaining.look())
        self.receiving = Receiving(context, self.writer, self.taking, self.delivering.linking)
        self.writer.on_written = self._written
        self.shooting = Shooting(context, self.taking)
        self.pushing = Pushing(context, self.taking, self.shooting)
        self.measuring = Measuring(context)
        self.retaining = Retaining(context, self.writer, self.delivering.write_receipts, self._may_shoot)
        self._adopting: Job | None = None
        linking = self.delivering.linking
        self.errands = Errands(context, self.taking, linking, self._unseen, lambda: self._adopting is None, ERRANDS)
        told = self._trouble, self.errands.row
        self.reporting = Reporting(context, self.shooting, self.viewing, self.delivering, self.retaining, *told)
        desks = Desks(
            context, self.writer, self.shooting, self.delivering, self.retaining, self.reporting, self.errands
        )
        self.serving = Serving(desks, self.reload, on_stop)
        desks_in_order = (
            self.writer,
            self.shooting,
            self.pushing,
            self.receiving,
            self.viewing,
            self.handing,
            self.delivering,
            self.paging,
            self.errands,
            self.retaining,
            self.reporting,
        )
        self.guard = Guard(context, desks_in_order, self._recover, self._make_room)
        self._clocks = context.now(), context.monotonic()

    def begin(self, before: SiteFile | None) -> None:
        """Start: judge the clock, write what a stop left out, take up what it left behind.

        `before` is the configuration last applied: by it the slots since the last one are written as missed.
        """
        self._judge()
        self._write_gaps(before or self.context.site)
        self.apply()
        self.retaining.begin()
        with suppress(StorageError):  # a disk that has no room for it is told by others
            self.context.keeper.hold_reserve()
        folders = self.context.folders
        args = {
            "spool": str(folders.spool),
            "quarantine": str(folders.quarantine),
            "pictures": str(folders.pictures),
            "fence": str(self.context.fence),
        }
        self._adopting = Job(Worker("disk"), "adopt", args, ADOPT_SECONDS, about="adopt")
        self.context.hands.give(self._adopting)

    def apply(self) -> None:
        """Have every desk take over the site as it is configured now."""
        self.delivering.apply()
        self.handing.apply()
        self.receiving.apply()
        self.viewing.apply()
        self.paging.apply()
        self.shooting.apply()
        self.pushing.apply()
        self.reporting.changed()

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
        self.context.site, self.context.node = site, node
        states.put(self.context.catalogue, APPLIED_AT, self.context.now_ms())  # a new camera owes nothing from before
        self.apply()

    def handle(self, event: object) -> None:
        """Give an event to the desk that it is for."""
        with self.guard.over():
            if isinstance(event, Request):
                self.serving.handle(event)
            elif isinstance(event, Reload):
                self.reload(event)
            elif isinstance(event, Report):
                self._report(event)
        self.reporting.changed()

    def tick(self) -> None:
        """Let every desk do what is due."""
        if self.context.monotonic() >= self._judge_at or self._clock_was_set():
            with self.guard.over():
                self._judge()
                self._require_catalogue()
        self.guard.tick()

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        return min(self._judge_at, self.guard.wake())

    def _require_catalogue(self) -> None:
        """Raise CatalogueCorrupt when the file that is written to is not the one that others read."""
        if not self.context.catalogue.is_in_place():
            where = self.context.folders.catalogue
            raise CatalogueCorrupt(f"{where}: it was moved or deleted while in use; the next start makes it anew")

    def _clock_was_set(self) -> bool:
        """Return whether the wall clock went otherwise than time since the last look."""
        before, self._clocks = self._clocks, (self.context.now(), self.context.monotonic())
        walked = (self._clocks[0] - before[0]).total_seconds()
        return abs(walked - (self._clocks[1] - before[1])) > STEERED.total_seconds()

    def _recover(self) -> None:
        """Take up what a failing disk or catalogue left undone."""
        self.delivering.recover()
        self.viewing.recover()
        self.paging.look()
        self.context.keeper.hold_reserve()

    def _make_room(self) -> None:
        """Give free what was kept back, so that retention can write what it deletes."""
        try:
            if self.context.keeper.drop_reserve():
                self.context.tell("reserve used", self.context.node.name, "the disk is full: 16 MB kept back are free")
                self.retaining.look()
        except StorageError as error:
            log.error("reserve not dropped: error=%s", error)

    def stop(self) -> None:
        """Begin nothing new."""
        self.shooting.stop()
        self.pushing.stop()
        self.receiving.stop()
        self.handing.stop()
        self.errands.stop()
        self.viewing.stop()
        self.paging.stop()
        self.delivering.stop()

    def finished(self) -> bool:
        """Return whether nothing is in hand."""
        desks = (self.shooting, self.pushing, self.viewing, self.paging, self.delivering, self.errands)
        return all(desk.finished() for desk in desks)

    def _unseen(self) -> int:
        """Return how many pictures wait for their look, and writes for the disk: no more of others are brought."""
        return self.viewing.waiting() + self.writer.waiting()

    def _trouble(self) -> str | None:
        return self.guard.trouble

    def idle(self) -> bool:
        """Return whether everything that came is seen and delivered, as far as it can be now."""
        return self._adopting is None and self.finished() and self.viewing.waiting() == 0 and self.paging.idle()

    def close(self) -> None:
        """Let go of the children, write what is owed, and the last status."""
        self.context.hands.close()
        endings = (
            self.delivering.write_receipts,
            self.writer.finish,
            self._see,
            self.reporting.write,
            self.context.keeper.close,
        )
        for ending in endings:
            try:
                ending()
            except (StorageError, CatalogueError) as error:
                log.error("not all was written at the end: error=%s", error)
        self.context.catalogue.close()

    def _report(self, report: Report) -> None:
        worker = report.job.worker
        if self.errands.owns(report):
            self.errands.handle(report)
            self.retaining.look()
        elif worker.kind in ("camera", "hook"):
            self._of_camera(report)
        elif worker.kind == "ftpd":
            self.pushing.handle(report)
        elif worker.kind == "images":
            self.viewing.handle(report)
            self.paging.handle(report)
        elif isinstance(report.job.about, Taker):
            self.handing.handle(report)
        elif worker.kind == "drop" or worker == BOOKS:
            self.receiving.handle(report)
        elif worker.kind == "destination":
            self.delivering.handle(report)
            if isinstance(report, Done):
                self.handing.delivered(worker.name)
            self.paging.look()
            self.retaining.look()
        elif worker.kind == "probe":
            self.delivering.linking.handle(report)
        elif report.job is self._adopting and isinstance(report, Done | Failed):
            self._adopted(report)

    def _of_camera(self, report: Report) -> None:
        if report.job.op in ("telemetry", "set_clock"):
            self.measuring.handle(report)
            return
        if report.job.op == "collect":
            self.pushing.handle(report)
            return
        self.shooting.handle(report)
        self.pushing.after_shot(report)
        post = self.shooting.posts.get(report.job.worker.name)
        if isinstance(report, Done) and isinstance(report.job.about, InHand) and post is not None:
            self.measuring.after_shot(post)
            self.retaining.look()

    def _adopted(self, report: Done | Failed) -> None:
        """Take in what an earlier run left whole, and tell what it left in pieces."""
        self._adopting = None
        self.receiving.begin()
        if isinstance(report, Failed):
            self.context.tell("leftovers", self.context.node.name, f"could not be looked at: {report.error}")
            return
        try:
            kept = self.taking.adopt(report.result["whole"])
            kept += self.taking.adopt(report.result.get("unlisted", []), in_spool=False)
        except (StorageError, CatalogueError) as error:
            self.context.tell("leftovers", self.context.node.name, f"could not be taken in: {error}")
            return
        aside = report.result["quarantined"]
        if kept or aside:
            text = f"{len(kept)} whole pictures taken in, {len(aside)} pieces set aside in quarantine"
            self.context.tell("leftovers", self.context.node.name, text)
        if unreadable := report.result.get("unreadable"):
            text = f"{len(unreadable)} cannot be read: {unreadable[0]['name']}: {unreadable[0]['why']}"
            self.context.tell("leftovers", self.context.node.name, text)

    def _new(self, names: list[PictureName], destinations: set[str]) -> None:
        self.viewing.add(names)
        self.delivering.look(destinations)

    def _written(self) -> None:
        self.handing.written()
        self.receiving.written()

    def _made(self, destinations: set[str]) -> None:
        self.delivering.look(destinations)

    def _may_shoot(self, why_not: str | None) -> None:
        if why_not is not None and self.shooting.stopped is None:
            self.context.tell("capture stopped", self.context.node.name, why_not)
        elif why_not is None and self.shooting.stopped is not None:
            self.context.tell("capture goes on", self.context.node.name, "the buffer has room again")
        self.shooting.stopped = why_not

    def _write_gaps(self, before: SiteFile) -> None:
        """Write the slots since the last one that has an outcome; a camera that never had one has no gap."""
        now, site = self.context.now(), before.site
        here = {camera.name for camera in self.context.cameras()}
        since = states.get(self.context.catalogue, APPLIED_AT)
        for camera in before.camera:
            after = self._last_outcome(camera.name, now) or (None if since is None else utc(since / 1000))
            owes = states.get(self.context.catalogue, owes_from(camera.name))
            after = after if after is None or owes is None else max(after, utc(owes / 1000))
            if camera.name not in here or after is None:
                continue
            timetable = Timetable(camera, site.zone, site.latitude, site.longitude)
            stretch = Stretch(after, now, "node down")
            if stretch.after < now and is_credible(stretch, self.context.trust.trusted):
                self.shooting.write_gap(camera, timetable, stretch)
        states.put(self.context.catalogue, APPLIED_AT, milliseconds_of(now))

    def _last_outcome(self, camera: str, now: datetime) -> datetime | None:
        last = slots.latest(self.context.catalogue, camera, self.context.node.name, seconds_of(now))
        return None if last is None else utc(last.slot)

    def _judge(self) -> None:
        """Say anew whether the clock is trusted, and note the latest time seen while it is."""
        at_start, self._judge_at = not self._judge_at, self.context.monotonic() + self.context.pace.judge
        last = states.get(self.context.catalogue, LAST_SEEN)
        synchronised, others = self._witnesses()
        before = self.context.trust
        self.context.trust = judge(
            self.context.now(),
            host=self.context.site.site.clock == "host",
            synchronised=synchronised,
            witnesses={**others, **self.measuring.witnesses()},
            last_seen=None if last is None else utc(last / 1000),
        )
        known = at_start or before.trusted  # at a start, only a clock that is not trusted is news
        if known != self.context.trust.trusted:
            self._tell_trust(self.context.trust)
        self._see()

    def _tell_trust(self, trust: Trust) -> None:
        kind = "clock trusted" if trust.trusted else "clock not trusted"
        self.context.tell(kind, self.context.node.name, trust.why)

    def _see(self) -> None:
        if self.context.trust.trusted:
            states.put(self.context.catalogue, LAST_SEEN, self.context.now_ms())
