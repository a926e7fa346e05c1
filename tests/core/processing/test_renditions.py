"""Recipes do what they say, in the order they say it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFont

from core.processing.decode import PillowDecoder
from core.processing.job import ImageService
from core.site.model.recipes import Crop, Recipe, Step

Studio = Any
Process = Any


def test_a_rendition_is_named_after_picture_and_recipe_and_described_truly(
    process: Process, studio: Studio, tmp_path: Path
) -> None:
    answer = process(studio.jpeg(studio.photo()), web=[Step(resize="480x320")], thumbnail=True)
    (web,) = answer["renditions"]
    data = (tmp_path / "renditions" / web["name"]).read_bytes()
    assert web["name"] == "north_20261121T120000Z_unit1_1-1.web.jpg"
    assert web == {**web, "recipe": "web", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert (web["width"], web["height"]) == studio.made(answer).size == (480, 320)
    assert answer["thumbnail"]["name"] == "north_20261121T120000Z_unit1_1-1.thumbnail.jpg"
    assert (answer["thumbnail"]["width"], answer["thumbnail"]["height"]) == (320, 213)
    assert sorted(path.name for path in (tmp_path / "renditions").iterdir()) == sorted(
        [web["name"], answer["thumbnail"]["name"]]
    )


@pytest.mark.parametrize(
    ("mode", "size", "expected"),
    [
        pytest.param("fit", "400x400", (400, 300), id="fit-keeps-the-shape"),
        pytest.param("fit", "4000x4000", (800, 600), id="fit-never-enlarges"),
        pytest.param("fill", "400x400", (400, 400), id="fill-cuts-the-rest"),
        pytest.param("fill", "1600x900", (1600, 900), id="fill-enlarges-when-it-must"),
        pytest.param("exact", "500x100", (500, 100), id="exact-distorts"),
    ],
)
def test_a_resize_gives_the_size_that_its_mode_promises(
    process: Process, studio: Studio, mode: Any, size: str, expected: tuple[int, int]
) -> None:
    answer = process(studio.jpeg(studio.quarters(800, 600)), web=[Step(resize=size, mode=mode)])
    image = studio.made(answer)
    assert image.size == expected
    corners = [studio.color_at(image, x, y) for y in (0.1, 0.9) for x in (0.1, 0.9)]
    assert corners == ["red", "green", "blue", "white"]


def test_fill_keeps_the_middle(process: Process, studio: Studio) -> None:
    wide = Image.new("RGB", (900, 300), (220, 20, 20))
    wide.paste((20, 200, 20), (300, 0, 600, 300))
    image = studio.made(process(studio.jpeg(wide), web=[Step(resize="100x100", mode="fill")]))
    assert {studio.color_at(image, x, 0.5) for x in (0.1, 0.5, 0.9)} == {"green"}


@pytest.mark.parametrize(
    ("degrees", "corners"),
    [
        (90, ["blue", "red", "white", "green"]),
        (180, ["white", "blue", "green", "red"]),
        (270, ["green", "white", "red", "blue"]),
    ],
)
@pytest.mark.parametrize(
    "then", [[], [Step(resize="300x400")], [Step(resize="75x100")]], ids=["full", "half", "eighth"]
)
def test_a_rotation_is_clockwise(
    process: Process, studio: Studio, degrees: int, corners: list[str], then: list[Step]
) -> None:
    image = studio.made(process(studio.jpeg(studio.quarters()), turned=[Step(rotate=degrees), *then]))
    assert [studio.color_at(image, x, y) for y in (0.1, 0.9) for x in (0.1, 0.9)] == corners
    assert (image.width < image.height) == (degrees != 180)


@pytest.mark.parametrize("turns", [(), (90,), (180,), (270,), (90, 90, 90)], ids=str)
@pytest.mark.parametrize("resize", [None, "320x240", "60x45"])
def test_steps_are_done_in_the_order_listed(
    process: Process, studio: Studio, turns: tuple[int, ...], resize: str | None
) -> None:
    """Crops after turns after crops, then a resize: the same as Pillow step by step on the whole picture."""
    photo = studio.quarters(800, 600)
    steps = [Step(crop=Crop(x=60, y=40, width=700, height=540)), *(Step(rotate=degrees) for degrees in turns)]
    steps += [Step(crop=Crop(x=30, y=90, width=420, height=400))]
    expected = photo.crop((60, 40, 760, 580))
    for degrees in turns:
        expected = expected.rotate(-degrees, expand=True)
    expected = expected.crop((30, 90, 450, 490))
    if resize is not None:
        steps.append(Step(resize=resize))
        expected.thumbnail(tuple(map(int, resize.split("x"))))
    image = studio.made(process(studio.jpeg(photo), part=steps))
    assert image.size == expected.size
    for x in (0.05, 0.3, 0.7, 0.95):
        for y in (0.05, 0.35, 0.65, 0.95):
            assert studio.color_at(image, x, y) == studio.color_at(expected, x, y)


def test_a_crop_is_cut_at_the_edge_of_the_picture(process: Process, studio: Studio) -> None:
    answer = process(
        studio.jpeg(studio.quarters(800, 600)), part=[Step(crop=Crop(x=500, y=0, width=9000, height=9000))]
    )
    assert studio.made(answer).size == (300, 600)


def test_a_crop_outside_the_picture_fails_alone_and_says_so(process: Process, studio: Studio) -> None:
    answer = process(
        studio.jpeg(studio.quarters(800, 600)),
        gone=[Step(crop=Crop(x=801, y=0, width=10, height=10))],
        web=[Step(resize="80x60")],
    )
    assert answer["verdict"] == "whole"
    why = "the crop lies outside the picture of 800x600"
    assert answer["failed"] == [{"recipe": "gone", "why": why, "again": False}]
    assert [made["recipe"] for made in answer["renditions"]] == ["web"]


@pytest.mark.parametrize(
    ("at", "spot"),
    [
        ("top-left", (0.02, 0.02)),
        ("top", (0.5, 0.02)),
        ("right", (0.98, 0.5)),
        ("center", (0.5, 0.5)),
        ("bottom-left", (0.02, 0.98)),
        ("bottom-right", (0.98, 0.98)),
    ],
)
def test_a_watermark_lies_where_it_is_told_and_nowhere_else(
    process: Process, studio: Studio, at: Any, spot: tuple[float, float]
) -> None:
    plain = Image.new("RGB", (800, 600), (20, 200, 20))
    recipe = Recipe(name="web", steps=(Step(watermark=studio.logo(), at=at, margin=4),), subsampling="4:4:4")
    image = studio.made(process(studio.jpeg(plain), web=recipe))
    pixel = image.getpixel((int(spot[0] * 799), int(spot[1] * 599)))
    assert pixel[0] > 200 > 80 > pixel[1]
    changed = sum(1 for red, green, blue in image.get_flattened_data() if red > 100)
    assert changed == pytest.approx(40 * 20, rel=0.15)


def test_opacity_lets_the_picture_through(process: Process, studio: Studio) -> None:
    plain = studio.jpeg(Image.new("RGB", (400, 300), (0, 0, 0)))
    step = {"watermark": studio.logo(color=(255, 255, 255, 255)), "at": "center"}
    for opacity in (0.0, 0.25, 0.6, 1.0):
        image = studio.made(process(plain, web=[Step(**step, opacity=opacity)]))
        assert image.getpixel((200, 150))[0] == pytest.approx(255 * opacity, abs=6)


def test_a_watermark_that_changed_on_disk_is_used_anew(process: Process, studio: Studio, tmp_path: Path) -> None:
    plain = studio.jpeg(Image.new("RGB", (400, 300), (0, 0, 0)))
    steps = [Step(watermark=studio.logo(color=(255, 0, 0, 255)), at="center")]
    assert studio.made(process(plain, web=steps)).getpixel((200, 150))[0] > 200
    studio.logo(color=(0, 0, 255, 255))
    os.utime(tmp_path / "logo.png", ns=(1, 1))
    assert studio.made(process(plain, web=steps)).getpixel((200, 150))[2] > 200


def test_a_watermark_that_is_no_picture_fails_that_recipe_alone(
    process: Process, studio: Studio, tmp_path: Path
) -> None:
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    answer = process(studio.jpeg(studio.photo()), web=[Step(watermark="logo.png")], plain=[Step(resize="96x64")])
    assert [failed["recipe"] for failed in answer["failed"]] == ["web"]
    assert "logo.png cannot be read" in answer["failed"][0]["why"]
    assert [made["recipe"] for made in answer["renditions"]] == ["plain"]


def difference(one: Image.Image, other: Image.Image) -> tuple[int, int, int, int]:
    """Return the box in which two pictures of black and white differ."""
    from PIL import ImageChops

    box = ImageChops.difference(one.convert("L"), other.convert("L")).point([0] * 40 + [255] * 216).getbbox()
    assert box is not None
    return box


def test_a_legend_shows_the_time_of_the_sites_zone(process: Process, studio: Studio) -> None:
    plain = studio.jpeg(Image.new("RGB", (800, 200), (0, 0, 0)))
    with_time = studio.made(process(plain, web=[Step(legend="{camera} {time:%d.%m.%Y %H:%M}", size=40)]))
    spelled = studio.made(process(plain, web=[Step(legend="north 21.11.2026 13:00", size=40)]))
    assert list(with_time.get_flattened_data()) == list(spelled.get_flattened_data())
    assert max(value for value, _, _ in spelled.get_flattened_data()) > 200


def test_a_legend_with_a_bar_darkens_the_whole_width_at_its_edge(process: Process, studio: Studio) -> None:
    white = Image.new("RGB", (600, 400), (255, 255, 255))
    recipe = [Step(legend="{site}", bar=True, at="bottom-left", size=30)]
    box = difference(white, studio.made(process(studio.jpeg(white), web=recipe)))
    assert (box[0], box[2], box[3]) == (0, 600, 400)
    assert 30 <= box[3] - box[1] <= 64


def test_a_shadow_makes_white_text_readable_on_white(process: Process, studio: Studio) -> None:
    white = studio.jpeg(Image.new("RGB", (400, 100), (255, 255, 255)))
    without = studio.made(process(white, web=[Step(legend="{camera}", size=40)]))
    shadowed = studio.made(process(white, web=[Step(legend="{camera}", size=40, shadow=True)]))
    assert min(red for red, _, _ in without.get_flattened_data()) > 240
    assert min(red for red, _, _ in shadowed.get_flattened_data()) < 140


def test_two_recipes_never_draw_on_each_others_picture(process: Process, studio: Studio) -> None:
    """Neither takes a resize or a crop: both begin with the very picture that was decoded."""
    green = studio.jpeg(Image.new("RGB", (400, 300), (20, 200, 20)))
    logo = studio.logo()
    answer = process(green, left=[Step(watermark=logo, at="left")], right=[Step(watermark=logo, at="right")], plain=[])
    for nth, (left, right) in enumerate((("marked", "green"), ("green", "marked"), ("green", "green"))):
        image = studio.made(answer, nth)
        found = ["green" if studio.color_at(image, x, 0.5) == "green" else "marked" for x in (0.07, 0.93)]
        assert found == [left, right]


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_quality_and_subsampling_are_those_of_the_recipe(process: Process, studio: Studio, subsampling: Any) -> None:
    from PIL import JpegImagePlugin

    data = studio.jpeg(studio.photo(), subsampling="4:2:2")
    fine = Recipe(name="fine", steps=(), quality=95, subsampling=subsampling)
    coarse = Recipe(name="coarse", steps=(), quality=40, subsampling=subsampling)
    answer = process(data, fine=fine, coarse=coarse)
    assert answer["renditions"][0]["size"] > 2 * answer["renditions"][1]["size"]
    assert JpegImagePlugin.get_sampling(studio.made(answer)) == ["4:4:4", "4:2:2", "4:2:0"].index(subsampling)


def exif_of(image: Image.Image) -> dict[int, Any]:
    return dict(image.getexif())


def test_exif_is_kept_or_stripped_as_the_recipe_says(process: Process, studio: Studio) -> None:
    exif = Image.Exif()
    exif[0x110], exif[0x112] = "D750", 6
    data = studio.jpeg(studio.quarters(), exif=exif.tobytes())
    kept = Recipe(name="kept", steps=(Step(resize="80x60"),), exif="keep")
    turned = Recipe(name="turned", steps=(Step(rotate=90),), exif="keep")
    answer = process(data, kept=kept, turned=turned, bare=[Step(resize="80x60")])
    assert exif_of(studio.made(answer, 0)) == {0x110: "D750", 0x112: 6}
    assert exif_of(studio.made(answer, 1)) == {0x110: "D750", 0x112: 1}
    assert exif_of(studio.made(answer, 2)) == {}


def test_the_colour_profile_stays(process: Process, studio: Studio) -> None:
    profile = b"a profile of colours" * 10
    answer = process(studio.jpeg(studio.photo(), icc_profile=profile), web=[Step(resize="80x60")])
    assert studio.made(answer).info["icc_profile"] == profile


def test_a_folder_that_cannot_be_written_says_nothing_against_the_picture(
    process: Process, studio: Studio, tmp_path: Path
) -> None:
    (tmp_path / "renditions").write_bytes(b"in the way")
    answer = process(studio.jpeg(studio.photo()), web=[Step(resize="80x60")])
    assert (answer["verdict"], answer["renditions"]) == ("whole", [])
    (failed,) = answer["failed"]
    assert (failed["recipe"], failed["again"]) == ("web", True)
    assert str(tmp_path / "renditions") in failed["why"]


FULL_DISK = """
import json, resource, signal, sys
from core.processing.job import ImageService
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
room = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
print(json.dumps(ImageService(strict=False, confine=False).handle("process", json.loads(sys.argv[1]))))
"""


@pytest.mark.parametrize("missing", [1, 3, 20_000], ids=["one-byte", "the-end-marker", "a-part"])
def test_a_rendition_that_the_disk_does_not_take_whole_leaves_nothing_behind(
    process: Process, studio: Studio, tmp_path: Path, missing: int
) -> None:
    data = studio.jpeg(studio.photo())
    size = process(data, web=[Step(resize="800x600")])["renditions"][0]["size"]
    (tmp_path / "again").mkdir()
    job = studio.job(tmp_path / "picture.bin", tmp_path / "again", web=[Step(resize="800x600")])
    command = [sys.executable, "-I", "-c", FULL_DISK, json.dumps(job), str(size - missing)]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30, stdin=subprocess.DEVNULL)
    answer = json.loads(out.stdout)
    assert (answer["verdict"], answer["renditions"]) == ("whole", [])
    assert [(failed["recipe"], failed["again"]) for failed in answer["failed"]] == [("web", True)]
    assert list((tmp_path / "again" / "renditions").iterdir()) == []


def test_a_size_that_no_jpeg_has_fails_that_rendition_alone(
    service: ImageService, studio: Studio, tmp_path: Path
) -> None:
    (tmp_path / "p.jpg").write_bytes(studio.jpeg(studio.photo(320, 240)))
    job = studio.job(
        tmp_path / "p.jpg", tmp_path, wide=[Step(resize="90x10", mode="exact")], web=[Step(resize="80x60")]
    )
    job["recipes"][0]["steps"][0]["resize"]["width"] = 65_501
    answer = service.handle("process", job)
    assert answer["verdict"] == "whole"
    assert [made["recipe"] for made in answer["renditions"]] == ["web"]
    (failed,) = answer["failed"]
    assert (failed["recipe"], failed["again"]) == ("wide", False)
    assert "65501x10 cannot be encoded" in failed["why"]


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def test_an_exif_block_longer_than_one_segment_is_kept_whole(process: Process, studio: Studio) -> None:
    exif = b"MM\0*\0\0\0\x08\0\0\0\0\0\0" + bytes(range(256)) * 600
    data = studio.jpeg(studio.photo(320, 240))
    pieces = [segment(0xE1, b"Exif\0\0" + exif[at : at + 60_000]) for at in range(0, len(exif), 60_000)]
    kept = Recipe(name="kept", steps=(Step(resize="80x60"),), exif="keep")
    answer = process(data[:2] + b"".join(pieces) + data[2:], kept=kept)
    assert studio.made(answer).info["exif"] == b"Exif\0\0" + exif


@pytest.mark.parametrize("exif", ["strip", "keep"])
def test_a_comment_of_the_camera_does_not_go_out(process: Process, studio: Studio, exif: Any) -> None:
    data = studio.jpeg(studio.photo(320, 240))
    data = data[:2] + segment(0xFE, b"serial number 42") + data[2:]
    answer = process(data, web=Recipe(name="web", steps=(), exif=exif), small=[Step(resize="80x60")])
    assert "comment" not in studio.made(answer, 0).info
    assert "comment" not in studio.made(answer, 1).info


def test_white_text_on_a_bar_can_be_read_on_snow(process: Process, studio: Studio) -> None:
    """A contrast of 4.5 to 1, as WCAG 2.1 reckons it."""
    snow = studio.jpeg(Image.new("RGB", (400, 200), (255, 255, 255)))
    image = studio.made(process(snow, web=[Step(legend="x", bar=True, at="bottom-left")])).convert("L")
    bar = image.getpixel((395, 195)) / 255
    assert 1.05 / (((bar + 0.055) / 1.055) ** 2.4 + 0.05) >= 4.5


def test_a_legend_has_the_size_font_and_colour_of_its_recipe(process: Process, studio: Studio, tmp_path: Path) -> None:
    black = Image.new("RGB", (600, 200))

    def drawn(**options: Any) -> Image.Image:
        image: Image.Image = studio.made(process(studio.jpeg(black, subsampling=0), web=[Step(legend="H", **options)]))
        return image

    small, large = (difference(black, drawn(size=size)) for size in (30, 90))
    assert 2.7 <= (large[3] - large[1]) / (small[3] - small[1]) <= 3.3
    red, green, blue = (max(channel.tobytes()) for channel in drawn(size=90, color="#ff0000").split())
    assert red > 200
    assert max(green, blue) < 90
    own = ImageFont.load_default(20)
    assert isinstance(own, ImageFont.FreeTypeFont)
    (tmp_path / "own.ttf").write_bytes(own.font_bytes)
    assert drawn(size=90, font="own.ttf").tobytes() == drawn(size=90).tobytes()
    (tmp_path / "bad.ttf").write_bytes(b"no font")
    answer = process(studio.jpeg(black), web=[Step(legend="H", font="bad.ttf")])
    assert "the legend cannot be drawn" in answer["failed"][0]["why"]


class Counting:
    """A decoder that counts."""

    def __init__(self) -> None:
        self.scales: list[int] = []

    def decode(self, header: Image.Image, data: bytes, scale: int) -> Image.Image:
        self.scales.append(scale)
        return PillowDecoder().decode(header, data, scale)


def test_a_picture_is_decoded_once_for_all_that_is_made_of_it(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "p.jpg").write_bytes(studio.jpeg(studio.photo(960, 640)))
    recipes = {"web": [Step(resize="360x240")], "small": [Step(resize="90x60"), Step(legend="x", size=9)]}
    for scale, more in ((2, {}), (1, {"full": [Step(crop=Crop(x=8, y=8, width=900, height=600))]})):
        counting = Counting()
        service = ImageService(confine=False, decoder=counting)
        answer = service.handle("process", studio.job(tmp_path / "p.jpg", tmp_path, thumbnail=True, **recipes, **more))
        assert len(answer["renditions"]) == 2 + len(more)
        assert counting.scales == [scale]
