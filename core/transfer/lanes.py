"""How many files one destination has under way at once: enough to fill a link of long round trips, no more. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

AHEAD = 1_000_000  # bytes under way that fill a thin link while files before and behind them cost round trips
STRIDES = 4  # grants under way that fill a fast one: each is about half a second of sending


class Room(Enum):
    """What may begin now."""

    NOTHING = "nothing"
    URGENT = "urgent"  # live pictures and the like
    ANYTHING = "anything"


@dataclass(frozen=True, slots=True)
class UnderWay:
    """One file on its way. `left`: bytes of it that have no grant yet."""

    urgent: bool
    left: int


def room(lanes: int, kept: bool, under_way: Collection[UnderWay], stride: int = 0) -> Room:
    """Return what may begin beside what is under way in `lanes` lanes, the last one `kept` for urgent files or not.

    `stride`: bytes of a usual grant there.

    Each small file costs several round trips in which the link would idle, so they go side by side. A large one has
    the link for itself until its end is granted: side by side, two of them would both come late.
    """
    if len(under_way) >= lanes:
        return Room.NOTHING
    archive = [file for file in under_way if not file.urgent]
    if kept and lanes > 1 and len(archive) >= lanes - 1:
        return Room.URGENT
    filled = sum(file.left for file in archive) >= max(AHEAD, STRIDES * stride)
    return Room.URGENT if filled else Room.ANYTHING
