"""SFTP with many requests in flight, every answer looked at."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from paramiko import Channel, Message, SFTPClient, SSHException
from paramiko.common import MSG_CHANNEL_REQUEST, byte_chr
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
    SFTP_FLAG_READ,
    SFTPError,
    int64,
)

from core.transfer.sftp.faults import SPOKEN
from core.transfer.sftp.inlet import Inlet
from core.transfer.sftp.requests import (
    BLOCK,
    FSYNC,
    LARGEST,
    LIMITS,
    NO_ATTRIBUTES,
    POSIX_RENAME,
    STATVFS,
    WINDOW,
    Hears,
    Replies,
    creation,
    encoded,
    free_in,
    size_in,
)
from core.transfer.sftp.wire import Wire

RECEIVE = 64 << 10  # bytes taken from the channel at once
LONGEST_ANSWER = 16 << 20  # bytes; whoever announces more speaks something else
SFTP_VERSION = 3


class Session(SFTPClient):
    """SFTP with many requests in flight, and the OpenSSH extensions that paramiko leaves out."""

    sock: Channel
    extensions: frozenset[str]
    _longest: int | None = None  # bytes of a write that the server takes; None: not asked yet
    if TYPE_CHECKING:  # what the stubs of paramiko leave out

        def _convert_status(self, message: Message) -> None: ...

    def __init__(self, channel: Channel) -> None:
        """Open SFTP on a fresh channel; raise what SPOKEN names."""
        self._numbers = count(1)
        self._awaited: dict[int, Hears | None] = {}  # requests without an answer -> who hears it
        self._leaving: list[bytes] = []  # requests that go with the next ones, or when somebody waits
        self._came = bytearray()  # answers, the last one perhaps in part
        Inlet.of(channel)
        super().__init__(channel)

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
        return self._request(*creation(path, fresh))[1].get_string()

    def size(self, handle: bytes) -> int:
        """Return the size of an open file in bytes."""
        return size_in(self._request(CMD_FSTAT, handle)[1])

    def send(self, replies: Hears | None, kind: int, *args: object) -> int:
        """Send a request without waiting; its answer goes to `replies`. Return its number.

        It leaves together with what follows it, at the latest when somebody waits or pushes.
        """
        number = next(self._numbers)
        self._awaited[number] = replies
        self._leaving += encoded(kind, number, args)
        return number

    def push(self, more: bool = False) -> None:
        """Send what has not left yet, in as few packets as it needs. `more` is to follow, most likely at once."""
        if self._leaving:
            data: Any = memoryview(b"".join(self._leaving))
            self._leaving = []
            while data:
                with self._together(more):
                    while data and self.sock.send_ready():
                        data = data[self.sock.send(data) :]
                if data:  # wait for the server's window
                    data = data[self.sock.send(data) :]

    def _together(self, more: bool = False) -> contextlib.AbstractContextManager[None]:
        wire = self.sock.get_transport().sock
        return wire.together(more) if isinstance(wire, Wire) else contextlib.nullcontext()

    @property
    def awaits(self) -> bool:
        """Whether an answer is still to come that somebody hears. Any thread may ask."""
        return any(one is not None for one in list(self._awaited.values()))

    @property
    def has_answers(self) -> bool:
        """Whether an answer, or a part of one, is here already."""
        return bool(self._came) or self.sock.recv_ready()

    def receive(self) -> None:
        """Send what has not left yet and read one answer, whosever it is."""
        self.push()
        kind, data = self._read_packet()
        number = int.from_bytes(data[:4], "big")
        replies = self._awaited.pop(number, None)
        if replies is not None:
            replies.hear(kind, Message(data[4:]), number)

    def _request(self, kind: int, *args: object) -> tuple[int, Message]:
        """Ask and wait for the answer, as the methods do that are paramiko's own; raise what it says."""
        replies = Replies()
        number = self.send(replies, kind, *args)
        while number not in replies.got:
            self.receive()
        if replies.got[number][0] == CMD_STATUS:
            self.check(replies.got[number][1])
        return replies.got[number]

    def _read_packet(self) -> tuple[int, bytes]:
        came = self._came
        while len(came) < 4 or len(came) < 4 + (size := int.from_bytes(came[:4], "big")):
            if len(came) >= 4 and not 0 < size <= LONGEST_ANSWER:
                raise SFTPError("the server does not speak SFTP")
            more = self.sock.recv(RECEIVE)
            if not more:
                raise SSHException("the server ended the session")
            came += more
        kind, data = came[4], bytes(came[5 : 4 + size])
        del came[: 4 + size]
        return kind, data

    def check(self, message: Message) -> None:
        """Raise what a status message says."""
        self._convert_status(message)

    def flight(self, *requests: tuple[Any, ...]) -> Flight:
        """Send all requests at once, behind what is on its way already."""
        replies = Replies()
        return Flight(self, replies, [self.send(replies, *request) for request in requests])

    def make_folders(self, folders: Iterable[str]) -> None:
        """Ask for all these folders in one flight, whatever the server says: what is missing then shows later."""
        self.flight(*((CMD_MKDIR, folder, NO_ATTRIBUTES) for folder in folders)).wait()

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
            return size_in(moved.answer(1))
        except FileNotFoundError:  # no server must do one thing after the other
            return self.stat(path).st_size or 0

    def forget(self, handle: bytes) -> None:
        """Close a file without waiting for the answer."""
        self.send(None, CMD_CLOSE, handle)
        self.push()

    def free(self, folder: str) -> int | None:
        """Return the bytes that fit below `folder`, None when the server does not say."""
        if STATVFS not in self.extensions:
            return None
        return free_in(self._request(CMD_EXTENDED, STATVFS, folder)[1])

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
        handle = self._request(CMD_OPEN, path, SFTP_FLAG_READ, NO_ATTRIBUTES)[1].get_string()
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
        """Ask for SFTP, greet without waiting for the answer, and keep the extensions that the server names.

        A server that offers none closes the channel.
        """
        asking = Message()
        asking.add_byte(byte_chr(MSG_CHANNEL_REQUEST))
        asking.add_int(self.sock.remote_chanid)
        asking.add_string("subsystem")
        asking.add_boolean(True)
        asking.add_string("sftp")
        self._leaving += encoded(CMD_INIT, SFTP_VERSION, ())
        with self._together():
            self.sock.get_transport()._send_user_message(asking)  # type: ignore[attr-defined]
            self.push()
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

    def wait(self) -> None:
        """Wait for all answers."""
        while len(self.replies.got) < len(self.numbers):
            self.session.receive()

    def answer(self, nth: int) -> Message:
        """Wait for all answers and return one; raise what it says."""
        self.wait()
        kind, message = self.replies.got[self.numbers[nth]]
        if kind == CMD_STATUS:
            self.session.check(message)
        return message
