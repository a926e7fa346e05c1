"""The truth beside the pictures: `pictures/CAMERA/YYYY/MM/DD/day.jsonl`, appended and never rewritten.

One JSON object a line; its last key is "crc", 8 hexadecimal digits of the CRC-32 of all that stands before
`,"crc":`. A line is about the UTC day of its slot (or of its picture's name), whenever it was written.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from core.errors import NotDurable, StorageError
from core.intake.durable import Shelf, make_folder, sync_folder, translated
from core.intake.entries import Entry, from_json, to_json

BOOK = "day.jsonl"
MAX_OPEN = 16
_CRC = re.compile(rb'(.*),"crc":"([0-9a-f]{8})"\}', re.DOTALL)
_DAY = re.compile(r"[a-z0-9][a-z0-9-]{0,31}/\d{4}/\d{2}/\d{2}")


def encode(entry: Entry) -> bytes:
    """Return `entry` as a line of a day book, the newline included."""
    said = json.dumps(to_json(entry), separators=(",", ":"))[:-1].encode()
    return b'%s,"crc":"%08x"}\n' % (said, zlib.crc32(said))


def decode(line: bytes) -> dict[str, Any]:
    """Return the JSON object of a line without its newline; raise ValueError when its checksum does not match."""
    match = _CRC.fullmatch(line)
    if match is None or zlib.crc32(match[1]) != int(match[2], 16):
        raise ValueError("its checksum does not match")
    said = json.loads(line)
    if not isinstance(said, dict):
        raise ValueError("not an object")
    del said["crc"]
    return said


@dataclass(frozen=True, slots=True)
class Line:
    """What was found at one place of a day book: an entry, something newer than this program, or damage."""

    folder: str  # CAMERA/YYYY/MM/DD
    begin: int  # byte offsets in the file
    end: int
    entry: Entry | None = None
    fields: Mapping[str, Any] | None = None  # the JSON object, without its checksum; None: damage
    problem: str | None = None  # what is told to the operator


class BookFile(Protocol):
    """A day book opened for appending; each method raises OSError."""

    def write(self, data: bytes) -> None:
        """Append all of `data`, on a new line when the last one was torn."""
        ...

    def sync(self) -> None:
        """Make the data durable."""
        ...

    def length(self) -> int:
        """Return the size in bytes."""
        ...

    def close(self) -> None:
        """Close it, whatever happened."""
        ...


class AppendFile:
    """A day book on disk."""

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(path, flags, 0o640)
        size = self.length()
        self._torn = size > 0 and os.pread(self._descriptor, 1, size - 1) != b"\n"

    def write(self, data: bytes) -> None:
        rest = memoryview(b"\n" + data if self._torn else data)
        self._torn = False
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def sync(self) -> None:
        os.fdatasync(self._descriptor)

    def length(self) -> int:
        return os.fstat(self._descriptor).st_size

    def close(self) -> None:
        os.close(self._descriptor)


class _Book:
    """One day book, and the lines that it owes the disk.

    After a failed write or sync the descriptor is thrown away: the kernel may call the next fsync on it good and
    have lost the bytes all the same. What is owed is then written again to a fresh one.
    """

    def __init__(self, root: Path, folder: str, open_file: Callable[[Path], BookFile]) -> None:
        self.path = root / folder / BOOK
        self._root = root
        self._open_file = open_file
        self._file: BookFile | None = None
        self.owed: list[bytes] = []
        self._written = 0  # of those owed, to the file that is open

    def write(self) -> int:
        try:
            file = self._opened()
            if self._written < len(self.owed):
                file.write(b"".join(self.owed[self._written :]))
                self._written = len(self.owed)
            return file.length()
        except OSError as error:
            self.drop()
            raise translated(error, self.path) from error

    def sync(self) -> None:
        self.write()
        assert self._file is not None
        try:
            self._file.sync()
        except OSError as error:
            self.drop()
            raise NotDurable(f"{self.path}: {error.strerror}") from error
        self.owed, self._written = [], 0

    def drop(self) -> None:
        """Throw the open file away; what is owed stays owed."""
        file, self._file, self._written = self._file, None, 0
        if file is not None:
            with suppress(OSError):  # it is not used again, and what it held is owed
                file.close()

    def _opened(self) -> BookFile:
        if self._file is None:
            make_folder(self.path.parent, self._root)
            file = self._open_file(self.path)
            try:
                sync_folder(self.path.parent)
            except StorageError:
                file.close()
                raise
            self._file = file
        return self._file


class DayBooks:
    """The day books below `pictures`, for the one thread that writes them; a few stay open."""

    def __init__(self, pictures: Path, open_file: Callable[[Path], BookFile] = AppendFile) -> None:
        self._pictures = pictures
        self._open_file = open_file
        self._books: dict[str, _Book] = {}  # least recently used first

    def append(self, entries: Iterable[Entry], sync: bool = True) -> Mapping[str, int]:
        """Append each entry to the book it belongs to; return {CAMERA/YYYY/MM/DD: length after it}.

        A line handed over is never dropped: when this raises NotDurable, DiskFull or StorageError, it is written
        again before the next one, or by `sync`. Reading it twice does no harm.
        """
        touched: dict[str, _Book] = {}
        for entry in entries:
            touched[entry.folder] = book = self._book(entry.folder)
            book.owed.append(encode(entry))
        lengths = {folder: book.write() for folder, book in touched.items()}
        if sync:
            for book in touched.values():
                book.sync()
        self._close_some()
        return lengths

    def sync(self) -> None:
        """Make durable all that is owed, in every book; raise the first error after trying each."""
        errors = []
        for book in self._books.values():
            try:
                if book.owed:
                    book.sync()
            except StorageError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    @property
    def owed(self) -> int:
        """How many lines are not known to be durable."""
        return sum(len(book.owed) for book in self._books.values())

    def close(self) -> None:
        """Sync and close all; raise StorageError when something is still owed."""
        try:
            self.sync()
        finally:
            for book in self._books.values():
                book.drop()
            self._books.clear()

    def _book(self, folder: str) -> _Book:
        book = self._books.pop(folder, None) or _Book(self._pictures, folder, self._open_file)
        self._books[folder] = book
        return book

    def _close_some(self) -> None:
        for folder in list(self._books)[:-MAX_OPEN]:
            book = self._books[folder]
            with suppress(StorageError):  # it stays open with what it owes, for `sync` to tell
                if book.owed:
                    book.sync()
                book.drop()
                del self._books[folder]


class DiskKeeper:
    """The Keeper of a real node: a shelf and the day books beside the pictures."""

    def __init__(self, shelf: Shelf, open_file: Callable[[Path], BookFile] = AppendFile) -> None:
        self.books = DayBooks(shelf.pictures, open_file)
        self.take_in, self.holds, self.set_aside = shelf.take_in, shelf.holds, shelf.set_aside
        self.spooled = shelf.spooled
        self.discard, self.remove, self.free = shelf.discard, shelf.remove, shelf.free
        self.drop, self.renditions = shelf.drop, shelf.renditions
        self.hold_reserve, self.drop_reserve = shelf.hold_reserve, shelf.drop_reserve
        self.append, self.sync, self.close = self.books.append, self.books.sync, self.books.close


def day_folders(pictures: Path) -> Iterator[str]:
    """Yield every CAMERA/YYYY/MM/DD below `pictures`, in order."""
    for path in sorted(pictures.glob("*/[0-9][0-9][0-9][0-9]/[0-9][0-9]/[0-9][0-9]")):
        folder = path.relative_to(pictures).as_posix()
        if _DAY.fullmatch(folder) and path.is_dir():
            yield folder


def read(pictures: Path, folder: str, begin: int = 0) -> Iterator[Line]:
    """Yield what the book of one day holds from the offset `begin`; damage is yielded too and stops nothing."""
    return read_file(pictures / folder / BOOK, folder, begin)


def read_file(path: Path, folder: str, begin: int = 0) -> Iterator[Line]:
    """Yield what the day book at `path`, of the day `folder`, holds from the offset `begin`."""
    try:
        with path.open("rb") as file:
            file.seek(begin)
            for raw in file:
                end = begin + len(raw)
                if raw != b"\n":  # an empty line ends one that was torn
                    yield _line(folder, begin, end, raw)
                begin = end
    except FileNotFoundError:
        return
    except OSError as error:
        yield Line(folder, begin, begin, problem=f"{folder}/{BOOK}: cannot be read: {error.strerror}")


def _line(folder: str, begin: int, end: int, raw: bytes) -> Line:
    try:
        said = decode(raw.rstrip(b"\n"))
        entry = from_json(said)
        if entry is not None and entry.folder != folder:
            raise ValueError("it belongs to another day book")
    except (ValueError, OverflowError, OSError, RecursionError) as error:  # a time that no calendar has, for one
        why = "the last line is torn" if not raw.endswith(b"\n") else f"a line is damaged: {error}"
        return Line(folder, begin, end, problem=f"{folder}/{BOOK}: at byte {begin}: {why}")
    return Line(folder, begin, end, entry, said)


def read_all(pictures: Path) -> Iterator[Line]:
    """Yield the lines of all day books, camera by camera and day by day."""
    for folder in day_folders(pictures):
        yield from read(pictures, folder)


def read_after(pictures: Path, offsets: Mapping[str, int]) -> Iterator[Line]:
    """Yield the lines behind the offsets that the catalogue remembers; a book that became shorter is read anew."""
    found = set()
    for folder in day_folders(pictures):
        found.add(folder)
        offset, size = offsets.get(folder, 0), _size(pictures / folder / BOOK)
        if size < offset:
            yield Line(folder, 0, 0, problem=f"{folder}/{BOOK}: {offset - size} bytes that were catalogued are gone")
            offset = 0
        if size > offset:
            yield from read(pictures, folder, offset)
    for folder in sorted(folder for folder, offset in offsets.items() if offset > 0 and folder not in found):
        yield Line(folder, 0, 0, problem=f"{folder}: the day book is gone")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
