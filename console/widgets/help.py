"""`?`: what the keys of this screen do, searched by typing; Enter does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from console.widgets.entry import Entry
from console.widgets.lines import Lines
from console.widgets.table import Column, LineTable, Row

NOT_LISTED = {"screen.copy_text", "app.focus_next", "app.focus_previous"}  # every screen of Textual has them
COLUMNS = (
    Column(key="keys", label="key", width=14),
    Column(key="does", label="does   (type to search, Enter does it, Esc goes back)", width=10, grows=True),
)


@dataclass(frozen=True)
class Help:
    """One line of the help."""

    keys: str
    does: str
    action: str


def entries(bindings: Mapping[str, ActiveBinding], word: str = "") -> list[Help]:
    """Return what the active keys do, keys of one action together, those whose line has all of `word` in it."""
    by_action: dict[tuple[str, str], list[str]] = {}
    for key, active in bindings.items():
        binding = active.binding
        if active.enabled and binding.description and binding.action not in NOT_LISTED:
            by_action.setdefault((binding.action, binding.description), []).append(binding.key_display or key)
    found = [Help(" ".join(keys), does, action) for (action, does), keys in by_action.items()]
    words = word.lower().split()
    return [entry for entry in found if all(each in f"{entry.keys} {entry.does}".lower() for each in words)]


class HelpPage(Screen[str | None]):
    """Lists what the keys of the screen below do; dismissed with the action to run, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "back", show=False),
        Binding("up", "table('move', -1)", "up", show=False),
        Binding("down", "table('move', 1)", "down", show=False),
        Binding("pageup", "table('page', -1)", "up", show=False),
        Binding("pagedown", "table('page', 1)", "down", show=False),
    ]

    def __init__(self, bindings: Mapping[str, ActiveBinding], title: str, extra: Sequence[str] = ()) -> None:
        super().__init__()
        self._below, self._heading, self._extra = dict(bindings), title, extra

    def compose(self) -> ComposeResult:
        """Show a title, what is searched for, and the list."""
        title = Lines(f"Keys of {self._heading}", *self._extra)
        title.styles.height = 1 + len(self._extra)
        yield title
        yield Entry()
        yield LineTable(COLUMNS, empty="no key does that")

    def on_mount(self) -> None:
        """List all of them."""
        self._list("")
        self.query_one(Entry).focus()

    def _list(self, word: str) -> None:
        rows = [Row(each.action, {"keys": each.keys, "does": each.does}) for each in entries(self._below, word)]
        self.query_one(LineTable).put(rows)

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        self._list(event.value)

    @on(Input.Submitted)
    def _run(self, event: Input.Submitted) -> None:
        self.dismiss(self.query_one(LineTable).key)

    def action_table(self, what: str, by: int) -> None:
        """Move in the list while the search has the keys."""
        table = self.query_one(LineTable)
        (table.action_move if what == "move" else table.action_page)(by)
