"""What the nodes of a site share their leases through: the voters, what is wrong, whose death is not covered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core.site.folders import Finding
from core.site.hosts import is_host
from core.site.model.file import SiteFile
from core.site.model.nodes import Engine
from core.site.refer import refer
from core.text import safe

PORT = 443
CA = "ca.pem"
SIZES = (1, 3, 5)  # of a fleet's voters: an even one survives no more than one less


@dataclass(frozen=True, slots=True)
class Address:
    """Where a voter listens for nodes."""

    host: str
    port: int


def voters_of(engine: Engine) -> tuple[str, ...]:
    """Return the addresses of all voters, the witness among them."""
    return engine.servers if engine.witness is None else (*engine.servers, engine.witness)


def needs_session(site: SiteFile, node: str) -> bool:
    """Tell whether a node shares anything: a unit none of whose cameras has a backup does not, and sends no byte."""
    kind = next((each.kind for each in site.node if each.name == node), "unit")
    paired = any(
        camera.backup is not None and node in (camera.primary, camera.backup, *camera.reach) for camera in site.camera
    )
    return bool(site.coordination.servers) and (kind != "unit" or paired)


def credential_files(folder: Path, site: str, name: str) -> tuple[Path, Path, Path]:
    """Return the files of a login at the voters: who vouches for them, its own certificate, and its key."""
    return folder / CA, folder / f"{site}-{name}.pem", folder / f"{site}-{name}.key"


def parse_address(text: str) -> Address:
    """Return what "tls://fr.example:443" says; raise ValueError with what to write instead."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError('not an address; write such as "tls://fr.example:443"') from error
    if parts.scheme != "tls":
        raise ValueError(f'an address of a voter begins with tls://; write "tls://{safe(parts.netloc or parts.path)}"')
    if parts.username is not None or parts.password is not None:
        raise ValueError("a voter knows nodes by their certificates; leave user and password out")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f'nothing follows the port; write "tls://{safe(parts.netloc)}"')
    if parts.hostname is None or not is_host(parts.hostname):
        raise ValueError('no host that there can be; write such as "tls://fr.example:443"')
    if port == 0:
        raise ValueError("port 0 is none; 443 is what most networks let through")
    return Address(parts.hostname, port or PORT)


def problems_of_coordination(site: SiteFile) -> Iterator[Finding]:
    """Yield each problem of the table `coordination`."""
    engine, at = site.coordination, "coordination"
    seen: dict[Address, str] = {}
    places = [(f"{at}.servers[{n}]", url) for n, url in enumerate(engine.servers)]
    for key, url in places + ([(f"{at}.witness", engine.witness)] if engine.witness is not None else []):
        try:
            address = parse_address(url)
        except ValueError as error:
            yield key, str(error)
            continue
        if address in seen:
            yield key, f"the same voter as {seen[address]}; each has an address of its own"
        seen.setdefault(address, key)
    if not 0 < engine.route_port < 65_536:
        yield f"{at}.route_port", "1 to 65535: the port on which voters speak with each other"
    yield from _counted(site)
    if engine.coordinator is not None:
        yield from refer(f"{at}.coordinator", "node", engine.coordinator, [node.name for node in site.node])


def _counted(site: SiteFile) -> Iterator[Finding]:
    engine, count = site.coordination, len(voters_of(site.coordination))
    if not engine.servers:
        for word in ("coordinator", "witness"):
            if getattr(engine, word) is not None:
                yield f"coordination.{word}", 'there are no voters; write servers = ["tls://..."], or drop this key'
    elif count == 2:
        yield (
            "coordination.servers",
            "two voters: when either dies nobody takes over, which is worse than one; write a third, which may be any "
            'small machine: witness = "tls://...", or leave one out and say coordinator = "NODE"',
        )
    elif count not in SIZES:
        yield "coordination.servers", f"{count} voters: write 1, 3 or 5, of which 0, 1 or 2 may die"
    elif count == 1 and engine.coordinator is None:
        yield "coordination.coordinator", "missing key; with one voter say which node runs it"
    elif count > 1 and engine.coordinator is not None:
        yield "coordination.coordinator", f"there are {count} voters; this key goes with a single one"


def uncovered(site: SiteFile) -> Iterator[Finding]:
    """Yield whose death nobody makes good."""
    engine = site.coordination
    backed = [camera for camera in site.camera if camera.backup is not None]
    if not engine.servers:
        for camera in backed:
            yield (
                f"camera[{site.camera.index(camera)}].backup",
                f"'{camera.backup}' never learns that '{camera.primary}' is silent: the nodes share nothing; write "
                'coordination = { servers = ["tls://..."] } (docs/fleet.md)',
            )
        return
    addresses = [parse_address(url) for url in voters_of(engine)]
    if engine.coordinator is not None:
        own = [camera.name for camera in backed if camera.primary == engine.coordinator]
        lost = f", and its own cameras have no cover at all: {', '.join(own)}" if own else ""
        yield (
            "coordination.coordinator",
            f"the death of '{engine.coordinator}' is not covered: it runs the only voter, so that no camera changes "
            f"hands while it is down{lost}; with a third machine write witness",
        )
    hosts = [address.host for address in addresses]
    for host in dict.fromkeys(hosts):
        if len(hosts) > 1 and hosts.count(host) > len(hosts) // 2:
            yield (
                "coordination.servers",
                f"the death of {host} is not covered: {hosts.count(host)} of {len(hosts)} voters are there",
            )
