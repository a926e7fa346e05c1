"""A terminal in memory: pyte, with the three sequences that it lacks and every terminal of today has."""

from __future__ import annotations

import pyte
from pyte.screens import Char

Look = tuple[str, str, str, frozenset[str]]  # character, foreground, background, attributes
ATTRIBUTES = ("bold", "italics", "underscore", "strikethrough", "reverse", "blink")
SEEN_ON_BLANKS = frozenset({"underscore", "strikethrough", "reverse"})


class _Screen(pyte.Screen):
    def scroll_up(self, count: int = 1) -> None:
        """SU."""
        self._at_top(self.delete_lines, count)

    def scroll_down(self, count: int = 1) -> None:
        """SD."""
        self._at_top(self.insert_lines, count)

    def repeat(self, count: int = 1) -> None:
        """REP."""
        self.draw(self.buffer[self.cursor.y][self.cursor.x - 1].data * (count or 1))

    def _at_top(self, method: object, count: int) -> None:
        x, y = self.cursor.x, self.cursor.y
        self.cursor.y = self.margins.top if self.margins else 0
        method(count or 1)  # type: ignore[operator]
        self.cursor.x, self.cursor.y = x, y


class _Stream(pyte.Stream):
    csi = {**pyte.Stream.csi, "S": "scroll_up", "T": "scroll_down", "b": "repeat"}  # noqa: RUF012
    events = pyte.Stream.events | {"scroll_up", "scroll_down", "repeat"}


class Emulator:
    """`feed` it what a program writes; `looks` is what its user sees."""

    def __init__(self, width: int, height: int) -> None:
        self.screen = _Screen(width, height)
        self._stream = _Stream(self.screen)

    def feed(self, data: str) -> None:
        """Show this."""
        self._stream.feed(data)

    def resize(self, width: int, height: int) -> None:
        """Take another size."""
        self.screen.resize(height, width)

    @property
    def text(self) -> list[str]:
        """The lines without what ends them in blanks."""
        return [line.rstrip() for line in self.screen.display]

    def looks(self) -> list[list[Look]]:
        """Return every cell as it looks: on a blank the colour and weight of text is not seen."""
        screen = self.screen
        return [[_look(screen.buffer[y][x]) for x in range(screen.columns)] for y in range(screen.lines)]


def _look(char: Char) -> Look:
    on = frozenset(name for name in ATTRIBUTES if getattr(char, name))
    if char.data == " " and on.isdisjoint(SEEN_ON_BLANKS):
        return (" ", "default", char.bg, frozenset())
    return (char.data, char.fg, char.bg, on)
