"""What is wrong with a recipe is told before a picture is, and a right one reaches the child unchanged."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageFont

from core.processing.caption import fill
from core.processing.rules import BUILT_IN, problems
from core.processing.wire import (
    Crop,
    Facts,
    Legend,
    Order,
    Resize,
    Rotate,
    Watermark,
    order_from_json,
    parse_box,
    recipe_to_json,
)
from core.site.model import recipes
from core.site.model.recipes import Recipe, Step

FACTS = Facts("north", "harbour", 1_795_262_400.0, "Europe/Paris")


def test_a_recipe_crosses_to_the_child_unchanged() -> None:
    recipe = Recipe(
        name="web",
        quality=80,
        exif="keep",
        subsampling="4:2:2",
        steps=(
            Step(crop=recipes.Crop(x=1, y=2, width=3, height=4)),
            Step(rotate=90),
            Step(resize="1920x1280", mode="fill"),
            Step(watermark="logo.png", at="top-left", opacity=0.5, margin=3),
            Step(legend="{camera}", size=30, font="a.ttf", bar=True, shadow=True, color="#ff0000", at="bottom"),
        ),
    )
    steps = (
        Crop(1, 2, 3, 4),
        Rotate(90),
        Resize(1920, 1280, "fill"),
        Watermark("logo.png", "top-left", 0.5, 3),
        Legend("{camera}", "bottom", 16, 30, "a.ttf", True, True, "#ff0000"),
    )
    assert order_from_json(json.loads(json.dumps(recipe_to_json(recipe)))) == Order("web", steps, 80, "4:2:2", True)


def test_the_node_reads_recipes_without_the_library_of_pictures() -> None:
    code = "import core.processing.wire, core.processing.rules, core.processing.plan, sys; print('PIL' in sys.modules)"
    out = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert out.stdout.strip() == "False"


def test_a_good_recipe_has_no_problems(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    steps = (Step(resize="1920x1280"), Step(watermark="logo.png", opacity=0.6), Step(legend="{camera} {time:%d.%m.%Y}"))
    assert problems(Recipe(name="web", steps=steps), tmp_path) == []


@pytest.mark.parametrize(
    ("step", "path", "sentence"),
    [
        pytest.param(Step(), "steps[0]", "this one has none", id="no-verb"),
        pytest.param(Step(rotate=90, resize="10x10"), "steps[0]", "this one has resize and rotate", id="two-verbs"),
        pytest.param(Step(resize="1920*1280"), "steps[0].resize", '"1920x1280"', id="size-words"),
        pytest.param(Step(resize="0x10"), "steps[0].resize", "is not a size", id="no-width"),
        pytest.param(Step(resize="65501x10"), "steps[0].resize", "at most 65500", id="too-large"),
        pytest.param(Step(rotate=45), "steps[0].rotate", "90, 180 or 270", id="rotate"),
        pytest.param(Step(crop=recipes.Crop(width=0, height=5)), "steps[0].crop", "at least 1", id="empty-crop"),
        pytest.param(
            Step(crop=recipes.Crop(x=-1, width=5, height=5)), "steps[0].crop", "at least 0", id="crop-outside"
        ),
        pytest.param(Step(watermark="no.png"), "steps[0].watermark", "there is no file", id="no-watermark"),
        pytest.param(Step(watermark="no.png", opacity=1.5), "steps[0].opacity", "0.0", id="opacity"),
        pytest.param(Step(legend="x", font="no.ttf"), "steps[0].font", "there is no file", id="no-font"),
        pytest.param(Step(legend="{iso}"), "steps[0].legend", "{iso} is not a field", id="unknown-field"),
        pytest.param(Step(legend="{camera.__class__}"), "steps[0].legend", "is not a field", id="attribute"),
        pytest.param(Step(legend="{camera:>30}"), "steps[0].legend", "is not a field", id="format-of-a-name"),
        pytest.param(Step(legend="{camera"), "steps[0].legend", "", id="brace-left-open"),
        pytest.param(Step(legend="été 中"), "steps[0].legend", "cannot write 'é中'", id="not-in-the-font"),
        pytest.param(Step(legend="x", color="red"), "steps[0].color", "#rrggbb", id="color"),
        pytest.param(Step(legend="x", size=0), "steps[0].size", "1 to", id="size"),
        pytest.param(Step(legend="x", margin=-1), "steps[0].margin", "0 or more", id="margin"),
    ],
)
def test_each_mistake_is_told_with_its_key_and_what_to_write(
    step: Step, path: str, sentence: str, tmp_path: Path
) -> None:
    found = dict(problems(Recipe(name="web", steps=(step,)), tmp_path))
    assert sentence in found[path]


def test_what_the_built_in_font_cannot_write_is_known() -> None:
    font = ImageFont.load_default(40)
    missing = bytes(font.getmask("\u4e2d"))
    candidates = [chr(code) for code in (*range(0x20, 0x7F), *range(0xA1, 0x250), *range(0x2018, 0x2123))]
    drawn = {character for character in candidates if bytes(font.getmask(character)) != missing}
    assert drawn == BUILT_IN


def test_a_font_of_ones_own_writes_anything(tmp_path: Path) -> None:
    (tmp_path / "own.ttf").write_bytes(b"font")
    assert problems(Recipe(name="web", steps=(Step(legend="été", font="own.ttf"),)), tmp_path) == []


def test_a_watermark_of_another_format_is_told(tmp_path: Path) -> None:
    (tmp_path / "logo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    found = dict(problems(Recipe(name="web", steps=(Step(watermark="logo.jpg"),)), tmp_path))
    assert "is not a PNG" in found["steps[0].watermark"]


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    bad = Recipe(name="thumbnail", quality=0, steps=(Step(rotate=1), Step(resize="x")))
    assert [path for path, _ in problems(bad, tmp_path)] == ["name", "quality", "steps[0].rotate", "steps[1].resize"]


@pytest.mark.parametrize("text", ["", "x", "12", "12x", "x12", "-1x5", "012x5", "5x5x5", "1920x1280 ", "1e3x5"])
def test_only_width_x_height_is_a_size(text: str) -> None:
    with pytest.raises(ValueError):
        parse_box(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{camera} of {site}", "north of harbour"),
        ("{time:%d.%m.%Y %H:%M}", "21.11.2026 13:00"),
        ("{time}", "2026-11-21 13:00"),
        ("{{literal}} 100 %", "{literal} 100 %"),
    ],
)
def test_a_legend_is_filled_in(text: str, shown: str) -> None:
    assert fill(text, FACTS) == shown


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/Lima", "UTC"])
def test_the_time_is_that_of_the_zone(zone: str) -> None:
    hours = {"Europe/Paris": "13", "America/Lima": "07", "UTC": "12"}
    assert fill("{time:%H}", FACTS._replace(zone=zone)) == hours[zone]


@pytest.mark.parametrize(
    ("utc", "shown"),
    [("2026-10-25 00:59", "02:59 CEST"), ("2026-10-25 01:00", "02:00 CET"), ("2026-03-29 01:00", "03:00 CEST")],
    ids=["before-the-hour-that-comes-twice", "in-it-again", "after-the-hour-that-is-skipped"],
)
def test_the_time_follows_the_zone_through_its_changes(utc: str, shown: str) -> None:
    at = datetime.strptime(f"{utc} +0000", "%Y-%m-%d %H:%M %z").timestamp()
    assert fill("{time:%H:%M %Z}", FACTS._replace(time=at)) == shown


@pytest.mark.parametrize("text", ["a\nb", "a\x1b[31mb", "a\u202eb", "{time:%n}"])
def test_a_legend_never_carries_controls(text: str) -> None:
    shown: Any = fill(text, FACTS)
    assert shown.isprintable()
