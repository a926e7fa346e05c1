"""The last pictures of a camera, with what their look found and where they are proven."""

from __future__ import annotations

from collections.abc import Callable

from core.catalogue import pictures, receipts
from core.catalogue.store import Catalogue
from core.status.pictures import picture_rows


def test_the_newest_comes_first_with_its_statistics_and_its_receipts(
    catalogue: Catalogue, shots: object, add: Callable[..., tuple[int, list[int]]]
) -> None:
    nas, office = shots.delivery(), shots.delivery("office", "b.jpg", required=False)  # type: ignore[attr-defined]
    add(0, nas)
    picture, (first, _) = add(1, nas, office)
    pictures.set_view(catalogue, picture, "whole", "", {"mean": 104.2, "contrast": 51.0, "hash": "ff00"})
    known = pictures.by_id(catalogue, picture)
    receipts.prove(catalogue, first, 3, known.size, known.sha256, 5_000)
    newest, older = picture_rows(catalogue, "north", 10)
    assert (newest["at"] - older["at"], newest["proven"], older["proven"]) == (600, True, False)
    assert (newest["verdict"], newest["mean"], newest["contrast"]) == ("whole", 104.2, 51.0)
    assert "hash" not in newest
    assert newest["copies"] == [
        {"destination": "nas", "rendition": "", "state": "proven", "level": "read-back", "at": 5.0},
        {"destination": "office", "rendition": "", "state": "queued"},
    ]
    assert [row["name"] for row in picture_rows(catalogue, "north", 1)] == [newest["name"]]
    assert picture_rows(catalogue, "south", 10) == []
