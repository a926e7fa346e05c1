"""Recipes as the image child is given them: the node writes JSON, the child reads a tuple of verbs.

Stdlib only, and without the module of the configuration: a child starts in the time of one decode.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from core.site.model.recipes import Recipe, Step

Json = dict[str, Any]

ENVIRONMENT = {
    "PILLOW_BLOCKS_MAX": "10",  # of 16 MB, kept when a picture is done with: fresh pages cost as much as a resize
    "OPENBLAS_NUM_THREADS": "1",  # the threads of numpy, which simplejpeg brings, would eat the limit of memory
}
"""What the image child is to be started with; it does without, slower."""

THUMBNAIL = "thumbnail"
"""The name of the rendition that every picture gets; no recipe may take it."""

LARGEST = 65_500  # pixels of a side; libjpeg writes no larger picture
_BOX = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")


class Crop(NamedTuple):
    """Keep this box, in pixels of the picture as it is at this step."""

    x: int
    y: int
    width: int
    height: int


class Resize(NamedTuple):
    """Scale to `width` x `height`: fit inside it and never enlarge, fill it and cut the rest, or distort to it."""

    width: int
    height: int
    mode: str


class Rotate(NamedTuple):
    """Turn clockwise by 90, 180 or 270 degrees."""

    degrees: int


class Watermark(NamedTuple):
    """Lay a PNG over the picture."""

    file: str
    at: str
    opacity: float
    margin: int


class Legend(NamedTuple):
    """Write a line of text on the picture."""

    text: str
    at: str
    margin: int
    size: int
    font: str | None
    bar: bool
    shadow: bool
    color: str


Verb = Crop | Resize | Rotate | Watermark | Legend
_VERBS: dict[str, type[Verb]] = {
    "crop": Crop,
    "resize": Resize,
    "rotate": Rotate,
    "watermark": Watermark,
    "legend": Legend,
}


class Order(NamedTuple):
    """One rendition to make: what to do, in this order, and how to encode it."""

    name: str
    steps: tuple[Verb, ...]
    quality: int
    subsampling: str
    exif: bool


class Facts(NamedTuple):
    """What a legend may say of the picture: `time` in seconds since the epoch, shown in `zone`."""

    camera: str
    site: str
    time: float
    zone: str


def parse_box(text: str) -> tuple[int, int]:
    """Return width and height of "1920x1280"; raise ValueError with what to write instead."""
    match = _BOX.fullmatch(text)
    if match is None:
        raise ValueError(f'{text!r} is not a size; write WIDTHxHEIGHT in pixels, such as "1920x1280"')
    width, height = int(match[1]), int(match[2])
    if max(width, height) > LARGEST:
        raise ValueError(f"{text!r} is too large; a side of a JPEG has at most {LARGEST} pixels")
    return width, height


def recipe_to_json(recipe: Recipe) -> Json:
    """Return `recipe` as the child is given it; raise ValueError for one in which `problems` finds any."""
    return {
        "name": recipe.name,
        "steps": [_verb_to_json(_verb(step)) for step in recipe.steps],
        "quality": recipe.quality,
        "subsampling": recipe.subsampling,
        "exif": recipe.exif == "keep",
    }


def order_from_json(message: Json) -> Order:
    """Return what `recipe_to_json` wrote; raise KeyError, TypeError or ValueError for anything else."""
    steps = tuple(_VERBS[verb](**fields) for step in message["steps"] for verb, fields in step.items())
    return Order(message["name"], steps, message["quality"], message["subsampling"], message["exif"])


def _verb(step: Step) -> Verb:
    if step.crop is not None:
        return Crop(step.crop.x, step.crop.y, step.crop.width, step.crop.height)
    if step.resize is not None:
        return Resize(*parse_box(step.resize), step.mode)
    if step.rotate is not None:
        return Rotate(step.rotate)
    if step.watermark is not None:
        return Watermark(step.watermark, step.at, step.opacity, step.margin)
    if step.legend is not None:
        return Legend(step.legend, step.at, step.margin, step.size, step.font, step.bar, step.shadow, step.color)
    raise ValueError("a step without a verb")


def _verb_to_json(verb: Verb) -> Json:
    return {type(verb).__name__.lower(): verb._asdict()}
