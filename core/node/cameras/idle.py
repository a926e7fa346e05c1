"""The time in which this node did not run: its slots are written as missed, by the configuration that held then."""

from __future__ import annotations

from datetime import datetime

from core.catalogue import slots, states
from core.ledger.gap import Stretch
from core.ledger.rhythm import is_credible
from core.node.cameras.shooting import Shooting
from core.node.context import Context
from core.node.errands.arriving import owes_from
from core.schedule.slots import Timetable
from core.site.model.file import SiteFile
from core.values import milliseconds_of, seconds_of, utc

APPLIED_AT = "site/applied-at"


def write_gaps(context: Context, shooting: Shooting, before: SiteFile) -> None:
    """Write the slots since the last one that has an outcome; a camera that never had one has no gap.

    What comes after them is what `shooting` begins with, however long the start still takes.
    """
    now, site = context.now(), before.site
    here = {camera.name for camera in context.own_cameras()}
    since = states.get(context.catalogue, APPLIED_AT)
    for camera in before.camera:
        after = _last_outcome(context, camera.name, now) or (None if since is None else utc(since / 1000))
        owes = states.get(context.catalogue, owes_from(camera.name))
        after = after if after is None or owes is None else max(after, utc(owes / 1000))
        if camera.name not in here or after is None:
            continue
        timetable = Timetable(camera, site.zone, site.latitude, site.longitude)
        stretch = Stretch(after, now, "node down")
        if stretch.after < now and is_credible(stretch, context.trust.trusted):
            shooting.write_gap(camera, timetable, stretch)
    states.put(context.catalogue, APPLIED_AT, milliseconds_of(now))
    shooting.begins = now


def applied_now(context: Context) -> None:
    """Take note that the configuration holds from now on: a new camera owes nothing from before."""
    states.put(context.catalogue, APPLIED_AT, context.now_ms())


def _last_outcome(context: Context, camera: str, now: datetime) -> datetime | None:
    last = slots.latest(context.catalogue, camera, context.node.name, seconds_of(now))
    return None if last is None else utc(last.slot)
