"""A picture as half blocks: two pixels in each character, in the colours that a terminal of 256 has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.widgets.lines import Lines
from console.widgets.looks import Text
from core.processing.halfblocks import BLOCK


class Blocks(Lines):
    """Shows lines of (upper, lower) colours of xterm's 256, from the top left corner."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._picture: Sequence[Sequence[tuple[int, int]]] = ()

    def picture(self, lines: Sequence[Sequence[tuple[int, int]]]) -> None:
        """Show this picture from now on."""
        self._picture = lines
        self.draw()

    def show(self, lines: Sequence[Text]) -> None:
        """Show text in its place."""
        self._picture = ()
        super().show(lines)

    def made(self, width: int, height: int) -> list[Strip]:
        """Return as much of it as there is room for."""
        if not self._picture:
            return super().made(width, height)
        return [_strip(line[:width], width) for line in self._picture[:height]]


def _strip(line: Sequence[tuple[int, int]], width: int) -> Strip:
    blank = [Segment(" " * (width - len(line)))] if len(line) < width else []
    return Strip([*(_segment(upper, lower) for upper, lower in line), *blank], width).simplify()


@lru_cache(maxsize=1024)
def _segment(upper: int, lower: int) -> Segment:
    if upper == lower:
        return Segment(" ", Style(bgcolor=f"color({lower})"))
    return Segment(BLOCK, Style(color=f"color({upper})", bgcolor=f"color({lower})"))
