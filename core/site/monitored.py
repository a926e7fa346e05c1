"""What Nagios and Icinga are told of: hosts with their parents, and on which of them each service stands. Pure.

Hosts are each node that is heard, each link that its status comes over, and the firewalls and NAS that are watched. The
hub is the parent of the links, a link of the firewall behind it, both of the nodes and NAS there: what is dead on the
way is one page, and what stands behind it is unreachable. `_` is in no name, so that no two names collide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from core.site.at import destination_of, reads_at, shooters_of, used_at
from core.site.engine import needs_session
from core.site.model.file import SiteFile
from core.site.model.health import FirewallWatch, Monitoring
from core.site.model.links import Link
from core.site.model.nodes import Node
from core.site.model.places import Destination
from core.site.watchers import readers, watchers

HostKind = Literal["node", "link", "firewall", "nas"]
SPARE = 60.0  # seconds beyond two intervals, after which what was told is stale
LATER = 120.0  # seconds more for all but the hub itself: when the hub is dead, its own service says so first


@dataclass(frozen=True, slots=True)
class Host:
    """A host. `nodes`: those whose silence makes it what it is: a node itself, or all behind a link or a firewall."""

    name: str
    kind: HostKind
    title: str
    parents: tuple[str, ...]
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """A service: what the check `check` says of `subject` in the document of `node`."""

    host: str
    name: str  # on that host
    node: str
    check: str
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """A firewall or NAS that is watched: its host, who tells of it, and the destination that a NAS is."""

    host: Host
    watchers: tuple[str, ...]
    destination: str | None = None

    @property
    def stood_before(self) -> tuple[str, ...]:
        """The nodes whose way out it is."""
        return self.host.nodes if self.host.kind == "firewall" else ()


@dataclass(frozen=True)
class Monitored:
    """All hosts and services of a site, parents before those behind them."""

    site: str
    hub: str
    hosts: tuple[Host, ...]
    services: tuple[Service, ...]
    unheard: tuple[str, ...]  # nodes of which the hub never hears anything
    stale: float  # seconds after which what the hub says of itself is stale

    @cached_property
    def homes(self) -> dict[tuple[str, str, str], Service]:
        """The services by node, check and subject."""
        return {(one.node, one.check, one.subject): one for one in self.services}

    @cached_property
    def node_hosts(self) -> dict[str, str]:
        """The hosts of the nodes."""
        return {node: host.name for host in self.hosts if host.kind == "node" for node in host.nodes}

    @cached_property
    def told_of(self) -> dict[str, list[Service]]:
        """The services by host."""
        found: dict[str, list[Service]] = {host.name: [] for host in self.hosts}
        for one in self.services:
            found[one.host].append(one)
        return found

    def stale_after(self, node: str, check: str) -> float:
        """Return the seconds after which what was told of a service is stale."""
        return self.stale if (node, check) == (self.hub, "node") else self.stale + LATER


def monitored(site: SiteFile, feed: Monitoring) -> Monitored:
    """Return what the node of `feed` tells of."""
    hub = feed.at or site.node[0].name
    heard = heard_at(site, hub)
    links = list(_links(site, hub, heard))
    devices = [*_devices(site, hub, heard, links)]
    nodes = [_node(site, hub, node, links, devices) for node in site.node if node.name in heard]
    services = [one for node in site.node if node.name in heard for one in _services(site, node, links, devices)]
    order = ("link", "firewall", "node", "nas")
    hosts = sorted(
        [*nodes, *links, *(device.host for device in devices)],
        key=lambda one: (bool(one.parents), order.index(one.kind), one.name),
    )
    unheard = tuple(node.name for node in site.node if node.name not in heard)
    stale = 2 * feed.every.total_seconds() + SPARE
    return Monitored(site.site.name, hub, tuple(hosts), tuple(services), unheard, stale)


def heard_at(site: SiteFile, hub: str) -> list[str]:
    """Return the nodes whose status documents come to `hub`, also by way of others; itself first."""
    heard = [hub]
    for taker in heard:  # it grows meanwhile
        heard += [one.name for one in site.node if one.name not in heard and any(_ways(site, one.name, taker))]
    return heard


def node_host(site: str, node: str) -> str:
    """Return the host of a node."""
    return f"{site}_{node}"


def link_host(site: str, node: str, link: Link) -> str:
    """Return the host of a link: one for all nodes that share it."""
    return f"{site}_link_{link.name}" if link.shared else f"{site}_link_{node}_{link.name}"


def _ways(site: SiteFile, node: str, taker: str | None = None) -> Iterator[Destination]:
    """Yield the destinations over which the status of a node goes out, to any other node or to `taker`."""
    takers = {one.name for one in site.node} - {node} if taker is None else {taker}
    for name in sorted(used_at(site, node)):
        place = destination_of(site, name)
        if place is not None and any(_hears_at(site, one, place) for one in takers):
            yield place


def _hears_at(site: SiteFile, taker: str, place: Destination) -> bool:
    """Return whether what is said at a destination comes to `taker`: it stands behind it, or reads there."""
    return place.node == taker or (place.status and place.name in reads_at(site, taker))


def _links(site: SiteFile, hub: str, heard: Iterable[str]) -> Iterator[Host]:
    found: dict[str, tuple[Link, list[str]]] = {}
    for node in site.node:
        used = {way.link for way in _ways(site, node.name)} if node.name in heard and node.name != hub else set()
        for link in node.link:
            if link.name in used:
                found.setdefault(link_host(site.site.name, node.name, link), (link, []))[1].append(node.name)
    for name, (link, nodes) in found.items():
        title = f"link {link.name} of {', '.join(nodes)}"
        yield Host(name, "link", title, (node_host(site.site.name, hub),), tuple(nodes))


def _devices(site: SiteFile, hub: str, heard: Sequence[str], links: Sequence[Host]) -> Iterator[Device]:
    """Yield what is watched by nodes that are heard, firewalls first: a NAS may stand behind one."""
    walls: list[Device] = []
    for one in sorted(site.watch, key=lambda each: each.kind):
        told = tuple(name for name in watchers(site, one) if name in heard)
        name = f"{site.site.name}_{one.kind}_{one.name}"
        if not told:
            continue
        if isinstance(one, FirewallWatch):
            nodes = _behind(site, one, hub, links)
            title = f"firewall {one.name}" + (f" before {', '.join(nodes)}" if nodes else "")
            ways = tuple(link.name for link in links if set(nodes) & set(link.nodes))
            walls.append(Device(Host(name, "firewall", title, ways or (node_host(site.site.name, hub),), nodes), told))
            yield walls[-1]
        else:
            parents = _before(site, hub, set(told), links, walls)
            yield Device(Host(name, "nas", f"NAS {one.name}", parents), told, one.destination)


def _behind(site: SiteFile, one: FirewallWatch, hub: str, links: Sequence[Host]) -> tuple[str, ...]:
    """Return the nodes whose way out a firewall is: as site.toml says, else its readers and who shares their link."""
    found = set(one.behind)
    if not found:
        found = set(readers(site, one)) - {hub}
        for link in links:
            found |= set(link.nodes) if found & set(link.nodes) else set()
    return tuple(node.name for node in site.node if node.name in found and node.name != hub)


def _before(
    site: SiteFile, hub: str, nodes: set[str], links: Sequence[Host], devices: Sequence[Device]
) -> tuple[str, ...]:
    """Return what stands before these nodes and what is beside them: firewalls, else links, else the hub."""
    walls = tuple(one.host.name for one in devices if nodes & set(one.stood_before))
    ways = tuple(link.name for link in links if nodes & set(link.nodes))
    return walls or ways or (node_host(site.site.name, hub),)


def _node(site: SiteFile, hub: str, node: Node, links: Sequence[Host], devices: Sequence[Device]) -> Host:
    name, title = node_host(site.site.name, node.name), f"{node.kind} {node.name}"
    parents = () if node.name == hub else _before(site, hub, {node.name}, links, devices)
    return Host(name, "node", title, parents, (node.name,))


def _services(site: SiteFile, node: Node, links: Sequence[Host], devices: Sequence[Device]) -> Iterator[Service]:
    host = node_host(site.site.name, node.name)
    yield Service(host, "node", node.name, "node")
    yield Service(host, "storage", node.name, "storage")
    if needs_session(site, node.name):
        yield Service(host, "redundancy", node.name, "redundancy")
    for camera in site.camera:
        if node.name in shooters_of(site, camera.name):
            yield Service(host, f"camera {camera.name}", node.name, "camera", camera.name)
    stores = {one.destination: one.host.name for one in devices}
    for name in sorted(used_at(site, node.name)):
        if name in stores:  # what is dead with its NAS is one page
            yield Service(stores[name], f"transfer of {node.name}", node.name, "transfer", name)
        else:
            yield Service(host, f"transfer {name}", node.name, "transfer", name)
    yield from _link_services(site, node, links)
    for one in devices:
        if node.name in one.watchers:
            kind = one.host.kind
            named = kind if len(one.watchers) == 1 else f"{kind} of {node.name}"
            yield Service(one.host.name, named, node.name, kind, one.host.name.rpartition("_")[2])


def _link_services(site: SiteFile, node: Node, links: Sequence[Host]) -> Iterator[Service]:
    host, hosts = node_host(site.site.name, node.name), {link.name for link in links}
    for link in node.link:
        own, named = link_host(site.site.name, node.name, link), f"link {link.name}"
        if own not in hosts:
            yield Service(host, named, node.name, "link", link.name)
        else:
            yield Service(own, f"{named} of {node.name}" if link.shared else named, node.name, "link", link.name)
