"""Paint a harbour with a building site: the view of the demo's virtual camera, another at each shot.

Everything is placed on a canvas of 2400x1600 and scaled; what is random is so by a fixed seed, so that clouds drift,
ships sail and the building grows from one picture to the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFont

from core.simulate.sky import HEIGHT, HORIZON, WIDTH, Color, Light, Point, backdrop, dice, glow, light_at, mix

QUAY = 1240
FLOORS, FLOOR_HEIGHT, GLAZING_LAG = 18, 46, 4
CONTAINERS: Sequence[Color] = (
    (178, 58, 44),
    (38, 92, 140),
    (60, 122, 84),
    (206, 134, 48),
    (120, 126, 132),
    (92, 52, 88),
)


class Brush:
    """Draws in the canvas' own units; `mirrored` for a camera that looks from the other side."""

    def __init__(self, image: Image.Image, light: Light, mirrored: bool) -> None:
        self.light, self._mirrored = light, mirrored
        self._draw, self._scale = ImageDraw.Draw(image), image.width / WIDTH

    def _place(self, points: Sequence[Point]) -> list[Point]:
        flip = self._mirrored
        return [((WIDTH - x if flip else x) * self._scale, y * self._scale) for x, y in points]

    def lit(self, color: Color, haze: float = 0.0) -> Color:
        """Return a colour in this light, with the haze of its distance."""
        dimmed = mix((10, 14, 30), color, self.light.brightness)
        return mix(dimmed, self.light.horizon, haze)

    def shape(self, points: Sequence[Point], color: Color) -> None:
        """Fill a polygon."""
        self._draw.polygon(self._place(points), fill=color)

    def box(self, x: float, y: float, width: float, height: float, color: Color) -> None:
        """Fill a rectangle."""
        self.shape(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), color)

    def line(self, points: Sequence[Point], color: Color, width: float = 3) -> None:
        """Draw a line."""
        self._draw.line(self._place(points), fill=color, width=max(1, round(width * self._scale)))

    def spot(self, x: float, y: float) -> Point:
        """Return where a point of the canvas lies in the picture."""
        return self._place(((x, y),))[0]

    def text(self, x: float, y: float, text: str, size: float, color: Color) -> None:
        """Write, never mirrored, around a middle point."""
        font = _font(max(8, round(size * self._scale)))
        self._draw.text(self.spot(x, y), text, font=font, fill=color, anchor="mm")

    def truss(self, begin: Point, end: Point, depth: float, color: Color) -> None:
        """Draw a lattice girder from point to point."""
        length = math.dist(begin, end)
        along = ((end[0] - begin[0]) / length, (end[1] - begin[1]) / length)
        across = (-along[1] * depth, along[0] * depth)
        bays = max(2, round(length / depth))
        lower = [
            (begin[0] + along[0] * length * n / bays, begin[1] + along[1] * length * n / bays) for n in range(bays + 1)
        ]
        upper = [(x + across[0], y + across[1]) for x, y in lower]
        self.line((lower[0], lower[-1]), color, 5)
        self.line((upper[0], upper[-1]), color, 5)
        self.line([(upper if n % 2 else lower)[n] for n in range(bays + 1)], color, 3)


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


@lru_cache(maxsize=2)
def _grain(width: int, height: int) -> Image.Image:
    """Return sensor noise around 128, a little larger than a picture so that each takes another part of it."""
    tile = Image.effect_noise((640, 640), 7)
    grain = Image.new("L", (width + 64, height + 64))
    for x in range(0, grain.width, 640):
        for y in range(0, grain.height, 640):
            grain.paste(tile, (x, y))
    return Image.merge("RGB", (grain, grain, grain))


def _hills(brush: Brush) -> None:
    for seed, height, haze in ((21, 120, 0.72), (22, 66, 0.5)):
        random, points = dice(seed), [(0.0, float(HORIZON))]
        points += [(x, HORIZON - height * (0.45 + 0.55 * random.random())) for x in range(0, WIDTH + 150, 150)]
        brush.shape([*points, (WIDTH, HORIZON)], brush.lit((58, 78, 88), haze))


