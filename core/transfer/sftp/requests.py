"""What goes over the wire of SFTP: requests as they are sent, answers as they are read."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, Protocol

from paramiko import Message, SFTPAttributes
from paramiko.sftp import CMD_OPEN, SFTP_FLAG_CREATE, SFTP_FLAG_TRUNC, SFTP_FLAG_WRITE, int64

BLOCK = 32640  # bytes of one request: with its head in one SSH packet, of which every server takes 32 kB
WINDOW = 32  # of them in flight: 1 MB, all that a cut can lose of what a server has received and not yet written
LARGEST = 255 << 10  # bytes of one request where the server takes longer ones: OpenSSH's own limit
NO_ATTRIBUTES = 0  # the flags of attributes of which none follows
HEAD = struct.Struct(">IBI")  # of a request: length, kind, number
STATVFS, POSIX_RENAME, FSYNC = "statvfs@openssh.com", "posix-rename@openssh.com", "fsync@openssh.com"
LIMITS = "limits@openssh.com"  # PROTOCOL of OpenSSH, 4.8


class Hears(Protocol):
    """Who waits for answers."""

    def hear(self, kind: int, message: Message, number: int) -> None:
        """Take the answer to the request `number`."""
        ...


class Replies:
    """Collects the answers to requests that were sent without waiting."""

    def __init__(self) -> None:
        self.got: dict[int, tuple[int, Message]] = {}

    def hear(self, kind: int, message: Message, number: int) -> None:
        self.got[number] = (kind, message)


def creation(path: str, fresh: bool) -> tuple[Any, ...]:
    """Return the request that opens `path` for writing, made when missing, emptied when `fresh`."""
    flags = SFTP_FLAG_WRITE | SFTP_FLAG_CREATE | (SFTP_FLAG_TRUNC if fresh else 0)
    return CMD_OPEN, path, flags, NO_ATTRIBUTES


def encoded(kind: int, number: int, args: Iterable[object]) -> list[bytes]:
    """Return a request as it goes over the wire, in pieces: what is long is not copied."""
    pieces = [b""]
    for one in args:
        if isinstance(one, int):
            pieces.append(one.to_bytes(8 if isinstance(one, int64) else 4, "big"))
        elif isinstance(one, SFTPAttributes):
            attributes = Message()
            one._pack(attributes)  # type: ignore[attr-defined]
            pieces.append(attributes.asbytes())
        else:
            text = one.encode() if isinstance(one, str) else one
            assert isinstance(text, bytes)
            pieces += (len(text).to_bytes(4, "big"), text)
    pieces[0] = HEAD.pack(5 + sum(map(len, pieces)), kind, number)
    return pieces


def free_in(answer: Message) -> int:
    """Return the bytes that fit, as an answer to STATVFS says."""
    _, fragment, _, _, available, files, _, files_available = (answer.get_int64() for _ in range(8))
    return 0 if files and not files_available else fragment * available


def size_in(answer: Message) -> int:
    """Return the bytes of a file, as its attributes say."""
    return SFTPAttributes._from_msg(answer).st_size or 0  # type: ignore[attr-defined]
