"""Rows with a cursor, as lines: `>` marks the row, columns drop out as the screen gets narrow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from console.widgets.lines import Lines
from console.widgets.looks import Text, fitted, strip_of

MARK, NO_MARK = ">", " "


class Column(NamedTuple):
    """A column of a table. `width`: characters; the one that grows gives some up only where nothing else fits."""

    key: str
    label: str
    width: int
    from_width: int = 0  # of the whole table: on a narrower one the column is left out
    right: bool = False  # numbers
    grows: bool = False  # takes what the others leave; one column at most


Cells = Mapping[str, Text]


class Row:
    """What stands in a table's row by the key of the column; a column that is missing is left blank.

    `cells` may be what makes them: then only rows that are on the screen are made, which 1,000 of them need.
    """

    def __init__(self, key: str, cells: Cells | Callable[[], Cells]) -> None:
        self.key = key
        self._cells = cells

    @property
    def cells(self) -> Cells:
        """Return them, made once."""
        if callable(self._cells):
            self._cells = self._cells()
        return self._cells


def laid_out(columns: Sequence[Column], width: int) -> list[tuple[Column, int]]:
    """Return the columns that a table of `width` characters shows, and how wide; a blank stands before each."""
    shown = [column for column in columns if column.from_width <= width]
    left = width - 1 - sum(column.width + 1 for column in shown)
    return [(column, max(column.width + left, 1) if column.grows else column.width) for column in shown]


class LineTable(Lines, can_focus=True):
    """A table whose cursor stays on its row, whatever order the rows come in."""

    DEFAULT_CSS = "LineTable { height: 1fr; }"
    MOVES: ClassVar[list[Binding]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "a page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "a page down", show=False),
        Binding("home,g", "move(-1000000)", "first row", show=False),
        Binding("end,G", "move(1000000)", "last row", show=False),
        Binding("enter", "choose", "open", show=False),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [*MOVES]
    ACTIONS: ClassVar[dict[str, str]] = {key: move.action for move in MOVES for key in move.key.split(",")}

    @dataclass
    class Moved(Message):
        """The cursor is on another row."""

        table: LineTable
        key: str

    @dataclass
    class Chosen(Message):
        """Enter was pressed on a row."""

        table: LineTable
        key: str

    def __init__(self, columns: Sequence[Column], *, empty: Text = "nothing to show", id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.columns, self.empty = columns, empty
        self.rows: Sequence[Row] = ()
        self.at = 0  # row of the cursor
        self.top = 0  # first row that is shown

    async def on_key(self, event: events.Key) -> None:
        """Do a key where it stands among others: what a slow link brings at once may give the focus away behind it."""
        if (action := self.ACTIONS.get(event.key)) is not None:
            event.stop()
            event.prevent_default()
            await self.run_action(action)

    @property
    def key(self) -> str | None:
        """Return the key of the row under the cursor."""
        return self.rows[self.at].key if self.rows else None

    def put(self, rows: Sequence[Row]) -> None:
        """Show these rows. The cursor stays on the row with its key, else near where it was."""
        key = self.key
        self.rows = rows
        same = next((at for at, row in enumerate(rows) if row.key == key), self.at)
        self._place(same)
        self.draw()

    def made(self, width: int, height: int) -> list[Strip]:
        """Return the heading and the rows of the page."""
        if height < 1:
            return []
        self._place(self.at)
        layout = laid_out(self.columns, width)
        heading = [part for column, size in layout for part in ((" ", "plain"), *_heading(column, size))]
        lines = [strip_of(fitted([(NO_MARK, "plain"), *heading], width))]
        if not self.rows:
            return [*lines, strip_of(fitted([f"{NO_MARK} ", self.empty], width))][:height]
        page = range(self.top, min(self.top + height - 1, len(self.rows)))
        return [*lines, *(self._line(at, layout, width) for at in page)]

    def _line(self, at: int, layout: list[tuple[Column, int]], width: int) -> Strip:
        cells = self.rows[at].cells
        parts = [(MARK if at == self.at else NO_MARK, "strong" if at == self.at else "plain")]
        for column, size in layout:
            parts += [(" ", "plain"), *fitted(cells.get(column.key, ""), size, column.right)]
        return strip_of(fitted(parts, width))

    def _place(self, at: int) -> None:
        """Put the cursor on a row that exists and is shown."""
        self.at = min(max(at, 0), max(len(self.rows) - 1, 0))
        page = max(self.size.height - 1, 1)
        self.top = min(max(self.top, self.at - page + 1), self.at, max(len(self.rows) - page, 0))

    def action_move(self, rows: int) -> None:
        """Move the cursor by so many rows."""
        before = self.at
        self._place(self.at + rows)
        self.draw()
        if self.at != before and self.rows:
            self.post_message(self.Moved(self, self.rows[self.at].key))

    def action_page(self, pages: int) -> None:
        """Move the cursor by so many pages."""
        self.action_move(pages * max(self.size.height - 2, 1))

    def action_choose(self) -> None:
        """Tell that this row is to be opened."""
        if self.key is not None:
            self.post_message(self.Chosen(self, self.key))


def _heading(column: Column, size: int) -> list[tuple[str, str]]:
    return [(shown, "strong") for shown, _ in fitted(column.label, size, column.right)]
