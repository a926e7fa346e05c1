"""Which pictures and renditions go where: pure, from the site's routes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.site.model import Camera, Route, SiteFile
from core.values import Kind, PictureName

ORIGINALS = ("raw", "jpeg")


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


def for_original(site: SiteFile, name: PictureName, kind: Kind, index: int | None) -> list[Wanted]:
    """Return the deliveries of an original; `index` is its slot's ordinal in the local day, None for an extra."""
    return [
        wanted
        for route in _routes(site, name.camera, index)
        if kind in route.what
        for wanted in _wanted(route, "", _remote(site, route, name, str(name)), route.required, kind)
    ]


def for_rendition(site: SiteFile, name: PictureName, recipe: str, index: int | None) -> list[Wanted]:
    """Return the deliveries of the rendition that `recipe` made of the picture `name`."""
    file_name = f"{name.stem}.{recipe}.jpg"
    return [
        wanted
        for route in _routes(site, name.camera, index)
        if recipe in route.what
        for wanted in _wanted(route, recipe, _remote(site, route, name, file_name), False, "thumbnail")
    ]


def has_live(site: SiteFile, destination: str) -> bool:
    """Return whether a live picture goes to `destination`."""
    return any(route.live is not None and destination in route.places for route in site.route)


def stood_in_for(site: SiteFile, destination: str) -> list[str]:
    """Return the destinations for which `destination` may stand in."""
    groups = [route.places for route in site.route if route.first and destination in route.places]
    return sorted({place for places in groups for place in places[: places.index(destination)]})


def recipes_for(site: SiteFile, camera: Camera, kind: Kind, index: int | None) -> list[str]:
    """Return the recipes that a picture of this kind feeds: the JPEG does, the RAW only where there is no JPEG."""
    if kind == "raw" and camera.shoots != "raw":
        return []
    wanted = {what for route in _routes(site, camera.name, index) for what in route.what}
    return [recipe.name for recipe in site.recipe if recipe.name in wanted]


def unrequired(site: SiteFile, camera: Camera) -> list[Kind]:
    """Return the kinds of this camera's pictures that no route requires anywhere: this node has the only copy."""
    kinds: Sequence[Kind] = {"raw+jpeg": ("raw", "jpeg"), "raw": ("raw",), "jpeg": ("jpeg",)}[camera.shoots]  # type: ignore[assignment]
    required = [route for route in _routes(site, camera.name, 0) if route.required]
    return [kind for kind in kinds if not any(kind in route.what for route in required)]


def _routes(site: SiteFile, camera: str, index: int | None) -> Iterator[Route]:
    for route in site.route:
        if route.cameras and camera not in route.cameras:
            continue
        if index is None or index % route.every_nth == 0:
            yield route


def _wanted(route: Route, recipe: str, remote: str, required: bool, what: str) -> Iterator[Wanted]:
    """Yield a delivery for each destination of a route, or for the first with those that may stand in for it."""
    live = route.live is not None
    first, *rest = route.places
    places = [(first, tuple(rest))] if route.first else [(place, ()) for place in route.places]
    for place, instead in places:
        yield Wanted(place, recipe, remote, route.level, required, live, "live" if live else what, instead)


def _remote(site: SiteFile, route: Route, name: PictureName, file_name: str) -> str:
    if route.live is not None:
        return route.live.format(camera=name.camera, site=site.site.name)
    return f"{site.site.name}/{name.folder}/{file_name}"
