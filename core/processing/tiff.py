"""Read the directories of a TIFF structure (a RAW, an EXIF block): every loop is bounded, the file may be hostile."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from core.errors import PictureBroken

Read = Callable[[int, int], bytes]
"""Returns the bytes at an offset, fewer where the file ends."""

SUB_DIRECTORIES = 0x14A
MAX_DIRECTORIES = 64
MAX_ENTRIES = 1000
MAX_VALUES = 1 << 16
MAX_TEXT = 1 << 10
ASCII = 2  # the type of text
WIDTHS = {1: 1, 3: 2, 4: 4}  # bytes of BYTE, SHORT and LONG, the types that offsets and sizes have
MAGICS = frozenset((42, 0x55, 0x4F52, 0x5352))  # TIFF, Panasonic, Olympus (two)


class Entry(NamedTuple):
    """One field of a directory: where it lies, its type, the amount of its values, and its last four bytes."""

    at: int
    type: int
    amount: int
    data: bytes


Directory = dict[int, Entry]


class Tiff:
    """A TIFF structure; raises PictureBroken when it is none."""

    def __init__(self, read: Read) -> None:
        self._read = read
        head = read(0, 8)
        if head[:2] not in (b"II", b"MM") or len(head) < 8:
            raise PictureBroken("not a TIFF structure")
        self.byte_order: str = "little" if head[:2] == b"II" else "big"
        if self.number(head[2:4]) not in MAGICS:
            raise PictureBroken("not a TIFF structure")
        self._first = self.number(head[4:8])

    def number(self, data: bytes) -> int:
        """Return the unsigned number that `data` spells in this structure's byte order."""
        return int.from_bytes(data, "little" if self.byte_order == "little" else "big")

    def directories(self) -> Iterator[Directory]:
        """Yield every directory of the chain and below it, each once; raise PictureBroken for one that is cut."""
        waiting, seen = deque([self._first]), set[int]()
        while waiting and len(seen) < MAX_DIRECTORIES:
            at = waiting.popleft()
            if at == 0 or at in seen:
                continue
            seen.add(at)
            directory, following = self.directory(at)
            yield directory
            waiting.append(following)
            if SUB_DIRECTORIES in directory:
                waiting += self.values(directory[SUB_DIRECTORIES])

    def directory(self, at: int) -> tuple[Directory, int]:
        """Return the directory at an offset, and where the next of its chain is; raise PictureBroken."""
        count = self.number(self._exactly(at, 2))
        if not 1 <= count <= MAX_ENTRIES:
            raise PictureBroken(f"a directory of {count} entries")
        body = self._exactly(at + 2, 12 * count)
        entries = {}
        for nth in range(count):
            entry = body[12 * nth : 12 * nth + 12]
            tag, kind, values = self.number(entry[:2]), self.number(entry[2:4]), self.number(entry[4:8])
            entries[tag] = Entry(at + 2 + 12 * nth, kind, values, entry[8:])
        return entries, self.number(self._read(at + 2 + 12 * count, 4))

    def values(self, entry: Entry) -> list[int]:
        """Return the numbers of `entry`: none when it holds no whole numbers or implausibly many."""
        width = WIDTHS.get(entry.type, 0)
        total = width * entry.amount
        if not 0 < total <= MAX_VALUES * width:
            return []
        data = entry.data if total <= 4 else self._exactly(self.number(entry.data), total)
        return [self.number(data[at : at + width]) for at in range(0, total, width)]

    def text(self, entry: Entry) -> str:
        """Return the text of `entry`, "" when it is none or implausibly long."""
        if entry.type != ASCII or entry.amount > MAX_TEXT:
            return ""
        data = entry.data if entry.amount <= 4 else self._exactly(self.number(entry.data), entry.amount)
        return data[: entry.amount].split(b"\0")[0].decode("ascii", errors="replace")

    def _exactly(self, at: int, length: int) -> bytes:
        data = self._read(at, length)
        if len(data) != length:
            raise PictureBroken("cut off inside a directory")
        return data


ORIENTATION = 0x112
_EXIF = b"Exif\0\0"


def upright(exif: bytes) -> bytes:
    """Return an EXIF block whose orientation says "as it is", for pixels that were turned already."""
    offset = len(_EXIF) if exif.startswith(_EXIF) else 0
    body = exif[offset:]
    try:
        tiff = Tiff(lambda at, length: body[at : at + length])
        entry = next(tiff.directories()).get(ORIENTATION)
    except (PictureBroken, StopIteration):
        return exif
    if entry is None:
        return exif
    width = WIDTHS.get(entry.type, 2)
    one = (1).to_bytes(width, "little" if tiff.byte_order == "little" else "big")
    at = offset + entry.at + 8
    return exif[:at] + one + exif[at + width :]
