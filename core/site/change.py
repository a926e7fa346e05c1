"""What differs between two configurations of one node: pure; the node decides what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from core.site.model.cameras import Camera
from core.site.model.file import SiteFile
from core.site.model.nodes import Node
from core.site.model.places import Route

_ONE = {"watches": "watch"}
_APPLIED = {"zone", "latitude", "longitude", "clock"}  # of `site`: what a running node can take up; the rest waits


@dataclass(frozen=True, slots=True)
class Names:
    """The tables of one kind by name: which came, which went, which say something else."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    @property
    def touched(self) -> tuple[str, ...]:
        """All of them."""
        return self.added + self.removed + self.changed


@dataclass(frozen=True, slots=True)
class Change:
    """What a new configuration changes for one node. Routes have no names: `routes` has what they say, in a word."""

    cameras: Names = Names()  # of this node: a camera that another node drives from now on counts as removed
    destinations: Names = Names()
    recipes: Names = Names()
    pages: Names = Names()
    routes: Names = Names()
    watches: Names = Names()
    links: Names = Names()  # of this node
    nodes: Names = Names()
    buffer: bool = False  # of this node
    roles: bool = False
    notifications: bool = False
    site: tuple[str, ...] = ()  # keys of `site` that are applied at once: zone, latitude, longitude, clock
    restart: tuple[str, ...] = ()  # what keeps its old value until the node is started anew: "site.data", "node.unit1"

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) for each in fields(self))

    def lines(self) -> list[str]:
        """Return the change for a person, a line for each thing."""
        told = []
        for what in ("cameras", "destinations", "recipes", "pages", "routes", "links", "nodes", "watches"):
            names: Names = getattr(self, what)
            for verb in ("added", "removed", "changed"):
                told += [f"{_ONE.get(what, what.removesuffix('s'))} {name}: {verb}" for name in getattr(names, verb)]
        told += [f"{what}: changed" for what in ("buffer", "roles", "notifications") if getattr(self, what)]
        told += [f"site.{key}: changed" for key in self.site]
        return told + [f"{what}: waits for a restart of the node" for what in self.restart]


def difference(old: SiteFile, new: SiteFile, node: str) -> Change:
    """Return what `new` changes for the node called `node`."""
    ours, theirs = _node(old, node), _node(new, node)
    head = _keys(old.site, new.site)
    return Change(
        cameras=_named(cameras_of(old, node), cameras_of(new, node)),
        destinations=_named(old.destination, new.destination),
        recipes=_named(old.recipe, new.recipe),
        pages=_named(old.page, new.page),
        routes=_routes(old.route, new.route),
        watches=_named(old.watch, new.watch),
        links=_named(ours.link if ours else (), theirs.link if theirs else ()),
        nodes=_named(old.node, new.node),
        buffer=ours is not None and theirs is not None and ours.buffer != theirs.buffer,
        roles=old.roles != new.roles,
        notifications=old.notifications != new.notifications,
        site=tuple(key for key in head if key in _APPLIED),
        restart=(*(f"site.{key}" for key in head if key not in _APPLIED), *_others(old, new, node, theirs)),
    )


def cameras_of(site: SiteFile, node: str) -> tuple[Camera, ...]:
    """Return the cameras that the node called `node` drives; in a site of one node that is every camera."""
    alone = len(site.node) == 1
    return tuple(camera for camera in site.camera if camera.primary == node or (camera.primary is None and alone))


def _others(old: SiteFile, new: SiteFile, node: str, theirs: Node | None) -> Iterable[str]:
    """Yield what no running node takes up: its own name gone from the file, and every table not known here."""
    if theirs is None:
        yield f"node.{node}"
    known = {"version", "site", "roles", "node", "camera", "recipe", "destination", "page", "route", "watch"}
    known |= {"notifications"}
    yield from (key for key in _keys(old, new) if key not in known)


def _keys(old: Any, new: Any) -> list[str]:
    return [each.name for each in fields(new) if getattr(old, each.name) != getattr(new, each.name)]


def _node(site: SiteFile, name: str) -> Node | None:
    return next((node for node in site.node if node.name == name), None)


def _named(old: Iterable[Any], new: Iterable[Any]) -> Names:
    return _names({each.name: each for each in old}, {each.name: each for each in new})


def _names(before: Mapping[str, Any], after: Mapping[str, Any]) -> Names:
    return Names(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(name for name in after if name in before and before[name] != after[name]),
    )


def _routes(old: Iterable[Route], new: Iterable[Route]) -> Names:
    return _names(_labelled(old), _labelled(new))


def _labelled(routes: Iterable[Route]) -> dict[str, Route]:
    labelled: dict[str, Route] = {}
    for route in routes:
        label, nth = _label(route), 1
        while (name := label if nth == 1 else f"{label} ({nth})") in labelled:
            nth += 1
        labelled[name] = route
    return labelled


def _label(route: Route) -> str:
    live = f" as {route.live or route.name}" if route.live or route.name else ""
    at = f" at {route.at}" if route.at else ""
    return f"{'+'.join(route.what)} of {'+'.join(route.cameras) or 'all'} to {route.to}{live}{at}"
