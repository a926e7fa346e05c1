"""Which pictures and renditions go where, at which node: pure, from the site's routes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from core.site.at import destination_of, driver_of, maker, reaches, used_at, way_home
from core.site.model.cameras import Camera
from core.site.model.file import SiteFile
from core.site.model.places import Route
from core.site.naming import Shot, archive_name, live_name
from core.transfer import drops
from core.values import Fence, Kind, PictureName

_HOME_LEVEL = "hash"  # of what no route speaks of
SIDECAR = "sidecar.xmp"  # what is known of a shot, as a file: a rendition that is no picture; no recipe has a dot


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
    page: str | None = None  # the web page that shows it


@dataclass(frozen=True, slots=True)
class _File:
    """What a route sends of a picture: itself (`recipe` empty) or what is made of it."""

    name: PictureName
    index: int | None
    recipe: str
    what: str  # "raw", "jpeg" or the recipe, as names may say it
    extension: str  # with what stands before it: ".web.jpg"
    priority: str


def for_original(
    site: SiteFile, name: PictureName, kind: Kind, index: int | None, node: str | None = None
) -> list[Wanted]:
    """Return the deliveries of an original at `node` (None: at the one that shot it).

    `index` is its slot's ordinal in the local day, None for an extra.
    """
    file = _File(name, index, "", kind, f".{name.extension}", kind)
    found = [
        wanted
        for route in _routes(site, name.camera, index)
        if kind in route.what and _applies(site, route, name, node)
        for wanted in _wanted(site, route, file)
        if not _leads_back(site, wanted.destination, name) and _is_reached(site, wanted.destination, name)
    ]
    home = way_home(site, name.camera, kind, name.node)
    return found if home is None else [*found, *_by_way_home(site, home, file, kind, node or name.node)]


def _by_way_home(site: SiteFile, home: str, file: _File, kind: Kind, here: str) -> Iterator[Wanted]:
    """Yield what takes a picture of a backup to the camera's primary, and from there to where its routes lead."""
    name = file.name
    if here == name.node:
        yield Wanted(home, "", standard_name(site, home, name), _HOME_LEVEL, True, False, kind)
    elif here == driver_of(site, name.camera):
        for route in _routes(site, name.camera, file.index):
            if kind in route.what and route.at is None and route.live is None:
                brought = _wanted(site, route, file)  # but for what the backup brought there itself, one slot in n
                yield from (one for one in brought if not reaches(site, name.node, one.destination))


def for_rendition(
    site: SiteFile, name: PictureName, recipe: str, index: int | None, node: str | None = None
) -> list[Wanted]:
    """Return the deliveries at `node` of the rendition that `recipe` made of the picture `name`."""
    origin, file = origin_of(site, name), _File(name, index, recipe, recipe, f".{recipe}.jpg", "thumbnail")
    return [
        wanted
        for route in _routes(site, name.camera, index)
        if recipe in route.what and maker(site, route, name.camera, origin) == (node or origin)
        for wanted in _wanted(site, route, file)
    ]


def for_sidecar(
    site: SiteFile, camera: Camera, name: PictureName, kind: Kind, index: int | None, node: str | None = None
) -> list[Wanted]:
    """Return the deliveries of the sidecar of a shot: one, which its JPEG brings, its RAW where there is no JPEG."""
    if _brings_no_copies(camera, kind):
        return []
    return [
        wanted
        for route in _routes(site, name.camera, index)
        if route.sidecar is not None and _applies(site, route, name, node)
        for wanted in _wanted(site, route, _File(name, index, SIDECAR, _main(route, camera), ".xmp", "thumbnail"))
    ]


def _main(route: Route, camera: Camera) -> Kind:
    """Return the kind of picture that a sidecar lies beside."""
    return "raw" if "raw" in camera.shoots and "raw" in route.what else "jpeg"


def _brings_no_copies(camera: Camera, kind: Kind) -> bool:
    """Return whether another picture of the shot brings renditions and sidecar: the JPEG, where there is one."""
    return kind == "raw" and camera.shoots != "raw"


def standard_name(site: SiteFile, destination: str, name: PictureName, extension: str | None = None) -> str:
    """Return the name under which a destination keeps a file of a picture when no route says otherwise."""
    place = destination_of(site, destination)
    if place is not None and place.node is not None:
        return drops.picture(site.site.name, name)
    return f"{site.site.name}/{name.folder}/{name.stem}{extension or f'.{name.extension}'}"


