"""What a RAW tells of damage without being developed, and where the JPEG preview inside it lies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from core.errors import PictureBroken
from core.processing.tiff import Directory, Read, Tiff

STRIPS, STRIP_SIZES = 0x111, 0x117
TILES, TILE_SIZES = 0x144, 0x145
PREVIEW, PREVIEW_SIZE = 0x201, 0x202
NOWHERE = 0xFFFFFFFF  # an offset that is none: Panasonic keeps the place of the sensor data in a tag of its own
JPEG, LOSSLESS = b"\xff\xd8\xff", b"\xff\xd8\xff\xc4"  # the second is sensor data of some makers, no preview
TAIL = 1 << 16  # bytes; sensor data never ends in that many zeros, a file that lost power does

CONTAINERS = frozenset((b"mdia", b"minf", b"stbl"))
CANON_UUID = bytes.fromhex("eaf42b5e1c984b88b9fbb7dc406e4d16")  # of the box that holds PRVW in a CR3
CANON_PREVIEW = b"PRVW"
UUID_HEAD, PREVIEW_HEAD = 24, 16  # bytes between the head of that box, and of PRVW, and what they hold
MAX_BOXES = 1000
UNCHECKED = "format not checked"


class Span(NamedTuple):
    """Some bytes of a file."""

    offset: int
    size: int


class RawLook(NamedTuple):
    """What was found: the previews, largest first, and what could not be checked."""

    previews: tuple[Span, ...]
    note: str = ""


def preview(file: int) -> tuple[bytes | None, str]:
    """Return the largest preview in an open RAW, None when it has none, and what could not be checked.

    Raise PictureBroken when the file is cut off, OSError when it cannot be read.
    """
    size = os.fstat(file).st_size

    def read(offset: int, length: int) -> bytes:
        return os.pread(file, min(length, size), offset) if 0 <= offset < size else b""

    found = inspect(read, size)
    return read(*found.previews[0]) if found.previews else None, found.note


def inspect(read: Read, size: int) -> RawLook:
    """Return where the previews of a RAW of `size` bytes are; raise PictureBroken when it is cut off."""
    head = read(0, 12)
    if size > TAIL and not any(read(size - TAIL, TAIL)):
        raise PictureBroken(f"cut off: the last {TAIL} bytes are zeros")
    if not any(head):
        raise PictureBroken("empty, or it begins with zeros")
    if head[:2] in (b"II", b"MM"):
        spans = _of_tiff(read, size)
    elif head[4:8] == b"ftyp":
        spans = _of_boxes(read, size)
    else:
        return RawLook((), UNCHECKED)
    previews = sorted((span for span in spans if _is_preview(read, span)), key=lambda span: -span.size)
    return RawLook(tuple(previews), "" if previews else UNCHECKED)


def _is_preview(read: Read, span: Span) -> bool:
    head = read(span.offset, 4)
    return head.startswith(JPEG) and not head.startswith(LOSSLESS)


def _of_tiff(read: Read, size: int) -> list[Span]:
    """Return all that the directories point at (CR2, NEF, ARW, DNG, PEF, RW2, ORF...)."""
    tiff, found = Tiff(read), list[Span]()
    for directory in tiff.directories():
        for offsets, sizes in ((STRIPS, STRIP_SIZES), (TILES, TILE_SIZES), (PREVIEW, PREVIEW_SIZE)):
            spans = _spans(tiff, directory, offsets, sizes)
            _check_end(max((span.offset + span.size for span in spans), default=0), size)
            found += spans if len(spans) == 1 else []
    return found


def _spans(tiff: Tiff, directory: Directory, offsets: int, sizes: int) -> list[Span]:
    if offsets not in directory or sizes not in directory:
        return []
    pairs = zip(tiff.values(directory[offsets]), tiff.values(directory[sizes]), strict=False)
    return [Span(offset, size) for offset, size in pairs if offset != NOWHERE]


def _check_end(end: int, size: int) -> None:
    if end > size:
        raise PictureBroken(f"cut off: {size} bytes of at least {end}")


class Box(NamedTuple):
    """A box of ISO 14496-12: its type and what it holds."""

    kind: bytes
    body: Span


def _boxes(read: Read, begin: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two offsets; the last may be cut off by the end of the file."""
    at = begin
    for _ in range(MAX_BOXES):
        head = read(at, 16)
        if at + 8 > end or len(head) < 8:
            return
        size, skip = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, skip = int.from_bytes(head[8:16], "big"), 16
        size = size or end - at  # 0: up to the end
        if size < skip:
            raise PictureBroken("damaged: a box smaller than its head")
        yield Box(head[4:8], Span(at + skip, size - skip))
        at += size


def _of_boxes(read: Read, size: int) -> list[Span]:
    """Return the previews of a Canon CR3: the picture track, and PRVW in a box of Canon's own."""
    found = list[Span]()
    for box in _boxes(read, 0, size):
        _check_end(box.body.offset + box.body.size, size)
        if box.kind == b"moov":
            found += _of_tracks(read, box.body)
        elif box.kind == b"uuid":
            found += _of_canon(read, box.body)
    return found


def _of_canon(read: Read, body: Span) -> Iterator[Span]:
    if read(body.offset, len(CANON_UUID)) != CANON_UUID:
        return
    for box in _boxes(read, body.offset + UUID_HEAD, body.offset + body.size):
        if box.kind == CANON_PREVIEW:
            size = int.from_bytes(read(box.body.offset + PREVIEW_HEAD - 4, 4), "big")
            yield Span(box.body.offset + PREVIEW_HEAD, min(size, box.body.size - PREVIEW_HEAD))


def _of_tracks(read: Read, moov: Span) -> Iterator[Span]:
    """Yield the first sample of each track; the one that is a JPEG is the full-size preview."""
    for box in _boxes(read, moov.offset, moov.offset + moov.size):
        if box.kind == b"trak":
            yield from _sample(read, _leaves(read, box.body))


def _leaves(read: Read, body: Span) -> dict[bytes, Span]:
    """Return the boxes below `body` by type, through the containers."""
    found, waiting, seen = dict[bytes, Span](), [body], 0
    while waiting and seen < MAX_BOXES:
        inside = waiting.pop()
        for box in _boxes(read, inside.offset, inside.offset + inside.size):
            seen += 1  # not the kinds found: boxes that overlap could lead to the same ones for ever
            found[box.kind] = box.body
            if box.kind in CONTAINERS:
                waiting.append(box.body)
    return found


def _sample(read: Read, leaves: dict[bytes, Span]) -> Iterator[Span]:
    """Yield the first sample: its size is in `stsz`, its offset in `co64` or `stco`."""
    sizes, offsets = leaves.get(b"stsz"), leaves.get(b"co64", leaves.get(b"stco"))
    if sizes is None or offsets is None:
        return
    head = read(sizes.offset, 16)
    size = int.from_bytes(head[4:8], "big") or int.from_bytes(head[12:16], "big")
    width = 8 if b"co64" in leaves else 4
    yield Span(int.from_bytes(read(offsets.offset + 8, width), "big"), size)
