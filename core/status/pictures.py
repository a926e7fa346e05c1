"""The last pictures of a camera as rows for people: what their look found, and where they are."""

from __future__ import annotations

from typing import Any

from core.catalogue import deliveries, pictures, receipts
from core.catalogue.pictures import Picture
from core.catalogue.store import Catalogue
from core.transfer.base import Level

Row = dict[str, Any]
STATISTICS = ("mean", "contrast", "sharpness", "dark", "bright")  # of core.processing.look


def picture_rows(catalogue: Catalogue, camera: str, limit: int) -> list[Row]:
    """Return the last pictures of a camera that this node has or had, the newest first.

    Each: `name`, `at`, `kind`, `size`, `slot` (it is for one), `here` (its file is), `proven` (wherever it must be); of
    its look, where there was one, `verdict`, `why` and statistics; and `copies`: `destination`, `rendition`, `state`,
    of a proven one `level` and `at` of its receipt, else the `error`.
    """
    return [_row(catalogue, picture) for picture in pictures.last(catalogue, camera, limit)]


def _row(catalogue: Catalogue, picture: Picture) -> Row:
    view = pictures.view(catalogue, picture.id)
    row: Row = {"name": str(picture.name), "at": int(picture.name.at.timestamp()), "kind": picture.kind}
    row |= {"slot": picture.slot is not None, "size": picture.size, "here": not picture.gone}
    row |= {"proven": picture.proven, "copies": _copies(catalogue, picture.id)}
    if view is None:
        return row
    return (
        row
        | {"verdict": view.verdict, "why": view.why}
        | {key: view.stats[key] for key in STATISTICS if key in view.stats}
    )


def _copies(catalogue: Catalogue, picture: int) -> list[Row]:
    proofs = {(one.destination, one.rendition): one for one in receipts.of_picture(catalogue, picture)}
    found = []
    for one in deliveries.of_picture(catalogue, picture):
        copy: Row = {"destination": one.destination, "rendition": one.rendition, "state": one.state}
        if (proof := proofs.get((one.destination, one.rendition))) is not None:
            copy |= {"level": Level(proof.level).word, "at": proof.at / 1000}
        elif one.message:
            copy["error"] = one.message
        found.append(copy)
    return found
