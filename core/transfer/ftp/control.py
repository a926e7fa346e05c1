"""The control connection: several commands in one flight, every wait and every answer bounded."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from dataclasses import dataclass
from ftplib import FTP

from core.errors import DestinationRefused
from core.transfer.ftp.faults import SPOKEN, Reply

ANSWER = 64 << 10  # bytes of one answer; the longest honest one, to FEAT, has about one thousand
KEEPALIVE = 5  # seconds
UNSENT = 128 << 10  # bytes that may wait in the kernel, so that a grant is spent only when it is on its way


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for the other end."""

    connect: float = 10.0  # for TCP
    login: float = 45.0  # for all from the greeting to the features: 4 to 8 round trips
    answer: float = 20.0  # for one answer, and for room for the next bytes
    begin: float = 8.0  # for the answer to STOR: a server that locks says nothing while another session has the file
    stored: float = 120.0  # for the word that a file is whole: what the kernel holds goes out before it
    hash: float = 120.0  # for one hash by the server
    held: float = 360.0  # since the last byte of a partial that is locked: vsftpd lets go after 300
    unacknowledged: float = 8.0  # for TCP's acknowledgement: what notices a cut (without: minutes, measured)


def reach(host: str, port: int, patience: Patience) -> socket.socket:
    """Connect by TCP, set up for links that break; raise OSError or UnicodeError."""
    line = socket.create_connection((host, port), timeout=patience.connect)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(patience.unacknowledged * 1000))
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a wait is no wait on a dead link
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE)
    return line


class Control(FTP):
    """ftplib's conversation, read with a deadline for each answer and no more of it than ANSWER bytes."""

    def __init__(self, line: socket.socket, patience: Patience, secret: str) -> None:
        super().__init__()
        self.sock: socket.socket = line
        self.af = line.family
        self.peer: str = line.getpeername()[0]
        self._patience, self._secret = patience, secret
        self._came = b""  # and not read yet
        self._until = 0.0
        self._left = 0
        self.limit = time.monotonic() + patience.login  # for all that follows, whatever each wait may take

    def post(self, *commands: str) -> None:
        """Send commands in one packet, and wait for nothing; raise DestinationRefused for one with an end of line."""
        if any("\r" in command or "\n" in command for command in commands):
            raise DestinationRefused("user, password and names of an FTP server have no end of line")
        self.sock.settimeout(self._wait(self._patience.answer))
        self.sock.sendall("".join(f"{command}\r\n" for command in commands).encode(self.encoding))

    def answer(self, seconds: float | None = None) -> Reply:
        """Return the next answer; raise one of SPOKEN when it does not come whole in time."""
        self._until = time.monotonic() + self._wait(self._patience.answer if seconds is None else seconds)
        self._left = ANSWER
        text = self.getmultiline()
        if not (text[:3].isdecimal() and text[:3].isascii() and "1" <= text[0] <= "5"):
            raise ValueError("what answers there speaks no FTP")
        said = text[4:].replace(self._secret, "***") if self._secret else text[4:]
        return Reply(int(text[:3]), said)

    def flight(self, *commands: str, seconds: float | None = None) -> list[Reply]:
        """Send commands that transfer nothing in one packet; return all their answers."""
        self.post(*commands)
        return [self.answer(seconds) for _ in commands]

    def protect(self, context: ssl.SSLContext, host: str) -> None:
        """Go on under TLS; raise one of SPOKEN."""
        if self._came:  # sent before TLS began, by whoever sits between
            raise DestinationRefused("something was said in clear between AUTH and TLS")
        self.sock.settimeout(self._wait(self._patience.answer))
        self.sock = context.wrap_socket(self.sock, server_hostname=host)

    @property
    def alive(self) -> bool:
        """Whether the connection still stands and nobody said anything that was not asked for."""
        return self.sock.fileno() >= 0 and not self.speaks

    @property
    def speaks(self) -> bool:
        """Whether something has come that was not read yet: an answer, or the end."""
        held = self._came or (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending())
        return bool(held or select.select([self.sock], [], [], 0)[0])

    def getline(self) -> str:
        """Return the next line of an answer (ftplib asks for them)."""
        while b"\n" not in self._came:
            self._came += self._more()
        line, _, self._came = self._came.partition(b"\n")
        return line.rstrip(b"\r").decode(self.encoding, "surrogateescape")

    def close(self) -> None:
        """Let go without a farewell; safe to call twice."""
        with contextlib.suppress(*SPOKEN):
            self.sock.close()

    def _more(self) -> bytes:
        remaining = self._until - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self.sock.settimeout(remaining)
        more = self.sock.recv(4096)
        self._left -= len(more)
        if not more:
            raise EOFError
        if self._left < 0:
            raise ValueError("an answer without an end")
        return more

    def _wait(self, seconds: float) -> float:
        return max(0.001, min(seconds, self.limit - time.monotonic()))
