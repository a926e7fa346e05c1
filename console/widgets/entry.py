"""One line to type into: no border, no blinking cursor, no suggestions that move."""

from __future__ import annotations

from typing import Any

from textual.widgets import Input


class Entry(Input):
    """Textual's input on one line, in the terminal's own colours."""

    DEFAULT_CSS = """
    Entry { border: none; height: 1; padding: 0; background: ansi_default; color: ansi_default; }
    Entry:focus { border: none; background-tint: transparent; }
    Entry > .input--cursor { text-style: reverse; }
    """

    def __init__(self, **more: Any) -> None:
        super().__init__(select_on_focus=False, **more)
        self.cursor_blink = False
