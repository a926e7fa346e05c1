"""Lines that wrap, and of which the rest is reached with the keys of a table."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.strip import Strip

from console.widgets.lines import Lines
from console.widgets.looks import Text, fitted, strip_of
from console.widgets.wrapped import wrapped

MORE = "-- more: down --"


class Scrolled(Lines, can_focus=True):
    """Shows lines from where it was moved to; the last one says when there are more."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup,ctrl+b", "move(-10)", "a page up", show=False),
        Binding("pagedown,ctrl+f", "move(10)", "a page down", show=False),
    ]

    def __init__(self, *lines: Text, id: str | None = None) -> None:  # noqa: A002
        super().__init__(*lines, id=id)
        self.top = 0

    def made(self, width: int, height: int) -> list[Strip]:
        """Return the lines of the page."""
        texts = wrapped(self._texts, width)
        self.top = min(self.top, max(len(texts) - height, 0))
        page = texts[self.top : self.top + height]
        if self.top + height < len(texts) and page:
            page[-1] = MORE
        return [strip_of(fitted(text, width)) for text in page]

    def action_move(self, lines: int) -> None:
        """Move by so many lines."""
        self.top = max(self.top + lines, 0)
        self.draw()
