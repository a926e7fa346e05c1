"""The desks of one site, in the order in which a picture passes them, and who hears of which report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from core.catalogue import states
from core.control.trail import Trail
from core.errors import CatalogueError, StorageError
from core.node.between.batches import BOOKS
from core.node.between.changes import Changes
from core.node.between.checkins import CheckIns
from core.node.between.handing import Handing, Taker
from core.node.between.monitoring import Monitoring
from core.node.between.noted import Noted
from core.node.between.placing import Placing
from core.node.between.reading import Reading
from core.node.between.receiving import Receiving
from core.node.cameras.attending import Attending
from core.node.cameras.measuring import Measuring
from core.node.cameras.post import InHand
from core.node.cameras.pushing import Pushing
from core.node.cameras.shooting import Shooting
from core.node.context import Context
from core.node.errands.errands import Errands, Make
from core.node.errands.importing import Importing
from core.node.errands.restoring import Restoring
from core.node.fleet.agreeing import Agreeing
from core.node.fleet.assigning import Assigning
from core.node.fleet.byhand import ByHand
from core.node.fleet.costing import Costing
from core.node.fleet.failovers import Failovers
from core.node.fleet.overseeing import Overseeing
from core.node.fleet.owning import Owning
from core.node.fleet.reaching import WORKER, Reaching
from core.node.fleet.spares import fill_holes
from core.node.guard import Desk
from core.node.jobs import Done, Report
from core.node.keeping.probing import Probing
from core.node.keeping.retaining import Retaining
from core.node.keeping.watching import Watching
from core.node.leftovers import Leftovers
from core.node.orders.byengine import ByEngine
from core.node.orders.obeying import Obeying
from core.node.orders.ordering import Ordering
from core.node.pictures.judging import Judging
from core.node.pictures.paging import Paging
from core.node.pictures.previewing import Previewing
from core.node.pictures.taking import Taking
from core.node.pictures.viewing import Viewing
from core.node.reporting import OVERLAPSE, Reporting
from core.node.sending.auditing import Auditing
from core.node.sending.delivering import Delivering
from core.node.telling.kept import MAIL
from core.node.telling.mailing import Mailing
from core.node.timekeeping import LAST_SEEN
from core.node.writing import Writer
from core.status.fleet import site_of
from core.status.vitals import vitals
from core.values import PictureName, utc

log = logging.getLogger(__name__)

ERRANDS: Mapping[str, Make] = {"import": Importing, "restore": Restoring}


class Desks:
    """Those who do the work of a site. Each knows those that it was given; what else is news to one, is told here."""

    def __init__(self, context: Context, trouble: Callable[[], str | None], trail: Trail) -> None:
        """`trouble`: what disk or catalogue say, while they fail; `trail`: the audit of other nodes' orders."""
        self.context = context
        self.writer = Writer(context)
        self.auditing = Auditing(
            context, self.writer, lambda name: self.delivering.look([name]), lambda: self.retaining.leaving_next()
        )
        self.delivering = Delivering(context, self.writer, lambda name: self.viewing.add([name]), self.auditing)
        self.judging = Judging(context, self._is_spare, self._interval)
        self.viewing = Viewing(context, self._made, self.judging)
        self.paging = Paging(context, self._made)
        self.previewing = Previewing(context)
        self.taking = Taking(context, self.writer, self._new)
        self.checkins = CheckIns(
            context, lambda: self.reporting.document(), lambda one: self.monitoring.heard_of(one), Changes(context)
        )
        self.noted = Noted(context, lambda: self.checkins.heard)
        self.monitoring = Monitoring(context, lambda: self.reporting.document(), lambda: self.checkins.heard)
        self.obeying = Obeying(context, trail, lambda: states.get(context.catalogue, LAST_SEEN))
        self.handing = Handing(
            context, self.writer, self.delivering, self.checkins, lambda: self.retaining.look(), self.obeying
        )
        self.placing = Placing(context, self.delivering, lambda: self.reporting.document(), self.checkins.changes)
        self.reading = Reading(context, self.delivering.linking, self.checkins)
        self.receiving = Receiving(context, self.writer, self.taking, self.delivering.linking, self.checkins)
        self.writer.on_written = self._written
        self.shooting = Shooting(context, self.taking)
        self.attending = Attending(context, self.shooting)
        self.reaching = Reaching(context, self.shooting, lambda: self.owning.plans())
        self.owning = Owning(
            context,
            self._rights,
            self._taken_over,
            self.shooting.is_busy,
            self.reaching.out_of_reach,
            lambda: vitals(self.reporting.latest) if self.reporting.latest else "",
        )
        self.agreeing = Agreeing(context, self.owning.known, self.apply)
        self.pushing = Pushing(context, self.taking, self.shooting)
        self.measuring = Measuring(context)
        self.retaining = Retaining(context, self.writer, self.delivering.write_receipts, self._may_shoot)
        self.leftovers = Leftovers(context, self.taking, self.receiving.begin)
        linking = self.delivering.linking
        self.errands = Errands(context, self.taking, linking, self._unseen, lambda: self.leftovers.looked, ERRANDS)
        self.mailing = Mailing(context)
        self.overseeing = Overseeing(context, self.checkins)
        self.probing = Probing(context)
        self.watching = Watching(context)
        self.failovers = Failovers(context, self.owning, self.mailing)
        self.costing = Costing(context)
        told = trouble, self.errands.row, self.mailing.row, self._redundancy, self._probed, self.costing.row
        said = self.monitoring.row, self.checkins.changes, self.noted
        self.reporting = Reporting(context, self.shooting, self.viewing, self.delivering, self.retaining, *told, *said)

        self._tie_orders()

    def _tie_orders(self) -> None:
        """Have orders come and go by whichever way there is."""
        ways = self.receiving.ways
        self.ordering = Ordering(self.context, ways.lay, ways.has_way)
        self.by_engine = ByEngine(self.context, self.context.engine, self.ordering, self.obeying)
        self.receiving.on_laid, self.receiving.on_report = self.ordering.laid, self.ordering.hear
        self.ordering.on_given = self.by_engine.look
        self.obeying.on_news = self._order_ended
        self.by_hand = ByHand(self.context, self.owning, self.ordering.give)
        self.assigning = Assigning(self.context, self._documents, OVERLAPSE, self._beside)
        self.shooting.on_order = self.obeying.shot

    def _order_ended(self) -> None:
        """Have it told to whoever ordered, by whichever way it came."""
        self.handing.written()
        self.by_engine.look()

    def begin(self) -> None:
        """Take up what a stop left."""
        self.costing.begin()
        self.failovers.begin()
        self.by_hand.begin()
        self.mailing.begin()
        self.obeying.begin()
        self.ordering.begin()
        self.checkins.begin()

    @property
    def in_order(self) -> tuple[Desk, ...]:
        """Those that are given their turn, in the order in which a picture passes them."""
        return (
            self.writer,
            self.reaching,
            self.owning,
            self.agreeing,
            self.overseeing,
            self.failovers,
            self.by_hand,
            self.shooting,
            self.pushing,
            self.receiving,
            self.viewing,
            self.obeying,
            self.ordering,
            self.by_engine,
            self.handing,
            self.placing,
            self.reading,
            self.delivering,
            self.paging,
            self.errands,
            self.retaining,
            self.mailing,
            self.probing,
            self.watching,
            self.reporting,
            self.monitoring,
        )

    def apply(self) -> None:
        """Have every desk take over the site as it is configured now."""
        self.owning.apply()
        self.delivering.apply()
        self.obeying.apply()
        self.by_engine.apply()
        self.handing.apply()
        self.placing.apply()
        self.reading.apply()
        self.receiving.apply()
        self.viewing.apply()
        self.paging.apply()
        self.shooting.apply()
        self.pushing.apply()
        self.mailing.apply()
        self.monitoring.apply()
        self.reporting.changed()

    def stop(self) -> None:
        """Begin nothing new."""
        self.monitoring.stop()
        self.shooting.stop()
        self.pushing.stop()
        self.receiving.stop()
        self.handing.stop()
        self.placing.stop()
        self.reading.stop()
        self.errands.stop()
        self.mailing.stop()
        self.by_engine.stop()
        self.viewing.stop()
        self.paging.stop()
        self.delivering.stop()

    def finished(self) -> bool:
        """Return whether nothing is in hand."""
        pictures = (self.shooting, self.pushing, self.viewing, self.paging, self.delivering)
        return all(desk.finished() for desk in (*pictures, self.errands, self.mailing))

    def idle(self) -> bool:
        """Return whether everything that came is seen and delivered, as far as it can be now."""
        return self.leftovers.looked and self.finished() and self.viewing.waiting() == 0 and self.paging.idle()

    def report(self, report: Report) -> None:
        """Give what a worker says to those whom it concerns."""
        self.costing.take(report)
        worker = report.job.worker
        if worker == WORKER:
            self.reaching.handle(report)
        elif self.errands.owns(report):
            self.errands.handle(report)
            self.retaining.look()
        elif self.watching.owns(report):
            self.watching.handle(report)
        elif worker.kind in ("camera", "hook"):
            self._of_camera(report)
        elif worker == MAIL:
            self.mailing.handle(report)
        elif worker.kind == "ftpd":
            self.pushing.handle(report)
        elif worker.kind == "images":
            self.viewing.handle(report)
            self.paging.handle(report)
            self.previewing.handle(report)
        elif isinstance(report.job.about, Taker):
            self.handing.handle(report)
        elif self.placing.owns(report):
            self.placing.handle(report)
        elif self.reading.owns(report):
            self.reading.handle(report)
        elif worker.kind == "drop" or worker == BOOKS:
            self.receiving.handle(report)
        elif worker.kind == "destination":
            self._of_destination(report)
        elif self.probing.owns(report):
            self.probing.handle(report)
        elif worker.kind == "monitor":
            self.monitoring.handle(report)
        elif worker.kind == "probe":
            self.delivering.linking.handle(report)
        else:
            self.leftovers.handle(report)

    def recover(self) -> None:
        """Take up what a failing disk or catalogue left undone."""
        self.delivering.recover()
        self.viewing.recover()
        self.paging.look()
        self.context.keeper.hold_reserve()

    def _redundancy(self) -> dict[str, Any] | None:
        """Return the part `redundancy` of the status document, the last failover periods among it."""
        part, periods = self.owning.document(), self.failovers.rows()
        if part is None:
            return None
        ours, documents = self.context.site_digest, self.checkins.documents()
        differ = sorted(node for node, said in documents.items() if site_of(said) not in (None, ours))
        return part | ({"periods": periods} if periods else {}) | ({"differ": differ} if differ else {})

    def _documents(self) -> dict[str, Any]:
        """Return what is known of every node, this one among them."""
        return {**self.checkins.documents(), self.context.node.name: self.reporting.latest}

    def _beside(self) -> dict[str, Any]:
        """Return what is shown beside assignments."""
        part, rehearsal = self.owning.document() or {}, self.by_hand.row()
        shown = {"node": self.context.node.name, "engine": part.get("engine"), "periods": self.failovers.rows()}
        return shown if rehearsal is None else shown | {"rehearsal": rehearsal}

    def _rights(self) -> None:
        """What this node may shoot is another than before."""
        self.shooting.apply()
        self.pushing.apply()
        self.paging.apply()
        self.reporting.changed()

    def _taken_over(self, camera: str, since: float) -> None:
        """A camera is this node's, whose owner was heard last at `since`: spares from then on fill holes."""
        try:
            fill_holes(self.context, self.writer, camera, since, self.delivering.look)
        except (StorageError, CatalogueError) as error:
            log.error("spares not queued yet: camera=%s error=%s", camera, error)

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

    def _of_destination(self, report: Report) -> None:
        self.delivering.handle(report)
        if isinstance(report, Done):
            self.handing.delivered(report.job.worker.name)
            self.placing.delivered(report.job.worker.name)
        self.paging.look()
        self.retaining.look()

    def _probed(self) -> dict[str, Any]:
        """Return what the status document says of machine, drives, mounts and what is watched."""
        return {**self.probing.rows(), "watch": self.watching.rows() or None}

    def _is_spare(self, name: PictureName) -> bool:
        """Return whether a picture is of a camera that another node owns, as its backup here shoots it."""
        camera = self.context.camera(name.camera)
        right = None if camera is None else self.context.leases.right(camera)
        here = self.context.node.name
        return right is not None and right.role == "spare" and camera is not None and camera.primary not in (None, here)

    def _interval(self, camera: str, at: float) -> float | None:
        """Return the seconds between two slots of a camera at an instant, None where its schedule has none."""
        post = self.shooting.posts.get(camera)
        slot = None if post is None else post.timetable.previous(utc(at + 1))
        return None if slot is None else slot.interval.total_seconds()

    def _unseen(self) -> int:
        """Return how many pictures wait for their look, and writes for the disk: no more of others are brought."""
        return self.viewing.waiting() + self.writer.waiting()

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
