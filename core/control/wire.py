"""What both ends of the control socket agree on: the limits, one line each way, paths of any length."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import BadRequest

MAX_REQUEST = 64_000  # bytes of one line, its end included
MAX_ANSWER = 4_000_000  # bytes; lists carry their own limits, this one is against what answers without end
PATIENCE = 5.0  # seconds that a client waits
ANSWER_WITHIN = 4.5  # seconds in which the server has said something: before the client gives up
_LONGEST_ADDRESS = 107  # bytes; sun_path has 108 with its end


@contextmanager
def address(path: str | os.PathLike[str]) -> Iterator[str]:
    """Yield what to bind or connect to for the socket at `path`, however long that is.

    The kernel takes 107 bytes; a longer path goes through the descriptor of its opened folder. OSError when the
    folder is not there.
    """
    text = os.fspath(path)
    if len(os.fsencode(text)) <= _LONGEST_ADDRESS:
        yield text
        return
    folder, _, name = text.rpartition("/")
    descriptor = os.open(folder or "/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


def read_line(connection: socket.socket, limit: int, until: float) -> bytes:
    """Return the first line without its end; what follows it is never read as another.

    Raise TimeoutError at `until` (monotonic seconds), EOFError when the other end stops in the middle and BadRequest
    when the line is longer than `limit`.
    """
    received = bytearray()
    while b"\n" not in received:
        if len(received) >= limit:
            raise BadRequest(f"a line has at most {limit} bytes")
        connection.settimeout(_left(until))
        more = connection.recv(min(1 << 16, limit - len(received)))
        if not more:
            raise EOFError
        received += more
    return bytes(received.partition(b"\n")[0])


def write_line(connection: socket.socket, line: bytes, until: float) -> None:
    """Send `line` and its end; raise TimeoutError at `until`, OSError when the other end is gone."""
    connection.settimeout(_left(until))
    connection.sendall(line + b"\n")


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
