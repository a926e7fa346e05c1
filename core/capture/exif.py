"""The least EXIF that says when a picture was taken, for frames of a stream that have none of their own. Pure."""

from __future__ import annotations

import struct

from core.values import utc

_ASCII, _LONG = 2, 4
_EXIF_IFD, _TAKEN, _ZONE = 0x8769, 0x9003, 0x9011  # EXIF 2.31: ExifIFD, DateTimeOriginal, OffsetTimeOriginal
_HEAD = b"Exif\0\0"
_FIRST = 8  # offset of the first directory
SOI, APP1 = b"\xff\xd8", b"\xff\xe1"


def stamped(jpeg: bytes, at: float) -> bytes:
    """Return a JPEG with an EXIF block behind its start marker that says when it was taken, in UTC.

    `at`: seconds since the epoch.
    """
    block = _HEAD + _tiff(at)
    return SOI + APP1 + (len(block) + 2).to_bytes(2, "big") + block + jpeg[len(SOI) :]


def _tiff(at: float) -> bytes:
    taken, zone = utc(at).strftime("%Y:%m:%d %H:%M:%S").encode() + b"\0", b"+00:00\0"
    second = _FIRST + _size(1)
    behind = second + _size(2)
    first = _directory((_EXIF_IFD, _LONG, 1, second))
    own = _directory((_TAKEN, _ASCII, len(taken), behind), (_ZONE, _ASCII, len(zone), behind + len(taken)))
    return b"II*\0" + struct.pack("<I", _FIRST) + first + own + taken + zone


def _size(entries: int) -> int:
    return 2 + 12 * entries + 4


def _directory(*entries: tuple[int, int, int, int]) -> bytes:
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<H", len(entries)) + packed + struct.pack("<I", 0)
