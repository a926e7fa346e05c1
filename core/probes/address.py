"""Where a device is: "router", "192.168.1.1:161", and what the name server makes of it."""

from __future__ import annotations

import socket
from typing import Any

from core.errors import ProbeUnanswered
from core.text import safe

PORT = 161
FORM = 'write such as "192.168.1.1" or "192.168.1.1:161"'


def endpoint(host: str) -> tuple[str, int]:
    """Return machine and port of "router", "192.168.1.1:161", "fe80::1%eth0" or "[fe80::1]:161"; raise ValueError."""
    name, colon, port = host, "", ""
    if host.startswith("["):
        name, bracket, rest = host[1:].partition("]")
        before, colon, port = rest.partition(":")
        if not bracket or before:
            raise ValueError(f"'{safe(host, 60)}' is not an address; {FORM}")
    elif host.count(":") == 1:
        name, colon, port = host.partition(":")
    if not name:
        raise ValueError(f"'{safe(host, 60)}' names no machine; {FORM}")
    if colon and not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65_536):
        raise ValueError(f"'{safe(host, 60)}': a port is one of 1 to 65535; {FORM}")
    return name, int(port) if colon else PORT


def looked_up(name: str, port: int) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    """Return family and address, as a socket takes them; raise ProbeUnanswered. It may wait for a name server."""
    try:
        family, _, _, _, address = socket.getaddrinfo(name, port, type=socket.SOCK_DGRAM)[0]
    except (OSError, UnicodeError) as error:
        raise ProbeUnanswered(f"{safe(name, 80)}: no such machine: {why(error)}") from error
    return family, address


def transport(name: str, port: int) -> str:
    """Return the address as net-snmp's programs take it: udp:192.168.1.1:161; raise ProbeUnanswered."""
    family, address = looked_up(name, port)
    if family != socket.AF_INET6:
        return f"udp:{address[0]}:{port}"
    scope = f"%{socket.if_indextoname(address[3])}" if address[3] else ""  # of fe80::1%eth0
    return f"udp6:[{address[0]}{scope}]:{port}"


def why(error: OSError | UnicodeError) -> str:
    """Return the system's words for an error."""
    return ((error.strerror if isinstance(error, OSError) else None) or "not a name").lower()
