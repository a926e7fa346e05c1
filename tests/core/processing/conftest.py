"""Pictures to work on, made here, and the service in this process.

The fixture `studio` hands out what the tests need of this file.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from core.processing.decode import strict_is_installed
from core.processing.job import ImageService
from core.processing.wire import recipe_to_json
from core.site.model.recipes import Recipe

Json = dict[str, Any]
Process = Callable[..., Json]

NOON = 1_795_262_400.0  # 21 Nov 2026, 12:00 UTC: 13:00 in Paris


def photo(width: int = 960, height: int = 640) -> Image.Image:
    """Return something like a photograph: large shapes, finer and finer texture, edges."""
    image = Image.new("RGB", (width, height), (96, 128, 160))
    grain = Image.new("L", (width, height), 128)
    for shrink, strength in ((64, 0.5), (16, 0.35), (8, 0.25), (4, 0.16), (2, 0.1)):
        noise = Image.effect_noise((max(2, width // shrink), max(2, height // shrink)), 60)
        grain = Image.blend(grain, noise.resize((width, height), Image.Resampling.BICUBIC), strength)
    image = Image.blend(image, Image.merge("RGB", (grain, grain, grain)), 0.6)
    draw = ImageDraw.Draw(image)
    for nth in range(12):
        draw.line((nth * width // 12, 0, width - nth * width // 12, height), fill=(40 + nth * 16, 90, 60), width=3)
    draw.ellipse((width // 3, height // 3, width // 2, height // 2), fill=(230, 220, 90))
    return image


def jpeg(image: Image.Image, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, "JPEG", **{"quality": 90, **options})
    return target.getvalue()


def quarters(width: int = 800, height: int = 600) -> Image.Image:
    """Return red, green, blue and white quarters: what is turned or cut shows where."""
    image = Image.new("RGB", (width, height))
    for nth, color in enumerate(((220, 20, 20), (20, 200, 20), (20, 20, 220), (240, 240, 240))):
        x, y = nth % 2 * width // 2, nth // 2 * height // 2
        image.paste(color, (x, y, x + width // 2, y + height // 2))
    return image


def color_at(image: Image.Image, x: float, y: float) -> str:
    """Return the name of the quarter's colour at a share of width and height."""
    pixel = image.convert("RGB").getpixel((int(x * (image.width - 1)), int(y * (image.height - 1))))
    assert isinstance(pixel, tuple)
    red, green, blue = (value > 128 for value in pixel)
    return {(True, False, False): "red", (False, True, False): "green", (False, False, True): "blue"}.get(
        (red, green, blue), "white" if red and green and blue else "dark"
    )


def directory(order: str, at: int, entries: dict[int, tuple[int, int, bytes]], following: int = 0) -> bytes:
    """Return a TIFF directory: tag -> (type, count, four bytes)."""
    body = b"".join(struct.pack(f"{order}HHI", tag, *entry[:2]) + entry[2] for tag, entry in sorted(entries.items()))
    return struct.pack(f"{order}H", len(entries)) + body + struct.pack(f"{order}I", following)


def long(order: str, value: int) -> tuple[int, int, bytes]:
    return 4, 1, struct.pack(f"{order}I", value)


def raw_file(preview: bytes, order: str = "<", sub: bool = False, sensor: bytes = b"\x5a" * 70_000) -> bytes:
    """Return a RAW as CR2 lay it out (the preview as a strip of the first directory) or NEF (in a SubIFD)."""
    first, second = 16, 200
    data = 400
    sensor_at = data + len(preview)
    strip = {0x111: long(order, data), 0x117: long(order, len(preview))}
    tags = {0x201: long(order, data), 0x202: long(order, len(preview))}
    sensor_tags = {0x111: long(order, sensor_at), 0x117: long(order, len(sensor))}
    if sub:
        head = directory(order, first, {0x14A: long(order, second), **sensor_tags})
        below = directory(order, second, tags)
    else:
        head = directory(order, first, strip, second)
        below = directory(order, second, sensor_tags)
    start = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, first)
    return (
        (start.ljust(first, b"\0") + head).ljust(second, b"\0") + below.ljust(data - second, b"\0") + preview + sensor
    )


def job(path: Path, folder: Path, kind: str = "jpeg", thumbnail: bool = False, **recipes: Any) -> Json:
    made = [r if isinstance(r, Recipe) else Recipe(name=name, steps=tuple(r)) for name, r in recipes.items()]
    return {
        "path": str(path),
        "kind": kind,
        "recipes": [recipe_to_json(recipe) for recipe in made],
        "out": str(folder / "renditions"),
        "stem": "north_20261121T120000Z_unit1_1-1",
        "facts": {"camera": "north", "site": "harbour", "time": NOON, "zone": "Europe/Paris"},
        "base": str(folder),
        "thumbnail": thumbnail,
    }


def made(answer: Json, folder: Path, nth: int = 0) -> Image.Image:
    """Open a rendition that an answer names."""
    image = Image.open(folder / "renditions" / answer["renditions"][nth]["name"])
    image.load()
    return image


class Studio:
    """All of the above, for the tests."""

    noon = NOON
    photo = staticmethod(photo)
    jpeg = staticmethod(jpeg)
    quarters = staticmethod(quarters)
    color_at = staticmethod(color_at)
    directory = staticmethod(directory)
    long = staticmethod(long)
    raw_file = staticmethod(raw_file)
    job = staticmethod(job)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def made(self, answer: Json, nth: int = 0) -> Image.Image:
        """Open a rendition that an answer names."""
        assert answer["failed"] == []
        with Image.open(self.folder / "renditions" / answer["renditions"][nth]["name"]) as image:
            image.load()
            return image

    def logo(self, name: str = "logo.png", color: tuple[int, int, int, int] = (255, 0, 255, 255)) -> str:
        """Put a plain logo of 40x20 beside site.toml."""
        Image.new("RGBA", (40, 20), color).save(self.folder / name)
        return name


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


@pytest.fixture(params=["pillow", "strict"])
def service(request: pytest.FixtureRequest) -> ImageService:
    """The service with either decoder; it does not limit the process of the tests."""
    strict = request.param == "strict"
    if strict and not strict_is_installed():
        pytest.skip("needs simplejpeg: pip install 'overlapse[strict]'")
    return ImageService(strict=strict, confine=False)


@pytest.fixture
def process(service: ImageService, tmp_path: Path) -> Process:
    """Run one job on bytes or a file, with recipes given as lists of steps by name."""

    def run(picture: bytes | Path, kind: str = "jpeg", thumbnail: bool = False, **recipes: Any) -> Json:
        path = picture if isinstance(picture, Path) else tmp_path / "picture.bin"
        if isinstance(picture, bytes):
            path.write_bytes(picture)
        return service.handle("process", job(path, tmp_path, kind, thumbnail, **recipes))

    return run
