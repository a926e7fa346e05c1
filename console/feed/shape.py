"""Which documents are understood: pages reckon with what is in them, and another node wrote it.

Of one that is not, its head is kept, so that the node is seen, and seen not to be understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.feed.snapshot import Json

NUMBER = (int, float)
MOST = 1e18  # of a number, either way: beyond it are infinity and what no float holds
STATE = range(4)
ROWS: list[Json] = [{}]  # a list of dicts of which nothing more is said
SHAPE: Mapping[str, Any] = {  # as docs/status.md has it; what is missing is not known, and no fault
    "at": NUMBER,
    "heard": NUMBER,
    "check_in": NUMBER,
    "clock": {},
    "acknowledged": ROWS,
    "monitoring": {"handled": ROWS},
    "mail": {},
    "errand": {},
    "stuck": ROWS,
    "thresholds": {"act_hours": NUMBER},
    "vitals": {"a": NUMBER, "heard": NUMBER, "c": str},
    "verdicts": [{"state": STATE, "losing": NUMBER, "loss_at": NUMBER}],
    "cameras": [
        {
            "interval": NUMBER,
            "last": {"slot": NUMBER},
            "picture": {"slot": NUMBER},
            "row": {"since": NUMBER},
            "paused": {},
            "view": {},
            "day": {},
            "missed": {},
            "telemetry": {"at": NUMBER},
        }
    ],
    "destinations": [
        {
            "link": str,
            "waiting": NUMBER,
            "bytes": NUMBER,
            "oldest": NUMBER,
            "eta": (*NUMBER, str),
            "error": {"since": NUMBER},
            "audit": {},
        }
    ],
    "links": [
        {
            "name": str,
            "month": {"used": NUMBER, "budget": NUMBER, "at_end": NUMBER},
            "goodput": {"p50": NUMBER},
            "override": {},
        }
    ],
    "buffer": dict.fromkeys(("days", "free", "total", "bytes", "pictures", "proven", "dies"), NUMBER),
    "at_risk": {"pictures": NUMBER, "bytes": NUMBER},
    "redundancy": {"cameras": ROWS, "engine": {}},
}
HEAD = ("site", "node", "kind", "overlapse", "version")


def understood(document: Json) -> Json:
    """Return the document without what is null in it, or the head of one that is not understood."""
    document = _said(document)
    if _fits(document, SHAPE):
        return document
    times = {key: document[key] for key in ("at", "heard") if _fits(document.get(key), NUMBER)}
    head = {key: str(document[key]) for key in HEAD if key in document}
    return {"at": times.get("heard", 0)} | {key: value for key, value in times.items() if value is not None} | head


def _said(value: Any) -> Any:
    """Return a value without the keys that are null: they say no more than those that are missing."""
    if isinstance(value, dict):
        return {key: _said(one) for key, one in value.items() if one is not None}
    return [_said(one) for one in value] if isinstance(value, list) else value


def _fits(value: Any, shape: Any) -> bool:
    if value is None:
        return True
    if isinstance(shape, Mapping):
        return isinstance(value, dict) and all(_fits(value.get(key), one) for key, one in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and all(each is not None and _fits(each, shape[0]) for each in value)
    if isinstance(shape, range):
        return value in shape
    return isinstance(value, shape) and (not isinstance(value, NUMBER) or abs(value) < MOST)
