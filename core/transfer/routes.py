"""Which pictures and renditions go where, at which node: pure, from the site's routes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.site.at import destination_of, driver_of, maker
from core.site.model import Camera, Route, SiteFile
from core.transfer import drops
from core.values import Kind, PictureName


@dataclass(frozen=True, slots=True)
class Wanted:
    """One delivery that a route asks for. `recipe` is empty for the original itself."""

    destination: str
    recipe: str
    name: str  # under which the destination shall keep it
    level: str
    required: bool
    live: bool  # a stable name: newest wins
    priority: str  # class of the delivery: live, thumbnail, jpeg, raw
    instead: tuple[str, ...] = ()  # destinations that may take it when this one does not answer


def for_original(
    site: SiteFile, name: PictureName, kind: Kind, index: int | None, node: str | None = None
) -> list[Wanted]:
    """Return the deliveries of an original at `node` (None: at the one that shot it).

    `index` is its slot's ordinal in the local day, None for an extra.
    """
    origin = origin_of(site, name)
    return [
        wanted
        for route in _routes(site, name.camera, index)
        if kind in route.what and (route.at or origin) == (node or origin)
        for wanted in _wanted(site, route, name, "", kind)
        if not _leads_back(site, wanted.destination, name)
    ]


def for_rendition(
    site: SiteFile, name: PictureName, recipe: str, index: int | None, node: str | None = None
) -> list[Wanted]:
    """Return the deliveries at `node` of the rendition that `recipe` made of the picture `name`."""
    origin = origin_of(site, name)
    return [
        wanted
        for route in _routes(site, name.camera, index)
        if recipe in route.what and maker(site, route, name.camera, origin) == (node or origin)
        for wanted in _wanted(site, route, name, recipe, "thumbnail")
    ]


def archive_name(site: SiteFile, destination: str, name: PictureName, recipe: str = "") -> str:
    """Return the name under which a destination keeps a picture, or a rendition of it, in its archive."""
    place = destination_of(site, destination)
    if place is not None and place.node is not None:
        return drops.picture(site.site.name, name)
    return f"{site.site.name}/{name.folder}/{f'{name.stem}.{recipe}.jpg' if recipe else name}"


def has_live(site: SiteFile, destination: str) -> bool:
    """Return whether a live picture goes to `destination`."""
    return any(route.live is not None and destination in route.places for route in site.route)


def stood_in_for(site: SiteFile, destination: str) -> list[str]:
    """Return the destinations for which `destination` may stand in."""
    groups = [route.places for route in site.route if route.first and destination in route.places]
    return sorted({place for places in groups for place in places[: places.index(destination)]})


def recipes_for(
    site: SiteFile, camera: Camera, kind: Kind, index: int | None, node: str | None = None, origin: str | None = None
) -> list[str]:
    """Return the recipes that a picture of this kind feeds at `node`: the JPEG, the RAW only where there is no JPEG.

    `origin`: the node that shot it; None: the camera's own.
    """
    if kind == "raw" and camera.shoots != "raw":
        return []
    origin = origin or driver_of(site, camera.name)
    here = node or origin
    wanted = {
        what
        for route in _routes(site, camera.name, index)
        for what in route.what
        if maker(site, route, camera.name, origin) == here
    }
    return [recipe.name for recipe in site.recipe if recipe.name in wanted]


def unrequired(site: SiteFile, camera: Camera) -> list[Kind]:
    """Return the kinds of this camera's pictures that no route requires anywhere: its node has the only copy."""
    kinds: Sequence[Kind] = {"raw+jpeg": ("raw", "jpeg"), "raw": ("raw",), "jpeg": ("jpeg",)}[camera.shoots]  # type: ignore[assignment]
    home = driver_of(site, camera.name)
    required = [route for route in _routes(site, camera.name, 0) if route.required and route.at in (None, home)]
    return [kind for kind in kinds if not any(kind in route.what for route in required)]


def origin_of(site: SiteFile, name: PictureName) -> str:
    """Return the node whose routes are those of where a picture was shot; of one that is no more, its camera's."""
    return name.node if any(one.name == name.node for one in site.node) else driver_of(site, name.camera)


def _leads_back(site: SiteFile, destination: str, name: PictureName) -> bool:
    """Return whether a destination would bring a picture back to the node that shot it."""
    place = destination_of(site, destination)
    return place is not None and place.node is not None and place.node == name.node


def _routes(site: SiteFile, camera: str, index: int | None) -> Iterator[Route]:
    for route in site.route:
        if route.cameras and camera not in route.cameras:
            continue
        if index is None or index % route.every_nth == 0:
            yield route


def _wanted(site: SiteFile, route: Route, name: PictureName, recipe: str, what: str) -> Iterator[Wanted]:
    """Yield a delivery for each destination of a route, or for the first with those that may stand in for it."""
    live, required = route.live is not None, route.required and not recipe
    first, *rest = route.places
    places = [(first, tuple(rest))] if route.first else [(place, ()) for place in route.places]
    for place, instead in places:
        remote = _live_name(site, route.live, name) if route.live else archive_name(site, place, name, recipe)
        yield Wanted(place, recipe, remote, route.level, required, live, "live" if live else what, instead)


def _live_name(site: SiteFile, template: str, name: PictureName) -> str:
    return template.format(camera=name.camera, site=site.site.name)
