"""What a plan of a site that exists is reckoned from: its schedules, the sizes of its pictures, its disk and links."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.catalogue import buffer
from core.catalogue.store import Catalogue
from core.cli.options import Selection
from core.clock import SystemClock
from core.errors import CatalogueError, ConfigurationError, StorageError
from core.intake.durable import Shelf
from core.planner.advice import Plan
from core.planner.bytes import JPEG, RAW, REDUCED, Shots
from core.schedule.slots import Timetable
from core.site.load import Loaded
from core.site.model import Camera, Node
from core.site.place import Folders
from core.values import Kind

AHEAD = timedelta(days=7)  # of the timetable over which shots are counted
KINDS: dict[str, tuple[Kind, ...]] = {"raw+jpeg": ("raw", "jpeg"), "jpeg": ("jpeg",), "raw": ("raw",)}


def plan_of_site(
    selection: Selection, jpg: int | None, raw: int | None, reduced: int | None, storage: int | None, uplink: int | None
) -> Plan:
    """Return the plan of this node; what is given takes the place of what the site or its history says.

    Raise ConfigurationError.
    """
    place, loaded = selection.load()
    node = next(one for one in loaded.site.node if one.name == place.node)
    cameras = [camera for camera in loaded.site.camera if camera.primary in (None, place.node)]
    if not cameras:
        raise ConfigurationError(f"{place.file}: {place.node} drives no camera; say --every and --jpg")
    weighed = _weighed(place.folders)
    sizes: dict[Kind, int] = {
        "jpeg": jpg if jpg is not None else weighed.get("jpeg", JPEG),
        "raw": raw if raw is not None else weighed.get("raw", RAW),
    }
    return Plan(
        _shots(loaded, cameras, sizes, reduced),
        uplink if uplink is not None else _rate(node),
        storage if storage is not None else _room(place.folders, node),
        node.buffer.when_full,
    )


def _shots(loaded: Loaded, cameras: list[Camera], sizes: dict[Kind, int], reduced: int | None) -> Shots:
    """Return what all cameras make together, as shots of the mean size."""
    now = SystemClock().now()
    per_day = {camera.name: _per_day(loaded, camera, now) for camera in cameras}
    count = sum(per_day.values())
    of_kind = {kind: sum(per_day[one.name] for one in cameras if kind in KINDS[one.shoots]) for kind in sizes}
    mean = {kind: round(sizes[kind] * of_kind[kind] / count) if count else 0 for kind in sizes}
    return Shots(count, mean["jpeg"], mean["raw"], reduced if reduced is not None else REDUCED)


def _per_day(loaded: Loaded, camera: Camera, now: datetime) -> float:
    site = loaded.site.site
    return Timetable(camera, site.zone, site.latitude, site.longitude).count(now, now + AHEAD) / AHEAD.days


def _weighed(folders: Folders) -> dict[Kind, int]:
    """Return the mean size of the pictures of each kind that this node took so far."""
    try:
        catalogue = Catalogue.read(folders.catalogue)
    except CatalogueError:  # it never ran
        return {}
    try:
        sums: dict[Kind, tuple[int, int]] = {}
        for one in buffer.tally(catalogue):
            count, size = sums.get(one.kind, (0, 0))
            sums[one.kind] = count + one.present + one.gone, size + one.present_bytes + one.gone_bytes
        return {kind: size // count for kind, (count, size) in sums.items() if count}
    finally:
        catalogue.close()


def _room(folders: Folders, node: Node) -> int | None:
    """Return the bytes that pictures may fill: what is free and what they hold, less `keep_free`."""
    try:
        room = Shelf(folders.spool, folders.pictures, folders.quarantine).free()
    except StorageError:
        return None
    return max(0, room.free - node.buffer.keep_free)


def _rate(node: Node) -> int | None:
    """Return what the links of a node carry together; None when one has no limit."""
    rates = [link.rate for link in node.link]
    return None if not rates or None in rates else sum(rate for rate in rates if rate is not None)
