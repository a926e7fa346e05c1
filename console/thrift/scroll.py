"""Find rows that stand elsewhere on the screen already, and have the terminal move them."""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

from console.thrift.capabilities import Capabilities
from console.thrift.grid import BLANK, Row

LEAST_ROWS = 3
COST = 20  # bytes of the longest DECSTBM, SU and reset


class Scroll(NamedTuple):
    """Rows top <= y < bottom move up by `by` lines, or down when it is negative."""

    top: int
    bottom: int
    by: int
    saves: int  # cells that need not be written then

    def sequence(self, can: Capabilities) -> str:
        """Return what moves them inside the region that is set; empty for a terminal that cannot."""
        count, up = abs(self.by), self.by > 0
        if can.scroll_up if up else can.scroll_down:
            return f"\x1b[{count}{'S' if up else 'T'}"
        return f"\x1b[{self.top + 1}H\x1b[{count}{'M' if up else 'L'}" if can.lines else ""

    def applied(self, rows: list[Row]) -> list[Row]:
        """Return the rows after it."""
        moved = rows[self.top : self.bottom]
        empty = [[BLANK] * len(rows[0]) for _ in range(abs(self.by))]
        moved = [*moved[self.by :], *empty] if self.by > 0 else [*empty, *moved[: self.by]]
        return [*rows[: self.top], *moved, *rows[self.bottom :]]


def best_scroll(old: list[Row], new: list[Row]) -> Scroll | None:
    """Return the scroll that spares most cells, None when none spares more than it costs."""
    height = len(new)
    if sum(a != b for a, b in zip(old, new, strict=True)) < LEAST_ROWS:
        return None
    before, after = [_key(row) for row in old], [_key(row) for row in new]
    shared = set(before) & set(after)
    weights = [_weight(row) if key in shared else 0 for row, key in zip(new, after, strict=True)]
    shifts = {
        at - y
        for y, key in enumerate(after)
        if weights[y]
        for at, other in enumerate(before)
        if other == key and at != y
    }
    found = [run for by in shifts for run in _runs(before, after, weights, by, height)]
    return reduce(lambda a, b: a if a.saves >= b.saves else b, found) if found else None


def _key(row: Row) -> tuple[int, ...]:
    """Return what equal rows have in common: cells are one object each while their pen is remembered."""
    return tuple(map(id, row))


def _weight(row: Row) -> int:
    return sum(cell != BLANK for cell in row)


def _runs(
    before: list[tuple[int, ...]], after: list[tuple[int, ...]], weights: list[int], by: int, height: int
) -> list[Scroll]:
    """Return the stretches whose rows stand `by` lines further down (or up) on the old screen."""
    runs: list[Scroll] = []
    y = max(0, -by)
    while y < min(height, height - by):
        end = y
        saves = 0
        while end < min(height, height - by) and after[end] == before[end + by]:
            saves += weights[end] if after[end] != before[end] else -weights[end] // 4
            end += 1
        if end > y and saves > COST:
            top, bottom = (y, end + by) if by > 0 else (y + by, end)
            runs.append(Scroll(top, bottom, by, saves))
        y = max(end, y + 1)
    return runs