def name_at(site: SiteFile, remote: str, name: PictureName, of: str, at: str) -> str:
    """Return what a file that destination `of` calls `remote` is called at the destination `at`, which stands in."""
    return standard_name(site, at, name) if remote == standard_name(site, of, name) else remote


def has_live(site: SiteFile, destination: str) -> bool:
    """Return whether a live picture goes to `destination`."""
    return any(route.live is not None and destination in route.places for route in site.route)


def stood_in_for(site: SiteFile, destination: str) -> list[str]:
    """Return the destinations for which `destination` may stand in."""
    groups = [route.places for route in site.route if route.first and destination in route.places]
    return sorted({place for places in groups for place in places[: places.index(destination)]})


def is_shown(site: SiteFile, camera: str) -> bool:
    """Return whether a web page shows the pictures of a camera."""
    return any(route.page is not None for route in _routes(site, camera, None))


def shown_at(site: SiteFile, camera: str, node: str, page: str) -> list[tuple[str, Wanted]]:
    """Return what a page shows of a camera: "jpeg" or a recipe, and the delivery by which `node` brings it."""
    name = PictureName(camera, datetime(2000, 1, 1, tzinfo=UTC), driver_of(site, camera), Fence(0, 0), "jpg")
    found = [("jpeg", one) for one in for_original(site, name, "jpeg", None, node)]
    for recipe in site.recipe:
        found += [(recipe.name, one) for one in for_rendition(site, name, recipe.name, None, node)]
    return [(what, one) for what, one in found if one.page == page]


def recipes_for(
    site: SiteFile, camera: Camera, kind: Kind, index: int | None, node: str | None = None, origin: str | None = None
) -> list[str]:
    """Return the recipes that a picture of this kind feeds at `node`: the JPEG, the RAW only where there is no JPEG.

    `origin`: the node that shot it; None: the camera's own.
    """
    if _brings_no_copies(camera, kind):
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
    archive = [route for route in _routes(site, camera.name, 0) if route.required and route.live is None]
    required = [route for route in archive if route.at in (None, home)]
    return [kind for kind in kinds if not any(kind in route.what for route in required)]


def origin_of(site: SiteFile, name: PictureName) -> str:
    """Return the node whose routes are those of where a picture was shot; of one that is no more, its camera's."""
    return name.node if any(one.name == name.node for one in site.node) else driver_of(site, name.camera)


def _applies(site: SiteFile, route: Route, name: PictureName, node: str | None) -> bool:
    """Return whether a route for originals is done at `node` (None: where the picture was shot).

    One that names no node is done where pictures are shot. A node that only took them in by hand, such as an office
    that imports an archive, may have no way to where such a route leads.
    """
    origin = origin_of(site, name)
    here = node or origin
    if (route.at or origin) != here:
        return False
    usual = route.at is not None or here == driver_of(site, name.camera)
    return usual or not used_at(site, here).isdisjoint(route.places)


def _is_reached(site: SiteFile, destination: str, name: PictureName) -> bool:
    """Return whether a backup that shot a picture has the way to a destination, which its camera's primary has."""
    return name.node == driver_of(site, name.camera) or reaches(site, name.node, destination)


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


def _wanted(site: SiteFile, route: Route, file: _File) -> Iterator[Wanted]:
    """Yield a delivery for each destination of a route, or for the first with those that may stand in for it."""
    live, required = route.live is not None, route.required and not file.recipe
    first, *rest = route.places
    places = [(first, tuple(rest))] if route.first else [(place, ()) for place in route.places]
    for place, instead in places:
        remote, urgency = _remote(site, route, place, file), "live" if live else file.priority
        yield Wanted(place, file.recipe, remote, route.level, required, live, urgency, instead, route.page)


def _remote(site: SiteFile, route: Route, place: str, file: _File) -> str:
    where, name = site.site, file.name
    if route.live is not None:
        return live_name(route.live, where.name, name.camera, file.what)
    if route.name is None:
        return standard_name(site, place, name, file.extension)
    shot = Shot(
        site=where.name,
        camera=name.camera,
        node=name.node,
        at=name.at,
        kind=file.what,
        zone=where.zone,
        index=file.index,
        nth=name.nth,
    )
    return archive_name(route.name, shot, file.extension)
