"""The product's own FTP server in its worker, fed as a node feeds it; and a camera that uploads, well or badly."""

from __future__ import annotations

import ftplib
import io
import queue
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.node.children import Children
from core.node.jobs import Failed, Job, Report, Said, Setting, Worker
from peers.certificates import Certificate
from peers.vsftpd import free_ports

FTPD = Worker("ftpd")
PASSWORD = "p@ss wörd%"
PATIENCE = 20.0  # seconds


@dataclass
class Server:
    """A server that runs, the folders of its cameras, and what it said."""

    drop: Path
    port: int
    hands: Children
    reports: queue.SimpleQueue[Report]
    said: list[dict[str, Any]] = field(default_factory=list)

    def hear(self, key: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """Return the next news with `key`."""
        end = time.monotonic() + seconds
        while True:
            try:
                report = self.reports.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"it never said {key!r}; it said {self.said}") from None
            assert not isinstance(report, Failed), report
            if isinstance(report, Said):
                self.said.append(report.news)
                if key in report.news:
                    return dict(report.news)

    @contextmanager
    def login(self, user: str = "gate", password: str = PASSWORD) -> Iterator[ftplib.FTP]:
        with ftplib.FTP(encoding="utf-8") as client:
            client.connect("127.0.0.1", self.port, timeout=PATIENCE)
            client.login(user, password)
            yield client

    def files(self, camera: str = "gate") -> dict[str, bytes]:
        """Return what lies in a camera's folder."""
        root = self.drop / camera
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@contextmanager
def server(
    drop: Path,
    cameras: Sequence[str] = ("gate", "yard"),
    floor: int = 0,
    max_size: int = 1_000_000,
    certificate: Certificate | None = None,
    plain: bool = False,
) -> Iterator[Server]:
    """Run a server with a login for each camera, of its own name."""
    ports = free_ports(12)
    accounts = [
        {"camera": name, "user": name, "password": PASSWORD, "folder": str(drop / name), "max_size": max_size}
        for name in cameras
    ]
    opening = {
        "listen": f"127.0.0.1:{ports[0]}",
        "passive_ports": f"{ports[1]}-{ports[-1]}",
        "certificate_file": str(certificate.certificate) if certificate else None,
        "key_file": str(certificate.key) if certificate else None,
        "plain": plain,
        "floor": floor,
        "accounts": accounts,
    }
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    hands = Children(reports.put)
    hands.equip(FTPD, Setting(opening=opening, idle=None))
    hands.give(Job(FTPD, "serve", {}, float("inf"), 180.0, standing=True))
    running = Server(drop, ports[0], hands, reports)
    try:
        running.hear("listening")
        yield running
    finally:
        hands.close()


def put(client: ftplib.FTP, name: str, content: bytes, command: str = "STOR", rest: int | None = None) -> str:
    """Upload; return the server's last word."""
    return client.storbinary(f"{command} {name}", io.BytesIO(content), rest=rest)


def put_part(
    client: ftplib.FTP, file: str, content: bytes, end: Callable[[socket.socket], object], server: Server
) -> None:
    """Send some bytes of an upload, wait until the server has them, end its data connection in a way of its own."""
    client.voidcmd("TYPE I")
    line = client.transfercmd(f"STOR {file}")
    line.sendall(content)
    until = time.monotonic() + PATIENCE
    while server.files().get(file) != content:
        assert time.monotonic() < until
        time.sleep(0.02)
    end(line)
    line.close()


def reset(line: socket.socket) -> None:
    """End a connection by RST."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def trusting(certificate: Certificate) -> ssl.SSLContext:
    """Return what a camera that knows the server's authority uses."""
    context = ssl.create_default_context(cafile=str(certificate.authority))
    context.check_hostname = False
    return context
