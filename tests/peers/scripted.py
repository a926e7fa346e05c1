"""A web server on loopback that answers whatever a test tells it to, byte by byte."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """One request: `body` as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Script = Callable[[Asked], Iterable[bytes]]


@dataclass
class Scripted:
    """`heedless`: answer after the head and close, without reading the body."""

    script: Script
    heedless: bool = False
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)


def answer(status: int = 200, body: bytes = b"", **headers: str) -> list[bytes]:
    """Return a whole answer; underscores in names of headers become hyphens."""
    lines = [f"HTTP/1.1 {status} Said", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    if "Content_Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return ["\r\n".join([*lines, "", ""]).encode() + body]


@contextmanager
def scripted(script: Script, heedless: bool = False) -> Iterator[Scripted]:
    """Run a server that answers each request as `script` says; it closes after an answer with Connection: close."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Scripted(script, heedless, listener.getsockname()[1])
        threads: list[threading.Thread] = []
        lines: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    line, _ = listener.accept()
                except OSError:
                    return
                server.connections += 1
                lines.append(line)
                threads.append(threading.Thread(target=_serve, args=(server, line), daemon=True))
                threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield server
        finally:
            server.over.set()
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join(5)
            for line in lines:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(5)


def _serve(server: Scripted, line: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError), line, line.makefile("rb") as wire:
        while head := wire.readline():
            method, target, _ = head.decode("latin-1").split(" ", 2)
            headers = {}
            while (one := wire.readline().decode("latin-1").strip()) != "":
                name, _, value = one.partition(":")
                headers[name.lower()] = value.strip()
            body = b"" if server.heedless else wire.read(int(headers.get("content-length", 0)))
            asked = Asked(method, target, headers, body)
            server.asked.append(asked)
            last = b""
            for piece in server.script(asked):
                if server.over.is_set():
                    return
                line.sendall(piece)
                last = piece
            if server.heedless or b"connection: close" in last[:2000].lower():
                return
