"""What the bytes of a JPEG tell of damage before any of it is decoded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

START, END = b"\xff\xd8\xff", b"\xff\xd9"
TAIL = 1 << 16  # bytes; some cameras write a little after the end marker
HOLE = bytes(512)  # a sector that was never written
PROGRESSIVE, HUFFMAN, SCAN = 0xC2, 0xC4, 0xDA
BARE = frozenset((0x01, *range(0xD0, 0xD8)))  # markers without a length
MAX_SEGMENTS = 10_000  # of a header; the largest profiles and maker's blocks take hundreds
_MARKER = re.compile(rb"\xff+([^\xff])", re.DOTALL)  # any number of fill bytes may come before its code


class Scan(NamedTuple):
    """Where the coded data begins, and whether an even picture may be coded as nothing but zero bits.

    A progressive picture may; its scans bring their tables as they come, and it is left to the decoder.
    """

    begin: int
    zeros_are_legal: bool


def damage(data: bytes) -> str | None:
    """Return what is wrong with the bytes of a JPEG, or None.

    Zeros after the end marker are padding and legal; anything else there may be at most 64 KB.
    """
    if not data.startswith(START):
        return "not a JPEG: its start marker is missing"
    scan = _find_scan(data)
    if scan is None:
        return "cut off or damaged in its header"
    filled = len(data.rstrip(b"\0"))
    end = data.rfind(END, max(scan.begin, filled - TAIL), filled)
    if end < 0:
        zeros = len(data) - filled
        return f"cut off: the last {zeros} bytes are zeros" if zeros > 1 else "cut off: its end marker is missing"
    hole = -1 if scan.zeros_are_legal else data.find(HOLE, scan.begin, end)
    if hole >= 0 and data.find(END, scan.begin, hole) < 0:
        return f"a hole of zeros at byte {hole}"
    return None


def _find_scan(data: bytes) -> Scan | None:
    """Walk the segments of the header up to the first scan."""
    at, progressive, tables = 2, False, list[Table]()
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.match(data, at)
        if found is None:
            return None
        marker, at = found[1][0], found.end()
        if marker in BARE:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        progressive = progressive or marker == PROGRESSIVE
        if marker == HUFFMAN:
            tables += _tables(data[at + 2 : at + length])
        at += length
        if marker == SCAN:
            return Scan(at, progressive or _code_nothing(tables)) if at < len(data) else None
    return None


class Table(NamedTuple):
    """A Huffman table: 0 for DC or 1 for AC coefficients, and the symbol whose code is all zeros."""

    kind: int
    zeros: int


def _tables(segment: bytes) -> Iterator[Table]:
    """Yield the tables of one segment; the first symbol of a canonical code is the one coded as zeros."""
    at = 0
    while at + 17 < len(segment):
        yield Table(segment[at] >> 4, segment[at + 17])
        at += 17 + sum(segment[at + 1 : at + 17])


def _code_nothing(tables: list[Table]) -> bool:
    """Tell whether zero bits alone can be a block of every component: tables made for one even picture allow it.

    The usual tables do not: in theirs for luminance, zero bits are a coefficient.
    """
    return any(table.kind for table in tables) and all(table.zeros & 0x0F == 0 for table in tables if table.kind)
