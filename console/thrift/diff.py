"""Make of what a terminal shows what it shall show, with few bytes.

Three ways are tried and the shortest is taken: the differences; a region scrolled first; all erased first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from console.thrift.capabilities import Capabilities
from console.thrift.grid import BLANK, Cell, Grid, Row, certain
from console.thrift.nib import Nib, cost, pen_fits
from console.thrift.pen import PLAIN, Pen, change
from console.thrift.scroll import COST, Scroll, best_scroll

UNKNOWN = Cell("\0", PLAIN)  # equals nothing that is drawn
WIDEST_GAP = 24  # columns: rewriting more than that is never cheaper than a move
ERASING_PAYS = 200  # bytes: below, erasing everything first is not tried
LEAST_ERASED = 11  # blanks: ECH and the move behind them take up to 10 bytes


@dataclass
class Shown:
    """What the terminal shows, and where its cursor and pen are."""

    rows: list[Row]
    x: int | None = None
    y: int | None = None
    pen: Pen = PLAIN


def unknown(width: int, height: int) -> Shown:
    """Return a screen of which nothing is known."""
    return Shown([[UNKNOWN] * width for _ in range(height)])


def cleared(can: Capabilities, width: int, height: int) -> tuple[str, Shown]:
    """Return what makes the terminal blank, and what it shows then; without ED nothing is known after a reset."""
    if not can.erase:
        return "\x1b[m", unknown(width, height)
    return "\x1b[m\x1b[2J", Shown([[BLANK] * width for _ in range(height)])


def paint(can: Capabilities, shown: Shown, wanted: Grid) -> tuple[str, Shown]:
    """Return what to send, empty when nothing differs, and what the terminal shows after it."""
    if shown.rows == wanted.rows:
        return "", shown
    best = _painted(can, shown, wanted)
    if best.length > COST and (scroll := best_scroll(shown.rows, wanted.rows)) and scroll.sequence(can):
        best = min(best, _scrolled(can, shown, wanted, scroll), key=lambda nib: nib.length)
    if can.erase and best.length > ERASING_PAYS and any(cell != BLANK for row in shown.rows for cell in row):
        best = min(best, _erased(can, shown, wanted), key=lambda nib: nib.length)
    return "".join(best.out), Shown(wanted.copied(), best.x, best.y, best.pen)


def _painted(can: Capabilities, shown: Shown, wanted: Grid, nib: Nib | None = None) -> Nib:
    nib = nib or Nib(can, wanted.width, shown.x, shown.y, shown.pen)
    for y, (old, new) in enumerate(zip(shown.rows, wanted.rows, strict=True)):
        if old != new:
            _RowPainter(nib, y, old, new).paint()
    return nib


def _erased(can: Capabilities, shown: Shown, wanted: Grid) -> Nib:
    nib = Nib(can, wanted.width, shown.x, shown.y, shown.pen)
    before, blank = cleared(can, wanted.width, wanted.height)
    nib.raw(before if shown.pen != PLAIN else before.removeprefix("\x1b[m"))
    nib.pen = PLAIN
    return _painted(can, blank, wanted, nib)


def _scrolled(can: Capabilities, shown: Shown, wanted: Grid, scroll: Scroll) -> Nib:
    nib = Nib(can, wanted.width, shown.x, shown.y, shown.pen)
    if shown.pen.background or shown.pen.attributes:  # new lines take the pen's background where there is bce
        nib.raw(change(shown.pen, PLAIN, can.off_codes))
        nib.pen = PLAIN
    sequence = scroll.sequence(can)
    if (scroll.top, scroll.bottom) == (0, wanted.height):
        nib.raw(sequence)
        if "H" in sequence:
            nib.x, nib.y = 0, scroll.top
    else:
        nib.raw(f"\x1b[{scroll.top + 1};{scroll.bottom}r{sequence}\x1b[r")
        nib.x = nib.y = None  # most go home with that, not all
    return _painted(can, Shown(scroll.applied(shown.rows)), wanted, nib)


class _RowPainter:
    """Paint the differences of one row."""

    def __init__(self, nib: Nib, y: int, old: Row, new: Row) -> None:
        self.nib, self.y, self.new = nib, y, new
        self.width = len(new)
        changed = [x for x, (a, b) in enumerate(zip(old, new, strict=True)) if a is not b and a != b]
        self.first, self.last = changed[0], changed[-1]
        if all(certain(cell.text) for row in (old, new) for cell in row):
            self.spans = list(_spans(changed, new))
        else:  # where columns are counted differently, nothing to the right is trusted
            self.spans = list(_spans(range(self.first, self.width), new))

    def paint(self) -> None:
        """Write what changed, and blanks at the end as EL where that is shorter."""
        tail = self._tail()
        for begin, end in self.spans:
            if begin < tail:
                self._reach(begin)
                self._fill(begin, min(end, tail))
        if tail <= self.last:
            self._erase(max(tail, self.first), "\x1b[K")

    def _reach(self, x: int) -> None:
        """Bring the cursor to x, by writing again what lies before it where a move is dearer."""
        nib = self.nib
        for at in (nib.x if nib.y == self.y else None, 0):
            if at is not None and at < x and x - at <= WIDEST_GAP and self._rewriting_pays(at, x):
                nib.move(at, self.y)
                nib.write(self.new[at:x])
        nib.move(x, self.y)

    def _rewriting_pays(self, at: int, x: int) -> bool:
        nib, new, off = self.nib, self.new, self.nib.can.off_codes
        if new[at].text == "" or not all(certain(cell.text) for cell in new[at:x]):
            return False
        moved = len(nib.way(x, self.y)) + cost(new[x : x + 1], nib.pen, off)
        return len(nib.way(at, self.y)) + cost(new[at : x + 1], nib.pen, off) <= moved

    def _fill(self, begin: int, end: int) -> None:
        """Write the cells of a span, long blanks between them as ECH."""
        x = begin
        while x < end:
            run = x
            while run < end and self.new[run] is self.new[x]:
                run += 1
            if run - x >= LEAST_ERASED and self.nib.can.ech and self._erasable(self.new[x]):
                self._erase(x, f"\x1b[{run - x}X")
            else:
                self.nib.move(x, self.y)
                self.nib.write(self.new[x:run])
            x = run

    def _erase(self, x: int, sequence: str) -> None:
        self.nib.move(x, self.y)
        self.nib.take(self.new[x])
        self.nib.raw(sequence)

    def _tail(self) -> int:
        """Return where blanks begin that EL may erase, the width when writing them is no dearer."""
        end = self.new[-1]
        if not self._erasable(end):
            return self.width
        tail = self.width
        while tail and self.new[tail - 1] == end:
            tail -= 1
        count = self.last + 1 - max(tail, self.first)
        sgr = 0 if pen_fits(self.nib.pen, end) else 4
        return tail if count > 3 + sgr else self.width

    def _erasable(self, cell: Cell) -> bool:
        can = self.nib.can
        return cell.text == " " and can.erase and not cell.pen.shows_on_blanks and (can.bce or not cell.pen.background)


def _spans(changed: Iterable[int], new: Row) -> Iterator[tuple[int, int]]:
    """Yield begin and end of the stretches of changed cells, whole characters each."""
    begin = end = -1
    for x in changed:
        if x < end:
            continue
        if x > end or begin < 0:
            if begin >= 0:
                yield begin, end
            begin = x - 1 if new[x].text == "" and x else x
        end = x + 1
        while end < len(new) and new[end].text == "":
            end += 1
    yield begin, end
