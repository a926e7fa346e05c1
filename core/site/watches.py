"""What must hold between [[watch]] and the other tables of a site."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.site.folders import Finding
from core.site.model.file import SiteFile
from core.site.model.health import FirewallWatch, NasWatch
from core.site.refer import refer

FASTEST = 1000.0  # connections a second


def watch_problems(site: SiteFile) -> list[Finding]:
    """Return what is wrong with the watches, but for addresses and secrets."""
    return [finding for n, one in enumerate(site.watch) for finding in _of(site, f"watch[{n}]", one)]


def _of(site: SiteFile, at: str, one: NasWatch | FirewallWatch) -> Iterator[Finding]:
    if one.at is not None:
        yield from refer(f"{at}.at", "node", one.at, [node.name for node in site.node])
    elif len(site.node) > 1 and not (isinstance(one, NasWatch) and one.snmp is None):
        yield f"{at}.at", f'missing key; write at = "{site.node[0].name}", the node that asks it'
    if isinstance(one, NasWatch):
        yield from _nas(site, at, one)
    else:
        yield from _firewall(site, at, one)


def _nas(site: SiteFile, at: str, one: NasWatch) -> Iterator[Finding]:
    if one.snmp is None and one.destination is None:
        yield at, "nothing to watch; write snmp = { ... }, or destination with the name of the one that it is"
    if one.destination is not None:
        yield from refer(f"{at}.destination", "destination", one.destination, [each.name for each in site.destination])
    expect = one.snmp.expect if one.snmp is not None else None
    for word in ("disks", "raids", "volumes", "fans"):
        value = getattr(expect, word, None)
        if value is not None and not 0 < value < 1000:
            yield f"{at}.snmp.expect.{word}", "1 to 999; leave it out where it is not to be counted"


def _firewall(site: SiteFile, at: str, one: FirewallWatch) -> Iterator[Finding]:
    if one.snmp is None and one.opnsense is None and not one.flows:
        yield at, "nothing to watch; write snmp or opnsense = { ... }, or flows"
    if not 0 < one.rate <= FASTEST:
        yield f"{at}.rate", f"above 0 and at most {FASTEST:g} connections a second"
    for m, name in enumerate(one.behind):
        yield from refer(f"{at}.behind[{m}]", "node", name, [node.name for node in site.node])
    vantages = [each.name for each in one.vantage]
    yield from _unique(at, vantages)
    known = [*(node.name for node in site.node), *vantages]
    for m, flow in enumerate(one.flows):
        yield from refer(f"{at}.flows[{m}].from", "node or vantage", flow.from_, known)


def _unique(at: str, names: Sequence[str]) -> Iterator[Finding]:
    for m, name in enumerate(names):
        if name in names[:m]:
            yield f"{at}.vantage[{m}].name", f"'{name}' is taken; take another name"
