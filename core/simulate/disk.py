"""A modelled disk: a Keeper in memory that has a size, fills up, and fails when it is told to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.errors import DiskFull, NameTaken, NotDurable, StorageError
from core.intake.daybook import Line, decode, encode
from core.intake.durable import RESERVE, Space
from core.intake.entries import Entry, PictureEntry
from core.node.jobs import Job, Json, Worker
from core.simulate.world import Course
from core.values import PictureName, Sha256

TERABYTE = 10**12


@dataclass(frozen=True, slots=True)
class File:
    """What a modelled file holds: bytes that are only counted, and the hash that stands for them."""

    size: int
    sha256: Sha256


@dataclass
class SimulatedDisk:
    """Spool, pictures and day books of one node. It outlives the node: a restart finds what was durable.

    `failing`: numbers of the calls of fsync, counted from 1, that fail. `others`: bytes that other programs take.
    """

    size: int = TERABYTE
    others: int = 0
    failing: set[int] = field(default_factory=set)
    spool: dict[str, File] = field(default_factory=dict)
    pictures: dict[str, File] = field(default_factory=dict)  # CAMERA/YYYY/MM/DD/NAME
    made: dict[str, File] = field(default_factory=dict)  # renditions, by path below the data folder
    books: dict[str, list[Entry]] = field(default_factory=dict)  # CAMERA/YYYY/MM/DD: durable lines
    syncs: int = 0
    removed: list[str] = field(default_factory=list)
    used: int = 0  # bytes of spool and pictures
    reserve: int = 0  # bytes kept back for a full disk
    _owed: list[Entry] = field(default_factory=list)  # lines that are not durable yet

    def receive(self, name: str, file: File) -> None:
        """Take a file that a camera's worker received into the spool; raise DiskFull or NotDurable."""
        if file.size > self._left():
            raise DiskFull(f"{name}: no space left on device")
        self._sync(name)
        self.spool[name] = file
        self.used += file.size

    def take_in(self, spool_name: str, name: PictureName) -> str:
        if spool_name in self.spool:
            if name.path in self.pictures:
                raise NameTaken(f"{name.path}: file exists")
            self.pictures[name.path] = self.spool.pop(spool_name)
        elif name.path not in self.pictures:
            raise StorageError(f"{spool_name} is not in the spool")
        self._sync(name.folder)
        return name.path

    def holds(self, name: PictureName) -> bool:
        return name.path in self.pictures

    def spooled(self) -> list[str]:
        return sorted(self.spool)

    def set_aside(self, spool_name: str) -> str:
        del self.spool[spool_name]
        return spool_name

    def discard(self, spool_name: str) -> None:
        self.used -= self.spool.pop(spool_name).size if spool_name in self.spool else 0

    def remove(self, path: str) -> None:
        if path in self.pictures:
            self.used -= self.pictures.pop(path).size
            self.removed.append(path)

    def drop(self, path: str) -> None:
        self.made.pop(f"renditions/{path}", None)

    def renditions(self) -> Iterator[list[str]]:
        yield [path.removeprefix("renditions/") for path in self.made]

    def append(self, entries: Iterable[Entry], sync: bool = True) -> Mapping[str, int]:
        new = list(entries)
        self._owed += new
        if sync:
            self.sync()
        return {entry.folder: self._length(entry.folder) for entry in new}

    def sync(self) -> None:
        if not self._owed:
            return
        if self.is_full:
            raise DiskFull("day.jsonl: no space left on device")
        self._sync("day.jsonl")
        for entry in self._owed:
            self.books.setdefault(entry.folder, []).append(entry)
        self._owed = []

    def free(self) -> Space:
        return Space(max(0, self._left()), self.size)

    def hold_reserve(self) -> None:
        if self._left() >= 10 * RESERVE:
            self.reserve = RESERVE

    def drop_reserve(self) -> bool:
        had, self.reserve = self.reserve, 0
        return had > 0

    def close(self) -> None:
        self.sync()

    @property
    def is_full(self) -> bool:
        """Whether not one byte is left."""
        return self._left() <= 0

    def cut(self) -> None:
        """Lose what was not durable: the power went."""
        self._owed = []

    def lines(self) -> Iterator[Line]:
        """Yield what the day books hold, written to bytes and read again, as `rebuild` wants it."""
        for folder in sorted(self.books):
            for number, entry in enumerate(self.books[folder]):
                yield Line(folder, number, number + 1, entry, decode(encode(entry).rstrip(b"\n")))

    def behind(self, offsets: Mapping[str, int]) -> Iterator[Line]:
        """Yield the lines behind what a catalogue remembers of each book."""
        return (line for line in self.lines() if line.begin >= offsets.get(line.folder, 0))

    def _left(self) -> int:
        return self.size - self.others - self.used - self.reserve

    def _length(self, folder: str) -> int:
        return len(self.books.get(folder, ())) + sum(entry.folder == folder for entry in self._owed)

    def _sync(self, what: str) -> None:
        self.syncs += 1
        if self.syncs in self.failing:
            raise NotDurable(f"{what}: input/output error")


@dataclass
class DiskModel:
    """Stands for the worker that looks at what an earlier run left."""

    disk: SimulatedDisk

    def do(self, job: Job, now: datetime) -> Course:
        if job.op == "tails":
            yield 0.1
            return self._tails(job.args)
        yield 1.0
        listed = {
            str(entry.name) for book in self.disk.books.values() for entry in book if isinstance(entry, PictureEntry)
        }
        left = [(path, file) for path, file in self.disk.pictures.items() if path.rpartition("/")[2] not in listed]
        whole = [_described(name, self.disk.spool[name]) for name in job.args["only"] if name in self.disk.spool]
        return {"whole": whole, "unlisted": [_described(path, file) for path, file in left], "quarantined": []}

    def ended(self, worker: Worker) -> None:
        """It holds nothing."""

    def _tails(self, args: Json) -> Json:
        lines: list[Json] = []
        ends: dict[str, int] = {}
        for folder, begin in args["begins"].items():
            ends[folder] = begin
            for entry in self.disk.books.get(folder, ())[begin:]:
                if len(lines) == args["limit"]:
                    return {"lines": lines, "ends": ends}
                ends[folder] += 1
                lines += [decode(encode(entry).rstrip(b"\n"))] if entry.line in args["kinds"] else []
        return {"lines": lines, "ends": ends}


def _described(path: str, file: File) -> Json:
    return {"name": path.rpartition("/")[2], "size": file.size, "sha256": file.sha256}
