"""A TCP proxy on loopback that cuts, holds or drips what goes through it, and counts it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Cutter:
    """`cut_at`: cut the connection after so many bytes to the server, once; the server still gets those.

    `hold`: accept and forward nothing. `mute_at`: forward nothing more after so many bytes from the server.

    `end_at`: end the connection in order after so many bytes from the server.

    `drip`: seconds between two bytes from the server.
    """

    target: int
    cut_at: int | None = None
    hold: bool = False
    mute_at: int | None = None
    drip: float | None = None
    end_at: int | None = None
    up: int = 0  # bytes that went to the server, all connections together
    down: int = 0  # bytes that came from it
    connections: int = 0
    port: int = 0
    _lines: list[socket.socket] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def reset(self) -> None:
        """Reset every connection now."""
        lines, self._lines = self._lines, []
        for line in lines:
            with contextlib.suppress(OSError):
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                line.shutdown(socket.SHUT_RD)  # wakes the thread that reads it

    def settle(self) -> None:
        """Wait until the server is done with a connection that was cut."""
        for thread in self._threads[1:]:
            thread.join(5)

    def _run(self, function: object, *args: object) -> None:
        thread = threading.Thread(target=function, args=args, daemon=True)  # type: ignore[arg-type]
        thread.start()
        self._threads.append(thread)

    def _serve(self, listener: socket.socket) -> None:
        while not self._over.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._lines.append(client)
            if self.hold:
                self._run(self._swallow, client)
                continue
            server = socket.create_connection(("127.0.0.1", self.target))
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._lines.append(server)
            self._run(self._upwards, client, server)
            self._run(self._downwards, server, client)

    def _swallow(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while client.recv(1 << 16):
                pass
        client.close()

    def _upwards(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                if self.cut_at is not None and self.up + len(data) >= self.cut_at:
                    self._cut(client, server, data[: self.cut_at - self.up])
                    return
                self.up += len(data)
                server.sendall(data)
        _end(server, client)

    def _cut(self, client: socket.socket, server: socket.socket, last: bytes) -> None:
        self.up, self.cut_at = self.up + len(last), None
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        server.sendall(last)
        server.shutdown(socket.SHUT_WR)
        client.close()

    def _downwards(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 if self.drip else 1 << 16):
                if self.drip and self._over.wait(self.drip):
                    break
                self.down += len(data)
                if self.mute_at is not None and self.down > self.mute_at:
                    continue
                if self.end_at is not None and self.down > self.end_at:
                    break
                with contextlib.suppress(OSError):  # after a cut the server's last words go nowhere
                    client.sendall(data)
        _end(client, server)


def _end(*lines: socket.socket) -> None:
    for line in lines:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
        line.close()


@contextmanager
def cutting(
    target: int, cut_at: int | None = None, hold: bool = False, mute_at: int | None = None, drip: float | None = None
) -> Iterator[Cutter]:
    """Run a proxy before the local port `target`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cutter = Cutter(target, cut_at, hold, mute_at, drip, port=listener.getsockname()[1])
        cutter._run(cutter._serve, listener)
        try:
            yield cutter
        finally:
            cutter._over.set()
            listener.shutdown(socket.SHUT_RDWR)
            cutter.reset()
            for thread in cutter._threads:
                thread.join(5)
