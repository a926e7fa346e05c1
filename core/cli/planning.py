"""What a plan of a site that exists is reckoned from: its schedules, the sizes of its pictures, its disk and links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from core.catalogue import buffer, deliveries
from core.catalogue.store import Catalogue
from core.cli.options import Selection
from core.clock import SystemClock
from core.errors import CatalogueError, ConfigurationError, StorageError
from core.intake.durable import Shelf
from core.node.sending.uplink import share
from core.planner.advice import MONTH as DAYS
from core.planner.advice import Plan
from core.planner.bytes import DAY, JPEG, RAW, REDUCED, Shots
from core.planner.flows import Made, arriving, flows
from core.schedule.slots import Timetable
from core.site.at import driver_of, used_at
from core.site.load import Loaded
from core.site.model.file import SiteFile
from core.site.model.links import Link
from core.site.model.nodes import Node
from core.site.place import Folders
from core.transfer.budget import OVERHEAD
from core.units import show_size

MONTH = timedelta(days=DAYS)
AHEAD = timedelta(days=7)  # of the timetable over which shots are counted
KINDS = ("jpeg", "raw")


def plan_of_site(
    selection: Selection, jpg: int | None, raw: int | None, reduced: int | None, storage: int | None, uplink: int | None
) -> Plan:
    """Return the plan of this node; what is given takes the place of what the site or its history says.

    Raise ConfigurationError.
    """
    place, loaded = selection.load()
    node = next(one for one in loaded.site.node if one.name == place.node)
    arrive = _arriving(loaded.site, node.name)
    if not arrive:
        told = "drives no camera, and no route hands pictures on to it; say --every and --jpg"
        raise ConfigurationError(f"{place.file}: {place.node} {told}")
    weighed = _weighed(place.folders, [one.name for one in loaded.site.recipe])
    sizes: dict[str, int] = {
        "jpeg": jpg if jpg is not None else weighed.get("jpeg", JPEG),
        "raw": raw if raw is not None else weighed.get("raw", RAW),
    }
    per_day = {name: _per_day(loaded, name) for name in arrive}
    known = Made(per_day, lambda camera, what: sizes.get(what, reduced or weighed.get(what)))
    need = flows(loaded.site, known, node.name)
    sent = {name: sum(one.values()) * DAY for name, one in need.items()}
    carried, said = (uplink, ()) if uplink is not None else _carried(loaded.site, node, need)
    return Plan(
        _shots(arrive, per_day, sizes, reduced),
        carried,
        storage if storage is not None else _room(place.folders, node),
        node.buffer.when_full,
        all(driver_of(loaded.site, name) != node.name for name in arrive),
        {name: size for name, size in sent.items() if size},
        said,
    )


def _arriving(site: SiteFile, node: str) -> dict[str, dict[str, int]]:
    """Return the cameras whose originals a node gets: kind -> n, of one slot in n."""
    found = {
        camera.name: {kind: nth for kind in KINDS if (nth := arriving(site, camera, kind, node)) is not None}
        for camera in site.camera
    }
    return {name: kinds for name, kinds in found.items() if kinds}


def _shots(
    arrive: Mapping[str, Mapping[str, int]],
    per_day: Mapping[str, float],
    sizes: Mapping[str, int],
    reduced: int | None,
) -> Shots:
    """Return what comes of all cameras together, as shots of the mean size."""
    count = sum(per_day[name] / min(kinds.values()) for name, kinds in arrive.items())
    of_kind = {
        kind: sum(per_day[name] / kinds[kind] for name, kinds in arrive.items() if kind in kinds) for kind in KINDS
    }
    mean = {kind: round(sizes[kind] * of_kind[kind] / count) if count else 0 for kind in KINDS}
    return Shots(count, mean["jpeg"], mean["raw"], reduced if reduced is not None else REDUCED)


def _per_day(loaded: Loaded, name: str) -> float:
    site, now = loaded.site.site, SystemClock().now()
    camera = next(one for one in loaded.site.camera if one.name == name)
    return Timetable(camera, site.zone, site.latitude, site.longitude).count(now, now + AHEAD) / AHEAD.days


def _weighed(folders: Folders, recipes: Iterable[str]) -> dict[str, int]:
    """Return the mean size of the pictures of each kind that this node took, or took in, so far, and of its copies."""
    try:
        catalogue = Catalogue.read(folders.catalogue)
    except CatalogueError:  # it never ran
        return {}
    try:
        sums: dict[str, tuple[int, int]] = {}
        for one in buffer.tally(catalogue):
            count, size = sums.get(one.kind, (0, 0))
            sums[one.kind] = count + one.present + one.gone, size + one.present_bytes + one.gone_bytes
        made = {name: deliveries.rendition_size(catalogue, name) for name in recipes}
        copies = {name: size for name, size in made.items() if size is not None}
        return {kind: size // count for kind, (count, size) in sums.items() if count} | copies
    finally:
        catalogue.close()


def _room(folders: Folders, node: Node) -> int | None:
    """Return the bytes that pictures may fill: what is free and what they hold, less `keep_free`."""
    try:
        room = Shelf(folders.spool, folders.pictures, folders.quarantine).free()
    except StorageError:
        return None
    return max(0, room.free - node.buffer.keep_free)


def _carried(site: SiteFile, node: Node, need: Mapping[str, Mapping[str, float]]) -> tuple[int | None, Sequence[str]]:
    """Return the bytes a second that the limited links of a node carry together, and a line on each.

    None when no link that a destination of this node names has a limit: one without, such as a LAN, limits nobody.
    `need`: what the routes bring to each destination, bytes a second by class.
    """
    used = used_at(site, node.name)
    links = {one.name: one.link for one in site.destination if one.name in used and one.link is not None}
    limits = {link.name: _limit(site, node, link) for link in node.link if not links or link.name in links.values()}
    found = {name: limit for name, limit in limits.items() if limit is not None}
    lines = []
    for name, (rate, why) in found.items():
        wants = sum(sum(need.get(place, {}).values()) for place, link in links.items() if link == name)
        fits = "" if wants <= rate else ", more than it carries"
        lines.append(f"Link {name} carries {show_size(rate)}/s {why}; these routes need {show_size(wants)}/s{fits}")
    return (round(sum(rate for rate, _ in found.values())) if found else None), lines


def _limit(site: SiteFile, node: Node, link: Link) -> tuple[float, str] | None:
    """Return what a link carries, averaged over a month, and why: its rate, or what its budget leaves of that."""
    part = share(site, node.name, link)
    rates = []
    if link.rate is not None:
        rates.append((link.rate * part, "by its rate"))
    if link.budget is not None:
        rates.append((link.budget.bytes * part / OVERHEAD / MONTH.total_seconds(), "by the month's budget"))
    if not rates:
        return None
    rate, why = min(rates)
    return rate, why
