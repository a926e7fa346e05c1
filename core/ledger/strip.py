"""A stretch of slots, such as a day, in few letters for a narrow screen and a thin link."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from core.ledger.gap import Folded
from core.ledger.outcomes import Entry, Outcome

LETTERS: dict[Outcome, str] = {"missed": "x", "late": "+", "excused": "e", "captured": "#"}
NO_SLOT = "."
NOT_YET = " "

_WORST_FIRST = "".join(LETTERS.values()) + NO_SLOT + NOT_YET
_MICROSECOND = timedelta(microseconds=1)


def strip(
    entries: Iterable[Entry],
    begin: datetime,
    end: datetime,
    width: int,
    now: datetime,
    gaps: Iterable[Folded] = (),
) -> str:
    """Return begin <= at < end of one camera as `width` letters, the worst outcome in each.

    `#` captured, `+` late, `x` missed (also where a folded gap lies), `e` excused, `.` no slot, blank what is not
    over at `now` and has no outcome yet. Raise ValueError without a length or a width.
    """
    found = ((_cell(entry.at, begin, end, width), entry.outcome) for entry in entries if begin <= entry.at < end)
    return strip_of_cells(found, begin, end, width, now, gaps)


def strip_of_cells(
    outcomes: Iterable[tuple[int, Outcome]],
    begin: datetime,
    end: datetime,
    width: int,
    now: datetime,
    gaps: Iterable[Folded] = (),
) -> str:
    """Return the same from (cell, outcome), when somebody else has sorted the slots into `width` cells."""
    if end <= begin or width < 1:
        raise ValueError("a strip needs an end after its begin and at least one letter")
    cells = [NO_SLOT if _edge(begin, end, width, n + 1) <= now else NOT_YET for n in range(width)]
    for cell, outcome in outcomes:
        cells[cell] = _worse(cells[cell], LETTERS[outcome])
    for folded in gaps:
        first, last = max(folded.stretch.after + _MICROSECOND, begin), min(folded.stretch.until, end) - _MICROSECOND
        if first <= last:
            for cell in range(_cell(first, begin, end, width), _cell(last, begin, end, width) + 1):
                cells[cell] = LETTERS["missed"]
    return "".join(cells)


def _edge(begin: datetime, end: datetime, width: int, cell: int) -> datetime:
    return begin + (end - begin) * cell / width


def _cell(at: datetime, begin: datetime, end: datetime, width: int) -> int:
    return (at - begin) * width // (end - begin)


def _worse(left: str, right: str) -> str:
    return min(left, right, key=_WORST_FIRST.index)
