"""Rows of ledger, queue and events as JSON: the node gives them on its socket, the command line reads them itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from core.catalogue import deliveries, events, slots
from core.catalogue.store import Catalogue
from core.ledger.causes import CAUSES
from core.ledger.outcomes import Entry
from core.values import seconds_of, utc

Row = dict[str, Any]


def ledger_rows(catalogue: Catalogue, camera: str | None, begin: datetime, end: datetime) -> list[Row]:
    """Return what became of the slots of begin <= at < end, by camera and time."""
    cameras = [camera] if camera else _cameras(catalogue)
    last = _after(end)
    return [_slot(row) for name in cameras for row in slots.between(catalogue, name, seconds_of(begin), last)]


def ledger_page(catalogue: Catalogue, camera: str | None, begin: datetime, end: datetime, limit: int) -> Row:
    """Return {"slots"} by time, at most `limit` of begin <= at < end, and {"next"} when more follow from there on."""
    cameras, last = [camera] if camera else _cameras(catalogue), _after(end)
    found = [
        row for name in cameras for row in slots.between(catalogue, name, seconds_of(begin), last, at_most=limit + 1)
    ]
    found.sort(key=lambda row: (row.slot, row.camera))
    if len(found) <= limit:
        return {"slots": [_slot(row) for row in found]}
    following = found[limit].slot
    kept = [row for row in found[:limit] if row.slot < following] or found[:limit]
    return {"slots": [_slot(row) for row in kept], "next": utc(max(following, kept[-1].slot + 1)).isoformat()}


def _after(end: datetime) -> int:
    """Return the first second that does not belong to it: the slot of the second that has begun does."""
    return seconds_of(end) + (end.microsecond > 0)


def _slot(row: slots.Outcome) -> Row:
    return {
        "camera": row.camera,
        "slot": row.slot,
        "node": row.node,
        "outcome": row.outcome,
        "partial": row.partial,
        "cause": row.cause,
        "shutter": row.shutter,
        "filled": row.filled,
    }


def queue_rows(catalogue: Catalogue, destination: str | None, limit: int = 200) -> list[Row]:
    """Return the deliveries that are not proven, by destination, oldest first."""
    places = [destination] if destination else sorted({one.destination for one in deliveries.tally(catalogue)})
    found = [row for place in places for row in deliveries.queue(catalogue, place, limit)]
    return [
        {
            "id": row.id,
            "destination": row.destination,
            "what": f"{row.name}" + (f" as {row.rendition}" if row.rendition else ""),
            "remote": row.remote,
            "state": row.state,
            "class": row.priority.name.lower(),
            "size": row.size,
            "offset": row.offset,
            "attempts": row.attempts,
            "next_try": row.next_try,
            "error": row.message,
        }
        for row in found[:limit]
    ]


def event_rows(catalogue: Catalogue, limit: int = 100) -> list[Row]:
    """Return the latest events, oldest of them first."""
    return [
        {"at": event.at, "kind": event.kind, "subject": event.subject, "text": event.text, "data": event.data}
        for event in events.last(catalogue, limit)
    ]


def entry_of(row: slots.Outcome) -> Entry:
    """Return a row of the catalogue as the ledger's entry."""
    word, _, text = row.cause.partition(": ")
    cause = cast(Any, word if word in CAUSES else "unknown") if row.outcome == "missed" else None
    shutter = None if row.shutter is None else utc(row.shutter / 1000)
    return Entry(
        row.camera,
        utc(row.slot),
        row.index or 0,
        row.node,
        row.outcome,
        partial=row.partial,
        cause=cause,
        shutter=shutter,
        filled=row.filled is not None,
        text=text if cause is not None else row.cause,
    )


def _cameras(catalogue: Catalogue) -> list[str]:
    return [row[0] for row in catalogue.rows("SELECT DISTINCT camera FROM outcome_tally ORDER BY camera")]
