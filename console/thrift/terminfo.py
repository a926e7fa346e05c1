"""Read compiled terminfo entries: term(5), the legacy format and the one with 32-bit numbers.

ncurses' own reader (curses.setupterm) keeps one terminal for the life of a process; this one keeps nothing.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
LARGEST = 32768  # bytes; term(5): entries are at most 4096, or 32768 with 32-bit numbers
LEGACY, WIDE = 0o432, 0o1036
SYSTEM = ("/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo", "/usr/lib/terminfo", "/usr/share/lib/terminfo")
BOOLEANS = {"bce": 28}  # place in <term.h>
STRINGS = {
    "csr": 3,
    "el": 6,
    "ed": 7,
    "hpa": 8,
    "cup": 10,
    "ech": 37,
    "dl": 106,
    "indn": 109,
    "il": 110,
    "rin": 113,
    "rep": 121,
    "vpa": 127,
}


class Entry(NamedTuple):
    """What of an entry matters here."""

    flags: frozenset[str]
    strings: Mapping[str, bytes]


def find(term: str, environ: Mapping[str, str]) -> Entry | None:
    """Return the entry of this terminal; None without one, with a damaged one, or with a name that is none."""
    if not NAME.fullmatch(term):
        return None
    for folder in _folders(environ):
        for place in (folder / term[0] / term, folder / f"{ord(term[0]):x}" / term):
            try:
                with place.open("rb") as file:
                    return parse(file.read(LARGEST))
            except (OSError, ValueError):
                continue
    return None


def _folders(environ: Mapping[str, str]) -> list[Path]:
    """Return where entries lie, in the order of term(5)."""
    named = [environ.get("TERMINFO", ""), f"{environ['HOME']}/.terminfo" if environ.get("HOME") else ""]
    named += environ.get("TERMINFO_DIRS", "").split(":")
    return [Path(each) for each in (*named, *SYSTEM) if each]


def parse(data: bytes) -> Entry:
    """Read a compiled entry; raise ValueError when it is not one."""
    try:
        magic, names, flags, numbers, strings, table = struct.unpack_from("<6h", data)
        if magic not in (LEGACY, WIDE):
            raise ValueError("not a terminfo entry")
        begin = 12 + names
        found = frozenset(name for name, at in BOOLEANS.items() if at < flags and data[begin + at] == 1)
        begin += flags
        begin += begin % 2 + numbers * (4 if magic == WIDE else 2)
        offsets = struct.unpack_from(f"<{strings}h", data, begin)
        texts = data[begin + 2 * strings :][:table]
    except (struct.error, IndexError) as error:
        raise ValueError("a damaged terminfo entry") from error
    said = {name: offsets[at] for name, at in STRINGS.items() if at < strings and 0 <= offsets[at] < len(texts)}
    return Entry(found, {name: texts[at:].partition(b"\0")[0] for name, at in said.items()})
