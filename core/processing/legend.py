"""Draw on a picture: a watermark and a legend, on the rectangles they touch and nowhere else.

Logos, fonts, bars and texts stay in memory between pictures.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngImageFile

from core.errors import ConfigurationError
from core.processing.caption import fill
from core.processing.decode import FAULTS
from core.processing.wire import Facts, Legend, Watermark

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
BAR_ALPHA, SHADOW_ALPHA = 140, 170  # of 255; white on this bar has a contrast over 4.5 to 1 even on snow
BAR_PADDING, SHADOW_SHIFT = 0.3, 0.07  # of the font's size
LOGO_PIXELS = 20_000_000


def watermark(image: Image.Image, step: Watermark, base: Path) -> None:
    """Lay the PNG of `step` over `image`; raise ConfigurationError when it cannot be read."""
    file = base / step.file
    try:
        colors, mask = _logo(str(file), file.stat().st_mtime_ns, step.opacity)
    except FAULTS as error:
        raise ConfigurationError(f"the watermark {step.file} cannot be read: {error}") from error
    image.paste(colors, _corner(image.size, colors.size, step.at, step.margin), mask)


@lru_cache(maxsize=8)
def _logo(file: str, changed: int, opacity: float) -> tuple[Image.Image, Image.Image]:
    """Return colours and mask of a PNG; `changed` makes a new version of the file another one."""
    with PngImageFile(file) as png:
        if png.width * png.height > LOGO_PIXELS:
            raise ValueError(f"it has over {LOGO_PIXELS // 1_000_000} megapixels")
        logo = png.convert("RGBA")
    alpha = logo.getchannel("A")
    return logo.convert("RGB"), alpha.point([round(value * opacity) for value in range(256)])


def _corner(outer: tuple[int, int], inner: tuple[int, int], at: str, margin: int) -> tuple[int, int]:
    """Return where the top left of `inner` goes; what does not fit is cut off at the right and the bottom."""
    return (
        _along(outer[0], inner[0], "left" in at, "right" in at, margin),
        _along(outer[1], inner[1], "top" in at, "bottom" in at, margin),
    )


def _along(outer: int, inner: int, first: bool, last: bool, margin: int) -> int:
    if first:
        return margin
    return max(0, outer - inner - margin if last else (outer - inner) // 2)


def legend(image: Image.Image, step: Legend, facts: Facts, base: Path) -> None:
    """Write the text of `step`; raise ConfigurationError when its font or a field of it is not usable."""
    try:
        text = _text(fill(step.text, facts), _font_of(step, base), step.size)
        color = ImageColor.getrgb(step.color)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the legend cannot be drawn: {error}") from error
    x, y = _corner(image.size, text.size, step.at, step.margin)
    if step.bar:
        y = _bar(image, text.height, step)
    if step.shadow:
        shift = max(1, round(step.size * SHADOW_SHIFT))
        image.paste(
            (0, 0, 0), (x + shift, y + shift), text.point([value * SHADOW_ALPHA // 255 for value in range(256)])
        )
    image.paste(color, (x, y), text)


def _bar(image: Image.Image, text_height: int, step: Legend) -> int:
    """Darken a bar of the whole width for a text of this height and return where the text begins."""
    padding = round(step.size * BAR_PADDING)
    height = text_height + 2 * padding
    _, top = _corner(image.size, (image.width, height), step.at, 0)
    image.paste((0, 0, 0), (0, top), _shade(image.width, height))
    return top + padding


@lru_cache(maxsize=8)
def _shade(width: int, height: int) -> Image.Image:
    return Image.new("L", (width, height), BAR_ALPHA)


def _font_of(step: Legend, base: Path) -> Font:
    if step.font is None:
        return _font(None, 0, step.size)
    file = base / step.font
    return _font(str(file), file.stat().st_mtime_ns, step.size)


@lru_cache(maxsize=8)
def _font(file: str | None, changed: int, size: int) -> Font:
    return ImageFont.load_default(size) if file is None else ImageFont.truetype(file, size)


@lru_cache(maxsize=8)
def _text(text: str, font: Font, size: int) -> Image.Image:
    """Return a text as a mask, as high as the font's line whatever its letters."""
    left, _, right, bottom = font.getbbox(text)
    height = max(round(size * 1.2), round(bottom))
    mask = Image.new("L", (max(1, round(right - left)), height))
    ImageDraw.Draw(mask).text((-left, 0), text, fill=255, font=font)
    return mask
