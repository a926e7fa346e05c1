"""A failover as one thing: who stood in for whom, from when until when, what it cost; for ledger, console and mail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from core.coordination.protocol.records import Owner
from core.text import safe
from core.units import show_duration
from core.values import Fence, stamp, utc


@dataclass(frozen=True, slots=True)
class SlotCopies:
    """What became of one expected slot, whoever shot it: pictures of it that there are, and whether it was a hole."""

    at: float  # seconds since the epoch
    copies: int
    filled: bool = False  # no node had it in time, and a picture came later


@dataclass(frozen=True, slots=True)
class Period:
    """One camera while its backup stood in. Seconds since the epoch; `end` None: it still does.

    `begin`: the last shot of the node that failed, so that `taken` - `begin` is the dark time. `lost`: slots without
    any picture, `filled`: those that had none at first, `spares`: pictures beside the record pictures.
    """

    case: str
    camera: str
    node: str  # that failed
    by: str  # that stands in
    fence: Fence
    begin: float
    taken: float
    end: float | None = None
    lost: int = 0
    filled: int = 0
    spares: int = 0

    @property
    def dark(self) -> float:
        """Seconds in which nobody shot the camera as its owner."""
        return max(0.0, self.taken - self.begin)

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept and shown; the fence as E-T."""
        return asdict(self) | {"fence": str(self.fence)}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Period:
        """Return what `to_json` wrote; raise KeyError, TypeError or ValueError for anything else."""
        return cls(**{**said, "fence": Fence.parse(said["fence"])})


def begun(camera: str, owner: Owner, last_shot: float | None) -> Period | None:
    """Return the period that a new ownership record begins, None: it was no failure."""
    node, _, _ = owner.case.partition(".")
    if owner.why != "failure" or not node:
        return None
    begin = min(owner.at, last_shot) if last_shot is not None else owner.at
    return Period(owner.case, camera, node, owner.node, owner.fence, begin, owner.at)


def ended(period: Period, owner: Owner) -> Period:
    """Return the period as a newer ownership record leaves it: over once another node owns the camera."""
    if period.end is not None or owner.node == period.by or owner.fence <= period.fence:
        return period
    return replace(period, end=max(owner.at, period.taken))


def counted(period: Period, slots: Iterable[SlotCopies]) -> Period:
    """Return the period with its slots counted anew: those after `begin`, up to its end."""
    lost = filled = spares = 0
    for slot in slots:
        if slot.at <= period.begin or (period.end is not None and slot.at > period.end):
            continue
        lost += slot.copies == 0
        filled += slot.filled and slot.copies > 0
        spares += max(0, slot.copies - 1)
    return replace(period, lost=lost, filled=filled, spares=spares)


def lines(periods: Iterable[Period], next_step: str) -> Iterator[str]:
    """Yield what a mail says of one failure or return: from, to, why, dark time, slots, and what happens next."""
    for one in sorted(periods, key=lambda each: each.camera):
        who = f"{safe(one.camera)}: from {safe(one.node)} to {safe(one.by)}"
        yield f"{who} at {stamp(utc(one.taken))}, fence {one.fence}"
        yield f"  dark for {show_duration(one.dark)}; slots lost {one.lost}, filled {one.filled}, spares {one.spares}"
        if one.end is not None:
            yield f"  back at {stamp(utc(one.end))}, after {show_duration(one.end - one.taken)}"
    yield f"Next: {next_step}"
