"""A data connection: the bytes of one file or one listing."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
from collections.abc import Iterator

from core.transfer.ftp.control import Patience
from core.transfer.ftp.faults import SPOKEN
from core.transfer.pacing import Pace
from core.transfer.ways import HERE

PIECE = 64 << 10  # bytes given to the kernel or taken from it at once
UNPACED = 256 << 10  # bytes that go as TCP likes: a connection for one small file has hardly come up to speed by then


class Channel:
    """One data connection, to be ended by `end` (the bytes are whole) or `close`."""

    def __init__(self, line: socket.socket, patience: Patience) -> None:
        self._line = line
        self._patience = patience
        self._pace, self._sent = Pace(), 0
        HERE.join(line)
        self._line.settimeout(patience.answer)

    def protect(self, context: ssl.SSLContext, host: str, control: socket.socket, seconds: float) -> None:
        """Go on under TLS, in the TLS session of the control connection: vsftpd refuses any other."""
        session = control.session if isinstance(control, ssl.SSLSocket) else None
        self._line.settimeout(seconds)
        self._line = context.wrap_socket(self._line, server_hostname=host, session=session)
        HERE.join(self._line)
        self._line.settimeout(self._patience.answer)

    def await_room(self, control: socket.socket) -> None:
        """Wait until there is room for more, or the control connection has something to say; raise TimeoutError."""
        if not any(select.select([control], [self._line], [], self._patience.answer)):
            raise TimeoutError

    def send(self, data: bytes) -> None:
        """Send `data`; raise TimeoutError when for a while there is no room for even one more piece."""
        rest = memoryview(data)
        while rest:
            some = min(PIECE, len(rest))
            if self._sent >= UNPACED:
                some = self._pace.await_room(self._line, some)
            sent = self._line.send(rest[:some])
            self._sent += sent
            rest = rest[sent:]

    def receive(self) -> Iterator[bytes]:
        """Yield what comes until the server ends it."""
        while data := self._line.recv(PIECE):
            yield data

    def end(self) -> None:
        """Say that this was all; what the server makes of it, its answer on the control connection tells."""
        with contextlib.suppress(*SPOKEN):
            if isinstance(self._line, ssl.SSLSocket):
                self._line.settimeout(self._patience.stored)
                self._line = self._line.unwrap()
            self._line.shutdown(socket.SHUT_WR)
        self.close()

    def close(self) -> None:
        """Let go; safe to call twice."""
        HERE.leave(self._line)
        with contextlib.suppress(*SPOKEN):
            self._line.close()
