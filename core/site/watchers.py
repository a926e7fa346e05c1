"""Which nodes read what `[[watch]]` names, which try its flows, and what stands behind a firewall. Pure."""

from __future__ import annotations

from core.site.at import reaches, used_at
from core.site.model.file import SiteFile
from core.site.model.health import FirewallWatch, NasWatch, Watch


def readers(site: SiteFile, one: Watch) -> list[str]:
    """Return the nodes that read a device: as `at` says, else each that delivers to it, else the only one."""
    if one.at is not None:
        return [one.at]
    if len(site.node) == 1:
        return [site.node[0].name]
    if not isinstance(one, NasWatch) or one.destination is None:
        return []
    return [node.name for node in site.node if delivers(site, node.name, one.destination)]


def auditors(site: SiteFile, one: Watch) -> list[str]:
    """Return the nodes that try flows of a firewall themselves, whoever reads it."""
    origins = {flow.from_ for flow in one.flows} if isinstance(one, FirewallWatch) else set()
    return [node.name for node in site.node if node.name in origins]


def watchers(site: SiteFile, one: Watch) -> list[str]:
    """Return the nodes whose status documents tell of it, those that read it first."""
    return list(dict.fromkeys([*readers(site, one), *auditors(site, one)]))


def delivers(site: SiteFile, node: str, destination: str) -> bool:
    """Return whether a node may have to send something to a destination, and gets there."""
    return destination in used_at(site, node) and reaches(site, node, destination)
