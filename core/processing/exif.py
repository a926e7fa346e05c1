"""When a camera says that it took a picture: EXIF 2.32, tags 36867 (DateTimeOriginal), 36881 and 36880 (its offset)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from core.errors import PictureBroken
from core.processing.tiff import Directory, Read, Tiff

EXIF_DIRECTORY, ORIGINAL, OFFSET_ORIGINAL, OFFSET = 0x8769, 0x9003, 0x9011, 0x9010
HEAD = 1 << 16  # bytes in which a CR3 keeps its directories
MAX_SEGMENTS = 100  # of a JPEG, before its EXIF
FUJI, FUJI_JPEG = b"FUJIFILM", 84  # a RAF, and where it says at which byte its JPEG begins
CANON_EXIF = b"CMT2"  # the box of a CR3 that holds the EXIF directory as a TIFF structure of its own
_TIME = re.compile(r"(\d{4})[:/-](\d\d)[:/-](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")


class Shown(NamedTuple):
    """What the camera's clock showed, and how far that was ahead of UTC, if the camera says so."""

    local: datetime  # naive
    offset: timedelta | None


def shown(read: Read) -> Shown | None:
    """Return when a JPEG or RAW says that it was taken; None when it does not, or not legibly."""
    for block in _blocks(read):
        try:
            found = _of_tiff(Tiff(block))
        except PictureBroken:
            continue
        if found is not None:
            return found
    return None


def _blocks(read: Read) -> Iterator[Read]:
    """Yield what may be TIFF structures with the time in them."""
    head = read(0, 16)
    if head[:2] in (b"II", b"MM"):
        yield read
    elif head.startswith(b"\xff\xd8"):
        yield from _of_jpeg(read, 0)
    elif head.startswith(FUJI):
        yield from _of_jpeg(read, int.from_bytes(read(FUJI_JPEG, 4), "big"))
    elif head[4:8] == b"ftyp" and (at := read(0, HEAD).find(CANON_EXIF)) >= 0:
        yield _from(read, at + len(CANON_EXIF))


def _of_jpeg(read: Read, begin: int) -> Iterator[Read]:
    at = begin + 2
    for _ in range(MAX_SEGMENTS):
        head = read(at, 10)
        if len(head) < 10 or head[0] != 0xFF or head[1] == 0xDA:
            return
        if head[1] == 0xE1 and head[4:10] == b"Exif\0\0":
            yield _from(read, at + 10)
        at += 2 + int.from_bytes(head[2:4], "big")


def _from(read: Read, begin: int) -> Read:
    return lambda offset, length: read(begin + offset, length)


def _of_tiff(tiff: Tiff) -> Shown | None:
    for directory in tiff.directories():
        found = _of_directory(tiff, directory)
        if found is None and EXIF_DIRECTORY in directory:
            at = tiff.values(directory[EXIF_DIRECTORY])
            found = _of_directory(tiff, tiff.directory(at[0])[0]) if at else None
        if found is not None:
            return found
    return None


def _of_directory(tiff: Tiff, directory: Directory) -> Shown | None:
    match = _TIME.match(tiff.text(directory[ORIGINAL])) if ORIGINAL in directory else None
    if match is None:
        return None
    try:
        local = datetime(*(int(digits) for digits in match.groups()))  # type: ignore[arg-type] # noqa: DTZ001
    except ValueError:  # 0000:00:00, which a camera without a clock writes
        return None
    offsets = (tiff.text(directory[tag]) for tag in (OFFSET_ORIGINAL, OFFSET) if tag in directory)
    return Shown(local, next((found for text in offsets if (found := _offset(text)) is not None), None))


def _offset(text: str) -> timedelta | None:
    match = _OFFSET.fullmatch(text.strip())
    if match is None:
        return None
    ahead = timedelta(hours=int(match[2]), minutes=int(match[3]))
    if ahead > timedelta(hours=14):
        return None
    return -ahead if match[1] == "-" else ahead