def _town(brush: Brush) -> None:
    random, x = dice(31), 40.0
    while x < 1500:
        width, height = random.uniform(24, 70), random.uniform(20, 92)
        brush.box(x, HORIZON - height, width, height, brush.lit((104, 112, 124), 0.42))
        if brush.light.brightness < 0.5:
            for _ in range(4):
                brush.box(x + random.uniform(2, width - 6), HORIZON - random.uniform(6, height), 4, 5, (255, 214, 140))
        x += width + random.uniform(-4, 26)


def _ship(brush: Brush, nth: int) -> None:
    x, y = (nth * 55 + 260) % 2900 - 520, HORIZON + 62
    brush.shape(((x, y - 34), (x + 520, y - 34), (x + 482, y + 22), (x + 26, y + 22)), brush.lit((58, 40, 46), 0.18))
    brush.line(((x + 18, y + 8), (x + 490, y + 8)), brush.lit((176, 50, 42), 0.18), 10)
    random = dice(41)
    for column in range(9):
        for row in range(random.randint(2, 4)):
            color = brush.lit(CONTAINERS[random.randrange(6)], 0.22)
            brush.box(x + 112 + column * 40, y - 54 - row * 20, 38, 18, color)
    brush.box(x + 44, y - 130, 50, 96, brush.lit((226, 228, 226), 0.15))
    brush.box(x + 36, y - 130, 66, 16, brush.lit((60, 74, 88), 0.15))
    brush.box(x + 56, y - 160, 18, 30, brush.lit((190, 60, 48), 0.15))


def _quay(brush: Brush) -> None:
    brush.shape(((0, QUAY), (WIDTH, QUAY - 44), (WIDTH, HEIGHT), (0, HEIGHT)), brush.lit((136, 132, 124)))
    brush.shape(((0, QUAY), (WIDTH, QUAY - 44), (WIDTH, QUAY - 12), (0, QUAY + 34)), brush.lit((84, 82, 80)))
    for nth in range(12):
        x = nth * 205
        brush.line(((x, QUAY + 36 - x * 0.019), (x * 1.5 - 600, HEIGHT)), brush.lit((112, 108, 102)), 4)
    brush.line(((0, QUAY + 96), (WIDTH, QUAY + 40)), brush.lit((220, 190, 70)), 7)


def _stacks(brush: Brush, nth: int) -> None:
    random = dice(51)
    for column in range(8):
        x = 70 + column * 132
        for row in range((random.randint(1, 3) + nth * random.randint(0, 1)) % 4 + 1):
            color, y = CONTAINERS[random.randrange(6)], QUAY + 8 - row * 56 - column * 2
            brush.box(x, y, 126, 54, brush.lit(color))
            brush.box(x, y + 48, 126, 6, brush.lit(mix(color, (0, 0, 0), 0.4)))
            for rib in range(1, 9):
                brush.line(((x + rib * 14, y + 4), (x + rib * 14, y + 46)), brush.lit(mix(color, (0, 0, 0), 0.2)), 3)


def _gantry(brush: Brush, x: float, nth: int) -> None:
    """Draw a ship-to-shore crane whose trolley moves."""
    red, base = brush.lit((196, 70, 46), 0.06), QUAY + 10
    for leg in (0, 190):
        brush.truss((x + leg, base), (x + leg + 10, base - 560), 26, red)
    brush.truss((x - 420, base - 440), (x + 330, base - 440), 30, red)
    brush.line(((x - 400, base - 440), (x + 100, base - 640), (x + 320, base - 440)), red, 6)
    brush.line(((x + 100, base - 640), (x + 100, base - 440)), red, 12)
    brush.box(x + 200, base - 402, 110, 50, brush.lit((228, 226, 220), 0.06))
    trolley = x - 380 + nth * 97 % 520
    drop = 120 + nth * 61 % 190
    brush.box(trolley - 22, base - 440, 44, 22, brush.lit((60, 62, 66)))
    brush.line(((trolley - 12, base - 420), (trolley - 12, base - 440 + drop)), brush.lit((50, 50, 54)), 2)
    brush.line(((trolley + 12, base - 420), (trolley + 12, base - 440 + drop)), brush.lit((50, 50, 54)), 2)
    brush.box(trolley - 50, base - 440 + drop, 100, 42, brush.lit(CONTAINERS[nth % 6]))


