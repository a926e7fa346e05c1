"""What the routes of a site bring to each destination, by class: arithmetic over schedules and sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import lcm

from core.planner.bytes import DAY, JPEG, RAW, REDUCED
from core.site.at import driver_of, fed_by, maker, reached
from core.site.model.cameras import Camera
from core.site.model.file import SiteFile
from core.site.model.places import Route

ORIGINALS = {"raw": RAW, "jpeg": JPEG}


@dataclass(frozen=True)
class Made:
    """What cameras make: shots a day by camera, and the mean bytes of a picture or rendition.

    `size` is asked for (camera, "raw" or "jpeg" or a recipe) and may say None: then the usual size is taken.
    """

    per_day: Mapping[str, float]
    size: Callable[[str, str], int | None]

    def bytes_of(self, camera: str, what: str) -> int:
        """Return the bytes of one picture."""
        known = self.size(camera, what)
        return known if known is not None else ORIGINALS.get(what, REDUCED)


def flows(site: SiteFile, made: Made, node: str) -> dict[str, dict[str, float]]:
    """Return for each destination the bytes a second of each class that `node` sends it, averaged over the day.

    That is what its own cameras make, and what it hands on of those whose pictures reach it.
    """
    found: dict[str, dict[str, float]] = {destination.name: {} for destination in site.destination}
    for camera in site.camera:
        if camera.name in made.per_day:
            for place, name, rate in _of_camera(site, camera, made, node):
                found[place][name] = found[place].get(name, 0.0) + rate
    return found


def arriving(site: SiteFile, camera: Camera, kind: str, node: str) -> int | None:
    """Return n where `node` gets the originals of a kind of one slot in n, shot there or handed on; None: of none."""
    return reached(site, camera.name, kind).get(node) if kind in camera.shoots.split("+") else None


def _of_camera(site: SiteFile, camera: Camera, made: Made, node: str) -> Iterator[tuple[str, str, float]]:
    origin = driver_of(site, camera.name)
    for route in site.route:
        if route.cameras and camera.name not in route.cameras:
            continue
        for what in route.what:
            original = what in ORIGINALS
            doer = (route.at or origin) if original else maker(site, route, camera.name, origin)
            nth = arriving(site, camera, what if original else fed_by(site, camera.name), node)
            if doer != node or nth is None:
                continue
            rate = made.bytes_of(camera.name, what) * made.per_day[camera.name] / lcm(nth, route.every_nth) / DAY
            for place in route.places[:1] if route.first else route.places:
                yield place, _class(route, what), rate


def _class(route: Route, what: str) -> str:
    if route.live is not None:
        return "live"
    return what if what in ORIGINALS else "thumbnail"
