"""What must hold where nodes hand pictures on: each place within its taker's reach, no ring, no dead end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from core.site.at import ORIGINALS, destination_of, driver_of, handed_to, ring, ways_home
from core.site.folders import Finding
from core.site.model.file import SiteFile
from core.site.model.places import Destination, Route
from core.site.paths import meet
from core.site.refer import refer
from core.text import safe


def handing_problems(site: SiteFile, base: Path) -> list[Finding]:
    """Return what is wrong; names that no table has are told elsewhere."""
    found = [*_inboxes(site, base), *_takers(site), *_routes(site), *_told(site)]
    if found or not _is_known(site):
        return found
    return [*_pulls(site), *_ways(site)]


def _is_known(site: SiteFile) -> bool:
    """Return whether all that routes and destinations name is there: else nothing is said of what they lead to."""
    nodes = {None, *(node.name for node in site.node)}
    places = {place.name for place in site.destination}
    asked = [route.at for route in site.route] + [place.node for place in site.destination]
    return nodes.issuperset(asked) and places.issuperset(place for route in site.route for place in route.places)


def _inboxes(site: SiteFile, base: Path) -> Iterator[Finding]:
    for n, node in enumerate(site.node):
        if node.inbox and meet(base / node.inbox, base / site.site.data):
            yield (
                f"node[{n}].inbox",
                f"that meets the data folder {safe(base / site.site.data)}: what others may write must stand apart",
            )


def _takers(site: SiteFile) -> Iterator[Finding]:
    inboxes = {node.name: node.inbox for node in site.node}
    for n, place in enumerate(site.destination):
        if place.node is None and place.fetch is not None:
            yield f"destination[{n}].fetch", 'who fetches from here? write node = "NAME" beside it, or remove it'
        elif place.node in inboxes and place.fetch is None and inboxes[place.node] is None:
            yield (
                f"destination[{n}].node",
                f"node '{place.node}' has no inbox; write inbox = \"/srv/overlapse/inbox\" in its [[node]], "
                "or say here how it fetches",
            )


def _told(site: SiteFile) -> Iterator[Finding]:
    """Yield what is wrong with how nodes are kept at places, and who reads it there."""
    for n, place in enumerate(site.destination):
        if place.status and place.node is not None:
            yield f"destination[{n}].status", f"remove it: node '{place.node}' is told with what is handed on to it"
        elif place.status and place.protected:
            yield (
                f"destination[{n}].status",
                "it is replaced each time, which `protected` rules out: remove one of them",
            )
    told = {place.name for place in site.destination if place.status}
    names = [place.name for place in site.destination]
    for n, node in enumerate(site.node):
        for m, name in enumerate(node.reads):
            at = f"node[{n}].reads[{m}]"
            if name in names and name not in told:
                yield at, f"nobody says there how it is: write status = true at destination '{name}'"
            yield from refer(at, "destination", name, names)


def _pulls(site: SiteFile) -> Iterator[Finding]:
    names = [node.name for node in site.node]
    for n, node in enumerate(site.node):
        for m, other in enumerate(node.pull):
            at = f"node[{n}].pull[{m}]"
            if other == node.name:
                yield at, "a node does not pull from itself"
            elif other in names and not any(_leaves(site, other, place) for place in _fetched_by(site, node.name)):
                yield (
                    at,
                    f"'{other}' leaves nothing for it: write a [[destination]] with node = \"{node.name}\" and how it "
                    f'fetches from there, and a [[route]] with at = "{other}" that leads to it',
                )


def _fetched_by(site: SiteFile, node: str) -> list[Destination]:
    return [place for place in site.destination if place.node == node and place.fetch is not None]


def _leaves(site: SiteFile, node: str, place: Destination) -> bool:
    """Return whether some route has `node` leave originals in this place, or it brings there what it stood in for."""
    return place.name in ways_home(site, node) or any(
        place.name in route.places
        and node in ({route.at} if route.at else _origins(site, route.cameras))
        and _sends_originals(route.what)
        for route in site.route
    )


def _origins(site: SiteFile, cameras: Sequence[str]) -> set[str]:
    return {driver_of(site, camera.name) for camera in site.camera if not cameras or camera.name in cameras}


def _sends_originals(what: Sequence[str]) -> bool:
    return any(one in ORIGINALS for one in what)


def _routes(site: SiteFile) -> Iterator[Finding]:
    for n, route in enumerate(site.route):
        for name in route.places:
            yield from _handed(n, route, name, destination_of(site, name))


def _handed(n: int, route: Route, name: str, place: Destination | None) -> Iterator[Finding]:
    """Yield what a route asks of a node that takes pictures in and cannot be asked of it."""
    if place is None or place.node is None:
        return
    made = next((m for m, what in enumerate(route.what) if what not in ORIGINALS), None)
    if made is not None:
        yield (
            f"route[{n}].what[{made}]",
            f"node '{place.node}' takes originals in and makes its own '{safe(route.what[made], 60)}'; remove it here",
        )
    if route.live is not None:
        yield f"route[{n}].live", f"node '{place.node}' takes pictures in and has no live name; remove it"
    if route.at == place.node:
        yield f"route[{n}].at", f"that is where '{name}' leads; name the node that sends"


def _ways(site: SiteFile) -> Iterator[Finding]:
    """Yield the routes at nodes that never get what they ask for, and the rings in which pictures would go round."""
    nodes = {node.name for node in site.node}
    for n, route in enumerate(site.route):
        cameras = [one.name for one in site.camera if not route.cameras or one.name in route.cameras]
        if route.at not in nodes or not cameras:
            continue
        kinds = [what for what in route.what if what in ORIGINALS] or list(ORIGINALS)
        if not any(route.at in handed_to(site, camera, kind) for camera in cameras for kind in kinds):
            yield (
                f"route[{n}].at",
                f"node '{route.at}' never gets these originals; write a route that hands them on to it, "
                "or name another node",
            )
    for camera in site.camera:
        for kind in ORIGINALS:
            if (found := ring(site, camera.name, kind)) is not None:
                around, index = found
                yield (
                    f"route[{index}]",
                    f"the {kind.upper()} pictures of camera '{camera.name}' would go round: {' to '.join(around)}",
                )
                return
