"""Nagios Core's command file: commands as lines, written so that a Nagios that is stopped never blocks anybody.

External commands as in Nagios Core 4's base/commands.c; a FIFO without a reader refuses O_WRONLY|O_NONBLOCK with
ENXIO, and a write of at most PIPE_BUF bytes (4096) is never mixed with those of others (pipe(7)).
"""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from collections.abc import Iterable, Iterator

from checks.gateway.results import Result
from core.errors import MonitorUnreachable

WRITE = 4096  # bytes of one write: PIPE_BUF
PATIENCE = 5.0  # seconds that a full pipe may stay full


def passive(result: Result) -> str:
    """Return the line that tells a result, without its newline; what is too long for one write loses its end."""
    head = f"[{result.at:.0f}] "
    if result.service:
        head += f"PROCESS_SERVICE_CHECK_RESULT;{result.host};{result.service};{result.state};"
    else:
        head += f"PROCESS_HOST_CHECK_RESULT;{result.host};{result.state};"
    data = " ".join(result.perfdata)
    first = _escaped(result.line) + (f"|{data}" if data else "")
    room = WRITE - 1 - len((head + first).encode())
    long = _escaped(f"\n{result.long}") if result.long else ""
    return head + first + _cut(long, max(0, room))


def acknowledge(host: str, service: str, author: str, comment: str, now: float) -> str:
    """Return the line that acknowledges a problem until it is over; sticky, without a notification, kept."""
    return f"[{now:.0f}] ACKNOWLEDGE_SVC_PROBLEM;{host};{service};2;0;1;{_word(author)};{_word(comment)}"


def end_acknowledgement(host: str, service: str, now: float) -> str:
    """Return the line that takes an acknowledgement back: Nagios Core knows none that ends of itself."""
    return f"[{now:.0f}] REMOVE_SVC_ACKNOWLEDGEMENT;{host};{service}"


def downtime(host: str, service: str, begin: float, end: float, author: str, comment: str, now: float) -> str:
    """Return the line that notes a fixed downtime."""
    span = f"{begin:.0f};{end:.0f};1;0;{max(0.0, end - begin):.0f}"
    return f"[{now:.0f}] SCHEDULE_SVC_DOWNTIME;{host};{service};{span};{_word(author)};{_word(comment)}"


def end_downtime(host: str, service: str, begin: float, now: float) -> str:
    """Return the line that ends a downtime of a service that began then."""
    return f"[{now:.0f}] DEL_DOWNTIME_BY_HOST_NAME;{host};{service};{begin:.0f}"


def quietly(host: str, service: str, lines: Iterable[str], now: float) -> str:
    """Return lines that notify nobody: what had ended before it could be told wakes no one."""
    stamp = f"[{now:.0f}] "
    return "\n".join(
        [
            f"{stamp}DISABLE_SVC_NOTIFICATIONS;{host};{service}",
            *lines,
            f"{stamp}ENABLE_SVC_NOTIFICATIONS;{host};{service}",
        ]
    )


def write(path: str, lines: Iterable[str]) -> int:
    """Write lines into the command file, and return how many; raise MonitorUnreachable."""
    try:
        pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        why = "Nagios does not run" if error.errno == errno.ENXIO else (error.strerror or "cannot be opened")
        raise MonitorUnreachable(f"{path}: {why}") from None
    try:
        if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
            raise MonitorUnreachable(f"{path}: not a command file; Nagios makes it when it starts")
        count = 0
        for block, number in _blocks(lines):
            _put(pipe, block, path)
            count += number
        return count
    finally:
        os.close(pipe)


def _blocks(lines: Iterable[str]) -> Iterator[tuple[bytes, int]]:
    """Yield whole lines together, as many as one write takes."""
    block, number = b"", 0
    for line in lines:
        data = line.encode("utf-8", "replace") + b"\n"
        if block and len(block) + len(data) > WRITE:
            yield block, number
            block, number = b"", 0
        block, number = block + data, number + 1
    if block:
        yield block, number


def _put(pipe: int, block: bytes, path: str) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            os.write(pipe, block)  # whole or not at all: it is no longer than PIPE_BUF
        except BlockingIOError:
            left = until - time.monotonic()
            if left <= 0:
                raise MonitorUnreachable(f"{path}: Nagios reads nothing for {PATIENCE:.0f} s") from None
            select.select([], [pipe], [], left)
        except OSError as error:
            raise MonitorUnreachable(f"{path}: {error.strerror}") from None
        else:
            return


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _word(text: str) -> str:
    """Return a text that ends no field of a command."""
    return text.replace(";", ",").replace("\n", " ")[:200] or "Overlapse"


def _cut(text: str, room: int) -> str:
    """Return the beginning of an escaped text, in whole lines where it is too long."""
    data = text.encode("utf-8", "replace")
    if len(data) <= room:
        return text
    return data[:room].decode("utf-8", "ignore").rpartition("\\n")[0]
