"""How renditions are made of pictures."""

from __future__ import annotations

from typing import Literal

from core.site.model.words import Name, table

Corner = Literal["top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right"]


@table
class Crop:
    """Keep this box of the picture, in pixels of the picture as it is at this step."""

    width: int
    height: int
    x: int = 0
    y: int = 0


@table
class Step:
    """One step of a recipe: exactly one of crop, resize, rotate, watermark and legend, with what belongs to it."""

    crop: Crop | None = None
    resize: str | None = None  # "1920x1280"
    mode: Literal["fit", "fill", "exact"] = "fit"  # of resize
    rotate: int | None = None  # degrees clockwise: 90, 180, 270
    watermark: str | None = None  # a PNG, relative to site.toml
    legend: str | None = None  # text with {camera}, {site}, {time:%d.%m.%Y %H:%M}
    at: Corner = "bottom-right"
    opacity: float = 1.0  # of watermark, 0 to 1
    margin: int = 16  # pixels to the edge, of watermark and legend
    size: int = 28  # of legend, pixels
    font: str | None = None  # a TrueType file, relative to site.toml; default: the one that Pillow carries
    bar: bool = False  # of legend: a dark bar behind it, the whole width
    shadow: bool = False  # of legend
    color: str = "#ffffff"  # of legend


@table
class Recipe:
    """A named list of steps that makes a rendition."""

    name: Name
    steps: tuple[Step, ...]
    quality: int = 85
    exif: Literal["keep", "strip"] = "strip"
    subsampling: Literal["4:4:4", "4:2:2", "4:2:0"] = "4:2:0"
