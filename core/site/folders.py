"""Folders that a site names: whether they can be, and where they would meet the node's own pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from core.site.model.cameras import FolderSource
from core.site.model.file import SiteFile
from core.site.model.places import Destination, Route
from core.site.paths import is_folder, meet, real, within
from core.text import safe

Finding = tuple[str, str]  # (key path such as "camera[0].primary", sentence)

PART, WHOLE = 255, 3500  # bytes of one part, and of a path that leaves room for the names below it; Linux takes 4096
KERNEL = (Path("/proc"), Path("/sys"))
FOLDER = "folder:"


def folder_problems(site: SiteFile, base: Path) -> list[Finding]:
    """Return what is wrong with the folders of `site`; the folder `base` is where relative paths begin."""
    found = [*_own(site, base), *_given(site, base)]
    said = {key for key, _ in found}
    met = meetings(site, base, base / site.site.data) if "site.data" not in said else ()
    return found + [(key, sentence) for key, sentence in met if key not in said]


def _own(site: SiteFile, base: Path) -> Iterator[Finding]:
    for word in ("data", "run"):
        value = getattr(site.site, word)
        if value == "":
            yield f"site.{word}", 'an empty path; write such as "data", relative to this file'
        elif value is not None and (wrong := unusable(base / value)) is not None:
            yield f"site.{word}", wrong
        elif value is not None and real(base / value) == Path("/"):
            yield f"site.{word}", "that is the whole disk; name a folder of its own"


def _given(site: SiteFile, base: Path) -> Iterator[Finding]:
    for n, camera in enumerate(site.camera):
        source = camera.source
        if isinstance(source, FolderSource) and source.path and (wrong := unusable(base / source.path)) is not None:
            yield f"camera[{n}].source.path", wrong
    for n, destination in enumerate(site.destination):
        root = root_of(destination)
        if root is not None and (wrong := unusable(root)) is not None:
            yield f"destination[{n}].address", wrong


def meetings(site: SiteFile, base: Path, data: Path) -> Iterator[Finding]:
    """Yield where sources and destinations of `site` meet a data folder: a copy would be the original itself."""
    shown = safe(data)
    for n, camera in enumerate(site.camera):
        if isinstance(camera.source, FolderSource) and camera.source.path and meet(base / camera.source.path, data):
            yield (
                f"camera[{n}].source.path",
                f"that meets the data folder {shown}: the node would take its own pictures; "
                "name a folder apart from it",
            )
    for n, destination in enumerate(site.destination):
        root = root_of(destination)
        if root is not None and (within(root, data) or meet(root / site.site.name, data)):
            yield (
                f"destination[{n}].address",
                f"its folder {safe(root / site.site.name)} meets the data folder {shown}: "
                "the copy would be the original itself; name a folder apart from it",
            )
        elif root is not None:
            yield from _live(site, destination.name, root, data)


def _live(site: SiteFile, name: str, root: Path, data: Path) -> Iterator[Finding]:
    for n, route in enumerate(site.route):
        for key, template in (("live", route.live), ("name", route.name)):
            begun = _begun(site, route, template) if name in route.places and template else ()
            if any(meet(root / each, data) for each in begun):
                yield f"route[{n}].{key}", f"at '{name}' that is in the data folder {safe(data)}; take another name"


def _begun(site: SiteFile, route: Route, template: str) -> Iterator[str]:
    """Yield how the names of a route's template can begin, up to the first part that is of a picture's own."""
    for camera in route.cameras or tuple(camera.name for camera in site.camera):
        for what in route.what:
            filled = template.replace("{camera}", camera).replace("{site}", site.site.name).replace("{recipe}", what)
            yield filled.partition("{")[0].rpartition("/")[0] if "{" in filled else filled


def root_of(destination: Destination) -> Path | None:
    """Return the folder of a destination that is one, None for any other and for an address that is none."""
    scheme, path = destination.address[: len(FOLDER)], destination.address[len(FOLDER) :]
    return Path(path) if scheme == FOLDER and path.startswith("/") else None


def unusable(path: Path) -> str | None:
    """Return why no folder can be in `path`, None when there is one or one can be made."""
    if any(len(os.fsencode(part)) > PART for part in path.parts):
        return f"a part of the path is longer than {PART} bytes, which no file system takes; write a shorter one"
    if len(os.fsencode(path)) > WHOLE:
        return f"the path is longer than {WHOLE} bytes; write a shorter one"
    target = real(path)
    if any(target.is_relative_to(kernel) for kernel in KERNEL):
        return f"{safe(target)} is the kernel's and keeps no files; name a folder on a disk"
    there = next((each for each in (target, *target.parents) if os.path.lexists(each)), Path("/"))
    return f"{safe(there)} is not a folder; name one" if not is_folder(there) else None
