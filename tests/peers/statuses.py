"""Status documents for the checks: one of a node that is well, and what is changed of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

NOW = 1_795_262_400.0  # Sat 21 Nov 2026 12:00 UTC
HOUR, DAY = 3600.0, 86400.0
Document = dict[str, Any]
Change = Callable[[Document], object]


def well(now: float = NOW) -> Document:
    """Return the document of a unit with two cameras, two destinations over two links, and nothing wrong."""
    return {
        "version": 1,
        "overlapse": "0.1.0",
        "site": "harbour",
        "node": "unit1",
        "kind": "unit",
        "zone": "Europe/Paris",
        "at": now - 5,
        "next": now + 55,
        "started": now - 9 * DAY,
        "boot": "another-machine",
        "pid": 4711,
        "fence": "1-7",
        "clock": {"trusted": True, "why": "the kernel says it is synchronised"},
        "cameras": [camera("gate", now), camera("north", now)],
        "destinations": [destination("fr", "sim"), destination("nas", "lan")],
        "links": [link("sim", now)],
        "buffer": {
            "free": 300e9,
            "total": 500e9,
            "inodes": 30_000_000,
            "inodes_free": 29_000_000,
            "keep_free": 8e9,
            "when_full": "thin",
            "pictures": 30_000,
            "bytes": 190e9,
            "proven": 29_990,
            "days": 61.0,
            "sentence": "never within ten years",
        },
        "at_risk": {"pictures": 10, "bytes": 60e6, "oldest": now - HOUR, "hours": 1.0},
    }


def camera(name: str, now: float) -> Document:
    """Return a camera that shot five minutes ago and is due in five."""
    return {
        "name": name,
        "state": "ok",
        "last": {"slot": now - 300, "outcome": "captured", "cause": ""},
        "picture": {"slot": now - 300},
        "next": now + 300,
        "interval": 600.0,
        "strip": "#" * 24,
        "day": {"captured": 142, "late": 1, "missed": 1},
        "missed": {"camera busy": 1},
        "telemetry": {"battery": 80, "clock_drift": 0.4, "shutter_count": 41_200, "at": (now - 400) * 1000},
    }


def destination(name: str, link: str) -> Document:
    """Return a destination that has all."""
    return {
        "name": name,
        "link": link,
        "required": True,
        "state": "ok",
        "waiting": 0,
        "bytes": 0,
        "proven": 29_990,
        "audit": {"within": 30 * DAY, "looked": 900, "lost": 0, "read": 9},
    }


def link(name: str, now: float) -> Document:
    """Return a link in the middle of its month."""
    month = {"begin": now - 20 * DAY, "end": now + 10 * DAY, "budget": 12_000_000_000, "used": 6_000_000_000}
    classes = {"jpeg": 5_000_000_000, "status": 20_000_000, "other": 980_000_000}
    return {
        "name": name,
        "rate": 120_000,
        "goodput": {"p50": 90_000, "p10": 30_000},
        "quality": {"trip": 0.31, "loss": 1.2},
        "rung": "everything",
        "carries": ["status", "live", "jpeg"],
        "open": True,
        "month": {**month, "at_end": 9_000_000_000, "counted": "on the wire", "classes": classes},
    }


def redundant(now: float = NOW) -> Document:
    """Return the part of a document that says who holds the cameras that have a backup."""
    one = {
        "mode": "normal",
        "owner": "unit1",
        "since": now - 9 * DAY,
        "primary": "unit1",
        "backup": "fr",
        "ready": True,
    }
    return {"engine": {"state": "ok"}, "cameras": [{"name": "gate", **one}, {"name": "north", **one}]}


def with_(*changes: Change, now: float = NOW) -> Document:
    """Return the document that is well, changed."""
    document = copy.deepcopy(well(now))
    for change in changes:
        change(document)
    return document


def put(path: str, value: Any) -> Change:
    """Return the change that puts `value` at "cameras.0.rung"; tables on the way are made."""

    def change(document: Document) -> None:
        *way, last = path.split(".")
        at: Any = document
        for step in way:
            at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
        at[int(last) if isinstance(at, list) else last] = value

    return change


def shifted(value: Any, by: float) -> Any:
    """Return a document whose instants, those near NOW, are `by` seconds later."""
    if isinstance(value, dict):
        return {key: shifted(one, by) for key, one in value.items()}
    if isinstance(value, list):
        return [shifted(one, by) for one in value]
    near = isinstance(value, int | float) and not isinstance(value, bool) and abs(value - NOW) < 4000 * DAY
    return value + by if near else value


def write(path: Path, document: Document) -> Path:
    """Write a document, and return where."""
    path.write_text(json.dumps(document))
    return path
