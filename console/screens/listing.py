"""A screen that is a heading and a table of rows that `/` narrows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from textual import events
from textual.widget import Widget

from console.feed.snapshot import Snapshot
from console.screens.base import Page
from console.widgets.looks import Text
from console.widgets.table import Column, LineTable, Row
from console.widgets.wrapped import wrapped

LEFT = 4  # lines of the table and the status line below a heading that wraps


class Item(NamedTuple):
    """A row, and what a filter finds in it by field, or what makes that."""

    row: Row
    fields: Mapping[str, str] | Callable[[], Mapping[str, str]]

    @property
    def plain(self) -> Mapping[str, str]:
        """Return what a filter finds by field."""
        return self.fields() if callable(self.fields) else self.fields


class Listing(Page):
    """Subclass this: `columns`, `items`, `heading`, and `open` for Enter."""

    empty = "nothing to show"

    def columns(self, width: int) -> Sequence[Column]:
        """Return the columns for a screen so wide."""
        raise NotImplementedError

    def items(self, snapshot: Snapshot) -> Sequence[Item]:
        """Return all rows, the worst first."""
        raise NotImplementedError

    def heading(self, snapshot: Snapshot, shown: int, count: int) -> Sequence[Text]:
        """Return the lines above the table; `shown` of `count` rows pass the filter."""
        raise NotImplementedError

    def open(self, key: str) -> None:
        """Open the row with this key."""

    def body(self) -> Sequence[Widget]:
        """Return the table."""
        return [LineTable(self.columns(self.app.size.width), empty=self.empty)]

    def on_resize(self, event: events.Resize) -> None:
        """Have the columns that fit."""
        self.query_one(LineTable).columns = self.columns(event.size.width)

    def draw(self, snapshot: Snapshot) -> None:
        """Show the rows that pass the filter."""
        found = self.items(snapshot)
        passing = [one.row for one in found if self.filter is None or self.filter.accepts(one.plain)]
        lines = self.heading(snapshot, len(passing), len(found))
        if self.wraps:
            room = max(self.app.size.height - LEFT, 3)
            self.query_one("#head").styles.height = min(len(wrapped(lines, self.app.size.width)), room)
        self.head(*lines)
        self.query_one(LineTable).put(passing)

    @property
    def key(self) -> str | None:
        """Return the key of the row under the cursor."""
        return self.query_one(LineTable).key

    def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
        """Open the row."""
        self.open(event.key)


def of_all(shown: int, count: int) -> str:
    """Say how many rows a filter leaves, when it hides some."""
    return "" if shown == count else f", {shown} of {count} rows shown"
