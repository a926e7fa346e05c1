"""Pictures of a site through a year, as an image child sees them at 1/8: sun, clouds, fog, snow, lamps, noise."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random
from zoneinfo import ZoneInfo

from PIL import Image, ImageChops, ImageFilter

from core.processing.look import Statistics, statistics
from core.simulate.harbour import paint

SIZE = (144, 96)
LATITUDE = math.radians(48.64)
ZONE = ZoneInfo("Europe/Paris")
LAMPS = (6, 23)  # local hours between which lamps burn at night: they follow summer time


def elevation(at: datetime) -> float:
    """Return the sun's height in degrees, to about one: declination and hour angle, by the calendar."""
    day = at.timetuple().tm_yday
    declination = math.radians(-23.44) * math.cos(math.radians(360 / 365 * (day + 10)))
    angle = math.radians(15 * (at.hour + at.minute / 60 - 12))
    height = math.sin(LATITUDE) * math.sin(declination)
    return math.degrees(math.asin(height + math.cos(LATITUDE) * math.cos(declination) * math.cos(angle)))


@lru_cache(maxsize=256)
def _scene(half_hour: int, nth: int) -> Image.Image:
    image = paint(SIZE[0] * 4, SIZE[1] * 4, half_hour / 2, nth * 40, "north")
    return image.resize(SIZE, Image.Resampling.BOX)


@lru_cache(maxsize=1)
def _noise() -> Image.Image:
    return Image.effect_noise((SIZE[0] * 3, SIZE[1] * 3), 5)


@dataclass
class Site:
    """What a camera there sees. `lit`: lamps burn in the evening, else nights are black. Weather falls by `seed`."""

    lit: bool = False
    seed: int = 1
    _days: dict[int, tuple[float, float, float, int]] = field(default_factory=dict)

    def weather(self, at: datetime) -> tuple[float, float, int]:
        """Return how bright it is (0.5 to 1), how dense the fog (0 to 1), and which clouds there are."""
        day = at.toordinal()
        if day not in self._days:
            dice = Random(f"{self.seed} {day}")
            foggy = dice.random() < (0.25 if at.month in (10, 11, 12, 1, 2) else 0.04)
            begin = dice.uniform(0, 24)
            hours = dice.choice((4.0, 8.0, 14.0, 18.0)) if foggy else 0.0
            self._days[day] = (dice.uniform(0.55, 1), begin, hours, dice.randrange(6))
        bright, begin, hours, clouds = self._days[day]
        fog = 0.0
        for back in (0, 1):
            known = self._days.get(day - back)
            if known is not None:
                since = at.hour + at.minute / 60 + 24 * back - known[1]
                if 0 <= since < known[2]:
                    fog = max(fog, 0.85 * math.sin(math.pi * since / known[2]))
        return bright, fog, (clouds + at.hour) % 6

    def see(self, at: datetime) -> Image.Image:
        """Return the picture of an instant."""
        high = elevation(at)
        bright, fog, clouds = self.weather(at)
        day = min(1.0, max(0.0, (high + 7) / 10))
        hour = (
            12 - 5.5 * (1 - min(1.0, max(0.0, high / 25))) if at.hour < 12 else 13 + 6 * (1 - min(1, max(0, high / 25)))
        )
        image = _scene(round(2 * hour), clouds)
        if at.month in (1, 2) and at.day < 15:  # snow lies on the ground
            ground = image.crop((0, SIZE[1] // 2, *SIZE))
            image = image.copy()
            image.paste(Image.blend(ground, Image.new("RGB", ground.size, (235, 238, 245)), 0.6), (0, SIZE[1] // 2))
        image = Image.blend(image, Image.new("RGB", SIZE, (190, 194, 198)), fog)
        local = at.astimezone(ZONE).hour
        night = _scene(0, 0) if self.lit and (local < LAMPS[0] or local >= 16) and local < LAMPS[1] else None
        light = max(day * (0.4 + 0.6 * bright), 0.03)
        image = image.point([round(value * light) for value in range(256)] * 3)
        if night is not None and day < 1:
            image = ImageChops.lighter(image, night)
        return self._grain(image, at)

    def _grain(self, image: Image.Image, at: datetime) -> Image.Image:
        dice = Random(f"{self.seed} {at.timestamp()}")
        x, y = dice.randrange(SIZE[0] * 2), dice.randrange(SIZE[1] * 2)
        part = _noise().crop((x, y, x + SIZE[0], y + SIZE[1]))
        return ImageChops.add(image, Image.merge("RGB", (part,) * 3), 1, -128)

    def times(self, begin: datetime, days: float, minutes: int = 60) -> Iterator[datetime]:
        """Yield the slots."""
        for n in range(int(days * 1440 / minutes)):
            yield begin + timedelta(minutes=n * minutes)


def looked(image: Image.Image) -> Statistics:
    """Return what the image child tells of a picture."""
    return statistics(image)


def covered(image: Image.Image, at: datetime) -> Image.Image:
    """Return what a camera sees with its cap on, its clock burnt in."""
    black = Image.new("RGB", image.size, (2, 2, 2))
    clock = Image.effect_noise((image.width // 5, 5), 120).convert("RGB")
    black.paste(clock, (2, 2))
    return black


def snowed_up(image: Image.Image, at: datetime) -> Image.Image:
    """Return what it sees through snow on its lens."""
    soft = image.filter(ImageFilter.GaussianBlur(14))
    return Image.blend(soft, Image.new("RGB", image.size, (215, 218, 224)), 0.6)


def shifted(image: Image.Image, at: datetime) -> Image.Image:
    """Return what it sees after a gust turned it by a quarter of its view."""
    return ImageChops.offset(image, image.width // 4, image.height // 12)


BEGIN = datetime(2026, 9, 1, tzinfo=UTC)
