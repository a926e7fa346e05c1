"""The folders in which cameras leave what they push, and who has a file in hand: the server that receives, or we.

    drop/CAMERA         what the camera sees: its own, whole, through the FTP server
    drop/CAMERA.taken   what we have taken out of its reach, until it is catalogued
    drop/CAMERA.json    what is remembered between two processes

All on the file system of the spool. Whoever writes or takes a file holds its flock: the kernel lets go of it when that
process ends, whatever its end.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import StorageError

DROP, QUARANTINE = "drop", "quarantine"  # beside the spool
UNFINISHED = (".part", ".tmp", ".filepart", ".uploading")
_UNFIT = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Seen:
    """A file of a drop folder, as it was when we looked."""

    path: str  # relative
    size: int  # bytes
    modified: int  # nanoseconds since the epoch: the last byte came
    inode: int
    changed: float  # seconds since the epoch: when it last grew or was renamed


def is_unfinished(name: str) -> bool:
    """Tell whether a camera that names a file so will rename it when it is whole."""
    return name.startswith(".") or name.lower().endswith(UNFINISHED)


def look(root: Path, relative: str) -> Seen | None:
    """Return a regular file below `root`, None when there is none."""
    try:
        found = (root / relative).lstat()
    except OSError:
        return None
    return _seen(relative, found) if stat.S_ISREG(found.st_mode) else None


def _seen(relative: str, found: os.stat_result) -> Seen:
    return Seen(relative, found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime)


def files(root: Path) -> Iterator[Seen]:
    """Yield every regular file below `root`."""
    for folder, _, names in os.walk(root):
        for name in names:
            seen = look(root, (Path(folder) / name).relative_to(root).as_posix())
            if seen is not None:
                yield seen


@contextlib.contextmanager
def held(root: Path, seen: Seen) -> Iterator[int | None]:
    """Hold a file that is as it was seen; give its descriptor, or None when somebody writes it or it changed."""
    try:
        descriptor = os.open(root / seen.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        yield None
        return
    try:
        same = lock(descriptor) and _seen(seen.path, os.fstat(descriptor)) == seen == look(root, seen.path)
        yield descriptor if same else None
    finally:
        os.close(descriptor)


def lock(descriptor: int) -> bool:
    """Take the lock of an open file; return whether it was free."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def set_aside(path: Path, quarantine: Path, camera: str) -> str:
    """Move a file to the quarantine and return its name there; raise StorageError."""
    name = f"{camera}_{time.time_ns()}_{_UNFIT.sub('_', path.name)[-150:]}"
    try:
        quarantine.mkdir(mode=0o750, exist_ok=True)
        path.rename(quarantine / name)
    except OSError as error:
        raise StorageError(f"{name}: it cannot be set aside: {error.strerror}") from error
    return name


def prune(root: Path, before: float) -> None:
    """Remove folders below `root` that are empty, and were so before the second `before`."""
    for folder, _, _ in os.walk(root, topdown=False):
        with contextlib.suppress(OSError):
            if folder != str(root) and Path(folder).stat().st_mtime < before:
                Path(folder).rmdir()


@dataclass
class Memory:
    """What outlives a camera's process: the arrival of the last shot, and the file that is just being decoded."""

    file: Path
    _kept: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            read = json.loads(self.file.read_text())
            self._kept = read if isinstance(read, dict) else {}

    @property
    def last(self) -> int:
        """When the picture of the last shot came, nanoseconds since the epoch."""
        return int(self._kept.get("last", 0))

    def shot(self, modified: int) -> None:
        """Remember when the picture of this shot came."""
        self._write(last=modified)

    def begin(self, seen: Seen) -> int:
        """Remember that a file is being decoded; return how often that was begun before and never ended."""
        mark, times = [seen.path, seen.inode, seen.size], 0
        if self._kept.get("decoding") == mark:
            times = int(self._kept.get("times", 0))
        self._write(decoding=mark, times=times + 1)
        return times

    def end(self) -> None:
        """Remember that the decoding has ended."""
        self._write(decoding=None, times=0)

    def _write(self, **change: Any) -> None:
        self._kept |= change
        beside = self.file.with_suffix(".new")
        with contextlib.suppress(OSError):  # on a full disk it is forgotten: nothing is lost by that
            beside.write_text(json.dumps(self._kept))
            beside.replace(self.file)
