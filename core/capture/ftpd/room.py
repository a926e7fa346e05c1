"""What one camera may do in its folder: write whole files under new names, and nothing to what is there."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyftpdlib.exceptions import FilesystemError
from pyftpdlib.filesystems import AbstractedFS

from core.capture.drop import lock

LONGEST = 180  # bytes of a name, so that ours behind it still fits
DEEPEST = 8  # folders below the camera's own
FILES = 1000  # that the disk's table of files must have room for; some file systems have none and tell 0
CHECK = 4 << 20  # bytes between two looks at the disk


@dataclass(frozen=True)
class Account:
    """A camera's login and what it may fill. `floor`: bytes that stay free on the disk."""

    camera: str
    user: str
    password: str = field(repr=False)
    folder: Path
    max_size: int
    floor: int

    def has_room(self) -> bool:
        """Tell whether the disk takes another picture; a flood of tiny files fills its table of files first."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize > self.floor and (found.f_files == 0 or found.f_favail > FILES)


class Upload:
    """A file that is being received; its lock goes when it is closed."""

    def __init__(self, descriptor: int, name: str, account: Account) -> None:
        self.name, self.closed = name, False
        self._descriptor, self._account = descriptor, account
        self._size = os.fstat(descriptor).st_size
        self._look_at = self._size + CHECK

    def fileno(self) -> int:
        return self._descriptor

    def seek(self, offset: int) -> None:
        """Go on at a byte of what is there: after REST."""
        self._size = os.lseek(self._descriptor, offset, os.SEEK_SET)

    def write(self, data: bytes) -> None:
        """Append; raise OSError, also when the file grows too large or the disk is nearly full."""
        if self._size + len(data) > self._account.max_size:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        if self._size > self._look_at:
            self._look_at = self._size + CHECK
            if not self._account.has_room():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = 0
        while written < len(data):
            written += os.write(self._descriptor, data[written:])
        self._size += len(data)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            os.close(self._descriptor)


def room_of(accounts: dict[str, Account]) -> Callable[[str, Any], Any]:
    """Return what pyftpdlib makes a session's file system of."""

    def made(root: str, session: Any) -> Any:
        return Room(root, session, accounts[session.username])

    return made


class Room(AbstractedFS):  # type: ignore[misc]  # pyftpdlib has no types
    """A camera's own folder, as its session sees it. A name that is taken again moves what has it aside, unharmed."""

    def __init__(self, root: str, session: Any, account: Account) -> None:
        super().__init__(root, session)
        self._account = account

    def chdir(self, path: str) -> None:
        """Change the session's folder, not the process's."""
        if not Path(path).is_dir():
            raise FilesystemError("No such folder")
        self.cwd = self.fs2ftp(path)

    def mkdir(self, path: str) -> None:
        self._check(path)
        Path(path).mkdir(mode=0o750)

    def open(self, filename: str, mode: str) -> Upload:
        """Open a file to receive it: "wb" a new one, "ab" or "r+b" the one that is there."""
        self._check(filename)
        if mode == "wb":
            self._make_way(filename)
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        flags |= {"wb": os.O_CREAT | os.O_EXCL, "ab": os.O_CREAT | os.O_APPEND, "r+b": 0}[mode]
        descriptor = os.open(filename, flags, 0o640)
        if not self._is_ours(descriptor, filename):
            os.close(descriptor)
            raise FilesystemError("It is in use; try again")
        return Upload(descriptor, filename, self._account)

    def rename(self, src: str, dst: str) -> None:
        """Give a finished upload its name; what has that name moves aside."""
        self._check(dst)
        descriptor = os.open(src, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if not Path(src).is_file() or not self._is_ours(descriptor, src):
                raise FilesystemError("It is in use, or no file")
            if src != dst:
                self._make_way(dst)
                Path(src).rename(dst)
        finally:
            os.close(descriptor)

    def remove(self, path: str) -> None:
        raise FilesystemError("Nothing is deleted here")

    def rmdir(self, path: str) -> None:
        raise FilesystemError("Nothing is deleted here")

    def _make_way(self, path: str) -> None:
        """Move what has this name aside: an earlier picture that was not taken yet must not be overwritten."""
        target = Path(path)
        if target.is_dir():
            raise FilesystemError("That is a folder")
        with contextlib.suppress(FileNotFoundError):
            target.rename(target.with_name(f"{target.stem}~{time.time_ns()}{target.suffix}"))

    def _is_ours(self, descriptor: int, path: str) -> bool:
        """Take the lock; whoever took the file away between the opening and this had it first."""
        if not lock(descriptor):
            return False
        try:
            return os.path.samestat(os.fstat(descriptor), os.lstat(path))
        except FileNotFoundError:
            return False

    def _check(self, path: str) -> None:
        name, depth = Path(path).name, len(Path(path).relative_to(self.root).parts)
        if not name.isprintable() or len(os.fsencode(name)) > LONGEST or depth > DEEPEST + 1:
            raise FilesystemError("That name is not taken here; a shorter one without control characters is")
