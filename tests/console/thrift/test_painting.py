"""Whatever a terminal shows and shall show: what is sent makes the one of the other."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peers.emulator import Emulator

from console.thrift.capabilities import Capabilities, capabilities
from console.thrift.diff import cleared, paint
from console.thrift.grid import Grid, Row, cells
from console.thrift.pen import PLAIN, Pen, change

YES = {name: True for name in Capabilities._fields if name != "term"}
ALL = Capabilities(term="all", **YES)
TERMINALS = [
    ALL,
    ALL._replace(term="no-bce", bce=False, rep=False),
    ALL._replace(term="no-su", scroll_up=False, scroll_down=False, ech=False),
    *(capabilities(term, {}) for term in ("xterm-256color", "tmux-256color", "linux", "vt100", "never-heard-of")),
]
BOLD, REVERSE, UNDERLINE = frozenset({1}), frozenset({7}), frozenset({4})
RED, ON_BLUE = PLAIN._replace(foreground="31"), PLAIN._replace(background="44")
PENS = [PLAIN, RED, ON_BLUE, Pen(BOLD, "32", "41"), Pen(REVERSE), Pen(UNDERLINE, "33")]
ASCII = ["a", "b", "ab", "5", "12", " ", "aaaaaaaaaaaa", "            ", "abcdefghijklmnopq"]
TEXTS = [*ASCII, "漢", "漢字", "x漢", "é", "e\u0301", "─────", "─"]
Stroke = tuple[int, int, str, Pen]
Step = tuple[list[Stroke], int]  # what is drawn over rows that were moved by so many
STROKES = st.tuples(st.integers(0, 19), st.integers(0, 6), st.sampled_from(TEXTS), st.sampled_from(PENS))
STEPS = st.lists(st.tuples(st.lists(STROKES, max_size=12), st.integers(-2, 2)), min_size=1, max_size=4)
SIZES = st.sampled_from([(20, 7), (12, 3), (2, 2), (1, 1)])


def drawn(rows: list[Row]) -> Emulator:
    """Draw each cell on its own, with a pen that begins anew."""
    shows = Emulator(len(rows[0]), len(rows))
    shows.feed("\x1b[?7l")
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            shows.feed(f"\x1b[{y + 1};{x + 1}H\x1b[m{change(PLAIN, cell.pen)}{cell.text}" if cell.text else "")
    return shows


def after(grid: Grid, screen: list[Stroke], moved: int) -> Grid:
    """Return the grid with its rows moved and these strokes drawn over it."""
    changed = Grid(grid.width, grid.height)
    changed.rows = [grid.rows[(y + moved) % grid.height].copy() for y in range(grid.height)]
    for x, y, text, pen in screen:
        changed.put(x, y, cells(text, pen))
    return changed


@pytest.mark.parametrize("can", TERMINALS, ids=lambda can: can.term)
@settings(max_examples=30, deadline=None)
@given(STEPS, SIZES)
def test_what_is_sent_makes_the_screen_that_is_wanted(
    can: Capabilities, steps: list[Step], size: tuple[int, int]
) -> None:
    grid, terminal = Grid(*size), Emulator(*size)
    sent, shown = cleared(can, *size)
    terminal.feed("\x1b[?7l" + sent)
    for screen, moved in steps:
        grid = after(grid, screen, moved)
        sent, shown = paint(can, shown, grid)
        terminal.feed(sent)
        assert terminal.looks() == drawn(grid.rows).looks()
        assert paint(can, shown, grid)[0] == ""


def log(first: int) -> Grid:
    """Return lines of a log between a heading and a foot that stay."""
    grid = Grid(60, 20)
    lines = ["a heading", *(f"{first + y:04} a line, and a tail of it {(first + y) * 7}" for y in range(18)), "a foot"]
    for y, line in enumerate(lines):
        grid.put(0, y, cells(line, PLAIN))
    return grid


@pytest.mark.parametrize("can", TERMINALS, ids=lambda can: can.term)
def test_lines_that_move_between_others_that_stay_come_out_right(can: Capabilities) -> None:
    terminal = Emulator(60, 20)
    sent, shown = cleared(can, 60, 20)
    terminal.feed("\x1b[?7l" + sent)
    for first in (100, 101, 106, 104, 95, 96):
        sent, shown = paint(can, shown, log(first))
        terminal.feed(sent)
        assert terminal.looks() == drawn(log(first).rows).looks()
