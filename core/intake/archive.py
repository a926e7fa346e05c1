"""How a tree of pictures that is not ours is laid out: a camera's card, a Webcampak, or folders of any kind.

A card has DCIM/ with folders of its own below it (JEITA CP-3461, DCF). A Webcampak has a folder for each source with
pictures/YYYYMMDD/YYYYMMDDHHMMSS.jpg and pictures/raw/YYYYMMDD/YYYYMMDDHHMMSS.EXT in the local time of the source,
whose zone stands in etc/config-sourceN.cfg beside the folder of the sources.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from core.errors import NoSuchThing
from core.intake.durable import translated
from core.text import safe

Layout = Literal["card", "webcampak", "flat"]
LAYOUTS = ("auto", "card", "webcampak", "flat")
CARD = "DCIM"
_DAY = re.compile(r"\d{8}")
_SOURCE = re.compile(r"source\d{1,4}")
_ZONE = re.compile(r"""^\s*cfgcapturetimezone\s*=\s*["']?([A-Za-z0-9_+/-]{1,64})["']?\s*$""", re.MULTILINE)
_LARGEST = 1 << 20  # bytes of a configuration file
_NOT_PICTURES = re.compile(r"\..*|@eaDir|#recycle|lost\+found|\$RECYCLE\.BIN|System Volume Information")


class Source(NamedTuple):
    """What one camera left: a Webcampak's source, or the whole tree. `name` and `zone`: what the layout tells."""

    root: Path
    name: str | None = None
    zone: str | None = None


class Archive(NamedTuple):
    """A tree and how it is laid out."""

    layout: Layout
    sources: tuple[Source, ...]


def recognise(root: Path, layout: str = "auto") -> Archive:
    """Return how the tree is laid out; raise NoSuchThing when it is not there, or not laid out as it is said to be."""
    if not root.is_dir():
        raise NoSuchThing(f"{safe(root)}: there is no such folder that this node can read")
    if layout in ("auto", "card") and (card := _card(root)) is not None:
        return Archive("card", (Source(card),))
    if layout in ("auto", "webcampak") and (found := tuple(_webcampak(root))):
        return Archive("webcampak", found)
    if layout in ("auto", "flat"):
        return Archive("flat", (Source(root),))
    missing = f"no {CARD} folder" if layout == "card" else "no pictures/YYYYMMDD folders"
    raise NoSuchThing(f"{safe(root)}: it has {missing}; leave --layout away, or say --layout flat")


def _card(root: Path) -> Path | None:
    if CARD in (part.upper() for part in root.resolve().parts):
        return root
    return next((path for path in _folders(root) if path.name.upper() == CARD), None)


def _webcampak(root: Path) -> Iterator[Source]:
    root = root.resolve()  # a source may be named as ".", or by its folder of pictures
    if root.name == "pictures" and _has_days(root):
        root = root.parent
    places = [root] if _has_days(root / "pictures") else [*_folders(root), *_folders(root / "sources")]
    for place in places:
        if _has_days(place / "pictures"):
            name = place.name if _SOURCE.fullmatch(place.name) else None
            yield Source(place / "pictures", name, _zone(place) if name else None)


def _has_days(pictures: Path) -> bool:
    return any(_DAY.fullmatch(path.name) for path in [*_folders(pictures), *_folders(pictures / "raw")])


def _zone(place: Path) -> str | None:
    for etc in (place.parent / "etc", place.parent.parent / "etc"):
        try:
            with (etc / f"config-{place.name}.cfg").open(errors="replace") as file:
                match = _ZONE.search(file.read(_LARGEST))
        except OSError:
            continue
        if match is not None:
            return match[1]
    return None


def batches(
    layout: Layout, source: Source, unreadable: Callable[[OSError], object] = lambda error: None
) -> Iterator[tuple[Path, ...]]:
    """Yield the folders of a source that hold pictures, in order: those together in which pairs may lie apart."""
    if layout == "webcampak":
        raw = source.root / "raw"
        days = {path.name for path in [*_folders(source.root), *_folders(raw)] if _DAY.fullmatch(path.name)}
        for day in sorted(days):
            yield tuple(folder for folder in (source.root / day, raw / day) if folder.is_dir())
    else:
        for folder, names, _ in os.walk(source.root, onerror=unreadable):  # links are not followed
            names[:] = sorted(name for name in names if _NOT_PICTURES.fullmatch(name) is None)
            yield (Path(folder),)


def files(folder: Path) -> list[os.DirEntry[str]]:
    """Return what lies in a folder beside folders and hidden files, by name; raise StorageError."""
    try:
        with os.scandir(folder) as entries:
            found = [one for one in entries if not one.name.startswith(".") and not one.is_dir(follow_symlinks=False)]
    except OSError as error:
        raise translated(error, folder) from error
    return sorted(found, key=lambda one: one.name)


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(one.path) for one in entries if one.is_dir(follow_symlinks=False))
    except OSError:
        return []
