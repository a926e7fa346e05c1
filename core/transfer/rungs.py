"""The ladder of what a link carries: down when it is too thin or too dear, up again with a margin. Pure.

A rung is one of the four ways to use an Internet link, and between them the same with rarer pictures: "jpeg/2" sends
every second slot. What a rung does not send waits in the queue, nothing is dropped; status and live pictures always go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

LADDER = ("everything", "everything/6", "jpeg", "jpeg/2", "jpeg/6", "reduced", "reduced/6", "status")
ALWAYS = frozenset({"status", "live"})
SENDS = {
    "everything": frozenset({"raw", "jpeg", "thumbnail", "audit"}),
    "jpeg": frozenset({"jpeg", "thumbnail", "audit"}),
    "reduced": frozenset({"thumbnail"}),
    "status": frozenset[str](),
}
PATIENCE = timedelta(minutes=30)  # a reason to go down lasts that long before it is followed
MARGIN = 0.8  # the next richer rung must need no more than this share of what there is
CLIMB = timedelta(hours=6)  # it must have fitted for that long
HORIZON = timedelta(days=7)  # a backlog that takes longer counts as more than the link carries

_RUNG = re.compile(r"(everything|jpeg|reduced|status)(?:/([1-9]\d{0,3}))?")


@dataclass(frozen=True, slots=True)
class Rung:
    """What a link carries: classes, and of what is thinned every nth slot."""

    name: str
    classes: frozenset[str]
    thinned: str | None = None  # the class of which only every `nth` slot goes
    nth: int = 1

    def every(self, name: str) -> int:
        """Return which slots of a class go: 1 all, 2 every second."""
        return self.nth if name == self.thinned else 1


def rung(name: str) -> Rung:
    """Return the rung of that name; raise ValueError with what to write instead."""
    match = _RUNG.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no rung; write everything, jpeg, reduced or status, or such as jpeg/2")
    way, nth = match[1], int(match[2] or 1)
    if way == "status" and match[2] is not None:
        raise ValueError("status has no pictures to thin; write status")
    thinned = {"everything": "raw", "jpeg": "jpeg", "reduced": "thumbnail"}.get(way) if nth > 1 else None
    return Rung(name, SENDS[way] | ALWAYS, thinned, nth)


def ladder_problems(ladder: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a ladder: (key, what to write instead)."""
    for n, name in enumerate(ladder):
        try:
            rung(name)
        except ValueError as error:
            yield f"ladder[{n}]", str(error)
        else:
            if name in ladder[:n]:
                yield f"ladder[{n}]", f"{name} stands there twice; write each rung once, the richest first"


@dataclass(frozen=True, slots=True)
class Override:
    """An operator's word: this rung, until then."""

    name: str
    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a link stands on its ladder, and since when something speaks for another rung."""

    at: int = 0  # index into the ladder, 0 the richest
    down_since: datetime | None = None
    up_since: datetime | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """What the rungs come to now: bytes a second that each needs, in the ladder's order, and what there is.

    `carried`: what the link carries (its rate or its measured goodput); `allowed`: what the budget leaves to the
    month's end; None: no limit. `made`: the bytes a second of each class, whatever the rung.
    """

    each: Sequence[float]
    carried: float | None
    allowed: float | None
    made: Mapping[str, float] = field(default_factory=dict)

    @property
    def limit(self) -> float:
        """The bytes a second that may be used."""
        return min(number for number in (self.carried, self.allowed, float("inf")) if number is not None)

    @property
    def reason(self) -> str:
        """Which of the two limits it is, in words."""
        if self.allowed is not None and (self.carried is None or self.allowed < self.carried):
            return "the month's budget"
        return "what the link carries"


def needed(rung: Rung, made: Mapping[str, float], waiting: Mapping[str, int]) -> float:
    """Return the bytes a second that a rung needs: what is made for it, and its backlog within `HORIZON`.

    `made` and `waiting`: bytes a second, and bytes, by class. RAW that waits is no need: it goes when all else is gone.
    """
    total = 0.0
    for name in rung.classes:
        rate = made.get(name, 0.0) + (waiting.get(name, 0) / HORIZON.total_seconds() if name != "raw" else 0.0)
        total += rate / rung.every(name)
    return total


def step(standing: Standing, ladder: Sequence[str], need: Need, now: datetime) -> Standing:
    """Return where the link stands after this look: at most one decision, down to what fits or one rung up."""
    at = min(standing.at, len(ladder) - 1)
    if need.each[at] > need.limit:
        since = standing.down_since or now
        if now - since < PATIENCE:
            return replace(standing, at=at, down_since=since, up_since=None)
        fits = next((nth for nth in range(at, len(ladder)) if need.each[nth] <= need.limit), len(ladder) - 1)
        return Standing(fits, why=f"{ladder[at]} needs more than {need.reason}")
    if at > 0 and need.each[at - 1] <= MARGIN * need.limit:
        since = standing.up_since or now
        if now - since < CLIMB:
            return replace(standing, at=at, down_since=None, up_since=since)
        return Standing(at - 1, why=f"{ladder[at - 1]} fits again")
    return replace(standing, at=at, down_since=None, up_since=None)


def effective(standing: Standing, ladder: Sequence[str], override: Override | None, now: datetime) -> Rung:
    """Return the rung in force: an operator's while it lasts, else where the link stands."""
    if override is not None and now < override.until:
        return rung(override.name)
    return rung(ladder[min(standing.at, len(ladder) - 1)])
