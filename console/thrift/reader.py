"""Read what Textual writes into a grid, and tell which of its controls may go on to the terminal.

Textual draws with CUP, SGR and text. A write that is one control and nothing else is the program's own (bell,
clipboard, title) and is passed on when it is named below. What else stands between drawn text came with data, and
never goes on.
"""

from __future__ import annotations

import re

from console.thrift.grid import Grid, cells, plain
from console.thrift.pen import PLAIN, applied

TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|\x1b\[(?P<parameters>[0-9:;]*)(?P<final>[@-~])"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # private modes and other CSI
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\)"  # OSC, DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]"
    r"|(?P<control>[\x00-\x1f\x7f-\x9f])"
)
PASSED = re.compile(
    r"\x07"  # bell
    r"|\x1b\](?:[012]|52);[^\x00-\x1f\x7f-\x9f]*(?:\x07|\x1b\\)"  # title, clipboard
    r"|\x1b\[[0-6] q"  # shape of the cursor
    r"|\x1b\[\?(?:25|2004)[hl]"  # cursor shown, bracketed paste
)
MOUSE_PASSED = re.compile(r"\x1b\[\?(?:1000|1002|1003|1006|1015)[hl]")


class Reader:
    """Follows the cursor and the pen of the program that writes."""

    def __init__(self, grid: Grid, *, colour: bool = True, mouse: bool = False, ascii_only: bool = False) -> None:
        self.grid = grid
        self.colour, self.mouse, self.ascii_only = colour, mouse, ascii_only
        self.x = self.y = 0
        self.pen = PLAIN

    def read(self, data: str) -> str:
        """Draw `data` into the grid and return what of it is to be passed on to the terminal as it is."""
        if PASSED.fullmatch(data) or (self.mouse and MOUSE_PASSED.fullmatch(data)):
            return data if data.isascii() or not self.ascii_only else ""
        for token in TOKEN.finditer(data):
            if (text := token["text"]) is not None:
                drawn = cells(plain(text) if self.ascii_only else text, self.pen)
                self.grid.put(self.x, self.y, drawn)
                self.x += len(drawn)
            elif (final := token["final"]) is not None:
                self._sequence(final, token["parameters"])
            elif (control := token["control"]) is not None:
                self._control(control)
        return ""

    def resize(self, width: int, height: int) -> None:
        """Go on with a grid of another size; what fits is kept until it is drawn anew."""
        old, self.grid = self.grid, Grid(width, height)
        for y, row in enumerate(old.rows):
            self.grid.put(0, y, row.copy())

    def _sequence(self, final: str, parameters: str) -> None:
        if final == "m":
            self.pen = applied(self.pen, parameters, self.colour)
            return
        numbers = [int(each[:5]) if each else 0 for each in parameters.replace(":", ";").split(";")]
        first = numbers[0]
        if final in "Hf":
            second = numbers[1] if len(numbers) > 1 else 1
            self._place(max(second, 1) - 1, max(first, 1) - 1)
        elif final in "ABCD":
            step = max(first, 1)
            right, down = {"A": (0, -step), "B": (0, step), "C": (step, 0), "D": (-step, 0)}[final]
            self._place(self.x + right, self.y + down)
        elif final in "Gd":
            self._place(max(first, 1) - 1, self.y) if final == "G" else self._place(self.x, max(first, 1) - 1)
        elif final in "JK":
            self._erase(final, first)

    def _place(self, x: int, y: int) -> None:
        self.x = min(max(x, 0), self.grid.width - 1)
        self.y = min(max(y, 0), self.grid.height - 1)

    def _erase(self, final: str, how: int) -> None:
        grid, width = self.grid, self.grid.width
        if how in (0, 1):
            begin, end = (min(self.x, width), width) if how == 0 else (0, min(self.x + 1, width))
            grid.erase(begin, self.y, end - begin, self.pen)
        elif final == "K":
            grid.erase(0, self.y, width, self.pen)
        if final == "J":
            rows = {0: range(self.y + 1, grid.height), 1: range(self.y)}.get(how, range(grid.height))
            for y in rows:
                grid.erase(0, y, width, self.pen)

    def _control(self, control: str) -> None:
        """Follow the four controls that move; a line feed below the last line stays, since Textual places each line."""
        if control == "\n":
            self._place(self.x, self.y + 1)
        elif control == "\r":
            self.x = 0
        elif control == "\b":
            self._place(self.x - 1, self.y)
