"""A picture small enough for a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.errors import PictureBroken
from core.processing.halfblocks import RAMP, cells, nearest, price
from core.processing.job import ImageService
from core.processing.small import small

ASKED = {"columns": 60, "rows": 20, "colours": 8, "most": 9000}


def preview(service: ImageService, path: Path, **more: Any) -> Any:
    return service.handle("preview", {"path": str(path), "kind": "jpeg", **ASKED, **more})


def test_a_photograph_fits_on_the_terminal_for_the_bytes_that_were_granted(
    service: ImageService, studio: Any, tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    studio.photo(1920, 1280).save(path, quality=90)
    said = preview(service, path)
    assert said["size"] == [1920, 1280]
    assert said["price"] <= 9000
    assert len(said["rows"][0]) <= 60
    assert len(said["palette"]) <= 8
    assert {len(row) for row in said["rows"]} == {len(said["rows"][0])}
    assert len(said["grey"]) <= 20
    assert set("".join(said["grey"])) <= set(RAMP)
    cheap = preview(service, path, most=2000)
    assert cheap["price"] <= 2000
    assert len(cheap["rows"][0]) < len(said["rows"][0])


def test_a_broken_picture_is_refused(service: ImageService, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\xff\xd8 no picture")
    with pytest.raises(PictureBroken):
        preview(service, path)


def test_its_halves_are_where_the_picture_has_them() -> None:
    image = Image.new("RGB", (40, 40), (255, 0, 0))
    image.paste((0, 0, 255), (0, 20, 40, 40))
    said = small(image, 10, 5, 8, 9000)
    lines = cells(said["rows"], said["palette"])
    assert len(lines) == 5
    assert set(lines[0]) == {(196, 196)}
    assert set(lines[-1]) == {(21, 21)}
    assert said["price"] == price(lines)


@pytest.mark.parametrize(
    ("colour", "number"), [((255, 0, 0), 196), ((0, 0, 0), 16), ((128, 128, 128), 244), ((95, 135, 175), 67)]
)
def test_the_nearest_colour_of_the_terminal_is_taken(colour: Any, number: int) -> None:
    assert nearest(*colour) == number
