"""What retention has to know, read from the catalogue: candidates, holdings, pace, and the forecast they give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from core.catalogue import buffer, pictures, receipts, states
from core.catalogue.pictures import Picture
from core.catalogue.store import Catalogue
from core.intake.durable import Shelf
from core.planner.flows import arriving
from core.retention.explain import digest, lines, rows
from core.retention.forecast import NOTICE, Buffer, Forecast, forecast
from core.retention.model import Batch, Candidate, Deletion, Holdings, Plan, Policy, Rung, Space
from core.retention.plan import LISTED, TOO_MUCH, plan
from core.schedule.slots import Timetable
from core.site.load import Loaded
from core.site.model.cameras import Camera
from core.site.model.file import SiteFile
from core.site.model.nodes import Node
from core.site.place import Folders
from core.transfer.base import Level
from core.values import Kind, milliseconds_of, utc

AHEAD = timedelta(days=7)  # of the timetable from which a day's bytes are reckoned
SAMPLE_EVERY = timedelta(hours=1)
SAMPLES = 7 * 24
ON_ITS_WAY = timedelta(hours=1)
ANNOUNCED, CONFIRMED, PACE = "retention/announced", "retention/confirmed", "retention/pace"
ALLOWED = "retention/allowed"  # until when unproven pictures may go without waiting for their announced day
SHOWN = 500  # rows of a plan that are shown
DAY = timedelta(days=1)
SECONDS_A_DAY = 86400

Flow = Mapping[tuple[str, Kind], float]  # bytes a day


@dataclass(frozen=True)
class Outlook:
    """What would leave now, and what becomes of the buffer."""

    plan: Plan
    forecast: Forecast
    confirmed: Plan | None = None  # what leaves once an operator confirms it, where `plan` is held back for that

    @property
    def proposed(self) -> Plan:
        """What leaves when an operator says so now."""
        return self.plan if self.confirmed is None else self.confirmed

    @property
    def digest(self) -> str:
        """What stands for `proposed`: an operator agrees to this plan and to no other."""
        return digest(self.proposed)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as `overlapse retention` shows it."""
        shown: dict[str, Any] = _shown(self.plan, self.forecast) | {"plan": self.digest}
        if self.confirmed is not None:
            shown["confirmed"] = _shown(self.confirmed, self.forecast)
        return shown


def _shown(plan: Plan, forecast: Forecast) -> dict[str, Any]:
    shown = [
        {
            "name": row.name,
            "camera": row.camera,
            "at": row.at.isoformat(),
            "size": row.size,
            "why": row.why,
            "copies": row.copies,
        }
        for row, _ in zip(rows(plan), range(SHOWN), strict=False)
    ]
    return {"rows": shown, "count": len(plan.deletions) + plan.beyond, "lines": lines(plan, forecast)}


def look(
    catalogue: Catalogue,
    site: SiteFile,
    node: Node,
    space: Space,
    now: datetime,
    trusted: bool,
    most: int = LISTED,
    *,
    propose: bool = False,
) -> Outlook:
    """Return the outlook of `node` at `now`, its plan with at most so many deletions listed; nothing is changed.

    With `propose` a plan that is held back until an operator confirms it is made as confirmed, too.
    """
    foreseen = _forecast(catalogue, site, node, space, now)

    def made(confirmed: bool) -> Plan:
        planned = plan(
            _proven(catalogue),
            _unproven(catalogue),
            Policy(node.buffer.keep_free, node.buffer.when_full, node.buffer.keep),
            space,
            now=now,
            clock_trusted=trusted,
            holdings=_holdings(catalogue, site.camera),
            announced=_announced(catalogue, now),
            forecast=foreseen,
            confirmed=confirmed,
            most=most,
        )
        return _with_copies(catalogue, planned)

    usual = made(milliseconds_of(now) < states.get(catalogue, CONFIRMED, 0))
    return Outlook(usual, foreseen, made(True) if propose and usual.refused == TOO_MUCH else None)


def _announced(catalogue: Catalogue, now: datetime) -> datetime | None:
    """Return since when the loss of unproven pictures counts as announced.

    While an operator allows it, what was announced at all was announced long enough ago.
    """
    at = states.get(catalogue, ANNOUNCED)
    if at is None:
        return None
    allowed = milliseconds_of(now) < states.get(catalogue, ALLOWED, 0)
    return min(utc(at / 1000), now - NOTICE) if allowed else utc(at / 1000)


