"""The writes of one file: many on their way at once, every answer heard."""

from __future__ import annotations

from paramiko import Message
from paramiko.sftp import CMD_WRITE, int64

from core.transfer.sftp.requests import BLOCK, WINDOW, size_in
from core.transfer.sftp.session import Session

SPARE = 4  # blocks at once, from which on they go together: so many are granted only where they take a second


class Writes:
    """The writes of one file that are on their way.

    paramiko's own pipeline drops the answers to the last hundred writes: a full disk then goes unnoticed, or leaves
    a hole in a file of the right size (measured). Here every answer counts.
    """

    def __init__(self, session: Session, handle: bytes, offset: int) -> None:
        self._session, self._handle = session, handle
        self._waiting: dict[int, range] = {}  # request -> the bytes of the file that it has
        self._in_flight = 0  # bytes
        self._failure: Exception | None = None
        self._held = b""  # less than a block: it goes with what follows
        self.end = offset
        self._failed_at: int | None = None

    @property
    def failed(self) -> bool:
        """Whether the server could not do one of the writes."""
        return self._failed_at is not None

    @property
    def whole(self) -> int:
        """Where the good part of the file ends: before the first write that failed."""
        return self.end if self._failed_at is None else self._failed_at

    def send(self, data: bytes) -> None:
        """Send `data`, all but a last piece that fills no block; raise the failure of this or an earlier write."""
        rest = memoryview(self._held + data)
        size = self._session.longest_write() if len(rest) >= SPARE * BLOCK else BLOCK
        while len(rest) >= BLOCK:
            self._send(bytes(rest[:size]))
            rest = rest[size:]
        self._held = bytes(rest)
        self._session.push(more=True)

    def flush(self) -> None:
        """Send the last piece; raise the first failure that is known."""
        held, self._held = self._held, b""
        if held and not self.failed:
            self._send(held)
        self._raise_failure()

    def drain(self) -> None:
        """Send the last piece and wait for every answer; raise the first failure."""
        self.flush()
        self.settle()
        self._raise_failure()

    def close(self) -> int:
        """Have the file synced, measured and closed behind the last write, in one flight; return its size.

        Raise the first failure of a write.
        """
        closing = self._session.finish(self._handle)
        self.settle()
        self._raise_failure()
        for nth in range(len(closing.numbers)):
            closing.answer(nth)
        return size_in(closing.answer(-2))

    def _send(self, piece: bytes) -> None:
        number = self._session.send(self, CMD_WRITE, self._handle, int64(self.end), piece)
        self._waiting[number] = range(self.end, self.end + len(piece))
        self._in_flight += len(piece)
        self.end += len(piece)
        while self._in_flight >= WINDOW * BLOCK or self._session.has_answers:
            self._session.receive()
        self._raise_failure()

    def settle(self) -> None:
        """Wait for every answer."""
        while self._waiting:
            self._session.receive()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def hear(self, kind: int, message: Message, number: int) -> None:
        piece = self._waiting.pop(number)
        self._in_flight -= len(piece)
        try:
            self._session.check(message)
        except (OSError, EOFError) as error:
            self._failed_at = min(self.whole, piece.start)
            self._failure = self._failure or error
