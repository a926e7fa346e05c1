"""`audit.log`: who asked for what and what came of it, in lines that each carry the hash of the one before.

Whoever changes, removes or inserts a line breaks the chain from there on. Cutting off its end leaves it whole: copies
of the file on other machines tell that.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.clock import Clock
from core.control.peer import Who
from core.errors import DiskFull, NoSuchThing, NotDurable, StorageError
from core.text import safe

log = logging.getLogger(__name__)

GENESIS = "0" * 64  # what the first line names as the hash before it
_TAIL = 1 << 18  # bytes; a line is at most a request long
_SEALED = re.compile(rb'(\{.*),"hash":"([0-9a-f]{64})"\}', re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Line:
    previous: str
    torn: str | None
    hash: str


class Audit:
    """The audit log of one node; every call opens the file anew, so that several processes may write to it."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock

    def record(self, who: Who, verb: str, args: Mapping[str, object], result: str, request: str | None = None) -> None:
        """Append one line and make it durable; raise StorageError. `request`: the number by which who asked knows it.

        A last line that was torn (power cut, full disk) stays; the new one is marked with its hash and goes on from
        the last good one.
        """
        try:
            with _opened(self.path) as descriptor:
                previous, torn = _end_of(descriptor)
                if torn is not None:
                    log.warning("audit log torn: path=%s bytes=%d", self.path, len(torn))
                entry = self._entry(who, verb, args, result, torn) | ({} if request is None else {"request": request})
                line = _seal(entry, previous)
                _append(descriptor, line if _ends_a_line(descriptor) else b"\n" + line)
        except OSError as error:
            raise storage_error(error, self.path) from error

    def _entry(
        self, who: Who, verb: str, args: Mapping[str, object], result: str, torn: bytes | None
    ) -> dict[str, object]:
        person: dict[str, object] = {"uid": who.uid, "user": who.user, "role": who.role.word}
        if who.key is not None:
            person["key"] = who.key
        if who.node is not None:
            person |= {"node": who.node, "order": who.order}
        at = self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        entry: dict[str, object] = {"at": at, "who": person, "verb": verb, "args": args, "result": safe(result)}
        if torn is not None:
            entry["torn"] = _sha256(torn)
        return entry


def verify(path: Path) -> int | None:
    """Return the number of the first broken line, counted from 1, or None when the chain is whole.

    Torn lines that the next one marks are no break. Raise NoSuchThing when there is no log, StorageError when it
    cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise NoSuchThing(f"{path}: there is no audit log") from error
    except OSError as error:
        raise storage_error(error, path) from error
    previous, torn = GENESIS, None
    for number, raw in enumerate(_lines(content), 1):
        line = _parse(raw)
        if line is None:
            if torn is not None or _is_json(raw):
                return torn[0] if torn else number
            torn = (number, raw)
            continue
        if line.previous != previous or line.torn != (_sha256(torn[1]) if torn else None):
            return torn[0] if torn else number
        previous, torn = line.hash, None
    return torn[0] if torn else None


def unbroken(raw: bytes) -> bool:
    """Tell whether a line, without its end, is as it was written; whether one is missing before it, `verify` tells."""
    return _parse(raw) is not None


def _seal(entry: Mapping[str, object], previous: str) -> bytes:
    body = json.dumps({**entry, "previous": previous}, separators=(",", ":")).encode()
    return body[:-1] + b',"hash":"' + _hash(previous, body).encode() + b'"}\n'


def _parse(raw: bytes) -> _Line | None:
    """Return what a line says of the chain, None when the line itself is not whole."""
    sealed = _SEALED.fullmatch(raw)
    if sealed is None:
        return None
    body = sealed[1] + b"}"
    try:
        entry = json.loads(body)
        previous, torn = entry["previous"], entry.get("torn")
    except (ValueError, KeyError, RecursionError):
        return None
    found = sealed[2].decode()
    return _Line(previous, torn, found) if isinstance(previous, str) and _hash(previous, body) == found else None


def _hash(previous: str, body: bytes) -> str:
    return _sha256(previous.encode() + body)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _is_json(raw: bytes) -> bool:
    """Say whether `raw` is a whole object: then it was altered, for a cut never leaves one."""
    try:
        return isinstance(json.loads(raw), dict)
    except (ValueError, RecursionError):
        return False


def _lines(content: bytes) -> list[bytes]:
    lines = content.split(b"\n")
    return lines if lines[-1] else lines[:-1]


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_size == 0:
            _sync_folder(path.parent)
        yield descriptor
    finally:
        os.close(descriptor)


def _end_of(descriptor: int) -> tuple[str, bytes | None]:
    """Return the hash of the last good line, and the torn one behind it if there is one."""
    size = os.fstat(descriptor).st_size
    for start in (max(0, size - _TAIL), 0):
        lines = _lines(os.pread(descriptor, size - start, start))
        for back, raw in enumerate(reversed(lines)):
            if (line := _parse(raw)) is not None:
                return line.hash, _torn(lines, back, descriptor)
    return GENESIS, _torn(lines, len(lines), descriptor)


def _torn(lines: list[bytes], bad: int, descriptor: int) -> bytes | None:
    """Return the last line if it alone is bad and has no end: one that has an end was altered, and stays broken."""
    return lines[-1] if bad == 1 and not _ends_a_line(descriptor) else None


def _ends_a_line(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"


def _append(descriptor: int, line: bytes) -> None:
    while line:
        line = line[os.write(descriptor, line) :]
    os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def storage_error(error: OSError, path: Path) -> StorageError:
    """Return what an error of the disk is called here."""
    kind = {errno.ENOSPC: DiskFull, errno.EDQUOT: DiskFull, errno.EIO: NotDurable}.get(error.errno or 0, StorageError)
    return kind(f"{path}: {error.strerror}")
