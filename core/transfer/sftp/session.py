"""SFTP with many requests in flight, every answer looked at."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paramiko import Channel, Message, SFTPAttributes, SFTPClient
from paramiko.sftp import (
    CMD_CLOSE,
    CMD_EXTENDED,
    CMD_FSTAT,
    CMD_INIT,
    CMD_MKDIR,
    CMD_OPEN,
    CMD_READ,
    CMD_RENAME,
    CMD_STAT,
    CMD_STATUS,
    CMD_VERSION,
    CMD_WRITE,
    SFTP_FLAG_CREATE,
    SFTP_FLAG_READ,
    SFTP_FLAG_TRUNC,
    SFTP_FLAG_WRITE,
    SFTPError,
    int64,
)

from core.transfer.sftp.faults import SPOKEN

BLOCK = 32640  # bytes of one request: with its head in one SSH packet, of which every server takes 32 kB
WINDOW = 32  # of them in flight: 1 MB, all that a cut can lose of what a server has received and not yet written
LARGEST = 255 << 10  # bytes of one request where the server takes longer ones: OpenSSH's own limit
SPARE = 4  # blocks at once, from which on they go together: so many are granted only where they take a second
SFTP_VERSION = 3
STATVFS, POSIX_RENAME, FSYNC = "statvfs@openssh.com", "posix-rename@openssh.com", "fsync@openssh.com"
LIMITS = "limits@openssh.com"  # PROTOCOL of OpenSSH, 4.8


class Replies:
    """Collects the answers to requests that were sent without waiting."""

    def __init__(self) -> None:
        self.got: dict[int, tuple[int, Message]] = {}

    def _async_response(self, kind: int, message: Message, number: int) -> None:
        self.got[number] = (kind, message)


class Session(SFTPClient):
    """SFTP with many requests in flight, and the OpenSSH extensions that paramiko leaves out."""

    sock: Channel
    extensions: frozenset[str]
    _longest: int | None = None  # bytes of a write that the server takes; None: not asked yet
    if TYPE_CHECKING:  # what the stubs of paramiko leave out

        def _send_packet(self, kind: int, packet: Message) -> None: ...
        def _read_packet(self) -> tuple[int, bytes]: ...
        def _request(self, kind: int, *args: object) -> tuple[int, Message]: ...
        def _async_request(self, replies: object, kind: int, *args: object) -> int: ...
        def _read_response(self, waitfor: int | None = None) -> tuple[int, Message]: ...
        def _convert_status(self, message: Message) -> None: ...

    @property
    def alive(self) -> bool:
        """Whether the connection still stands, as far as is known."""
        return self.sock.get_transport().is_active() and not self.sock.closed

    def close(self) -> None:
        """End the session, however its connection stands; safe to call twice."""
        with contextlib.suppress(*SPOKEN):
            super().close()

    def create(self, path: str, fresh: bool) -> bytes:
        """Open `path` for writing, made when missing, emptied when `fresh`; return its handle."""
        flags = SFTP_FLAG_WRITE | SFTP_FLAG_CREATE | (SFTP_FLAG_TRUNC if fresh else 0)
        return self._request(CMD_OPEN, path, flags, SFTPAttributes())[1].get_string()

    def size(self, handle: bytes) -> int:
        """Return the size of an open file in bytes."""
        return _size_in(self._request(CMD_FSTAT, handle)[1])

    def send(self, replies: object, kind: int, *args: object) -> int:
        """Send a request without waiting; its answer goes to `replies`. Return its number."""
        return self._async_request(replies, kind, *args)

    def receive(self) -> None:
        """Read one answer, whosever it is."""
        self._read_response()

    def check(self, message: Message) -> None:
        """Raise what a status message says."""
        self._convert_status(message)

    def flight(self, *requests: tuple[Any, ...]) -> Flight:
        """Send all requests at once, behind what is on its way already."""
        replies = Replies()
        return Flight(self, replies, [self.send(replies, *request) for request in requests])

    def make_folders(self, folders: Iterable[str]) -> None:
        """Ask for all these folders in one flight, whatever the server says: what is missing then shows later."""
        replies = Replies()
        numbers = [self.send(replies, CMD_MKDIR, folder, SFTPAttributes()) for folder in folders]
        while len(replies.got) < len(numbers):
            self.receive()

    def finish(self, handle: bytes) -> Flight:
        """Ask for an open file to be made durable as far as the server can, measured and closed.

        The answers: to the measuring the last but one.
        """
        requests: list[tuple[Any, ...]] = [(CMD_FSTAT, handle), (CMD_CLOSE, handle)]
        if FSYNC in self.extensions:
            requests.insert(0, (CMD_EXTENDED, FSYNC, handle))
        return self.flight(*requests)

    def move(self, partial: str, path: str) -> int:
        """Rename over what is there where the server can, else to a free name; return the size that is there then."""
        over = POSIX_RENAME in self.extensions
        renaming = (CMD_EXTENDED, POSIX_RENAME, partial, path) if over else (CMD_RENAME, partial, path)
        moved = self.flight(renaming, (CMD_STAT, path))
        moved.answer(0)
        try:
            return _size_in(moved.answer(1))
        except FileNotFoundError:  # no server must do one thing after the other
            return self.stat(path).st_size or 0

    def forget(self, handle: bytes) -> None:
        """Close a file without waiting for the answer."""
        self.send(type(None), CMD_CLOSE, handle)

    def free(self, folder: str) -> int | None:
        """Return the bytes that fit below `folder`, None when the server does not say."""
        if STATVFS not in self.extensions:
            return None
        answer = self._request(CMD_EXTENDED, STATVFS, folder)[1]
        _, fragment, _, _, available, files, _, files_available = (answer.get_int64() for _ in range(8))
        return 0 if files and not files_available else fragment * available

    def longest_write(self) -> int:
        """Return how many bytes one write may have: more than a block where the server says so."""
        if self._longest is None:
            self._longest = BLOCK
            if LIMITS in self.extensions:
                answer = self._request(CMD_EXTENDED, LIMITS)[1]
                _, _, longest = (answer.get_int64() for _ in range(3))  # of a packet, a read, a write
                self._longest = max(BLOCK, min(longest, LARGEST))
        return self._longest

    def blocks(self, path: str, offset: int) -> Iterator[bytes]:
        """Yield the bytes of a file from `offset`, WINDOW requests ahead."""
        handle = self._request(CMD_OPEN, path, SFTP_FLAG_READ, SFTPAttributes())[1].get_string()
        try:
            yield from self._read_ahead(handle, offset, self.size(handle))
        finally:
            with contextlib.suppress(*SPOKEN):
                self.forget(handle)

    def _read_ahead(self, handle: bytes, position: int, end: int) -> Iterator[bytes]:
        replies, ahead = Replies(), deque[tuple[int, int, int]]()
        while ahead or position < end:
            while len(ahead) < WINDOW and position < end:
                length = min(BLOCK, end - position)
                ahead.append((self._ask(replies, handle, position, length), position, length))
                position += length
            number, start, length = ahead.popleft()
            while number not in replies.got:
                self.receive()
            kind, message = replies.got.pop(number)
            if kind == CMD_STATUS:
                return self._ended(message)
            data = message.get_string()
            yield data
            if 0 < len(data) < length:
                start, length = start + len(data), length - len(data)
                ahead.appendleft((self._ask(replies, handle, start, length), start, length))

    def _ask(self, replies: Replies, handle: bytes, start: int, length: int) -> int:
        return self.send(replies, CMD_READ, handle, int64(start), length)

    def _ended(self, message: Message) -> None:
        with contextlib.suppress(EOFError):  # the file became shorter while we read
            self.check(message)

    def _send_version(self) -> int:
        """Greet as paramiko does, and keep the extensions that the server names."""
        hello = Message()
        hello.add_int(SFTP_VERSION)
        self._send_packet(CMD_INIT, hello)
        kind, data = self._read_packet()
        if kind != CMD_VERSION:
            raise SFTPError("the server speaks no SFTP")
        answer, words = Message(data[4:]), []
        while answer.get_remainder():
            words.append(answer.get_string().decode("latin-1"))
        self.extensions = frozenset(words[::2])
        return int.from_bytes(data[:4], "big")


@dataclass(frozen=True, slots=True)
class Flight:
    """Requests that were sent without waiting."""

    session: Session
    replies: Replies
    numbers: Sequence[int]

    def answer(self, nth: int) -> Message:
        """Wait for all answers and return one; raise what it says."""
        while len(self.replies.got) < len(self.numbers):
            self.session.receive()
        kind, message = self.replies.got[self.numbers[nth]]
        if kind == CMD_STATUS:
            self.session.check(message)
        return message


def _size_in(answer: Message) -> int:
    return SFTPAttributes._from_msg(answer).st_size or 0  # type: ignore[attr-defined]


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
        return _size_in(closing.answer(-2))

    def _send(self, piece: bytes) -> None:
        number = self._session.send(self, CMD_WRITE, self._handle, int64(self.end), piece)
        self._waiting[number] = range(self.end, self.end + len(piece))
        self._in_flight += len(piece)
        self.end += len(piece)
        while self._in_flight >= WINDOW * BLOCK or self._session.sock.recv_ready():
            self._session.receive()
        self._raise_failure()

    def settle(self) -> None:
        """Wait for every answer."""
        while self._waiting:
            self._session.receive()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _async_response(self, kind: int, message: Message, number: int) -> None:
        piece = self._waiting.pop(number)
        self._in_flight -= len(piece)
        try:
            self._session.check(message)
        except (OSError, EOFError) as error:
            self._failed_at = min(self.whole, piece.start)
            self._failure = self._failure or error
