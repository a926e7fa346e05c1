"""What needs whole files read, in a worker process: leftovers at start, and hashes against the disk."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.errors import NoSuchThing, StorageError
from core.intake.daybook import BOOK, day_folders, read
from core.intake.durable import Shelf, translated
from core.text import safe
from core.values import PictureName
from core.worker import Json, Talk

CHUNK = 1 << 20
MAX_NAMES = 10_000  # of one `verify`: its answer must fit into one line to the parent


def hash_file(path: Path, from_disk: bool = False) -> Json:
    """Return {"size", "sha256"} of a regular file, never followed through a link; raise StorageError.

    `from_disk` drops it from the page cache first, so that the disk is asked and not the memory.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise StorageError(f"{path.name}: not a regular file")
            if from_disk:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            return _digest(iter(lambda: file.read(CHUNK), b""))
    except FileNotFoundError as error:
        raise NoSuchThing(f"{path.name}: there is no such file") from error
    except OSError as error:
        raise translated(error, path) from error


def _digest(chunks: Iterator[bytes]) -> Json:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return {"size": size, "sha256": digest.hexdigest()}


class DiskService:
    """The worker of kind "disk".

    hash {"path"} -> {"size", "sha256"};
    adopt {"spool", "quarantine", "pictures"?, "fence"?} -> {"whole": [{"name", "size", "sha256"}],
    "unlisted": [the same], "quarantined": [{"name", "as", "why"}]}: `whole` are in the spool, `unlisted` under their
    final name without a line;
    verify {"pictures", "names"} -> {"files": [{"name", "size", "sha256"} or {"name", "error", "message"}]}.
    The last two say {"done", "of"} after each file.
    """

    def handle(self, op: str, args: Json, talk: Talk) -> Json:
        """Do `op`; raise StorageError or NoSuchThing."""
        if op == "hash":
            return hash_file(Path(args["path"]))
        if op == "adopt":
            return adopt(Path(args["spool"]), Path(args["quarantine"]), args.get("pictures"), talk, args.get("fence"))
        if op == "verify":
            return verify(Path(args["pictures"]), args["names"], talk)
        raise NoSuchThing(f"the disk worker knows no {op!r}")

    def close(self) -> None:
        """Nothing is held."""


def adopt(spool: Path, quarantine: Path, pictures: str | None, talk: Talk, fence: str | None = None) -> Json:
    """Find what an earlier run left: hash what is whole, set aside what is not; nothing is ever deleted.

    Files of `fence` are those that the run which asks is taking in right now: they are left alone.
    """
    shelf = Shelf(spool, Path(pictures) if pictures else spool, quarantine)
    whole: list[PictureName] = []
    aside: list[dict[str, str]] = []
    for path in _listing(spool):
        if fence is not None and _is_of(path.name, fence):
            continue
        if isinstance(found := _leftover(path), PictureName):
            whole.append(found)
        else:
            aside.append({"name": safe(path.name), "as": shelf.set_aside(path.name), "why": found})
    lost = list(unlisted(Path(pictures))) if pictures else []
    paths = [spool / str(name) for name in whole] + [Path(pictures or spool) / name.path for name in lost]
    hashed = list(_hashed(paths, talk))
    return {"whole": hashed[: len(whole)], "unlisted": hashed[len(whole) :], "quarantined": aside}


def _is_of(name: str, fence: str) -> bool:
    try:
        return str(PictureName.parse(name.removesuffix(".part")).fence) == fence
    except ValueError:
        return False


def _leftover(path: Path) -> PictureName | str:
    """Return the identity of a file that the spool holds whole, else why it is none."""
    if path.name.endswith(".part"):
        return "its transfer from the camera was cut"
    try:
        name = PictureName.parse(path.name)
        info = path.lstat()
    except ValueError as error:
        return str(error)
    except OSError as error:
        raise translated(error, path) from error
    if not stat.S_ISREG(info.st_mode):
        return "not a regular file"
    return name if info.st_size > 0 else "it is empty"


def unlisted(pictures: Path) -> Iterator[PictureName]:
    """Yield pictures under their final name that no line tells of: a stop came between the rename and the line.

    Only folders changed after their day book are looked into, and the last of each camera, since a clock that is set
    back hides a change: a start does not read the whole buffer.
    """
    folders = list(day_folders(pictures))
    last = {folder.split("/")[0]: folder for folder in folders}
    for folder in folders:
        if folder in last.values() or _changed_after_its_book(pictures / folder):
            yield from _without_line(pictures, folder)


def _changed_after_its_book(folder: Path) -> bool:
    try:
        return folder.stat().st_mtime_ns >= (folder / BOOK).stat().st_mtime_ns
    except OSError:
        return True


def _without_line(pictures: Path, folder: str) -> Iterator[PictureName]:
    told = {
        line.fields.get("name") for line in read(pictures, folder) if line.fields and line.fields["line"] == "picture"
    }
    for path in _listing(pictures / folder):
        try:
            name = PictureName.parse(path.name)
        except ValueError:
            continue
        if path.name not in told and name.folder == folder:
            yield name


def _listing(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise translated(error, folder) from error


def _hashed(paths: list[Path], talk: Talk) -> Iterator[Json]:
    for done, path in enumerate(paths, 1):
        yield {"name": path.name, **hash_file(path)}
        talk.say(done=done, of=len(paths))


def verify(pictures: Path, names: list[str], talk: Talk) -> Json:
    """Hash pictures as they lie on the disk; one that is missing or unreadable is told in its place."""
    files: list[dict[str, Any]] = []
    for done, text in enumerate(names[:MAX_NAMES], 1):
        files.append({"name": text, **_verified(pictures, text)})
        talk.say(done=done, of=len(names))
    return {"files": files}


def _verified(pictures: Path, text: str) -> Json:
    try:
        return hash_file(pictures / PictureName.parse(text).path, from_disk=True)
    except (StorageError, NoSuchThing, ValueError) as error:
        return {"error": type(error).__name__, "message": str(error)}