def _building(brush: Brush, x: float, nth: int) -> float:
    """Draw a building of as many floors as pictures were taken and return the height of its top."""
    floors, width = min(FLOORS, 2 + nth), 500.0
    base = float(QUAY + 30)
    for floor in range(floors):
        top = base - (floor + 1) * FLOOR_HEIGHT
        if floor < floors - GLAZING_LAG or nth > FLOORS + floor:
            _glazed_floor(brush, x, top, width, floor)
        else:
            _raw_floor(brush, x, top, width, floors - floor)
    return base - floors * FLOOR_HEIGHT


def _glazed_floor(brush: Brush, x: float, top: float, width: float, floor: int) -> None:
    random = dice(61 + floor)
    brush.box(x, top, width, FLOOR_HEIGHT, brush.lit((198, 194, 184)))
    brush.box(x + width, top, 96, FLOOR_HEIGHT, brush.lit((142, 138, 130)))
    for pane in range(12):
        lit_up = brush.light.brightness < 0.55 and random.random() < 0.35
        glass = (
            (255, 214, 140)
            if lit_up
            else mix(brush.lit((70, 98, 120)), brush.light.zenith, 0.25 + 0.3 * random.random())
        )
        brush.box(x + 8 + pane * 41, top + 9, 33, FLOOR_HEIGHT - 16, glass)
    for pane in range(2):
        brush.box(x + width + 10 + pane * 44, top + 9, 32, FLOOR_HEIGHT - 16, brush.lit((52, 72, 90)))


def _raw_floor(brush: Brush, x: float, top: float, width: float, from_top: int) -> None:
    concrete, dark = brush.lit((166, 162, 154)), brush.lit((58, 58, 62))
    if from_top > 1:
        brush.box(x + 6, top, width + 84, FLOOR_HEIGHT, dark)
    for column in range(8):
        brush.box(x + column * 70, top, 14, FLOOR_HEIGHT, concrete)
        if from_top == 1:
            brush.line(((x + column * 70 + 7, top), (x + column * 70 + 7, top - 22)), brush.lit((120, 74, 50)), 3)
    brush.box(x - 8, top + FLOOR_HEIGHT - 9, width + 112, 11, concrete)
    for pole in range(14):
        brush.line(((x - 16 + pole * 48, top), (x - 16 + pole * 48, top + FLOOR_HEIGHT)), brush.lit((190, 160, 70)), 2)
    brush.line(((x - 16, top + 22), (x + width + 108, top + 22)), brush.lit((190, 160, 70)), 2)


def _tower_crane(brush: Brush, x: float, top: float, nth: int, reach: float) -> None:
    """Draw a tower crane whose jib swings: seen from the side it grows shorter and longer."""
    yellow, swing = brush.lit((232, 178, 40)), math.cos(nth * 0.55 + x)
    side = 1 if swing >= 0 else -1
    jib = side * (0.35 + 0.65 * abs(swing)) * reach
    brush.truss((x, QUAY + 30), (x, top), 30, yellow)
    brush.truss((x - jib * 0.3, top), (x + jib, top), -22 * side, yellow)
    brush.line(((x - jib * 0.3, top), (x - 14, top - 84), (x + jib * 0.72, top - 20)), yellow, 4)
    brush.shape(((x - 34, top), (x + 4, top), (x - 14, top - 88)), yellow)
    brush.box(x - jib * 0.3 - 30, top + 2, 60, 46, brush.lit((110, 110, 112)))
    brush.box(x - 40, top + 4, 40, 40, brush.lit((232, 234, 232)))
    hook, drop = x + jib * (0.45 + 0.4 * math.sin(nth * 0.8)), 110 + nth * 73 % 160
    brush.line(((hook, top + 10), (hook, top + drop)), brush.lit((44, 44, 48)), 3)
    brush.box(hook - 34, top + drop, 68, 14, brush.lit((150, 104, 62)))


