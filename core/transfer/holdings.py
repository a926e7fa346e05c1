"""Which originals of a site lie at a destination, under the names that routes give: SITE/CAMERA/YYYY/MM/DD/NAME."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from core.transfer.base import Destination, StoredObject
from core.transfer.names import unmarked
from core.values import PictureName

BATCH = 100  # objects about which is asked at once
BOOK = "day.jsonl"

Ask = Callable[[Sequence["Held"]], Sequence[bool] | None]  # which of these are missing here; None: stop


class Held(NamedTuple):
    """An original at a destination; `remote` may have a mark that `name` has not."""

    remote: str
    name: PictureName
    size: int  # bytes


@dataclass
class Day:
    """What lies there of one camera and UTC day."""

    camera: str
    day: str  # 2026-11-21
    pictures: int = 0
    bytes: int = 0
    missing: int = 0  # of them, here
    missing_bytes: int = 0


def survey(destination: Destination, prefixes: Iterable[str], begin: int, end: int, ask: Ask) -> tuple[list[Day], int]:
    """Return what is there of begin <= at < end (seconds since the epoch), and how many names were listed."""
    days: dict[tuple[str, str], Day] = {}
    listed, some = 0, list[Held]()
    for prefix in prefixes:
        for found in destination.list(prefix):
            listed += 1
            held = original(found)
            if held is not None and begin <= held.name.at.timestamp() < end:
                some.append(held)
            if len(some) == BATCH:
                if not _add(days, some, ask):
                    return [], listed
                some = []
    if some:
        _add(days, some, ask)
    return list(days.values()), listed


def original(found: StoredObject) -> Held | None:
    """Return the original that an object is, by its name; None for a rendition, an empty one, or what is not ours."""
    folder, _, base = found.name.rpartition("/")
    try:
        name = PictureName.parse(unmarked(base))
    except ValueError:
        return None
    is_ours = folder.endswith(f"/{name.folder}") and found.size > 0
    return Held(found.name, name, found.size) if is_ours else None


def prefixes(site: str, camera: str, months: Iterable[str] | None = None) -> Iterator[str]:
    """Yield what the names of a camera's originals begin with: all of them, or those of some months (2026/11)."""
    if months is None:
        yield f"{site}/{camera}/"
    else:
        yield from (f"{site}/{camera}/{month}/" for month in months)


def _add(days: dict[tuple[str, str], Day], some: Sequence[Held], ask: Ask) -> bool:
    missing = ask(some)
    if missing is None:
        return False
    for held, is_missing in zip(some, missing, strict=True):
        key = held.name.camera, f"{held.name.at:%Y-%m-%d}"
        day = days.setdefault(key, Day(*key))
        day.pictures += 1
        day.bytes += held.size
        day.missing += is_missing
        day.missing_bytes += held.size if is_missing else 0
    return True
