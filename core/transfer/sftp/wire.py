"""The socket below an SSH connection: few system calls for many packets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from core.transfer.pacing import Pace, way
from core.transfer.ways import HERE

RECEIVE = 64 << 10  # bytes taken from the kernel at once
UNSENT = 32 << 10
"""Bytes that may wait in the kernel: a grant is spent only when it is on its way, and a request waits for no more."""


class Wire(socket.socket):
    """What paramiko takes for a socket: one thread receives, any number send."""

    def __init__(self, line: socket.socket) -> None:
        """Take over a connected socket."""
        super().__init__(line.family, line.type, line.proto, fileno=line.detach())
        known = way(self)
        self._fills = known is not None and 2 * known.segment < UNSENT
        """Whether a segment may wait for what fills it. The kernel takes no more while half of UNSENT waits: one of
        loopback, of 64 kB, would keep all from it until a timer of the kernel lets it go (40 to 200 ms, measured)."""
        self.hasty = True
        """Whether what comes is acknowledged at once. sshd sends nothing small before that, until a session is open;
        who acknowledges late, as TCP does, waits 40 ms for it (tcp(7): TCP_QUICKACK, which lasts for one answer)."""
        self._pace = Pace()
        HERE.join(self)
        self._came = b""
        self._sending = threading.Lock()
        self._held: list[bytes] = []  # packets that go with the next ones
        self._holders: set[int] = set()  # threads that have more to say at once

    def close(self) -> None:
        """Let go, whoever ends it: the thread of paramiko that meets a break does so by itself."""
        HERE.leave(self)
        super().close()

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Return up to `bufsize` bytes; nothing at the end. Raise OSError."""
        if not self._came:
            self._came = super().recv(RECEIVE, flags)
            if self.hasty:
                self._acknowledge()
        data, self._came = self._came[:bufsize], self._came[bufsize:]
        return data

    def _acknowledge(self) -> None:
        with suppress(OSError):  # no TCP, or broken: the next call tells
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def send(self, data: bytes, flags: int = 0, /) -> int:  # type: ignore[override]
        """Send all of `data`, or keep it when this thread is about to send more; raise OSError."""
        with self._sending:
            self._held.append(data)
            if threading.get_ident() not in self._holders:
                self._flush(flags)
        return len(data)

    @contextmanager
    def together(self, more: bool = False) -> Iterator[None]:
        """Send at its end what this thread sends within the block, in one go; raise OSError.

        The block waits for nothing that what it holds must bring about. `more`: more follows at once, with which the
        last bytes may fill a segment.
        """
        self._holders.add(threading.get_ident())
        try:
            yield
        finally:
            self._holders.discard(threading.get_ident())
            with self._sending:
                self._flush(socket.MSG_MORE if more and self._fills else 0)

    def _flush(self, flags: int = 0) -> None:
        data, self._held = memoryview(b"".join(self._held)), []
        while data:
            try:
                data = data[super().send(data[: self._pace.await_room(self, len(data))], flags) :]
            except TimeoutError:  # paramiko's own, after which it looks whether it was closed meanwhile
                if self.fileno() < 0:
                    raise