def _lamps(image: Image.Image, brush: Brush) -> None:
    """Draw the lamps of the quay; they burn when it is dark."""
    for x in (150, 830, 1180, 2290):
        brush.box(x - 5, QUAY - 330, 10, 390, brush.lit((96, 98, 102)))
        brush.box(x - 34, QUAY - 338, 68, 12, brush.lit((120, 122, 126)))
        if brush.light.brightness < 0.55:
            glow(image, brush.spot(x, QUAY - 326), 0.08 * image.width, (255, 206, 140), 170)
            brush.box(x - 30, QUAY - 328, 60, 8, (255, 240, 206))


def _hoarding(brush: Brush, camera: str, nth: int) -> None:
    """Draw the fence of the building site, with the number of the picture on its board."""
    for panel in range(9):
        x = 1300 + panel * 124
        brush.box(x, QUAY + 32, 120, 74, brush.lit((54, 104, 148) if panel % 2 else (226, 228, 226)))
        brush.box(x + 116, QUAY + 26, 6, 86, brush.lit((90, 92, 96)))
    brush.box(1500, QUAY - 38, 10, 150, brush.lit((80, 82, 86)))
    brush.box(1850, QUAY - 38, 10, 150, brush.lit((80, 82, 86)))
    brush.box(1470, QUAY - 62, 420, 128, brush.lit((24, 40, 60)))
    brush.box(1478, QUAY - 54, 404, 112, brush.lit((244, 242, 234)))
    brush.text(1680, QUAY - 26, camera[:18], 38, brush.lit((24, 40, 60)))
    brush.text(1680, QUAY + 24, f"frame {nth:05d}", 50, brush.lit((190, 52, 40)))


def paint(width: int, height: int, hour: float, nth: int, camera: str) -> Image.Image:
    """Return the view of `camera` at its `nth` picture and a local hour, 0 to 24; a third of the names are mirrored."""
    light, mirrored = light_at(hour), sum(camera.encode()) % 3 == 1
    image = backdrop(width, height, light, hour, nth, mirrored)
    brush = Brush(image, light, mirrored)
    _hills(brush)
    _town(brush)
    _ship(brush, nth)
    _quay(brush)
    _gantry(brush, 620, nth)
    _stacks(brush, nth)
    _tower_crane(brush, 2140, 330, nth, 620)
    top = _building(brush, 1480, nth)
    _tower_crane(brush, 1400, max(220.0, top - 170), nth + 2, 480)
    _hoarding(brush, camera, nth)
    _lamps(image, brush)
    return _with_grain(image, nth)


def _with_grain(image: Image.Image, nth: int) -> Image.Image:
    x, y = nth * 37 % 64, nth * 23 % 64
    grain = _grain(image.width, image.height).crop((x, y, x + image.width, y + image.height))
    return ImageChops.add(image, grain, 1, -128)


def logo(width: int = 240, height: int = 72) -> Image.Image:
    """Return the watermark of the demo: the product's name on a half-transparent plate."""
    plate = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    brush = ImageDraw.Draw(plate)
    brush.rounded_rectangle((0, 0, width - 1, height - 1), radius=height // 4, fill=(12, 22, 36, 150))
    brush.text((width / 2, height / 2), "overlapse", fill=(255, 255, 255, 235), font=_font(height // 2), anchor="mm")
    return plate
