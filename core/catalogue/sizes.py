"""How large the pictures are that a camera and its recipes give, as they were made last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.catalogue import states
from core.catalogue.store import Catalogue

Size = tuple[int, int]  # pixels


def note(catalogue: Catalogue, camera: str, kind: str, look: Mapping[str, Any]) -> None:
    """Remember the sizes that the image child told of a picture of this kind, where they changed."""
    found = {kind: look, **{made["recipe"]: made for made in look.get("renditions", ())}}
    for what, told in found.items():
        size = [told.get("width"), told.get("height")]
        if all(size) and states.get(catalogue, _key(camera, what)) != size:
            states.put(catalogue, _key(camera, what), size)


def of(catalogue: Catalogue, camera: str, what: str) -> Size | None:
    """Return the size of a camera's pictures ("jpeg", "raw"), or of what a recipe makes of them; None: not known."""
    found = states.get(catalogue, _key(camera, what))
    return None if found is None else (found[0], found[1])


def _key(camera: str, what: str) -> str:
    return f"size/{camera}/{what}"
