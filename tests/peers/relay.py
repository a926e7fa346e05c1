"""A TCP relay on loopback that loses answers, or keeps what was sent and hands it on later."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Relay:
    """`eats_answers`: what the server says is lost. `holds`: what the client says waits until it is false again."""

    def __init__(self, target: int, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self.eats_answers = False
        self.arrived = 0  # bytes that the server got
        self._target = target
        self._flows = threading.Event()
        self._flows.set()
        self._listener = listener
        self._sockets: list[socket.socket] = [listener]
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    @property
    def holds(self) -> bool:
        return not self._flows.is_set()

    @holds.setter
    def holds(self, held: bool) -> None:
        if held:
            self._flows.clear()
        else:
            self._flows.set()

    def close(self) -> None:
        self._flows.set()
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(5)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, server]
                for work in ((self._up, client, server), (self._down, server, client)):
                    thread = threading.Thread(target=work[0], args=work[1:], daemon=True)
                    thread.start()
                    self._threads.append(thread)

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                self._flows.wait()
                server.sendall(data)
                self.arrived += len(data)
            if not self.holds:
                server.shutdown(socket.SHUT_WR)

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if not self.eats_answers:
                    client.sendall(data)
            client.shutdown(socket.SHUT_WR)


@contextmanager
def relaying(target: int) -> Iterator[Relay]:
    """Run a relay before the local port `target`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = Relay(target, listener)
        try:
            yield relay
        finally:
            relay.close()
