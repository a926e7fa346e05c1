"""A picture made so small that it fits on a terminal: few colours, and no more bytes than are granted."""

from __future__ import annotations

from typing import Any

from PIL import Image

from core.processing.halfblocks import LETTERS, RAMP, cells, nearest, price

Json = dict[str, Any]
SHRINKS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)


def small(image: Image.Image, columns: int, rows: int, colours: int, most: int) -> Json:
    """Return {"rows", "palette", "price", "grey"} of a picture in at most columns x rows characters and `most` bytes.

    `rows`: lines of letters, two for each line of half blocks; `palette`: colours of xterm, one for each letter;
    `grey`: lines of ASCII, as dark as the picture is there.
    """
    found: Json = {}
    for shrink in SHRINKS:
        found = _made(image, max(2, round(columns * shrink)), max(1, round(rows * shrink)), colours)
        if found["price"] <= most:
            break
    return found | {"grey": _grey(image, columns, rows)}


def _made(image: Image.Image, columns: int, rows: int, colours: int) -> Json:
    fitted = _fitted(image, columns, 2 * rows)
    few = fitted.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    levels = few.getpalette() or []
    palette = [nearest(*levels[3 * n : 3 * n + 3]) for n in range(min(colours, len(levels) // 3))]
    lines = [
        "".join(LETTERS[few.getpixel((x, y))] for x in range(few.width))  # type: ignore[index]
        for y in range(few.height)
    ]
    return {"rows": lines, "palette": palette, "price": price(cells(lines, palette))}


def _grey(image: Image.Image, columns: int, rows: int) -> list[str]:
    """Return it as ASCII: a character is about twice as high as wide."""
    fitted = _fitted(image, columns, 2 * rows).convert("L")
    grey = fitted.resize((fitted.width, max(1, fitted.height // 2)), Image.Resampling.BOX)
    top = len(RAMP) - 1
    return [
        "".join(RAMP[round(grey.getpixel((x, y)) / 255 * top)] for x in range(grey.width))  # type: ignore[operator]
        for y in range(grey.height)
    ]


def _fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    scale = min(width / rgb.width, height / rgb.height)
    return rgb.resize((max(2, round(rgb.width * scale)), max(2, round(rgb.height * scale))), Image.Resampling.BOX)
