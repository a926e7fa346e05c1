"""What became of each slot: one entry for (camera, slot, node), written once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Literal, get_args

from core.errors import OverlapseError
from core.ledger.causes import CAUSES, Cause, cause_of
from core.ledger.expected import ExpectedSlot
from core.text import safe

Outcome = Literal["captured", "late", "excused", "missed"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)  # best first: the order in which nodes' entries merge

LATE_SHARE = 10  # late is more than one tenth of the interval
LATE_MOST = timedelta(seconds=30)  # or more than this, whichever is less

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the ledger, written by one node for one slot that it was to drive.

    `partial`: half of a RAW and JPEG pair did not come. `cause`: with missed, and only then. `shutter`: when it was
    triggered, with captured and late. `filled`: a picture of this missed or excused slot came later, as a spare.
    `text`: more for the operator, made safe to show.
    """

    camera: str
    at: datetime
    index: int
    node: str
    outcome: Outcome
    partial: bool = False
    cause: Cause | None = None
    shutter: datetime | None = None
    filled: bool = False
    text: str = ""

    def __post_init__(self) -> None:
        if (self.cause is not None) != (self.outcome == "missed"):
            raise ValueError("a cause belongs to a missed slot, and a missed slot has one")
        if self.has_picture and self.filled:
            raise ValueError("only a slot without a picture can be filled later")
        if not self.has_picture and (self.partial or self.shutter is not None):
            raise ValueError("a slot without a picture has neither shutter nor half a pair")

    @property
    def has_picture(self) -> bool:
        """Whether its own shot gave a picture."""
        return self.outcome in ("captured", "late")


def tolerance(interval: timedelta) -> timedelta:
    """Return how much later than its slot a shot may be: the smaller of a tenth of the interval and 30 s."""
    return min(interval / LATE_SHARE, LATE_MOST)


def judge(slot: ExpectedSlot, shutter: datetime) -> Outcome:
    """Return captured, or late when the shutter came later than the tolerance; exactly at it is in time."""
    return "late" if shutter - slot.at > tolerance(slot.interval) else "captured"


def shot(slot: ExpectedSlot, camera: str, node: str, shutter: datetime, partial: bool = False) -> Entry:
    """Return the entry of a slot whose shot gave a picture."""
    return Entry(camera, slot.at, slot.index, node, judge(slot, shutter), partial=partial, shutter=shutter)


def missed(slot: ExpectedSlot, camera: str, node: str, why: Cause | OverlapseError, text: str = "") -> Entry:
    """Return the entry of a slot without a picture; an error gives the cause and, by default, the text."""
    if isinstance(why, OverlapseError):
        return Entry(camera, slot.at, slot.index, node, "missed", cause=cause_of(why), text=safe(text or why))
    return Entry(camera, slot.at, slot.index, node, "missed", cause=why, text=safe(text))


def excused(slot: ExpectedSlot, camera: str, node: str, text: str = "") -> Entry:
    """Return the entry of a slot that an operator had paused or taken for maintenance."""
    return Entry(camera, slot.at, slot.index, node, "excused", text=safe(text))


def settle(recorded: Entry | None, later: Entry) -> Entry:
    """Return what the ledger holds once `later` came for a slot: the outcome that was first never changes.

    A picture that comes for a slot without one only marks it as filled.
    """
    if recorded is None:
        return later
    if later.has_picture and not recorded.has_picture:
        return replace(recorded, filled=True)
    return recorded


def merge(entries: Iterable[Entry]) -> Entry:
    """Return a hub's one view of a slot from the entries of its nodes, in whatever order they came.

    Captured before late, excused and missed; then a whole pair, the earlier shutter, the cause that says most.
    Raise ValueError without entries or with entries of several slots.
    """
    all_entries = list(entries)
    if len({(entry.camera, entry.at) for entry in all_entries}) != 1:
        raise ValueError("one slot of one camera is merged at a time")
    best = min(all_entries, key=_preference)
    return replace(best, filled=not best.has_picture and any(entry.filled for entry in all_entries))


def hub_view(entries: Iterable[Entry]) -> list[Entry]:
    """Return one entry for each slot of each camera, sorted by camera and time, merged from those of all nodes."""
    ordered = sorted(entries, key=_slot_of)
    return [merge(of_slot) for _, of_slot in groupby(ordered, key=_slot_of)]


def _slot_of(entry: Entry) -> tuple[str, datetime]:
    return entry.camera, entry.at


def _preference(entry: Entry) -> tuple[int, bool, datetime, int, str, int, str]:
    cause = len(CAUSES) if entry.cause is None else CAUSES.index(entry.cause)
    shutter = entry.shutter or _NEVER
    return OUTCOMES.index(entry.outcome), entry.partial, shutter, cause, entry.node, entry.index, entry.text
