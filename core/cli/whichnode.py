"""Which node a console is for, where neither --node nor this machine's name says it: the one that runs here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.errors import ConfigurationError
from core.site.place import Folders, Place, folders_of, glance, place_of
from core.status.read import Unreadable, read


def place_here(file: Path, node: str | None) -> Place:
    """Return the place of the node that is asked for, or meant, or that ran last in the folders of this site.

    Raise ConfigurationError naming the choices.
    """
    try:
        return place_of(file, node)
    except ConfigurationError:
        found = None if node is not None else next(_ran(file), None)
        if found is None:
            raise
        return place_of(file, found)


def _ran(file: Path) -> Iterator[str]:
    """Yield the nodes that wrote a status document on this machine; those that run first."""
    seen = glance(file)
    all_of = [folders_of(file, seen.site, name, seen.data, seen.run) for name in seen.nodes]
    for folders in sorted(all_of, key=lambda one: not one.control.exists()):
        if (name := _node(folders)) in seen.nodes:
            yield str(name)


def _node(folders: Folders) -> object:
    try:
        return read(str(folders.status)).get("node")
    except Unreadable:
        return None
