"""The two lines that are typed into: the filter, which stays visible, and `:` commands."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from console.widgets.entry import Entry
from console.widgets.filtering import Filter, parsed
from console.widgets.lines import Lines
from console.widgets.looks import Text

MOST_REMEMBERED = 50


class Prompt(Horizontal):
    """A sign, an entry behind it. Shown while it is open or says something; Escape closes and empties it."""

    DEFAULT_CSS = """
    Prompt { height: 1; display: none; }
    Prompt.open { display: block; }
    Prompt > Lines { width: 2; height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close", show=False)]
    sign = ""

    def compose(self) -> ComposeResult:
        """Show the sign and the entry."""
        yield Lines(self.sign)
        yield Entry()

    @property
    def entry(self) -> Entry:
        """Return what is typed into."""
        return self.query_one(Entry)

    def open(self) -> None:
        """Show it and type into it."""
        self.add_class("open")
        self.entry.disabled = False
        self.screen.set_focus(self.entry)  # now: Widget.focus() lets the next key go elsewhere

    def action_close(self) -> None:
        """Empty and hide it; the screen has the focus again."""
        self.entry.value = ""
        self.remove_class("open")
        self.leave()

    def leave(self) -> None:
        """Give the focus back to what can have it first on the screen."""
        self.entry.disabled = True
        self.screen.focus_next("LineTable")


class FilterLine(Prompt):
    """`/`: narrows the rows while it is typed, and stays visible as long as it hides any."""

    sign = "/"

    @dataclass
    class Changed(Message):
        """Rows are to be chosen anew."""

        filter: Filter
        text: str

    def __init__(self, fields: Sequence[str], id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.fields = frozenset(fields)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(parsed(event.value, self.fields), event.value))

    @on(Input.Submitted)
    def _keep(self, event: Input.Submitted) -> None:
        """Go back to the rows; the filter holds and is seen."""
        event.stop()
        if event.value.strip():
            self.leave()
        else:
            self.action_close()


class CommandLine(Prompt):
    """`:`: takes the words of the command line."""

    sign = ":"

    @dataclass
    class Entered(Message):
        """A command whose first word is known."""

        words: list[str]

    @dataclass
    class Refused(Message):
        """Something that is no command, with what was probably meant."""

        text: Text

    def __init__(self, commands: Sequence[str], id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.commands = sorted(commands)
        self._past: list[str] = []
        self._back = 0

    def on_mount(self) -> None:
        """Take the keys that an operator knows from a shell."""
        self.entry.keys = {"tab": self.complete, "up": lambda: self.recall(-1), "down": lambda: self.recall(1)}

    def complete(self) -> None:
        """Complete the first word as far as it is one."""
        if len(fits := [each for each in self.commands if each.startswith(self.entry.value)]) == 1:
            self.entry.value = f"{fits[0]} "
            self.entry.cursor_position = len(self.entry.value)

    def recall(self, step: int) -> None:
        """Bring back what was entered before."""
        self._back = min(max(self._back - step, 0), len(self._past))
        self.entry.value = self._past[-self._back] if self._back else ""
        self.entry.cursor_position = len(self.entry.value)

    @on(Input.Submitted)
    def _enter(self, event: Input.Submitted) -> None:
        event.stop()
        words = event.value.split()
        self.action_close()
        if not words:
            return
        self._past = [*self._past[1 - MOST_REMEMBERED :], event.value]
        self._back = 0
        if words[0] in self.commands:
            self.post_message(self.Entered(words))
        else:
            self.post_message(self.Refused(refusal(words[0], self.commands)))


def refusal(word: str, commands: Sequence[str]) -> str:
    """Say that a word is no command, and which one is near."""
    near = difflib.get_close_matches(word, commands, 1)
    return f"no command {word!r}" + (f"; did you mean {near[0]!r}?" if near else "; ? lists them")
