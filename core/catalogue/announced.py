"""What is known of pictures that other nodes announced and that have not come yet: their lines, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.catalogue import states
from core.catalogue.store import Catalogue
from core.values import PictureName

_LINE = "line/"


def put(catalogue: Catalogue, name: PictureName, line: Mapping[str, Any]) -> None:
    """Remember the line of a picture."""
    states.put(catalogue, _key(name), line)


def get(catalogue: Catalogue, name: PictureName) -> Mapping[str, Any] | None:
    """Return the line of a picture, None when none came."""
    line: Mapping[str, Any] | None = states.get(catalogue, _key(name))
    return line


def forget(catalogue: Catalogue, name: PictureName) -> None:
    """Forget a line; one that is not there is no error."""
    states.forget(catalogue, _key(name))


def prune(catalogue: Catalogue, before: int) -> int:
    """Forget the lines of pictures named after an instant before this one (seconds); return how many."""
    old = [
        key
        for key in states.keys(catalogue, _LINE)
        if int(PictureName.parse(key[len(_LINE) :]).at.timestamp()) < before
    ]
    with catalogue.transaction():
        for key in old:
            states.forget(catalogue, key)
    return len(old)


def _key(name: PictureName) -> str:
    return f"{_LINE}{name}"
