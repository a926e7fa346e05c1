"""A folder as a destination: a mounted NAS, a second disk."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from core.errors import (
    DestinationError,
    DestinationFull,
    DestinationRefused,
    DestinationUnreachable,
    ObjectNotFound,
)
from core.site.model import places
from core.text import safe
from core.transfer.base import Features, Level, Progress, StoredObject, silent
from core.transfer.names import is_partial, partial_of, parts_of
from core.transfer.receipts import require_content, require_size
from core.transfer.registry import Address

FSTAB = Path("/etc/fstab")
LARGE = 1 << 20  # bytes; from here on the room is asked for before anything is sent
BLOCK = 1 << 20
DEEPEST = 32  # folders below the root that are looked into
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_BELOW = _FOLDER | os.O_NOFOLLOW

_LEAVES: Mapping[int, type[DestinationError]] = {
    errno.ENOENT: ObjectNotFound,
    errno.ENOSPC: DestinationFull,
    errno.EDQUOT: DestinationFull,
    **dict.fromkeys(
        (
            errno.EACCES,
            errno.EPERM,
            errno.EROFS,
            errno.ELOOP,
            errno.ENOTDIR,
            errno.EISDIR,
            errno.ENAMETOOLONG,
            errno.EFBIG,
            errno.EINVAL,
        ),
        DestinationRefused,
    ),
}


def told(error: OSError, what: str) -> DestinationError:
    """Return the error of ours for what the operating system says; a mount that fails is one that may come back."""
    leaf = _LEAVES.get(error.errno or 0, DestinationUnreachable)
    return leaf(f"{safe(what)}: {error.strerror or error}")


@contextlib.contextmanager
def _telling(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise told(error, what) from error


class FolderDestination:
    """Objects as files below one folder, which must exist: a mount that is gone must not fill the root disk."""

    scheme: ClassVar[str] = "folder"

    def __init__(self, root: Path, fstab: Path = FSTAB) -> None:
        self.features = Features()
        self._root = root
        self._fstab = fstab

    @classmethod
    def configured(
        cls, destination: places.Destination, address: Address, secrets: Mapping[str, str]
    ) -> FolderDestination:
        """Return the destination that site.toml describes."""
        return cls(Path(address.path))

    def lane(self) -> FolderDestination:
        return FolderDestination(self._root, self._fstab)

    def begin(self, name: str, size: int, sha256: str, resume: bytes | None = None) -> FolderUpload:
        """Open the partial beside the final place; with a `resume` go on where it ends."""
        *folders, base = parts_of(name)
        with self._open(folders, make=True) as folder, _telling(name):
            upload = FolderUpload(folder, name, base, size, partial_of(base, sha256), fresh=resume is None)
        free = self.free() if size >= LARGE else None
        if free is not None and free < size - upload.offset:
            upload.abandon()
            raise DestinationFull(f"{safe(name)}: {size - upload.offset} bytes to send, {free} free")
        return upload

    def prove(self, name: str, size: int, sha256: str, level: Level, progress: Progress = silent) -> Level:
        """Compare size, or content read back past the cache: a folder has nobody else who could hash."""
        require_size(name, self.stat(name).size, size)
        if level == Level.SIZE:
            return level
        require_content(name, self._blocks(name, 0, cached=False), size, sha256, progress)
        return Level.READ_BACK

    def stat(self, name: str) -> StoredObject:
        *folders, base = parts_of(name)
        with self._open(folders) as folder, _telling(name):
            found = os.stat(base, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISREG(found.st_mode):
            raise DestinationRefused(f"{safe(name)}: not a file")
        return StoredObject(name, found.st_size)

    def is_same_file(self, name: str, path: Path) -> bool:
        """Compare device and inode: a link or a bind mount may lead back to our own files."""
        *folders, base = parts_of(name)
        try:
            with self._open(folders) as folder, _telling(name):
                found = os.stat(base, dir_fd=folder, follow_symlinks=False)
            ours = path.stat()
        except (ObjectNotFound, FileNotFoundError):
            return False
        return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        return self._blocks(name, offset, cached=True)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        start, _, _ = prefix.rpartition("/")
        if start:
            parts_of(start)
        for name, size in self._files(start):
            if name.startswith(prefix):
                yield StoredObject(name, size)

    def tidy(self, prefix: str, before: float, is_ours: Callable[[str], bool]) -> Iterator[str]:
        for folder, path, base in self._walk(prefix.rpartition("/")[0]):
            with contextlib.suppress(ObjectNotFound), _telling(path):
                if is_partial(base) and is_ours(path) and _is_older(folder, base, before):
                    os.unlink(base, dir_fd=folder)
                    yield path

    def delete(self, name: str) -> None:
        *folders, base = parts_of(name)
        with contextlib.suppress(ObjectNotFound), self._open(folders) as folder, _telling(name):
            os.unlink(base, dir_fd=folder)
            _sync_folder(folder)

    def free(self) -> int | None:
        with self._open(()) as root, _telling(str(self._root)):
            space = os.fstatvfs(root)
        if space.f_files and not space.f_favail:
            return 0
        return space.f_bavail * space.f_frsize

    def close(self) -> None:
        """Do nothing: between two calls nothing is held."""

    def _blocks(self, name: str, offset: int, cached: bool) -> Iterator[bytes]:
        *folders, base = parts_of(name)
        with self._open(folders) as folder, _telling(name):
            file = os.open(base, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):  # a pipe would never end
                raise DestinationRefused(f"{safe(name)}: not a file")
            with _telling(name):
                if not cached:  # what was just written must come from the disk, not from memory
                    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                while block := os.pread(file, BLOCK, offset):
                    yield block
                    offset += len(block)
        finally:
            os.close(file)

    def _files(self, start: str) -> Iterator[tuple[str, int]]:
        for folder, path, base in self._walk(start):
            if (size := _size_of_file(folder, base)) is not None:
                yield path, size

    def _walk(self, start: str) -> Iterator[tuple[int, str, str]]:
        """Yield (folder, path, last part) of all that is no folder, in order; the descriptor is open meanwhile."""
        with contextlib.suppress(ObjectNotFound), self._open(start.split("/") if start else ()) as folder:
            with _telling(start), os.scandir(folder) as entries:
                found = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
            for base, is_folder in found:
                path = f"{start}/{base}" if start else base
                if is_folder and path.count("/") > DEEPEST:  # nothing of ours; each level holds a descriptor open
                    continue
                if is_folder:
                    yield from self._walk(path)
                else:
                    yield folder, path, base

    @contextlib.contextmanager
    def _open(self, folders: Sequence[str], make: bool = False) -> Iterator[int]:
        """Yield a descriptor of the folder, reached part by part without following a symbolic link."""
        self._require_mounts()
        here = self._open_root()
        try:
            for part in folders:
                with _telling("/".join(folders)):
                    below = _enter(here, part, make)
                os.close(here)
                here = below
            yield here
        finally:
            os.close(here)

    def _open_root(self) -> int:
        try:
            return os.open(self._root, _FOLDER)
        except FileNotFoundError:
            shown = safe(self._root)
            raise DestinationUnreachable(f"no folder {shown}: make it, or mount what holds it") from None
        except OSError as error:
            raise told(error, str(self._root)) from error

    def _require_mounts(self) -> None:
        for point in _mount_points(self._fstab):
            if self._root.is_relative_to(point) and not os.path.ismount(point):
                raise DestinationUnreachable(f"{safe(point)} is in fstab and is not mounted")


class FolderUpload:
    """A partial file beside the final place, in the same folder, so that the rename is atomic."""

    def __init__(self, folder: int, name: str, base: str, size: int, partial: str, fresh: bool) -> None:
        self._name, self._base, self._size, self._partial = name, base, size, partial
        self._file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=folder)
        there = os.fstat(self._file).st_size
        if fresh or there > size:
            os.ftruncate(self._file, 0)
            there = 0
        self.offset = os.lseek(self._file, there, os.SEEK_SET)
        self._folder = os.dup(folder)
        self._open = True

    def write(self, data: bytes) -> None:
        """Append `data`."""
        rest = memoryview(data)
        with _telling(self._name):
            while rest:
                rest = rest[os.write(self._file, rest) :]

    def resume_state(self) -> bytes:
        """Return the partial's name."""
        return self._partial.encode()

    def commit(self) -> StoredObject:
        """Sync the file, give it its final name in place of what was there, sync the folder."""
        try:
            self._sync()
            with _telling(self._name):
                require_size(self._name, os.fstat(self._file).st_size, self._size)
                os.rename(self._partial, self._base, src_dir_fd=self._folder, dst_dir_fd=self._folder)
                _sync_folder(self._folder)
        finally:
            self.abandon()
        return StoredObject(self._name, self._size)

    def abandon(self) -> None:
        """Close the partial and leave it for a resume."""
        if self._open:
            self._open = False
            os.close(self._file)
            os.close(self._folder)

    def _sync(self) -> None:
        try:
            os.fsync(self._file)
        except OSError as error:  # these bytes are lost although a second fsync would say they are not
            with contextlib.suppress(OSError):
                os.unlink(self._partial, dir_fd=self._folder)
            raise told(error, self._name) from error


