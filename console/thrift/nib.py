"""Write to a terminal whose pen and cursor are known: the cheapest move, the shortest SGR, text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from console.thrift.capabilities import Capabilities
from console.thrift.grid import Cell, certain
from console.thrift.pen import PLAIN, Pen, change

LEAST_REPEATED = 6  # a character and `ESC [ n b` take 5


def forward(columns: int) -> str:
    """Return the move of so many columns to the right."""
    return f"\x1b[{columns}C" if columns > 1 else "\x1b[C" * columns


def place(x: int, y: int) -> str:
    """Return the move to column x and line y, from anywhere (CUP)."""
    if x:
        return f"\x1b[{y + 1 if y else ''};{x + 1}H"
    return f"\x1b[{y + 1 if y else ''}H"


class Nib:
    """Collects what is to be sent. A cursor of None is one that is not known."""

    def __init__(
        self, can: Capabilities, width: int, x: int | None = None, y: int | None = None, pen: Pen = PLAIN
    ) -> None:
        self.can, self.width = can, width
        self.x, self.y, self.pen = x, y, pen
        self.out: list[str] = []
        self.length = 0  # bytes collected

    def raw(self, text: str) -> None:
        """Add text that moves neither cursor nor pen, or whose effect the caller notes."""
        self.out.append(text)
        self.length += len(text) if text.isascii() else len(text.encode())

    def move(self, x: int, y: int) -> None:
        """Put the cursor there."""
        self.raw(self.way(x, y))
        self.x, self.y = x, y

    def way(self, x: int, y: int) -> str:
        """Return the cheapest move to (x, y), empty when the cursor is there."""
        if (self.x, self.y) == (x, y):
            return ""
        whole = place(x, y)
        if self.y is None:
            return whole
        down = self._vertical(y)
        ways = [whole]
        if down is not None:
            across = self._horizontal(x)
            ways += [down + across] if across is not None else []
            ways.append("\r" + down + forward(x))
        return min(ways, key=len)

    def _vertical(self, y: int) -> str | None:
        """Return the move to a line in the same column, None without one that is shorter than CUP."""
        assert self.y is not None
        step = y - self.y
        if step == 0:
            return ""
        if 0 < step <= 4:
            return "\n" * step
        if self.x is None:
            return None
        count = "" if abs(step) == 1 else abs(step)
        ways = [f"\x1b[{count}{'B' if step > 0 else 'A'}"]
        if self.can.vpa:
            ways.append(f"\x1b[{y + 1}d")
        return min(ways, key=len)

    def _horizontal(self, x: int) -> str | None:
        ways = [f"\x1b[{x + 1}G"] if self.can.cha else []
        if self.x is not None:
            step = x - self.x
            ways.append(forward(step) if step >= 0 else min("\b" * -step, f"\x1b[{-step}D", key=len))
        return min(ways, key=len) if ways else None

    def fits(self, cell: Cell) -> bool:
        """Tell whether the pen draws this cell as it is; on a blank only the background counts."""
        return pen_fits(self.pen, cell)

    def take(self, cell: Cell) -> None:
        """Change the pen so that it draws this cell."""
        if not self.fits(cell):
            self.raw(change(self.pen, cell.pen, self.can.off_codes))
            self.pen = cell.pen

    def write(self, cells: Sequence[Cell]) -> None:
        """Write cells from the cursor on, repeated ones as REP where the terminal has it."""
        if not self.can.rep:
            for cell in cells:
                self._one(cell)
            return
        for cell, run in groupby(cells):
            count = sum(1 for _ in run)
            self._one(cell)
            if count >= LEAST_REPEATED and cell.text.isascii() and cell.text:
                self.raw(f"\x1b[{count - 1}b")
                self._advance(count - 1)
            else:
                for _ in range(count - 1):
                    self._one(cell)

    def _one(self, cell: Cell) -> None:
        if cell.text:
            self.take(cell)
            self.raw(cell.text)
        if self.x is not None:
            self._advance(1)
        if not certain(cell.text):
            self.x = None

    def _advance(self, columns: int) -> None:
        """Note where the cursor is; behind the last column terminals differ."""
        if self.x is not None:
            self.x += columns
            if self.x >= self.width:
                self.x = None


def pen_fits(pen: Pen, cell: Cell) -> bool:
    """Tell whether a pen draws this cell as it is."""
    if pen == cell.pen or not cell.text:
        return True
    return (
        cell.text == " "
        and not cell.pen.shows_on_blanks
        and not pen.shows_on_blanks
        and pen.background == cell.pen.background
    )


def cost(cells: Sequence[Cell], pen: Pen, off_codes: bool) -> int:
    """Return the bytes that these cells and then nothing take, from this pen on."""
    length = 0
    for cell in cells:
        if not pen_fits(pen, cell):
            length += len(change(pen, cell.pen, off_codes))
            pen = cell.pen
        length += len(cell.text) if cell.text.isascii() else len(cell.text.encode())
    return length
