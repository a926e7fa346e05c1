"""The one picture that the virtual camera of a new site sees."""

from __future__ import annotations

from pathlib import Path

WIDTH, HEIGHT = 1200, 800  # pixels
_GROUND = 560  # pixels from the top
_CRANE = (250, 190, 60)
_WALL = (150, 145, 140)


def write_sample(path: Path) -> None:
    """Write a drawing of a building site as JPEG, unless there is a file already; its folder must exist.

    Pillow is imported here: the only picture that is ever made outside the image child, and none of it is read.
    """
    if path.exists():
        return
    from PIL import Image, ImageDraw

    image = Image.linear_gradient("L").resize((WIDTH, HEIGHT)).convert("RGB")
    sky = Image.new("RGB", (WIDTH, HEIGHT), (110, 160, 215))
    image = Image.blend(sky, image, 0.35)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, _GROUND, WIDTH, HEIGHT), fill=(120, 105, 80))
    for floor in range(4):
        top = _GROUND - 80 * (floor + 1)
        draw.rectangle((420, top, 820, top + 70), fill=_WALL, outline=(90, 85, 80), width=4)
        for window in range(5):
            left = 445 + 75 * window
            draw.rectangle((left, top + 18, left + 45, top + 52), fill=(60, 80, 100))
    draw.line((960, _GROUND, 960, 120), fill=_CRANE, width=14)
    draw.line((520, 140, 1080, 140), fill=_CRANE, width=10)
    draw.line((600, 140, 600, 330), fill=(70, 70, 70), width=3)
    image.save(path, "JPEG", quality=90)
