"""A whole fleet on this machine: real voters, and units that renew their leases with their vitals in them."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from core.clock import Clock
from core.coordination.base import Conflict, Coordination, CoordinationError
from core.coordination.issuing import FleetFolder, voters_from
from core.coordination.opening import open_coordination
from core.errors import ConfigurationError
from core.site.load import reparse
from core.site.model.file import SiteFile
from core.site.place import Folders

RENEW = 10.0  # seconds, of the normal profile
VOTERS = 3
SERVER = "nats-server"
_ENDING = 10.0  # seconds that a voter has to end by itself

_SITE = """\
# The fleet that `overlapse fleet try` runs: real voters, simulated units.
version = 1
site = { name = "try", zone = "UTC", data = "data", run = "run", clock = "host" }
coordination = { servers = [%(servers)s], route_port = %(routes)d, credentials = "fleet/all" }
"""
_UNIT = """
[[node]]
name = "unit%(n)d"
kind = "unit"
[[camera]]
name = "camera%(n)d"
primary = "unit%(n)d"
backup = "hub"
source = { kind = "http", url = "http://127.0.0.1/camera%(n)d.jpg" }
schedule = [{ every = "10m" }]
"""
_HUB = """
[[node]]
name = "hub"
kind = "cloud"
"""


def server_program() -> str:
    """Return nats-server of this environment, or of the machine; raise ConfigurationError when there is none."""
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    found = shutil.which(SERVER, path=places)
    if found is None:
        raise ConfigurationError(f"no {SERVER} on this machine: pip install 'overlapse[voter]'")
    return found


def write_site(folder: Path, units: int) -> Path:
    """Write the site file of a fleet on free ports, unless there is one; return it."""
    file = folder / "site.toml"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        ports = _free_ports(2 * VOTERS)
        servers = ", ".join(f'"tls://127.0.0.1:{port}"' for port in ports[:VOTERS])
        nodes = "".join(_UNIT % {"n": n} for n in range(1, units + 1))
        file.write_text(_SITE % {"servers": servers, "routes": ports[VOTERS]} + nodes + _HUB)
    return file


@dataclass
class Voting:
    """The voters of a folder as processes of ours; on leaving they are ended."""

    folder: Path
    site: SiteFile
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __enter__(self) -> Voting:
        FleetFolder(self.folder / "fleet", here=True).write([self.site])
        together = self.folder / "fleet" / "all"  # the logins of all nodes, for they are all on this machine
        for folder in sorted((self.folder / "fleet" / "nodes").iterdir()):
            shutil.copytree(folder, together, dirs_exist_ok=True)
        with ExitStack() as undo:
            undo.callback(self._end)
            for voter in voters_from(self.site.coordination):
                self.running[voter.name] = self._start(voter.name)
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        conf = self.folder / "fleet" / "voters" / name / "server.conf"
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [server_program(), "-c", str(conf)]
            return subprocess.Popen(  # in a group of its own: Ctrl-C is for us, and we end it in order
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
            )

    def _end(self) -> None:
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        for process in self.running.values():
            try:
                process.wait(_ENDING)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.running.clear()


class Unit:
    """A node that does nothing but hold its lease; `tell` hears what it met."""

    def __init__(self, site: SiteFile, base: Path, name: str, clock: Clock, tell: Callable[[str], None]) -> None:
        folders = Folders(base / "nodes" / name)
        folders.data.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.renewed = 0
        self._key, self._sid, self._tell = f"sess.{name}", secrets.token_hex(8), tell
        self._over = Event()
        self._store = open_coordination(site, base, name, folders, clock)
        self._thread = Thread(target=self._renew, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop renewing, as a node that ends does."""
        self._over.set()
        self._thread.join()
        self._store.close()

    def _renew(self) -> None:
        held, lost = 0, False
        while not self._over.is_set():
            try:
                held = self._once(self._store, held)
                if lost or not self.renewed:
                    self._tell(f"{self.name}: {'renews again' if lost else 'has its lease'}")
                self.renewed, lost = self.renewed + 1, False
            except CoordinationError as error:
                if not lost:
                    self._tell(f"{self.name}: cut off: {error}")
                held, lost = 0, True
            self._over.wait(1.0 if lost else RENEW)

    def _once(self, store: Coordination, rev: int) -> int:
        value = {"sid": self._sid, "n": self.renewed, "R": RENEW, "T": 30, "dead": None, "st": self._vitals()}
        content = json.dumps(value, separators=(",", ":")).encode()
        if rev:
            with suppress(Conflict):
                return store.cas(self._key, rev, content)
        held = store.read(self._key)
        return store.cas(self._key, held.rev if held else 0, content)

    def _vitals(self) -> str:
        return f"up {self.renewed * RENEW:.0f}s cameras 1 ok buffer 61d"


def read_site(file: Path) -> SiteFile:
    """Return the site of a fleet on this machine."""
    return reparse(file.read_text())


def units_of(site: SiteFile) -> Sequence[str]:
    """Return the nodes that hold a lease."""
    return [node.name for node in site.node]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        found = []
        for _ in range(count):
            asked = held.enter_context(socket.socket())
            asked.bind(("127.0.0.1", 0))
            found.append(asked.getsockname()[1])
        return found
