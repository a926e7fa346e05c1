"""A camera that pushes its pictures to the node's FTP server: each slot takes the newest whole one, none is lost.

A server's "226 transfer complete" proves nothing: a transfer that the camera aborts gets one, too (measured). So a
picture is whole when nobody writes it and it decodes strictly. What does not waits, for the camera may append or send
it again, and is then set aside.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from core.capture.arrival import taken_at
from core.capture.base import Collected, Identity, Part, Shot, Telemetry
from core.capture.drop import DROP, QUARANTINE, Memory, Seen, files, held, is_unfinished, look, prune, set_aside
from core.capture.folder import freshness
from core.capture.shot import Spool, kind_of, kinds_of, storage_error
from core.errors import CameraError, CameraGone, CameraTimeout, CameraTransferCut
from core.site.model.cameras import Camera, FtpSource
from core.text import safe
from core.values import Kind, PictureName, Sha256, seconds_of

Judge = Callable[[str, str], tuple[str | None, str | None]]  # path, kind -> why it is no whole picture; its EXIF time

BLOCK = 1 << 20  # bytes
WAIT = 60.0  # seconds that a file which is not whole, or half of a pair, is given to become so
JUNK, DAY = 3600.0, 86400.0  # seconds after which what is no picture goes, and what was never finished
BUDGET = 20.0  # seconds of one `collect`; what is left comes with the next
CRASHES = 2  # a file that ended the process twice while it was decoded is set aside


@dataclass(frozen=True, slots=True)
class _Whole:
    """A file that decodes."""

    seen: Seen
    kind: Kind
    taken: float  # seconds since the epoch


@dataclass
class _Group:
    """The files of one stem: a picture, or RAW and JPEG of one."""

    files: list[Seen] = field(default_factory=list)

    @property
    def arrived(self) -> int:
        """When the newest of them came, nanoseconds since the epoch."""
        return max(seen.modified for seen in self.files)


class PushedCamera:
    """A camera whose pictures come by themselves. `judge` tells a whole picture from a part of one."""

    def __init__(self, camera: Camera, spool: Path, secrets: Mapping[str, str], judge: Judge) -> None:
        assert isinstance(camera.source, FtpSource)
        self._camera, self._spool, self._judge = camera, spool, judge
        drop = spool.with_name(DROP)
        self._root, self._taken = drop / camera.name, drop / f"{camera.name}.taken"
        self._quarantine = spool.with_name(QUARANTINE)
        self._memory = Memory(drop / f"{camera.name}.json")
        self._zone = ZoneInfo(camera.source.zone or "UTC")
        self._wanted = kinds_of(camera)
        self._fresh = freshness(camera).total_seconds()
        self._judged: dict[Seen, tuple[str | None, float]] = {}
        self._handed: set[str] = set()  # taken, handed over, not yet released

    def open(self) -> Telemetry:
        self._require()
        return self.telemetry()

    def close(self) -> None:
        return

    def telemetry(self) -> Telemetry:
        return {"model": "FTP push"}

    def set_clock(self) -> Telemetry:
        return {}

    def release(self, source_names: Sequence[str]) -> None:
        """Remove what is safe here; it is out of the camera's reach already."""
        for name in source_names:
            path = self._taken / name
            if path.resolve().is_relative_to(self._taken.resolve()):
                path.unlink(missing_ok=True)
            self._handed.discard(name)

    def shoot(self, identity: Identity, at: datetime) -> Shot:
        """Take the newest whole picture that came since the last shot; the others are for `collect`."""
        self._require()
        group = self._newest(at.timestamp())
        if group is None:
            raise CameraTimeout(f"no whole picture came by FTP since the last shot{self._waiting()}")
        arrived = group.arrived
        spool = Spool(self._spool, identity)
        names = spool.names(seconds_of(at), [seen.path for seen in group.files])
        parts = list(self._take_all(group, spool, names))
        if not parts:
            raise CameraTransferCut("the picture was written to again while it was taken")
        spool.settle()
        self._memory.shot(arrived)
        shutter = max(part.shutter or 0.0 for part in parts)
        return Shot(shutter, parts, partial={part.kind for part in parts} < self._wanted)

    def collect(self, identity: Identity) -> Collected:
        """Take in all that belongs to no slot, and set aside what never became a picture."""
        self._require()
        until, spool, found = time.monotonic() + BUDGET, Spool(self._spool, identity), Collected()
        reserved = self._newest(time.time())
        for step in self._steps(spool, found, reserved.files if reserved else ()):
            step()
            if time.monotonic() > until:
                found.waits = True
                break
        prune(self._root, time.time() - DAY)
        prune(self._taken, time.time() - DAY)
        if found.orphans:
            spool.settle()
        self._judged = {seen: known for seen, known in self._judged.items() if look(self._root, seen.path) == seen}
        return found

    # --- what is there

    def _require(self) -> None:
        if not self._root.is_dir():
            raise CameraGone("its folder is not there: the FTP server of this node has not started yet")

    def _groups(self) -> list[_Group]:
        """Return the pictures by stem, the newest first."""
        found: dict[str, _Group] = {}
        for seen in files(self._root):
            if seen.size and _is_picture(seen.path):
                found.setdefault(seen.path.rpartition(".")[0], _Group()).files.append(seen)
        return sorted(found.values(), key=lambda group: -group.arrived)

    def _newest(self, at: float) -> _Group | None:
        """Return the newest picture that is whole, recent, and came after that of the last shot."""
        for group in self._groups():
            if group.arrived <= self._memory.last:
                return None
            whole = [self._whole(seen) for seen in group.files]
            if all(whole) and self._is_complete(group) and any(one and one.taken > at - self._fresh for one in whole):
                return group
        return None

    def _is_complete(self, group: _Group) -> bool:
        """Tell whether nothing more of this picture is to be waited for."""
        return {kind_of(seen.path) for seen in group.files} >= self._wanted or _age(group.arrived) > WAIT

    def _whole(self, seen: Seen) -> _Whole | None:
        kind = kind_of(seen.path)
        if seen not in self._judged:
            with held(self._root, seen) as free:
                if free is None:
                    return None
                self._judged[seen] = self._look_at(seen, kind or "raw")
        why, taken = self._judged[seen]
        return _Whole(seen, kind or "raw", taken) if why is None else None

    def _look_at(self, seen: Seen, kind: Kind) -> tuple[str | None, float]:
        """Return why a file is no whole picture, None when it is one, and when it was taken."""
        arrived = seen.modified / 1e9
        if self._memory.begin(seen) >= CRASHES:
            self._memory.end()
            return "the decoder failed over it twice", arrived
        why, exif = self._judge(str(self._root / seen.path), kind)
        self._memory.end()
        return why, taken_at(seen.path, exif, arrived, self._zone)

    def _waiting(self) -> str:
        """Return what is to be said of the newest file that is there and is no whole picture, if there is one."""
        for group in self._groups():
            for seen in group.files:
                why = self._judged[seen][0] if seen in self._judged else "it is still being received"
                if why is not None and group.arrived > self._memory.last:
                    return f"; {safe(seen.path, 80)} is there: {why}"
        return ""

    # --- taking

    def _take_all(self, group: _Group, spool: Spool, names: Mapping[str, PictureName]) -> Iterator[Part]:
        for seen in sorted(group.files, key=lambda seen: seen.path):
            whole = self._whole(seen)
            part = self._take(whole, spool, names[seen.path]) if whole is not None else None
            if part is not None:
                yield part

    def _take(self, whole: _Whole, spool: Spool, name: PictureName) -> Part | None:
        """Move a file out of the camera's reach and copy it to the spool; None when somebody writes it again."""
        seen = whole.seen
        if look(self._taken, seen.path) is not None:  # an earlier one of this name is not yet catalogued
            return None
        with held(self._root, seen) as descriptor:
            if descriptor is None:
                return None
            try:
                (self._taken / seen.path).parent.mkdir(mode=0o750, parents=True, exist_ok=True)
                (self._root / seen.path).rename(self._taken / seen.path)
            except OSError as error:
                raise storage_error(error, seen.path) from error
            return self._copy(descriptor, seen.path, seen.size, whole, spool, name)

    def _copy(self, descriptor: int, path: str, size: int, whole: _Whole, spool: Spool, name: PictureName) -> Part:
        with spool.receive(name) as reception:
            at = 0
            while block := _read(descriptor, at, path):
                reception.write(block)
                at += len(block)
            kept = reception.keep(size)
        self._handed.add(path)
        return Part(kept.name, whole.kind, kept.size, Sha256(kept.sha256), path, None, whole.taken)

    # --- what belongs to no slot

    def _steps(self, spool: Spool, found: Collected, reserved: Iterable[Seen]) -> Iterator[Callable[[], None]]:
        """Yield what is to be done, the oldest first; `reserved` is for the next slot."""
        for seen in [seen for seen in files(self._taken) if seen.path not in self._handed]:
            yield lambda seen=seen: self._take_up(seen, spool, found)  # type: ignore[misc]
        kept = set(reserved)
        for group in reversed(self._groups()):
            if not kept.intersection(group.files):
                yield lambda group=group: self._gather(group, spool, found)  # type: ignore[misc]
        for seen in files(self._root):
            if not seen.size or not _is_picture(seen.path):
                yield lambda seen=seen: self._clear(seen, found)  # type: ignore[misc]

    def _take_up(self, seen: Seen, spool: Spool, found: Collected) -> None:
        """Hand over again what a process that was killed had taken: the node knows whether it has it."""
        kind = kind_of(seen.path)
        with held(self._taken, seen) as descriptor:
            if descriptor is None or kind is None:
                return
            why, exif = self._judge(str(self._taken / seen.path), kind)
            del why  # it was whole when it was taken
            whole = _Whole(seen, kind, taken_at(seen.path, exif, seen.modified / 1e9, self._zone))
            name = spool.names(int(whole.taken), [seen.path])[seen.path]
            found.orphans.append(self._copy(descriptor, seen.path, seen.size, whole, spool, name))

    def _gather(self, group: _Group, spool: Spool, found: Collected) -> None:
        """Take a picture that no slot took; one that is not whole waits, and is then set aside."""
        whole = [one for one in (self._whole(seen) for seen in group.files) if one is not None]
        if len(whole) == len(group.files) and self._is_complete(group):
            names = spool.names(int(min(one.taken for one in whole)), [seen.path for seen in group.files])
            found.orphans += self._take_all(group, spool, names)
            return
        for seen in group.files:
            why = self._judged[seen][0] if seen in self._judged else None
            if why is not None and _age(seen.modified) > WAIT:
                self._set_aside(seen, why, found)
            else:
                found.waits = True

    def _clear(self, seen: Seen, found: Collected) -> None:
        """Let go of what is no picture: what was never finished is set aside, other files are removed."""
        age = _age(max(seen.modified, int(seen.changed * 1e9)))
        with held(self._root, seen) as free:
            if free is None:
                return
            if not seen.size:
                if age > WAIT:
                    (self._root / seen.path).unlink(missing_ok=True)
            elif is_unfinished(_name(seen.path)):
                if age > DAY:
                    self._set_aside(seen, "it was never finished", found)
            elif age > JUNK:
                (self._root / seen.path).unlink(missing_ok=True)
                found.removed.append(seen.path)

    def _set_aside(self, seen: Seen, why: str, found: Collected) -> None:
        set_aside(self._root / seen.path, self._quarantine, self._camera.name)
        found.aside.append((seen.path, why))


def _is_picture(path: str) -> bool:
    return kind_of(path) is not None and not is_unfinished(_name(path))


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _age(modified: int) -> float:
    """Return the seconds since a file was written to; one from the future, after the clock was set, is old."""
    age = time.time() - modified / 1e9
    return age if age >= 0 else WAIT + 1


def _read(descriptor: int, at: int, path: str) -> bytes:
    try:
        return os.pread(descriptor, BLOCK, at)
    except OSError as error:
        raise CameraError(f"{safe(path, 80)}: {error.strerror}") from error
