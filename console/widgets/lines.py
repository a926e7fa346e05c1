"""A widget of lines, of which only those that changed are drawn again."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from console.widgets.looks import Text, fitted, strip_of
from console.widgets.wrapped import wrapped


class Lines(Widget):
    """Shows lines from the top; what does not fit below is not shown."""

    DEFAULT_CSS = "Lines { height: 1fr; }"

    def __init__(
        self,
        *lines: Text,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        wraps: bool = False,
    ) -> None:
        super().__init__(name=name, id=id)
        self._wraps = wraps  # a line that is too long goes on below; else it is cut
        self._texts: Sequence[Text] = lines
        self._drawn: list[Strip] = []

    def show(self, lines: Sequence[Text]) -> None:
        """Show these lines from now on; an unchanged line sends nothing."""
        self._texts = lines
        self.draw()

    def made(self, width: int, height: int) -> list[Strip]:
        """Return the lines for this size; what a widget of another kind overrides."""
        texts = wrapped(self._texts, width) if self._wraps else self._texts
        return [strip_of(fitted(text, width)) for text in texts[:height]]

    def draw(self) -> None:
        """Find the lines that changed and have them drawn."""
        width, height = self.size
        before, self._drawn = self._drawn, self.made(width, height)
        blank = Strip.blank(width)
        for y in range(max(len(before), len(self._drawn))):
            old = before[y] if y < len(before) else blank
            new = self._drawn[y] if y < len(self._drawn) else blank
            if old != new:
                self.refresh(Region(0, y, width, 1))

    def on_resize(self, event: events.Resize) -> None:
        """Make all lines anew for the new width."""
        self._drawn = self.made(*event.size)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Give Textual one line."""
        return self._drawn[y] if y < len(self._drawn) else Strip.blank(self.size.width)
