"""Many cameras or nodes on one screen: the worst have a line each, the rest share lines by their state. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

FEW = 8  # of which each has a line
WORST = 5  # of many that have one
WIDTH = 79

T = TypeVar("T")


def parted(rows: Sequence[T], trouble: Callable[[T], int]) -> tuple[list[T], list[T]]:
    """Return the rows that have a line each, and those that share lines: of many, the worst are the former.

    `trouble`: 0 for one that is well, more for a worse one.
    """
    if len(rows) <= FEW:
        return list(rows), []
    ranked = sorted(rows, key=trouble, reverse=True)
    worst = [row for row in ranked if trouble(row)][:WORST]
    return worst, ranked[len(worst) :]


def shared(said: Iterable[tuple[str, str]]) -> list[str]:
    """Return lines for (state, what is said of one), such as "17 ok: gate 3m, north 4m", the states as they come."""
    import textwrap  # only with many

    by_state: dict[str, list[str]] = {}
    for state, one in said:
        by_state.setdefault(state, []).append(one.replace(" ", "\0"))  # no line ends inside
    lines: list[str] = []
    for state, all_of in by_state.items():
        text = f"{len(all_of)} {state}: {', '.join(all_of)}"
        wrapped = textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
        lines += [line.replace("\0", " ") for line in wrapped]
    return lines
