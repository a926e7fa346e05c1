"""Pictures as cards and old archives hold them: with EXIF, in pairs, with the times that their files have."""

from __future__ import annotations

import os
import struct
from datetime import datetime
from itertools import count
from pathlib import Path

from peers.ptpip import GREY

_number = count(1)


def comment(text: str) -> bytes:
    """Return a comment of a JPEG: it makes one picture another one."""
    return b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text.encode()


def jpeg(taken: str | None = None, offset: str | None = None, size: int = 0) -> bytes:
    """Return a whole JPEG that was never there before, with EXIF times ("2026:11:21 08:50:00", "+01:00") if given."""
    exif = b""
    if taken is not None:
        block = b"Exif\0\0" + tiff(taken, offset)
        exif = b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
    return (GREY[:2] + exif + comment(f"{os.getpid()} {next(_number)}") + GREY[2:]).ljust(size, b"\0")


def tiff(taken: str, offset: str | None = None) -> bytes:
    """Return a TIFF structure with an EXIF directory: what begins a NEF, CR2 or ARW, and fills an EXIF block."""
    entries = [(0x9003, taken.encode() + b"\0"), *([(0x9011, offset.encode() + b"\0")] if offset else [])]
    at = 26 + 2 + 12 * len(entries) + 4  # behind the two directories
    rows, texts = b"", b""
    for tag, text in entries:
        rows += struct.pack("<HHII", tag, 2, len(text), at + len(texts))
        texts += text
    first = struct.pack("<HHHIII", 1, 0x8769, 4, 1, 26, 0)
    return b"II*\0\x08\0\0\0" + first + struct.pack("<H", len(entries)) + rows + bytes(4) + texts


def nef(taken: str, size: int = 3000) -> bytes:
    """Return what passes for a RAW: its directories, and sensor data that is never the same."""
    return (tiff(taken) + f"{os.getpid()} {next(_number)}".encode()).ljust(size, b"\x55")


def put(path: Path, data: bytes, mtime: datetime | None = None) -> Path:
    """Write a file, dated `mtime`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if mtime is not None:
        os.utime(path, (mtime.timestamp(), mtime.timestamp()))
    return path


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """Return what would change of a tree if somebody wrote in it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}
