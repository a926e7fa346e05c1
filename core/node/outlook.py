"""What retention has to know, read from the catalogue: candidates, holdings, pace, and the forecast they give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.catalogue import buffer, pictures, receipts, states
from core.catalogue.pictures import Picture
from core.catalogue.store import Catalogue
from core.intake.durable import Shelf
from core.retention.explain import lines, rows
from core.retention.forecast import Buffer, Forecast, forecast
from core.retention.model import Candidate, Holdings, Plan, Policy, Space
from core.retention.plan import plan
from core.schedule.slots import Timetable
from core.site.load import Loaded
from core.site.model import Camera, Node, SiteFile
from core.site.place import Folders
from core.transfer.base import Level
from core.values import Kind, milliseconds_of, utc

AHEAD = timedelta(days=7)  # of the timetable from which a day's bytes are reckoned
SAMPLE_EVERY = timedelta(hours=1)
SAMPLES = 7 * 24
ON_ITS_WAY = timedelta(hours=1)
ANNOUNCED, CONFIRMED, PACE = "retention/announced", "retention/confirmed", "retention/pace"
SHOWN = 500  # rows of a plan that are shown

Flow = Mapping[tuple[str, Kind], float]  # bytes a day


@dataclass(frozen=True)
class Outlook:
    """What would leave now, and what becomes of the buffer."""

    plan: Plan
    forecast: Forecast

    def to_json(self) -> dict[str, Any]:
        """Return the plan as `overlapse retention` shows it."""
        shown = [
            {
                "name": row.name,
                "camera": row.camera,
                "at": row.at.isoformat(),
                "size": row.size,
                "why": row.why,
                "copies": row.copies,
            }
            for row, _ in zip(rows(self.plan), range(SHOWN), strict=False)
        ]
        return {"rows": shown, "lines": lines(self.plan, self.forecast)}


def look(catalogue: Catalogue, site: SiteFile, node: Node, space: Space, now: datetime, trusted: bool) -> Outlook:
    """Return the outlook of `node` at `now`; nothing is changed."""
    cameras = [camera for camera in site.camera if camera.primary in (None, node.name)]
    foreseen = _forecast(catalogue, site, cameras, node, space, now)
    announced = states.get(catalogue, ANNOUNCED)
    made = plan(
        (_candidate(catalogue, picture) for picture in buffer.proven_oldest_first(catalogue)),
        (_candidate(catalogue, picture) for picture in buffer.unproven_oldest_first(catalogue)),
        Policy(node.buffer.keep_free, node.buffer.when_full, node.buffer.keep),
        space,
        now=now,
        clock_trusted=trusted,
        holdings=_holdings(catalogue, cameras),
        announced=None if announced is None else utc(announced / 1000),
        forecast=foreseen,
        confirmed=milliseconds_of(now) < states.get(catalogue, CONFIRMED, 0),
    )
    return Outlook(made, foreseen)


def look_at_stopped(folders: Folders, loaded: Loaded, node: str, now: datetime, trusted: bool) -> Outlook:
    """Return the outlook of a node that does not run; raise CatalogueError or StorageError."""
    catalogue = Catalogue.read(folders.catalogue)
    try:
        room = Shelf(folders.spool, folders.pictures, folders.quarantine).free()
        ours = next(one for one in loaded.site.node if one.name == node)
        return look(catalogue, loaded.site, ours, Space(room.free, room.total), now, trusted)
    finally:
        catalogue.close()


def sample(catalogue: Catalogue, now: datetime) -> None:
    """Note once an hour how much was taken in and proven so far: the pace is the difference of two notes."""
    kept: list[list[Any]] = states.get(catalogue, PACE, [])
    if kept and 0 <= milliseconds_of(now) - kept[-1][0] < SAMPLE_EVERY.total_seconds() * 1000:
        return
    made, proven = _totals(catalogue)
    states.put(catalogue, PACE, [*kept, [milliseconds_of(now), made, proven]][-SAMPLES:])


def _totals(catalogue: Catalogue) -> tuple[int, int]:
    """Return all bytes that ever came, and those of them that were proven."""
    held = buffer.tally(catalogue)
    lost = buffer.deletion_tally(catalogue).get("expired unproven", (0, 0))[1]
    made = sum(one.present_bytes + one.gone_bytes for one in held)
    return made, sum(one.proven_bytes + one.gone_bytes for one in held) - lost


def _forecast(
    catalogue: Catalogue, site: SiteFile, cameras: Sequence[Camera], node: Node, space: Space, now: datetime
) -> Forecast:
    held = buffer.tally(catalogue)
    proven = sum(one.proven_bytes for one in held)
    state = Buffer(space.free, node.buffer.keep_free, proven, sum(one.present_bytes for one in held) - proven)
    made = _produced(catalogue, site, cameras, now)
    share = _share_proven(catalogue, now)
    return forecast(made, {key: flow * share for key, flow in made.items()}, state, now, node.buffer.when_full)


def _produced(catalogue: Catalogue, site: SiteFile, cameras: Sequence[Camera], now: datetime) -> Flow:
    """Return the bytes a day to come: the slots of the timetable times the mean size of a picture."""
    sizes = {(one.camera, one.kind): _mean(one) for one in buffer.tally(catalogue)}
    flow: dict[tuple[str, Kind], float] = {}
    for camera in cameras:
        timetable = Timetable(camera, site.site.zone, site.site.latitude, site.site.longitude)
        slots = timetable.count(now, now + AHEAD) / AHEAD.days
        flow |= {key: slots * size for key, size in sizes.items() if key[0] == camera.name}
    return flow


def _mean(one: buffer.PictureTally) -> float:
    return (one.present_bytes + one.gone_bytes) / max(1, one.present + one.gone)


def _share_proven(catalogue: Catalogue, now: datetime) -> float:
    """Return how many bytes are proven for each that is taken in: above 1 a backlog drains, below 1 it grows.

    What came within the hour is on its way and no backlog.
    """
    oldest = buffer.at_risk(catalogue).oldest
    if oldest is None or now - utc(oldest) < ON_ITS_WAY:
        return 1.0
    kept = states.get(catalogue, PACE, [])
    made, proven = _totals(catalogue)
    before_made, before_proven = kept[0][1:] if kept else (0, 0)
    came = made - before_made
    return 1.0 if came <= 0 else (proven - before_proven) / came


def _holdings(catalogue: Catalogue, cameras: Sequence[Camera]) -> Holdings:
    held = buffer.tally(catalogue)
    newest = [picture.name.at for camera in cameras if (picture := pictures.newest(catalogue, camera.name))]
    return Holdings(sum(one.present for one in held), sum(one.present_bytes for one in held), max(newest, default=None))


def _candidate(catalogue: Catalogue, picture: Picture) -> Candidate:
    return Candidate(
        picture=picture.id,
        name=str(picture.name),
        camera=picture.name.camera,
        at=picture.name.at,
        index=picture.index,
        kind=picture.kind,
        size=picture.size,
        proven=picture.proven,
        copies=tuple(_copies(catalogue, picture.id)),
    )


def _copies(catalogue: Catalogue, picture: int) -> Iterator[tuple[str, str]]:
    for receipt in receipts.of_picture(catalogue, picture):
        if not receipt.rendition:
            yield receipt.destination, Level(receipt.level).word
