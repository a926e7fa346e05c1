"""Paint what lies behind: the light of an hour, a sky with drifting clouds, the sea."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from random import Random
from typing import NamedTuple

from PIL import Image, ImageChops, ImageDraw

Color = tuple[int, int, int]
Point = tuple[float, float]

WIDTH, HEIGHT = 2400, 1600  # of the canvas, in whose units everything is placed
HORIZON = 880
BACKDROP = 4  # sky and sea are painted this much smaller: they are soft


class Light(NamedTuple):
    """The light of an hour: the sky at the zenith and at the horizon, and how bright things are, 0 to 1."""

    zenith: Color
    horizon: Color
    brightness: float


HOURS: Sequence[tuple[float, Light]] = (
    (0.0, Light((7, 11, 30), (22, 32, 60), 0.22)),
    (5.0, Light((18, 28, 70), (84, 78, 120), 0.32)),
    (6.5, Light((66, 100, 166), (250, 184, 128), 0.66)),
    (8.5, Light((60, 122, 192), (218, 228, 232), 0.92)),
    (13.0, Light((42, 110, 192), (198, 224, 240), 1.0)),
    (17.0, Light((58, 114, 184), (238, 218, 190), 0.95)),
    (19.3, Light((60, 74, 142), (252, 156, 98), 0.64)),
    (21.0, Light((20, 28, 72), (100, 80, 114), 0.34)),
    (24.0, Light((7, 11, 30), (22, 32, 60), 0.22)),
)


def dice(seed: int) -> Random:
    """Return dice that always fall the same way."""
    return Random(seed)  # noqa: S311 - it paints, it keeps no secret


def mix(first: Color, second: Color, share: float) -> Color:
    """Return `first` with `share` (0 to 1) of `second` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def light_at(hour: float) -> Light:
    """Return the light of a local hour, 0 to 24."""
    after = min(bisect_right([begin for begin, _ in HOURS], hour), len(HOURS) - 1)
    (begin, early), (end, late) = HOURS[after - 1], HOURS[after]
    share = (hour - begin) / (end - begin)
    return Light(
        mix(early.zenith, late.zenith, share),
        mix(early.horizon, late.horizon, share),
        early.brightness + (late.brightness - early.brightness) * share,
    )


@lru_cache(maxsize=8)
def _field(seed: int, columns: int, rows: int, width: int, height: int) -> Image.Image:
    """Return soft noise: random points, three octaves of them, blown up."""
    random, octaves = dice(seed), list[Image.Image]()
    for octave in (1, 2, 4):
        size = (columns * octave, rows * octave)
        grid = Image.frombytes("L", size, random.randbytes(size[0] * size[1]))
        octaves.append(grid.resize((width, height), Image.Resampling.BICUBIC))
    return Image.blend(Image.blend(octaves[0], octaves[1], 0.35), octaves[2], 0.22)


def _ramp(top: Color, bottom: Color, width: int, height: int) -> Image.Image:
    column = Image.new("RGB", (1, height))
    column.putdata([mix(top, bottom, (y / max(1, height - 1)) ** 1.4) for y in range(height)])
    return column.resize((width, height), Image.Resampling.NEAREST)


