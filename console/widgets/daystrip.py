"""A day in 24 letters, as `core.ledger.strip` writes it, with weight on what an operator must see."""

from __future__ import annotations

from itertools import groupby

from console.widgets.looks import Part

CAPTURED, LATE, MISSED, EXCUSED, NO_SLOT, NOT_YET = "#+xe. "
WORST_FIRST = MISSED + LATE + EXCUSED + CAPTURED + NO_SLOT + NOT_YET
UNKNOWN = "?"
LOOK = {MISSED: "bad", UNKNOWN: "unknown"}  # each change of colour is 5 to 8 bytes, twenty rows long
LEGEND = "# captured  + late  x missed  e excused  . no slot"


def day_strip(letters: str, width: int = 24) -> list[Part]:
    """Return a day in `width` letters, the worst of those that share one; what is no letter of ours is `?`.

    Raise ValueError for a width below 1.
    """
    if width < 1:
        raise ValueError("a strip has at least one letter")
    known = [letter if letter in WORST_FIRST else UNKNOWN for letter in letters]
    shown = known if len(known) <= width else [_worst(known, at, width) for at in range(width)]
    return [("".join(run), LOOK.get(letter, "plain")) for letter, run in groupby(shown)]


def _worst(letters: list[str], at: int, width: int) -> str:
    """Return the worst letter of one of `width` stretches."""
    begin, end = at * len(letters) // width, -(-(at + 1) * len(letters) // width)
    return min(letters[begin:end], key=(UNKNOWN + WORST_FIRST).index)
