"""What is wrong with a recipe, found before a picture is: pure but for asking whether its files are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from core.processing.caption import fill
from core.processing.wire import THUMBNAIL, Facts, parse_box
from core.site.model.recipes import Recipe, Step
from core.site.paths import is_file

Problem = tuple[str, str]
"""The path of the key inside the recipe ("steps[2].resize"), and a sentence that says what to write instead."""

_VERBS = ("crop", "resize", "rotate", "watermark", "legend")
_PNG = b"\x89PNG\r\n\x1a\n"
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_SAMPLE = Facts("camera", "site", 0.0, "UTC")
_LARGEST_FONT = 1000
BUILT_IN = frozenset(map(chr, range(0x20, 0x7F))) | frozenset("©«°±´·»‘’“”…‹›⁄™")  # noqa: RUF001
"""All that the font which Pillow carries can write."""


def problems(recipe: Recipe, base: Path) -> list[Problem]:
    """Return all that is wrong with `recipe`, whose files are relative to `base`."""
    found = [("name", f"{THUMBNAIL!r} is the node's own word; take another name")] if recipe.name == THUMBNAIL else []
    if not 1 <= recipe.quality <= 100:
        found.append(("quality", f"{recipe.quality}: write 1 to 100; 85 suits a web page, 90 an archive"))
    for nth, step in enumerate(recipe.steps):
        found += [(f"steps[{nth}]{key}", sentence) for key, sentence in _step(step, base)]
    return found


def _step(step: Step, base: Path) -> Iterator[Problem]:
    verbs = [verb for verb in _VERBS if getattr(step, verb) is not None]
    if len(verbs) != 1:
        given = " and ".join(verbs) or "none"
        yield "", f"a step has exactly one of {', '.join(_VERBS)}; this one has {given}"
    yield from _geometry(step)
    yield from _overlay(step)
    yield from _files(step, base)


def _geometry(step: Step) -> Iterator[Problem]:
    if step.crop is not None and (step.crop.width < 1 or step.crop.height < 1):
        yield ".crop", "width and height are at least 1 pixel"
    if step.crop is not None and (step.crop.x < 0 or step.crop.y < 0):
        yield ".crop", "x and y count from the top left corner and are at least 0"
    if step.resize is not None:
        try:
            parse_box(step.resize)
        except ValueError as error:
            yield ".resize", str(error)
    if step.rotate is not None and step.rotate not in (90, 180, 270):
        yield ".rotate", f"{step.rotate}: write 90, 180 or 270 (degrees clockwise)"


def _overlay(step: Step) -> Iterator[Problem]:
    if not 0.0 <= step.opacity <= 1.0:
        yield ".opacity", f"{step.opacity:g}: write 0.0 (not to be seen) to 1.0 (opaque)"
    if step.margin < 0:
        yield ".margin", f"{step.margin}: write 0 or more pixels"
    if not 1 <= step.size <= _LARGEST_FONT:
        yield ".size", f"{step.size}: write 1 to {_LARGEST_FONT} pixels"
    if _COLOR.fullmatch(step.color) is None:
        yield ".color", f'{step.color!r}: write "#rrggbb", such as "#ffffff"'
    if step.legend is not None:
        yield from _legend(step.legend, step.font)


def _legend(text: str, font: str | None) -> Iterator[Problem]:
    try:
        written = fill(text, _SAMPLE)
    except ValueError as error:
        yield ".legend", str(error)
        return
    strange = "".join(sorted(set(written) - BUILT_IN))
    if font is None and strange:
        yield ".legend", f'the built-in font cannot write {strange!r}; name a TrueType file: font = "FILE.ttf"'


def _files(step: Step, base: Path) -> Iterator[Problem]:
    for key, file in ((".watermark", step.watermark), (".font", step.font)):
        if file is not None and not is_file(base / file):
            yield key, f"there is no file {base / file}"
        elif file is not None and key == ".watermark" and not _is_png(base / file):
            yield key, f"{base / file} is not a PNG that can be read; a watermark is one, for its transparency"


def _is_png(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(_PNG)) == _PNG
    except OSError:
        return False
