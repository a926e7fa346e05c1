"""What is wrong with a device to be read by SNMP that the types of site.toml cannot say."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from core.errors import ConfigurationError
from core.probes.address import FORM, endpoint
from core.probes.credentials import parse
from core.probes.flows import same_machine, split, targets
from core.probes.netsnmp import GET, PACKAGE, PROGRAMS, WALK
from core.site.hosts import is_host
from core.site.model.health import Flow, Vantage, WallApi
from core.site.secrets import fault, read_secret
from core.text import safe

Problem = tuple[str, str]  # the key, and the sentence


def problems(host: str, credentials: Path, interface: str | None = None, programs: str = PROGRAMS) -> list[Problem]:
    """Return every problem, below the keys `host`, `interface` and `credentials_file`, each with what to write instead.

    `interface`: None where no interface is asked for. `programs`: where net-snmp's are. The device itself is not asked.
    """
    found = [*_host(host), *_credentials(credentials, programs)]
    if interface is not None and not interface.strip():
        found.append(("interface", 'an empty name; write such as "wwan0", or the index of the interface'))
    return found


def _host(host: str) -> Iterator[Problem]:
    try:
        name, _ = endpoint(host)
    except ValueError as error:
        yield "host", str(error)
        return
    if not is_host(name):
        yield "host", f"'{safe(host, 60)}' names no machine; {FORM}"


def _credentials(path: Path, programs: str) -> Iterator[Problem]:
    try:
        told = parse(read_secret(path))
    except ConfigurationError as error:
        for problem in error.problems:
            yield "credentials_file", problem if str(path) in problem else f"{path}: {problem}"
        return
    for program in (GET, WALK):
        if told.version == "3" and not os.access(f"{programs}/{program}", os.X_OK):
            yield "credentials_file", f"{path}: SNMP version 3 needs {programs}/{program}; {PACKAGE}"


def api_problems(api: WallApi | None, base: Path) -> Iterator[Problem]:
    """Yield what is wrong with the API of a firewall, below its table."""
    if api is None:
        return
    try:
        parts = urlsplit(api.url)
        fits = parts.scheme == "https" and bool(parts.hostname) and parts.path in ("", "/") and parts.username is None
    except ValueError:
        fits = False
    if not fits:
        yield "opnsense.url", f"'{safe(api.url, 60)}' is no address of its API; write such as \"https://192.168.1.1\""
    if (wrong := fault(base / api.credentials_file)) is not None:
        yield "opnsense.credentials_file", wrong
    if api.ca_file is not None and not (base / api.ca_file).is_file():
        yield "opnsense.ca_file", f"{base / api.ca_file}: no such file"


def vantage_problems(vantages: Sequence[Vantage], base: Path) -> Iterator[Problem]:
    """Yield what is wrong with the hosts that flows are tried from."""
    for m, one in enumerate(vantages):
        user, at, host = one.address.partition("@")
        name, colon, port = host.partition(":")
        if not at or not user or user.startswith("-") or not is_host(name) or (colon and not port.isdecimal()):
            yield f"vantage[{m}].address", f"'{safe(one.address, 60)}': write USER@HOST or USER@HOST:PORT"
        if (wrong := fault(base / one.key_file)) is not None:
            yield f"vantage[{m}].key_file", wrong
        if not (base / one.known_hosts).is_file():
            told = f"{base / one.known_hosts}: no such file; write what `ssh-keyscan` prints, after comparing it"
            yield f"vantage[{m}].known_hosts", told


def flow_problems(flows: Sequence[Flow]) -> Iterator[Problem]:
    """Yield what is wrong with the addresses of flows; nothing is asked."""
    for m, flow in enumerate(flows):
        for key, address in (("to", flow.to), ("control", flow.control)):
            try:
                if address is not None:
                    split(address) if key == "control" else targets(address, None)
            except ValueError as error:
                yield f"flows[{m}].{key}", str(error)
                break
        else:
            if flow.expect == "blocked" and flow.control is not None and not same_machine(flow.to, flow.control):
                told = "not a port of the same machine, or of one in that network: it proves nothing of the flow"
                yield f"flows[{m}].control", told
