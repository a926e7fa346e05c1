"""A folder in which something that is not ours leaves pictures: each slot takes the newest whole one."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from core.capture.base import Identity, Part, Shot, Telemetry
from core.capture.shot import Spool, kind_of, kinds_of
from core.errors import CameraError, CameraGone, CameraTimeout, CameraTransferCut
from core.site.model.cameras import Camera, FolderSource
from core.text import safe
from core.values import PictureName, seconds_of

BLOCK = 1 << 20  # bytes
DAY = timedelta(days=1)
SLACK = 1.5  # intervals: the source's rhythm is its own


@dataclass(frozen=True, slots=True)
class _Found:
    """A picture in the folder, as it was when we looked."""

    path: str  # relative
    size: int  # bytes
    modified: int  # nanoseconds since the epoch
    inode: int
    changed: float  # seconds since the epoch: when it last grew, was renamed or given another time

    @property
    def told(self) -> str:
        """Its path as text: bytes of the name that are no UTF-8 are escaped, for no catalogue could hold them."""
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")


class FolderCamera:
    """A folder, and those below it, in which pictures appear. Other files are never touched."""

    def __init__(self, camera: Camera, spool: Path, secrets: Mapping[str, str]) -> None:
        assert isinstance(camera.source, FolderSource)
        self._source, self._spool = camera.source, spool
        self._root = Path(camera.source.path)
        self._wanted = kinds_of(camera)
        self._fresh = freshness(camera).total_seconds()
        self._taken: set[_Found] = set()

    def open(self) -> Telemetry:
        self._list()
        return self.telemetry()

    def close(self) -> None:
        return

    def telemetry(self) -> Telemetry:
        return {"model": "folder"}

    def set_clock(self) -> Telemetry:
        return {}

    def shoot(self, identity: Identity, at: datetime) -> Shot:
        pair = self._newest(at.timestamp())
        shutter = max(found.modified for found in pair) / 1e9
        spool = Spool(self._spool, identity)
        names = spool.names(seconds_of(at), [found.path for found in pair])
        parts = [self._copy(found, spool, names[found.path]) for found in pair]
        spool.settle()
        self._taken = {*pair, *(old for old in self._taken if self._is_fresh(old, at.timestamp()))}
        return Shot(shutter, parts, partial={part.kind for part in parts} < self._wanted)

    def release(self, source_names: Sequence[str]) -> None:
        """Remove what we took, where the configuration says so, unless something newer has its name by now."""
        if not self._source.remove:
            return
        for found in [one for one in self._taken if one.told in source_names]:
            if self._look(self._root / found.path) == found:
                (self._root / found.path).unlink(missing_ok=True)
            self._taken.discard(found)

    def _newest(self, at: float) -> list[_Found]:
        shots: dict[str, list[_Found]] = {}
        for found in self._list():
            shots.setdefault(found.path.rpartition(".")[0], []).append(found)
        ready = [pair for pair in shots.values() if self._is_ready(pair, at)]
        if not ready:
            raise CameraTimeout(f"{safe(self._root)}: no new whole picture")
        newest = max(ready, key=lambda pair: max(found.modified for found in pair))
        return sorted(newest, key=lambda found: found.path)

    def _is_ready(self, pair: Sequence[_Found], at: float) -> bool:
        """Tell whether these files of one stem have stopped growing, are new, and not taken already."""
        settled = time.time() - max(max(found.changed, found.modified / 1e9) for found in pair)
        fresh = any(self._is_fresh(found, at) for found in pair)
        return settled >= self._source.settle.total_seconds() and fresh and not self._taken.intersection(pair)

    def _is_fresh(self, found: _Found, at: float) -> bool:
        return found.modified / 1e9 > at - self._fresh

    def _list(self) -> list[_Found]:
        if not self._root.is_dir():
            raise CameraGone(f"{safe(self._root)}: no such folder")
        return list(self._walk())

    def _walk(self) -> Iterator[_Found]:
        for folder, below, names in os.walk(self._root, onerror=_unreadable):
            below[:] = [name for name in below if not name.startswith(".")]
            for name in names:
                if kind_of(name) in self._wanted and not name.startswith("."):
                    found = self._look(Path(folder) / name)
                    if found is not None and found.size:
                        yield found

    def _look(self, path: Path) -> _Found | None:
        try:
            seen = path.lstat()
        except OSError:
            return None
        if not stat.S_ISREG(seen.st_mode):
            return None
        relative = path.relative_to(self._root).as_posix()
        return _Found(relative, seen.st_size, seen.st_mtime_ns, seen.st_ino, seen.st_ctime)

    def _copy(self, found: _Found, spool: Spool, name: PictureName) -> Part:
        path, kind = self._root / found.path, kind_of(found.path)
        assert kind is not None
        with spool.receive(name) as reception:
            for block in _read(path):
                reception.write(block)
            if self._look(path) != found:
                raise CameraTransferCut(f"{safe(found.path)} changed while it was read")
            kept = reception.keep(found.size)
        return Part(kept.name, kind, kept.size, kept.sha256, found.told, found.modified / 1e9)


def freshness(camera: Camera) -> timedelta:
    """Return the age up to which a picture belongs to a slot: one and a half of the longest interval."""
    every = [one.every for one in camera.schedule if one.every is not None] + [one.every for one in camera.event]
    return SLACK * max(every, default=DAY)


def _read(path: Path) -> Iterator[bytes]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            while block := file.read(BLOCK):
                yield block
    except OSError as error:
        raise CameraError(f"{safe(path.name)}: {error.strerror}") from error


def _unreadable(error: OSError) -> None:
    raise CameraGone(f"{safe(error.filename)}: {error.strerror}") from error
