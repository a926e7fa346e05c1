"""From the spool to the final name, so that a picture which was handed over is never lost, never silently altered.

The order of promise 1, and who does what: the capture child writes spool/NAME.part, syncs it, hashes the bytes as
received and renames it to spool/NAME; `Keeping` does the rest, and only when it is finished is the camera's copy
released.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from core.errors import DiskFull, NameTaken, NotDurable, StorageError
from core.intake.entries import Entry, PictureEntry
from core.values import PictureName

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_NOT_OFFERED = {errno.EINVAL, errno.ENOSYS, errno.EPERM}  # by an old kernel or some file systems
_FULL = {errno.ENOSPC, errno.EDQUOT}
_UNFIT = re.compile(r"[^A-Za-z0-9._-]")
RESERVE = 16_000_000  # bytes: for the lines and rows of many deletions
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Space:
    """The room on the file system of the buffer, in bytes, as far as this user may use it."""

    free: int
    total: int
    inodes: int = 0  # that the file system has; 0: it does not count them
    inodes_free: int = 0


class Keeper(Protocol):
    """All that the deciding loop asks of the disk; simulations bring one in memory. Everything raises StorageError."""

    def take_in(self, spool_name: str, name: PictureName) -> str:
        """Give spool/`spool_name` its final name, durably; return its path below `pictures/`. Raise NameTaken."""
        ...

    def holds(self, name: PictureName) -> bool:
        """Return whether this final name is taken."""
        ...

    def spooled(self) -> list[str]:
        """Return the names of what is in the spool now."""
        ...

    def set_aside(self, spool_name: str) -> str:
        """Move a file of the spool to the quarantine; return its name there."""
        ...

    def discard(self, spool_name: str) -> None:
        """Delete a file of the spool whose bytes are kept already under another name."""
        ...

    def remove(self, path: str) -> None:
        """Delete the file at `path` below `pictures/`; one that is gone already is no error."""
        ...

    def drop(self, path: str) -> None:
        """Delete the rendition at `path` below `renditions/`; one that is gone already is no error."""
        ...

    def renditions(self) -> Iterator[list[str]]:
        """Yield what lies below `renditions/`, folder by folder."""
        ...

    def append(self, entries: Iterable[Entry], sync: bool = True) -> Mapping[str, int]:
        """Append lines to the day books they belong to; return the length of each after it. Raise NotDurable."""
        ...

    def sync(self) -> None:
        """Make durable what was appended with sync=False. Raise NotDurable."""
        ...

    def free(self) -> Space:
        """Return the room that is left."""
        ...

    def hold_reserve(self) -> None:
        """Keep some bytes back for a full disk, when there is plenty of room."""
        ...

    def drop_reserve(self) -> bool:
        """Give the bytes kept back free: on a full disk nothing else lets a deletion be written. Return whether any."""
        ...

    def close(self) -> None:
        """Sync and let go of all files."""
        ...


@dataclass(eq=False)
class Keeping:
    """What is kept together: final names and folders durable, then its lines, then the catalogue.

    `parts`: name in the spool -> its line; `others`: lines that belong to it, such as the outcome. `commit` is given
    the length of each day book for the catalogue to remember.
    """

    parts: Mapping[str, PictureEntry]
    others: Sequence[Entry]
    commit: Callable[[Mapping[str, int]], object]
    _lined: bool = False

    def finish(self, keeper: Keeper) -> None:
        """Do what is still to be done; after any error it is to be called again, and nothing may be released yet."""
        lengths: Mapping[str, int] = {}
        if self._lined:  # a line that was handed over is owed by the keeper: it is not written twice
            keeper.sync()
        else:
            for spool_name, entry in self.parts.items():
                keeper.take_in(spool_name, entry.name)
            self._lined = True
            lengths = keeper.append([*self.parts.values(), *self.others])
        self.commit(lengths)


class Shelf:
    """The three folders, on one file system, through which a picture goes: spool, pictures, quarantine.

    Where what was made of it lies is not asked of every shelf.
    """

    def __init__(self, spool: Path, pictures: Path, quarantine: Path, renditions: Path | None = None) -> None:
        self.spool, self.pictures, self.quarantine = spool, pictures, quarantine
        self._renditions = renditions
        self._reserve = spool.with_name("reserve")
        self._ready: set[Path] = set()  # folders made, or made certain, by this process

    def take_in(self, spool_name: str, name: PictureName) -> str:
        """Give spool/`spool_name` its final name and make that durable; return the path below `pictures/`.

        Never replaces: raise NameTaken when the name exists. One that is in place already, and left the spool, is
        no error, so that a step that failed later can be repeated.
        """
        source, target = self.spool / _plain_name(spool_name), self.pictures / name.path
        self._make_ready(target.parent, self.pictures)
        if _is_file(source):
            move_new(source, target)
        elif not _is_file(target):
            raise StorageError(f"{spool_name} is not in the spool")
        sync_folder(target.parent)
        sync_folder(self.spool)
        return name.path

    def holds(self, name: PictureName) -> bool:
        """Return whether a file has this final name."""
        return _is_file(self.pictures / name.path)

    def spooled(self) -> list[str]:
        """Return the names of what is in the spool; of one that is not there, none."""
        try:
            return sorted(path.name for path in self.spool.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise translated(error, self.spool) from error

    def set_aside(self, spool_name: str) -> str:
        """Move spool/`spool_name`, whatever it is, to the quarantine and return its name there; nothing is replaced."""
        source = self.spool / _plain_name(spool_name)
        self._make_ready(self.quarantine, self.quarantine.parent)
        fit = _UNFIT.sub("_", spool_name)[:200]
        for nth in range(10_000):
            target = self.quarantine / (fit if nth == 0 else f"{fit}.{nth}")
            try:
                move_new(source, target)
            except NameTaken:
                continue
            sync_folder(self.quarantine)
            sync_folder(self.spool)
            return target.name
        raise NameTaken(f"{fit}: ten thousand files of this name are in quarantine")

    def _make_ready(self, folder: Path, root: Path) -> None:
        if folder not in self._ready or not folder.is_dir():
            make_folder(folder, root)
            self._ready.add(folder)

    def discard(self, spool_name: str) -> None:
        """Delete spool/`spool_name`: its bytes are kept already under another name."""
        self._unlink(self.spool / _plain_name(spool_name))

    def remove(self, path: str) -> None:
        """Delete a picture (retention's word); one that is gone already is no error."""
        name = PictureName.parse(path.rpartition("/")[2])
        self._unlink(self.pictures / name.path)

    def drop(self, path: str) -> None:
        """Delete a rendition, by its path below `renditions/`; one that is gone already is no error."""
        parts = PurePosixPath(path).parts
        if self._renditions is None or not parts or path.startswith("/") or ".." in parts:
            raise StorageError(f"{path!r} is no rendition")
        self._unlink(self._renditions / path)

    def renditions(self) -> Iterator[list[str]]:
        """Yield the paths below `renditions/` of what lies there, folder by folder; raise StorageError."""
        if self._renditions is None:
            return
        for folder, _, names in os.walk(self._renditions, onerror=_told):
            if names:
                below = Path(folder).relative_to(self._renditions)
                yield [(below / name).as_posix() for name in sorted(names)]

    def _unlink(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise translated(error, path) from error

    def hold_reserve(self) -> None:
        """Keep RESERVE bytes back in a file beside the spool, when there is ten times as much room."""
        if self._reserve.exists() or self.free().free < 10 * RESERVE:
            return
        try:
            with self._reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE)
        except OSError as error:
            raise translated(error, self._reserve) from error

    def drop_reserve(self) -> bool:
        """Give those bytes free."""
        try:
            self._reserve.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise translated(error, self._reserve) from error
        return True

    def free(self) -> Space:
        """Return the room on the file system of the pictures."""
        try:
            found = os.statvfs(self.pictures)
        except OSError as error:
            raise translated(error, self.pictures) from error
        size = found.f_frsize
        return Space(found.f_bavail * size, found.f_blocks * size, found.f_files, found.f_favail)


def _told(error: OSError) -> None:
    raise translated(error, Path(error.filename)) from error


def translated(error: OSError, what: Path) -> StorageError:
    """Return what an error of the operating system means for something on our disk."""
    told = f"{what}: {error.strerror or error}"
    if error.errno in _FULL:
        return DiskFull(told)
    return NameTaken(told) if error.errno == errno.EEXIST else StorageError(told)


def move_new(source: Path, target: Path) -> None:
    """Rename without replacing; raise NameTaken when `target` exists."""
    try:
        _rename_noreplace(source, target)
    except OSError as error:
        if error.errno not in _NOT_OFFERED:
            raise translated(error, target) from error
        _link_and_unlink(source, target)


def _rename_noreplace(source: Path, target: Path) -> None:
    arguments = _AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE
    if _LIBC.renameat2(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _link_and_unlink(source: Path, target: Path) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
        source.unlink()
    except OSError as error:
        raise translated(error, target) from error


def make_folder(folder: Path, root: Path) -> None:
    """Make `folder` below `root` and make its name, and those of its parents up to `root`, durable.

    Those that are there already are synced too: whoever made them may have been stopped before it could. Raise
    StorageError.
    """
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise translated(error, folder) from error
    while folder != root:
        folder = folder.parent
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable; raise NotDurable."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise NotDurable(f"{folder}: {error.strerror}") from error


def _plain_name(name: str) -> str:
    if "/" in name or name in ("", ".", ".."):
        raise StorageError(f"{name!r} is no file of the spool")
    return name


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise translated(error, path) from error
