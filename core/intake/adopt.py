"""What needs whole files read, in a worker process: leftovers at start, and hashes against the disk."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.errors import NoSuchThing, StorageError
from core.intake.daybook import BOOK, day_folders, read, read_file
from core.intake.durable import Shelf, translated
from core.text import safe
from core.values import PictureName
from core.worker import Json, Talk

CHUNK = 1 << 20
INCOMING = "incoming"  # the folder of the spool in which imports and restores keep what is not whole yet
MAX_NAMES = 10_000  # of one `verify`: its answer must fit into one line to the parent
LINES = 500  # of a day book in one message

PassOver = Callable[[str, StorageError], None]  # hears what could not be looked at
Read = Callable[[Path], Json]  # hashes a file, as `hash_file` does


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
    adopt {"spool", "quarantine", "pictures"?, "only"?} -> {"whole": [{"name", "size", "sha256"}],
    "unlisted": [the same], "quarantined": [{"name", "as", "why"}], "unreadable": [{"name", "why"}]}: `whole` are in the
    spool, `unlisted` under their final name without a line, `unreadable` stay where they are;
    tails {"pictures", "begins", "kinds", "limit"} -> {"lines", "ends"}: what day books say from these offsets on;
    verify {"pictures", "names"} -> {"files": [{"name", "size", "sha256"} or {"name", "error", "message"}]};
    book {"path", "folder"} -> {"problems": number}: it says {"lines": [...]}, what the lines of a day book say.
    `adopt` and `verify` say {"done", "of"} after each file.
    """

    def handle(self, op: str, args: Json, talk: Talk) -> Json:
        """Do `op`; raise StorageError or NoSuchThing."""
        if op == "hash":
            return hash_file(Path(args["path"]))
        if op == "adopt":
            return adopt(Path(args["spool"]), Path(args["quarantine"]), args.get("pictures"), talk, args.get("only"))
        if op == "verify":
            return verify(Path(args["pictures"]), args["names"], talk)
        if op == "tails":
            return tails(Path(args["pictures"]), args["begins"], args["kinds"], args["limit"])
        if op == "book":
            return book(Path(args["path"]), args["folder"], talk)
        raise NoSuchThing(f"the disk worker knows no {op!r}")

    def close(self) -> None:
        """Nothing is held."""


def adopt(
    spool: Path,
    quarantine: Path,
    pictures: str | None,
    talk: Talk,
    only: Collection[str] | None = None,
    read: Read = hash_file,
) -> Json:
    """Find what an earlier run left: hash what is whole, set aside what is not; nothing is ever deleted.

    `only`: the names that were in the spool before the run which asks began; what it takes in right now is left alone.
    """
    found = _Found(Shelf(spool, Path(pictures) if pictures else spool, quarantine), read)
    whole: list[Path] = []
    for path in _listing(spool):
        if path.name == INCOMING:
            continue
        if only is not None and path.name not in only:
            continue
        if (why_not := _why_not_whole(path)) is None:
            whole.append(path)
        else:
            found.set_aside(path, why_not)
    lost = [Path(pictures) / name.path for name in unlisted(Path(pictures), found.pass_over)] if pictures else []
    for done, path in enumerate([*whole, *lost], 1):
        found.hash(path, in_spool=done <= len(whole))
        talk.say(done=done, of=len(whole) + len(lost))
    return found.told


class _Found:
    """What `adopt` tells: one file that cannot be read keeps no other from being taken in."""

    def __init__(self, shelf: Shelf, read: Read) -> None:
        self._shelf = shelf
        self._read = read
        self.told: dict[str, list[Json]] = {"whole": [], "unlisted": [], "quarantined": [], "unreadable": []}

    def hash(self, path: Path, in_spool: bool) -> None:
        """Hash what is whole; a file of the spool that cannot be read is set aside."""
        try:
            self.told["whole" if in_spool else "unlisted"].append({"name": path.name, **self._read(path)})
        except NoSuchThing:  # it was taken in or left meanwhile
            return
        except StorageError as error:
            if in_spool:
                self.set_aside(path, f"it cannot be read: {error}")
            else:
                self.pass_over(path.name, error)

    def set_aside(self, path: Path, why: str) -> None:
        """Move a file of the spool to the quarantine."""
        try:
            name = self._shelf.set_aside(path.name)
        except StorageError as error:
            self.pass_over(path.name, error)
        else:
            self.told["quarantined"].append({"name": safe(path.name), "as": name, "why": safe(why)})

    def pass_over(self, name: str, error: StorageError) -> None:
        """Leave what cannot be read or moved where it is."""
        self.told["unreadable"].append({"name": safe(name), "why": safe(error)})