def glow(image: Image.Image, middle: Point, radius: float, color: Color, strength: int) -> None:
    """Lay a round light over the picture, in its own pixels; `strength` of 255 in the middle."""
    side = max(2, round(2 * radius))
    fall = Image.radial_gradient("L").point([strength * max(0, 180 - value) ** 2 // 180**2 for value in range(256)])
    left, top = round(middle[0] - radius), round(middle[1] - radius)
    image.paste(color, (left, top), fall.resize((side, side)))


def _sun(hour: float) -> Point:
    """Return where the sun stands, in canvas units; below the horizon at night."""
    share = (hour - 6.0) / 14.0
    return WIDTH * (0.12 + 0.72 * share), HORIZON - math.sin(math.pi * share) * 0.86 * HORIZON


def _sky(width: int, horizon: int, light: Light, hour: float, nth: int) -> Image.Image:
    sky = _ramp(light.zenith, light.horizon, width, horizon)
    unit = width / WIDTH
    if light.brightness < 0.4:
        _stars(sky, light)
    x, y = (value * unit for value in _sun(hour))
    if y < horizon + 60 * unit:
        warm = mix((255, 190, 110), (255, 248, 226), light.brightness)
        glow(sky, (x, y), 560 * unit, warm, 150)
        glow(sky, (x, y), 105 * unit, (255, 252, 238), 420)
    _clouds(sky, light, nth)
    return sky


def _clouds(sky: Image.Image, light: Light, nth: int) -> None:
    """Lay drifting clouds over the sky, each with a darker underside; they thin out towards the horizon."""
    width, height = sky.size
    shift = nth * 5 % width
    field = _field(3, 22, 12, width * 2, height).crop((shift, 0, shift + width, height))
    dense = round(60 + 150 * light.brightness)
    mask = field.point([min(dense, max(0, (value - 130) * 7 // 2)) for value in range(256)])
    fade = Image.linear_gradient("L").resize(sky.size).point([255 - value * value // 300 for value in range(256)])
    mask = ImageChops.multiply(mask, fade)
    under = mix(mix(light.zenith, (128, 132, 144), 0.5 * light.brightness), light.horizon, 0.4)
    sky.paste(under, (0, max(1, height // 45)), mask)
    sky.paste(mix(under, mix((255, 255, 255), light.horizon, 0.25), light.brightness), (0, 0), mask)


def _stars(sky: Image.Image, light: Light) -> None:
    random, draw = dice(11), ImageDraw.Draw(sky)
    for _ in range(130):
        spot = random.randrange(sky.width), random.randrange(sky.height * 3 // 4)
        draw.point(spot, mix(light.zenith, (255, 255, 255), random.random() * (1 - light.brightness)))


def _sea(width: int, height: int, light: Light, hour: float, nth: int) -> Image.Image:
    deep = mix((4, 10, 24), (22, 74, 98), light.brightness)
    sea = _ramp(mix(light.horizon, deep, 0.35), deep, width, height)
    waves = _field(5, 30, 60, width + 200, height)
    shift = nth * 23 % 200
    waves = waves.crop((shift, 0, shift + width, height))
    sea.paste(mix(deep, light.horizon, 0.8), (0, 0), waves.point([min(120, max(0, (v - 122) * 3)) for v in range(256)]))
    x, y = _sun(hour)
    if y < HORIZON:
        path = Image.new("L", (width, height))
        _glow_path(path, x * width / WIDTH)
        sparkle = waves.point([min(255, max(0, (v - 118) * 7)) for v in range(256)])
        sea.paste(mix(light.horizon, (255, 250, 230), 0.7), (0, 0), ImageChops.multiply(path, sparkle))
    return sea


def _glow_path(mask: Image.Image, x: float) -> None:
    half = mask.width // 9
    fall = Image.radial_gradient("L").point([max(0, 255 - value * 255 // 180) for value in range(256)])
    tall = fall.resize((2 * half, 4 * mask.height)).crop((0, mask.height, 2 * half, 3 * mask.height))
    mask.paste(tall, (round(x) - half, 0))


def backdrop(width: int, height: int, light: Light, hour: float, nth: int, mirrored: bool) -> Image.Image:
    """Return sky and sea at a local hour, 0 to 24, at the `nth` picture."""
    small_width, small_height = max(8, width // BACKDROP), max(8, height // BACKDROP)
    horizon = round(small_height * HORIZON / HEIGHT)
    image = Image.new("RGB", (small_width, small_height))
    image.paste(_sky(small_width, horizon, light, hour, nth), (0, 0))
    image.paste(_sea(small_width, small_height - horizon, light, hour, nth), (0, horizon))
    if mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image.resize((width, height), Image.Resampling.BICUBIC)
