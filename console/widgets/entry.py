"""One line to type into: no border, no blinking cursor, no suggestions that move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual import events
from textual.widgets import Input


class Entry(Input):
    """Textual's input on one line, in the terminal's own colours.

    `keys` are done where they stand among the letters. A binding would be done when the program gets to it, and a slow
    link brings many keys at once: `stat`, Tab, `--all` would complete too late.
    """

    DEFAULT_CSS = """
    Entry { border: none; height: 1; padding: 0; background: ansi_default; color: ansi_default; }
    Entry:focus { border: none; background-tint: transparent; }
    Entry > .input--cursor { text-style: reverse; }
    """

    def __init__(self, **more: Any) -> None:
        super().__init__(select_on_focus=False, **more)
        self.cursor_blink = False
        self.keys: dict[str, Callable[[], object]] = {}

    async def on_key(self, event: events.Key) -> None:
        """Do a key of ours, and Enter, now."""
        if event.key == "enter":
            event.stop()
            await self.action_submit()
        elif event.key in self.keys:
            event.stop()
            event.prevent_default()
            self.keys[event.key]()