def _why_not_whole(path: Path) -> str | None:
    """Return why a file of the spool is no whole picture; None: it is one."""
    if path.name.endswith(".part"):
        return "its transfer from the camera was cut"
    try:
        PictureName.parse(path.name)
        info = path.lstat()
    except (ValueError, OSError) as error:
        return str(error)
    if not stat.S_ISREG(info.st_mode):
        return "not a regular file"
    return None if info.st_size > 0 else "it is empty"


def unlisted(
    pictures: Path, pass_over: PassOver, listing: Callable[[Path], list[Path]] | None = None
) -> Iterator[PictureName]:
    """Yield pictures under their final name that no line tells of: a stop came between the rename and the line.

    Only folders changed after their day book are looked into, and the last of each camera, since a clock that is set
    back hides a change: a start does not read the whole buffer. One in which nothing was found is looked into again
    only when it changes again: what retention took a picture from would else be read at every start from then on.
    """
    folders = list(day_folders(pictures))
    last = {folder.split("/")[0]: folder for folder in folders}
    for folder in folders:
        changed = _changed_after_its_book(pictures / folder)
        if changed is None and folder not in last.values():
            continue
        try:
            found = list(_without_line(pictures, folder, (listing or _listing)(pictures / folder)))
        except StorageError as error:
            pass_over(folder, error)
            continue
        if changed is not None and not found:
            _note_as_seen(pictures / folder / BOOK, changed)
        yield from found


def _changed_after_its_book(folder: Path) -> int | None:
    """Return when a folder changed, in ns, if that was not before its day book did; a book that is not there never."""
    try:
        changed = folder.stat().st_mtime_ns
        return changed if changed >= (folder / BOOK).stat().st_mtime_ns else None
    except OSError:
        return 0


def _note_as_seen(book: Path, changed: int) -> None:
    """Date a day book after the change of its folder that was looked into; a later change is later than that."""
    with suppress(OSError):  # not there, or not ours: the folder is looked into again
        if changed:
            os.utime(book, ns=(book.stat().st_atime_ns, changed + 1))


def _without_line(pictures: Path, folder: str, listed: Iterable[Path]) -> Iterator[PictureName]:
    """Yield the pictures of a day that its book does not tell of; without a picture the book is not read."""
    names = [name for path in listed if (name := _name(path)) and name.folder == folder]
    if not names:
        return
    told = {
        line.fields.get("name") for line in read(pictures, folder) if line.fields and line.fields["line"] == "picture"
    }
    yield from (name for name in names if str(name) not in told)


def _name(path: Path) -> PictureName | None:
    try:
        return PictureName.parse(path.name)
    except ValueError:
        return None


def _listing(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise translated(error, folder) from error


def tails(pictures: Path, begins: Mapping[str, int], kinds: Sequence[str], limit: int) -> Json:
    """Return what day books say behind these offsets, and up to where they were read: `limit` lines at most.

    Damaged lines are passed over: others tell of them.
    """
    lines: list[Mapping[str, Any]] = []
    ends: dict[str, int] = {}
    for folder, begin in begins.items():
        ends[folder] = begin
        for line in read(pictures, folder, begin):
            if len(lines) == limit:
                return {"lines": lines, "ends": ends}
            ends[folder] = line.end
            if line.fields is not None and line.fields["line"] in kinds:
                lines.append(line.fields)
    return {"lines": lines, "ends": ends}


def verify(pictures: Path, names: list[str], talk: Talk) -> Json:
    """Hash pictures as they lie on the disk; one that is missing or unreadable is told in its place."""
    files: list[dict[str, Any]] = []
    for done, text in enumerate(names[:MAX_NAMES], 1):
        files.append({"name": text, **_verified(pictures, text)})
        talk.say(done=done, of=len(names))
    return {"files": files}


def book(path: Path, folder: str, talk: Talk) -> Json:
    """Say what the whole lines of a day book at `path`, of the day `folder` (CAMERA/YYYY/MM/DD), say."""
    problems, said = 0, list[Any]()
    for line in read_file(path, folder):
        if line.entry is None or line.fields is None:
            problems += line.problem is not None
            continue
        said.append(line.fields)
        if len(said) == LINES:
            talk.say(lines=said)
            said = []
    talk.say(lines=said)
    return {"problems": problems}


def _verified(pictures: Path, text: str) -> Json:
    try:
        return hash_file(pictures / PictureName.parse(text).path, from_disk=True)
    except (StorageError, NoSuchThing, ValueError) as error:
        return {"error": type(error).__name__, "message": str(error)}
