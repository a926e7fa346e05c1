"""Which node does what a route says: pure, from the site file.

Originals: the node that shot them, or the one that `at` names. Renditions: the first node that has every original
they are made of anyway, so that no link carries both.
"""

from __future__ import annotations

from dataclasses import fields
from ipaddress import ip_address
from math import lcm
from urllib.parse import urlsplit

from core.site.model.file import SiteFile
from core.site.model.places import Destination, Route

ORIGINALS = ("raw", "jpeg")


def driver_of(site: SiteFile, camera: str) -> str:
    """Return the node that drives a camera, the first one where nothing is said."""
    primary = next((one.primary for one in site.camera if one.name == camera), None)
    return primary or (site.node[0].name if site.node else "")


def shooters_of(site: SiteFile, camera: str) -> tuple[str, ...]:
    """Return the nodes that may come to shoot a camera: its primary, and its backup where it has one."""
    backup = next((one.backup for one in site.camera if one.name == camera), None)
    return (driver_of(site, camera),) if backup is None else (driver_of(site, camera), backup)


def reaches(site: SiteFile, node: str, destination: str) -> bool:
    """Return whether a node gets to a destination: it has the link that this names, or needs none.

    What stands beside the camera, a mounted folder or an address of a local network (RFC 1918, RFC 4193), is reached by
    its own link alone.
    """
    place = destination_of(site, destination)
    if place is None or place.link is None:
        return True
    has_link = any(link.name == place.link for one in site.node if one.name == node for link in one.link)
    return has_link or not _is_beside(place.address)


def way_home(site: SiteFile, camera: str, kind: str, node: str) -> str | None:
    """Return the destination by which a camera's backup `node` brings its originals of a kind to the primary.

    None: it is no backup, a route keeps them all somewhere else already, or no destination leads to the primary.
    """
    primary = driver_of(site, camera)
    if node == primary or node not in shooters_of(site, camera) or is_kept_from(site, camera, kind, node):
        return None
    return next((one.name for one in site.destination if one.node == primary and reaches(site, node, one.name)), None)


def is_kept_from(site: SiteFile, camera: str, kind: str, node: str) -> bool:
    """Return whether a route keeps all originals of a kind that `node` shoots: at a place that it reaches, or there."""
    for route in site.route:
        covers = kind in route.what and (not route.cameras or camera in route.cameras) and route.every_nth == 1
        if covers and route.live is None and route.at in (None, node):
            places = (destination_of(site, name) for name in (route.places[:1] if route.first else route.places))
            if any(place is not None and (place.node == node or reaches(site, node, place.name)) for place in places):
                return True
    return False


def ways_home(site: SiteFile, node: str) -> set[str]:
    """Return the destinations by which `node` brings primaries what it shoots as a backup."""
    ways = {way_home(site, camera.name, kind, node) for camera in site.camera for kind in camera.shoots.split("+")}
    return {way for way in ways if way is not None}


def maker(site: SiteFile, route: Route, camera: str, origin: str) -> str:
    """Return the node that makes and sends the renditions of a route.

    That is the first to which `origin` hands on every original that they are made of, so that no rendition uses the
    link beside it; else `origin` itself.
    """
    if route.at is not None:
        return route.at
    kind = fed_by(site, camera)
    for each in site.route:
        covers = not each.cameras or camera in each.cameras
        every = covers and each.at in (None, origin) and kind in each.what and route.every_nth % each.every_nth == 0
        if every and each.live is None:
            for name in each.places[:1] if each.first else each.places:
                place = destination_of(site, name)
                if place is not None and place.node not in (None, origin):
                    return str(place.node)
    return origin


def used_at(site: SiteFile, node: str) -> set[str]:
    """Return the destinations to which `node` may have to send something, those that no route names among them.

    A node may still have pictures of a camera that the site has no more: a unit needs what any picture may go to.
    """
    named = {place for route in site.route for place in route.places}
    used = {one.name for one in site.destination if one.name not in named and one.node is None}
    used |= {place for route in site.route if _may_apply(site, route, node) for place in route.places}
    used |= ways_home(site, node)
    return used - {one.name for one in site.destination if one.node == node}


def reads_at(site: SiteFile, node: str) -> set[str]:
    """Return the destinations from which `node` learns how others are."""
    return {name for one in site.node if one.name == node for name in one.reads}


def _may_apply(site: SiteFile, route: Route, node: str) -> bool:
    shoots = len(site.node) == 1 or any(one.name == node and one.kind == "unit" for one in site.node)
    if any(what in ORIGINALS for what in route.what) and shoots and route.at is None and not route.cameras:
        return True
    for camera in route.cameras or [one.name for one in site.camera]:
        for origin in shooters_of(site, camera):
            if (route.at or origin) == node and any(what in ORIGINALS for what in route.what):
                return True
            if maker(site, route, camera, origin) == node and any(what not in ORIGINALS for what in route.what):
                return True
    return len(site.node) == 1


def _is_beside(address: str) -> bool:
    """Return whether an address is one of a local network, or a folder."""
    parts = urlsplit(address)
    if parts.scheme == "folder":
        return True
    try:
        return ip_address(parts.hostname or "").is_private
    except ValueError:
        return (parts.hostname or "").endswith(".local")


def destination_of(site: SiteFile, name: str) -> Destination | None:
    """Return the destination of this name."""
    return next((one for one in site.destination if one.name == name), None)


def fed_by(site: SiteFile, camera: str) -> str:
    """Return the kind of original that a camera's renditions are made of."""
    return "raw" if any(one.name == camera and one.shoots == "raw" for one in site.camera) else "jpeg"


def fetched_place(destination: Destination) -> Destination:
    """Return the place from which the node of `destination` fetches, as that node reaches it."""
    assert destination.fetch is not None
    reached = {each.name: getattr(destination.fetch, each.name) for each in fields(destination.fetch)}
    return Destination(name=destination.name, **reached)


def handed_to(site: SiteFile, camera: str, kind: str) -> list[str]:
    """Return the nodes that get originals of this kind, the one that shoots them first."""
    return list(reached(site, camera, kind))


def reached(site: SiteFile, camera: str, kind: str) -> dict[str, int]:
    """Return the nodes that get originals of this kind, each with n: of one slot in n. The one that shoots them: 1."""
    found = {driver_of(site, camera): 1}
    todo = list(found)
    for node in todo:  # it grows meanwhile
        for to, route in _next(site, camera, kind, node):
            nth = lcm(found[node], site.route[route].every_nth)
            if nth < found.get(to, nth + 1):
                found[to] = nth
                todo.append(to)
    return found


def ring(site: SiteFile, camera: str, kind: str) -> tuple[list[str], int] | None:
    """Return the nodes of a ring in which such pictures would go round, and the number of the route that closes it."""

    def follow(path: list[str]) -> tuple[list[str], int] | None:
        for to, route in _next(site, camera, kind, path[-1]):
            if to in path:
                return [*path[path.index(to) :], to], route
            if (found := follow([*path, to])) is not None:
                return found
        return None

    return follow([driver_of(site, camera)])


def _next(site: SiteFile, camera: str, kind: str, node: str) -> list[tuple[str, int]]:
    """Return the nodes to which `node` hands such originals on, with the number of the route."""
    origin = driver_of(site, camera)
    found = []
    for n, route in enumerate(site.route):
        if kind not in route.what or (route.at or origin) != node or (route.cameras and camera not in route.cameras):
            continue
        places = [destination_of(site, name) for name in route.places]
        found += [(place.node, n) for place in places if place is not None and place.node is not None]
    return found
