"""What a camera took of late, for the status document: its newest picture, the slots missed since, the gaps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from core.catalogue import pictures, slots
from core.catalogue.store import Catalogue
from core.ledger.expected import Expected
from core.values import seconds_of, utc

TAKEN = ("captured", "late")


def recent(catalogue: Catalogue, camera: str, node: str, now: datetime) -> dict[str, Any]:
    """Return `picture` (the slot of the newest picture) and `row` (slots missed since, and the first of them)."""
    missed: list[int] = []
    taken: int | None = None
    for one in slots.latest_first(catalogue, camera, node, seconds_of(now)):
        if one.outcome in TAKEN:
            taken = one.slot
            break
        if one.outcome == "missed":
            missed.append(one.slot)
    if taken is None and (newest := pictures.newest(catalogue, camera)) is not None:
        taken = seconds_of(newest.name.at)
    return {
        "picture": None if taken is None else {"slot": taken},
        "row": {"missed": len(missed), "since": missed[-1]} if missed else None,
    }


def unaccounted(catalogue: Catalogue, camera: str, node: str, timetable: Expected, since: datetime) -> int:
    """Return how many slots between the first and the last one from `since` on have no outcome: none should."""
    known = slots.extent(catalogue, camera, node, seconds_of(since))
    if known is None:
        return 0
    return max(0, timetable.count(utc(known.first), utc(known.last + 1)) - known.known)
