"""A screen as rows of cells, and the text that may stand in one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from rich.cells import split_graphemes

from console.thrift.pen import PLAIN, Pen

JOINERS = "\u200c\u200d"
KEPT_PER_PEN = 4096
MARKED = frozenset({"Cc", "Cs", "Co", "Cn"})  # nothing to draw: shown as a question mark


class Cell(NamedTuple):
    """What stands in one column: a grapheme, or nothing where the one before it is two columns wide."""

    text: str
    pen: Pen


Row = list[Cell]


class _Cells(dict[str, Cell]):
    """The cells of one pen by their text, so that equal cells are one object and compare at once."""

    def __init__(self, pen: Pen) -> None:
        self.pen = pen
        self.bare = pen if pen.shows_on_blanks else Pen(background=pen.background)

    def __missing__(self, text: str) -> Cell:
        cell = Cell(text, self.bare if text == " " else self.pen)
        if len(self) < KEPT_PER_PEN:
            self[text] = cell
        return cell


@lru_cache(maxsize=1024)
def _cells_of(pen: Pen) -> _Cells:
    return _Cells(pen)


def blank(pen: Pen) -> Cell:
    """Return a blank in this pen; what a blank does not show (the foreground) is left out."""
    return _cells_of(pen)[" "]


BLANK = blank(PLAIN)


class Grid:
    """A screen of `width` x `height` cells."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.rows: list[Row] = [[BLANK] * width for _ in range(height)]

    def put(self, x: int, y: int, cells: list[Cell]) -> None:
        """Write cells from (x, y) on; what is outside is cut off, and no half of a wide character is left over."""
        if not (0 <= y < self.height and 0 <= x < self.width and cells):
            return
        row, end = self.rows[y], min(x + len(cells), self.width)
        if len(cells) > end - x:
            dropped = cells[end - x]
            cells = cells[: end - x]
            if dropped.text == "":
                cells[-1] = blank(cells[-1].pen)
        if x and row[x].text == "":
            row[x - 1] = blank(row[x - 1].pen)
        if end < self.width and row[end].text == "":
            row[end] = blank(row[end].pen)
        row[x:end] = cells

    def erase(self, x: int, y: int, count: int, pen: Pen) -> None:
        """Blank `count` cells from (x, y) on with the background of `pen`."""
        self.put(x, y, [blank(Pen(background=pen.background))] * count)

    def copied(self) -> list[Row]:
        """Return the rows as they are now."""
        return [row.copy() for row in self.rows]


def cells(text: str, pen: Pen) -> list[Cell]:
    """Return text without controls as cells; marks that stand on nothing and directions (bidi) are left out."""
    made = _cells_of(pen)
    if text.isascii():
        return list(map(made.__getitem__, text))
    return list(_wide_cells(text, made))


def plain(text: str) -> str:
    """Return text in ASCII, as wide as it was: letters lose their marks, what has no letter is a question mark."""
    if text.isascii():
        return text
    shown = "".join(shown for shown in map(_shown, text) if shown)
    return "".join(_letter(shown[start:end]).ljust(width)[:width] for start, end, width in split_graphemes(shown)[0])


def _letter(grapheme: str) -> str:
    letters = "".join(one for one in unicodedata.normalize("NFKD", grapheme) if one.isascii())
    return letters or "?"


def _wide_cells(text: str, made: _Cells) -> Iterable[Cell]:
    text = "".join(shown for shown in map(_shown, text) if shown)
    for start, end, width in split_graphemes(text)[0]:
        if width:
            yield made[text[start:end]]
        if width == 2:
            yield made[""]


def _shown(character: str) -> str:
    """Return what of a character may go to a terminal: controls and what is not assigned are marked, formats go."""
    category = unicodedata.category(character)
    if category in MARKED:
        return "?"
    if category in ("Cf", "Zl", "Zp") and character not in JOINERS:
        return ""
    return character


@lru_cache(maxsize=8192)
def certain(text: str) -> bool:
    """Tell whether all terminals agree how many columns this takes; after others the cursor is placed anew."""
    if text.isascii():
        return True
    code = ord(text[0])
    symbol = 0x2600 <= code < 0x2800 or 0x2B00 <= code < 0x2C00 or 0x2300 <= code < 0x2400 or code >= 0x1F000
    return len(text) == 1 and not symbol
