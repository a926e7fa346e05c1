"""The journal: what happened, in order, the last KEEP of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.catalogue.store import Catalogue, Row
from core.text import safe

KEEP = 50_000
MAX_TEXT = 500
_EVENTS = "SELECT id, at, kind, subject, text, data FROM event "


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the journal."""

    id: int
    at: int  # milliseconds since the epoch
    kind: str
    subject: str  # the camera, destination or link that it is about
    text: str
    data: Mapping[str, Any]


def _event(row: Row) -> Event:
    return Event(**{**dict(row), "data": json.loads(row["data"])})


def add(
    catalogue: Catalogue, at: int, kind: str, subject: str, text: str, data: Mapping[str, Any] | None = None
) -> int:
    """Add a line, its text made safe to show, drop the one that is KEEP lines older, and return its id."""
    with catalogue.transaction():
        number = int(catalogue.value("SELECT ifnull(max(id), 0) + 1 FROM event"))
        line = {
            "id": number,
            "at": at,
            "kind": kind,
            "subject": safe(subject),
            "text": safe(text, MAX_TEXT),
            "data": json.dumps(data or {}, separators=(",", ":"), sort_keys=True),
        }
        catalogue.insert("event", line)
        catalogue.run("DELETE FROM event WHERE id <= ?", (number - KEEP,))
    return number


def after(catalogue: Catalogue, number: int, limit: int = 1000) -> list[Event]:
    """Return the events that follow event `number`, in order."""
    return [_event(row) for row in catalogue.rows(_EVENTS + "WHERE id > ? ORDER BY id LIMIT ?", (number, limit))]


def last(catalogue: Catalogue, limit: int = 100, subject: str | None = None) -> list[Event]:
    """Return the latest events, of one subject or of all, in order."""
    if subject is None:
        rows = catalogue.rows(_EVENTS + "ORDER BY id DESC LIMIT ?", (limit,))
    else:
        rows = catalogue.rows(_EVENTS + "WHERE subject = ? ORDER BY id DESC LIMIT ?", (subject, limit))
    return [_event(row) for row in reversed(rows)]
