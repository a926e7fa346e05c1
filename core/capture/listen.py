"""Where a node's FTP server listens, as the site file writes it, and who may log in there. Pure."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from ipaddress import ip_address

from core.site.hosts import is_ipv4
from core.site.model.cameras import Camera, FtpSource
from core.site.model.file import SiteFile
from core.site.model.nodes import FtpServer
from core.text import safe

PORTS = range(1, 65536)


def parse_listen(text: str) -> tuple[str, int]:
    """Return address and port of "0.0.0.0:2121" or "[::]:2121"; raise ValueError with what to write instead."""
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        address = ip_address(bare)
    except ValueError:
        address = None
    if address is None or (address.version == 6) != (bare != host):
        raise ValueError(f'{text!r}: write the address of this machine and a port, such as "0.0.0.0:2121"')
    return bare, _port(port)


def parse_ports(text: str) -> range:
    """Return the ports of "50000-50099"; raise ValueError with what to write instead."""
    first, dash, last = text.partition("-")
    found = range(_port(first.strip()), _port(last.strip() if dash else first.strip()) + 1)
    if not found:
        raise ValueError(f"{text!r}: the first port is above the last one")
    return found


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) in PORTS):
        raise ValueError(f"{text!r} is no port; write one of 1 to 65535")
    return int(text)


def port_of(server: FtpServer) -> int | None:
    """Return the port that a server listens on; None when it cannot be told."""
    try:
        return parse_listen(server.listen)[1]
    except ValueError:
        return None


def server_problems(site: SiteFile) -> list[tuple[str, str]]:
    """Return what is wrong with the FTP servers of a site and the logins at them: key, sentence."""
    found = [problem for n, node in enumerate(site.node) if node.ftp for problem in _server(f"node[{n}].ftp", node.ftp)]
    return [*found, *_logins(site)]


def _server(at: str, server: FtpServer) -> Iterator[tuple[str, str]]:
    port, passive = None, range(0)
    try:
        port = parse_listen(server.listen)[1]
    except ValueError as error:
        yield f"{at}.listen", safe(error, 200)
    try:
        passive = parse_ports(server.passive_ports)
    except ValueError as error:
        yield f"{at}.passive_ports", f'{safe(error, 100)}; write such as "50000-50099"'
    if port in passive:
        yield f"{at}.passive_ports", f"{port} is the port of listen; take others"
    if server.masquerade is not None and not is_ipv4(server.masquerade):
        yield (
            f"{at}.masquerade",
            f"'{safe(server.masquerade, 60)}' is not an IPv4 address; write such as \"203.0.113.5\"",
        )
    if server.key_file is not None and server.certificate_file is None:
        yield f"{at}.certificate_file", "missing key; a key is of no use without its certificate"
    if server.certificate_file is not None and importlib.util.find_spec("OpenSSL") is None:
        yield f"{at}.certificate_file", "TLS needs the package pyOpenSSL: pip install 'overlapse[push]'"
    if server.plain and server.certificate_file is None:
        yield f"{at}.plain", "without certificate_file every login is plain; remove it, or name a certificate"


def _logins(site: SiteFile) -> Iterator[tuple[str, str]]:
    first: dict[tuple[str, str], str] = {}
    for n, camera in enumerate(site.camera):
        if not isinstance(camera.source, FtpSource):
            continue
        driver = driver_of(site, camera)
        node = next((m for m, node in enumerate(site.node) if node.name == driver), None)
        if node is not None and site.node[node].ftp is None:
            yield (
                f"camera[{n}].source.kind",
                f"node '{driver}' has no FTP server that it could push to; "
                f'write ftp = {{ listen = "0.0.0.0:2121" }} below name = "{driver}"',
            )
        other = first.setdefault((driver, camera.source.user), camera.name)
        if other != camera.name:
            yield f"camera[{n}].source.user", f"'{safe(camera.source.user, 60)}' is the login of camera '{other}'"


def driver_of(site: SiteFile, camera: Camera) -> str:
    """Return the name of the node that a camera pushes to."""
    return camera.primary or (site.node[0].name if site.node else "")