def look_at_stopped(folders: Folders, loaded: Loaded, node: str, now: datetime, trusted: bool) -> Outlook:
    """Return the outlook of a node that does not run; raise CatalogueError or StorageError."""
    catalogue = Catalogue.read(folders.catalogue)
    try:
        room = Shelf(folders.spool, folders.pictures, folders.quarantine).free()
        ours = next(one for one in loaded.site.node if one.name == node)
        return look(catalogue, loaded.site, ours, Space(room.free, room.total), now, trusted, propose=True)
    finally:
        catalogue.close()


def leaving_next(
    catalogue: Catalogue, site: SiteFile, node: Node, space: Space, now: datetime, ahead: timedelta = 2 * DAY
) -> list[int]:
    """Return the proven pictures that leave first: for the room that `ahead` needs, or because of their age."""
    needed = node.buffer.keep_free - space.free + sum(_coming(catalogue, site, node, now).values()) * (ahead / DAY)
    aged = None if node.buffer.keep is None else now + ahead - node.buffer.keep
    found: list[int] = []
    for picture in buffer.proven_oldest_first(catalogue):
        if len(found) == SHOWN or (needed <= 0 and (aged is None or picture.name.at >= aged)):
            break
        needed -= picture.size
        found.append(picture.id)
    return found


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


def _forecast(catalogue: Catalogue, site: SiteFile, node: Node, space: Space, now: datetime) -> Forecast:
    held = buffer.tally(catalogue)
    proven = sum(one.proven_bytes for one in held)
    state = Buffer(space.free, node.buffer.keep_free, proven, sum(one.present_bytes for one in held) - proven)
    made = _coming(catalogue, site, node, now)
    share = _share_proven(catalogue, now)
    return forecast(made, {key: flow * share for key, flow in made.items()}, state, now, node.buffer.when_full)


def _coming(catalogue: Catalogue, site: SiteFile, node: Node, now: datetime) -> Flow:
    """Return the bytes a day to come, shot here or handed on to here: slots of timetables times mean sizes."""
    sizes = {(one.camera, one.kind): _mean(one) for one in buffer.tally(catalogue)}
    flow: dict[tuple[str, Kind], float] = {}
    for camera in site.camera:
        here = {kind: nth for kind in buffer.KINDS if (nth := arriving(site, camera, kind, node.name)) is not None}
        if here:
            timetable = Timetable(camera, site.site.zone, site.site.latitude, site.site.longitude)
            slots = timetable.count(now, now + AHEAD) / AHEAD.days
            keys = [((camera.name, kind), nth) for kind, nth in here.items()]
            flow |= {key: slots * sizes[key] / nth for key, nth in keys if key in sizes}
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


def _proven(catalogue: Catalogue) -> Iterator[Batch]:
    for stock in buffer.proven_by_day(catalogue):
        yield _batch(stock, partial(buffer.proven_of, catalogue, stock.day))


def _unproven(catalogue: Catalogue) -> Iterator[Rung]:
    for kind in buffer.KINDS:
        for step in buffer.steps(catalogue, kind):
            yield Rung(kind, step, partial(_unproven_batches, catalogue, kind, step))


def _unproven_batches(catalogue: Catalogue, kind: Kind, step: int) -> Iterator[Batch]:
    for stock in buffer.unproven_by_day(catalogue, kind, step):
        yield _batch(stock, partial(buffer.unproven_of, catalogue, stock.day, kind, step))


def _batch(stock: buffer.Stock, read: Callable[[], Iterable[Picture]]) -> Batch:
    begin = utc(stock.day * SECONDS_A_DAY)
    return Batch(stock.pictures, stock.bytes, begin, begin + DAY, lambda: map(_candidate, read()))


def _candidate(picture: Picture) -> Candidate:
    return Candidate(
        picture=picture.id,
        name=str(picture.name),
        camera=picture.name.camera,
        at=picture.name.at,
        index=picture.index,
        kind=picture.kind,
        size=picture.size,
        proven=picture.proven,
    )


def _with_copies(catalogue: Catalogue, made: Plan) -> Plan:
    """Return a plan that says where the copies are of the first that leave: of those that are shown or leave now."""
    known = [
        Deletion(replace(candidate, copies=tuple(_copies(catalogue, candidate.picture))), why)
        for candidate, why in made.deletions[:SHOWN]
    ]
    return replace(made, deletions=[*known, *made.deletions[SHOWN:]])


def _copies(catalogue: Catalogue, picture: int) -> Iterator[tuple[str, str]]:
    for receipt in receipts.of_picture(catalogue, picture):
        if not receipt.rendition:
            yield receipt.destination, Level(receipt.level).word
