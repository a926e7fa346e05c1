"""How many files one destination has under way at once: enough to fill a link of long round trips, no more. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

AHEAD = 1_000_000  # bytes under way that fill a thin link while files before and behind them cost round trips
STRIDES = 4  # grants under way that fill a fast one: each is about half a second of sending


STALLED = 10.0  # seconds without a word from a file, after which it holds up no other


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
    turn_at: float | None = None  # monotonic: when it last got into its link's line; None: not yet

    def moves(self, now: float) -> bool:
        """Whether its bytes are on their way now, and more are to come."""
        return self.left > 0 and self.turn_at is not None and now - self.turn_at < STALLED


def may_send(one: UnderWay, others: Collection[UnderWay], streams: int, now: float) -> bool:
    """Tell whether `one` may have a grant beside the `others`: the archive's bytes go `streams` files at a time.

    So files end one after the other, and each does its round trips while the next one's bytes fill the link; were all
    of them sent at once, they would end at once and let it idle. Where each lane has a connection of its own, two at a
    time make up for the slow start after its rest.
    """
    if one.urgent or one.moves(now):
        return True
    return sum(other.moves(now) for other in others if not other.urgent) < streams


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
