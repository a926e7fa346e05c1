"""What an object at a destination may be called, and what its unfinished part is called beside it."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from core.errors import DestinationRefused
from core.text import UNSAFE_CATEGORIES, safe

LONGEST = 232  # bytes of one part: file systems take 255, and the partial adds 23
_MARK = re.compile(r"~[0-9a-f]{8}(\.[^./]+)?$")
_PARTIAL = re.compile(r"\..+\.[0-9a-f]{16}\.part", re.DOTALL)


@lru_cache(maxsize=64)
def parts_of(name: str) -> tuple[str, ...]:
    """Return the parts of an object's name; raise DestinationRefused for one that is not relative and plain."""
    parts = tuple(name.split("/"))
    if any(part in ("", ".", "..") for part in parts):
        raise DestinationRefused(f"{safe(name)!r} is not a relative name without '.', '..' and empty parts")
    if any(unicodedata.category(character) in UNSAFE_CATEGORIES for character in name):
        raise DestinationRefused(f"'{safe(name)}' has a character that no file name of ours may have")
    if any(len(part.encode()) > LONGEST for part in parts):
        raise DestinationRefused(f"{safe(name)!r} has a part of more than {LONGEST} bytes")
    if is_partial(parts[-1]):
        raise DestinationRefused(f"{safe(name)!r} is what an unfinished object is called")
    return parts


def partial_of(base: str, sha256: str) -> str:
    """Return the name of the unfinished file beside `base`.

    It carries the content's hash, so that a resume cannot mix two pictures.
    """
    return f".{base}.{sha256[:16]}.part"


def unmarked(base: str) -> str:
    """Return the name that was asked for, without the mark (~8 digits of the hash) that keeps two objects apart."""
    return _MARK.sub(r"\1", base)


def is_partial(base: str) -> bool:
    """Tell whether a file of this name is an unfinished one."""
    return _PARTIAL.fullmatch(base) is not None
