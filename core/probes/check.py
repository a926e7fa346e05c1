"""What is wrong with a device to be read by SNMP that the types of site.toml cannot say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from core.errors import ConfigurationError
from core.probes.address import FORM, endpoint
from core.probes.credentials import parse
from core.probes.netsnmp import GET, PACKAGE, PROGRAMS, WALK
from core.site.hosts import is_host
from core.site.secrets import read_secret
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
