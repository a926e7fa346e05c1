"""A picture as half blocks on a terminal of 256 colours, and what it costs to send: no library, for both ends."""

from __future__ import annotations

from collections.abc import Sequence

LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"  # a letter for each colour of a palette
RAMP = " .:-=+*#%@"  # ten steps of brightness
BLOCK = "\u2580"  # the upper half in the foreground, the lower one in the background
STEPS = (0, 95, 135, 175, 215, 255)  # of the colour cube of xterm


def nearest(red: int, green: int, blue: int) -> int:
    """Return the colour of xterm's 256 that comes nearest: of the cube, or of the greys."""
    cube = [min(range(6), key=lambda step, one=one: abs(STEPS[step] - one)) for one in (red, green, blue)]  # type: ignore[misc]
    grey = min(range(24), key=lambda step: abs(8 + 10 * step - (red + green + blue) / 3))
    in_cube = sum((STEPS[step] - one) ** 2 for step, one in zip(cube, (red, green, blue), strict=True))
    in_grey = sum((8 + 10 * grey - one) ** 2 for one in (red, green, blue))
    return 232 + grey if in_grey < in_cube else 16 + 36 * cube[0] + 6 * cube[1] + cube[2]


def cells(rows: Sequence[str], palette: Sequence[int]) -> list[list[tuple[int, int]]]:
    """Return lines of (upper, lower) colours from rows of pixels, a letter each; an odd last row is doubled."""
    colours = dict(zip(LETTERS, palette, strict=False))
    lower = [*rows[1::2], *rows[-1:]] if len(rows) % 2 else rows[1::2]
    return [
        [(colours[up], colours[down]) for up, down in zip(upper, under, strict=True)]
        for upper, under in zip(rows[::2], lower, strict=True)
    ]


def price(lines: Sequence[Sequence[tuple[int, int]]]) -> int:
    """Return the bytes that these cells take, with a pen that is changed where it must be."""
    count, pen = 0, (-1, -1)
    for line in lines:
        count += 8  # the way to its beginning
        for upper, lower in line:
            same = upper == lower
            wanted = (pen[0] if same else upper, lower)
            count += _change(pen, wanted) + (1 if same else len(BLOCK.encode()))
            pen = wanted
    return count


def _change(pen: tuple[int, int], wanted: tuple[int, int]) -> int:
    parts = [f"{code};5;{new}" for code, old, new in zip((38, 48), pen, wanted, strict=True) if old != new]
    return len(f"\x1b[{';'.join(parts)}m") if parts else 0