def _enter(here: int, part: str, make: bool) -> int:
    try:
        return os.open(part, _BELOW, dir_fd=here)
    except FileNotFoundError:
        if not make:
            raise
    with contextlib.suppress(FileExistsError):
        os.mkdir(part, 0o755, dir_fd=here)
        _sync_folder(here)
    return os.open(part, _BELOW, dir_fd=here)


def _sync_folder(folder: int) -> None:
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems have no such thing; EIO must not pass
            raise


def _size_of_file(folder: int, base: str) -> int | None:
    """Return the size of a regular, finished file whose name is text; None for anything else, or gone meanwhile."""
    try:
        base.encode()
        found = os.stat(base, dir_fd=folder, follow_symlinks=False)
    except (OSError, UnicodeEncodeError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) and not is_partial(base) else None


def _is_older(folder: int, base: str, before: float) -> bool:
    found = os.stat(base, dir_fd=folder, follow_symlinks=False)
    return stat.S_ISREG(found.st_mode) and found.st_mtime < before


def _mount_points(fstab: Path) -> Iterator[Path]:
    try:
        lines = fstab.read_text(errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        words = line.partition("#")[0].split()
        if len(words) >= 2 and words[1].startswith("/") and words[1] != "/":
            yield Path(words[1].replace("\\040", " "))
