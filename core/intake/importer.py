"""Copy files that are not ours beside the spool, hashed as they are read, and bring those that are wanted into it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from core.errors import NotDurable
from core.intake.adopt import INCOMING
from core.intake.durable import make_folder, sync_folder, translated
from core.values import Sha256

BLOCK = 1 << 20  # bytes
PART = "import-"  # with which the names of unfinished copies begin


class Unreadable(Exception):
    """A file of the archive cannot be read, or was written to meanwhile: it is passed over, and told."""


@dataclass(frozen=True)
class Copy:
    """A copy beside the spool; nothing of it is certain to be on the disk before `Copies.spool`."""

    part: Path
    size: int
    sha256: Sha256


class Copies:
    """The folder spool/incoming, in which copies stand until somebody says whether they are wanted."""

    def __init__(self, spool: Path) -> None:
        self._spool = spool
        self._folder = spool / INCOMING
        self._count = 0
        make_folder(self._folder, spool)
        try:
            for path in list(self._folder.glob(f"{PART}*")):  # a stop left it; its source is still there
                path.unlink(missing_ok=True)
        except OSError as error:
            raise translated(error, self._folder) from error

    def copy(self, source: Path, progress: Callable[[int], None]) -> Copy:
        """Copy a file; `progress` hears the bytes of each block. Raise Unreadable, or StorageError for our own disk."""
        self._count += 1
        part, digest, size = self._folder / f"{PART}{self._count}", hashlib.sha256(), 0
        with _reading(source) as (descriptor, before):
            try:
                with part.open("xb", buffering=0) as target:
                    for block in _blocks(descriptor, source):
                        _write(target.fileno(), block)
                        digest.update(block)
                        size += len(block)
                        progress(len(block))
            except OSError as error:
                part.unlink(missing_ok=True)
                raise translated(error, part) from error
            except Unreadable:
                part.unlink(missing_ok=True)
                raise
            after = os.fstat(descriptor)
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns) or size != after.st_size:
            part.unlink(missing_ok=True)
            raise Unreadable("written to while it was read")
        return Copy(part, size, Sha256(digest.hexdigest()))

    def discard(self, copies: list[Copy]) -> None:
        """Forget copies that nobody wants."""
        for copy in copies:
            with suppress(OSError):
                copy.part.unlink(missing_ok=True)

    def close(self) -> None:
        """Take the folder away when nothing is in it."""
        with suppress(OSError):
            self._folder.rmdir()

    def spool(self, named: list[tuple[Copy, str]]) -> None:
        """Make copies durable and give them their names in the spool; raise StorageError."""
        for copy, _ in named:
            _sync(copy.part)
        for copy, name in named:
            try:
                copy.part.rename(self._spool / name)
            except OSError as error:
                raise translated(error, copy.part) from error
        if named:
            sync_folder(self._spool)


@contextmanager
def _reading(source: Path) -> Iterator[tuple[int, os.stat_result]]:
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from error
    try:
        info = os.fstat(descriptor)
        if not stat.S_ISREG(info.st_mode):
            raise Unreadable("not a regular file")
        yield descriptor, info
    finally:
        os.close(descriptor)


def _blocks(descriptor: int, source: Path) -> Iterator[bytes]:
    while True:
        try:
            block = os.read(descriptor, BLOCK)
        except OSError as error:
            raise Unreadable(f"cannot be read: {error.strerror}") from error
        if not block:
            return
        yield block


def _write(descriptor: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise NotDurable(f"{path}: {error.strerror}") from error


def remove(source: Path, size: int) -> bool:
    """Delete a file of the archive whose copy is safe here; return False when it is another one by now."""
    try:
        info = source.lstat()
        if not stat.S_ISREG(info.st_mode) or info.st_size != size:
            return False
        source.unlink()
    except OSError:
        return False
    return True
