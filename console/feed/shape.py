"""Which documents are understood: pages reckon with what is in them, and another node wrote it.

Of one that is not, its head is kept, so that the node is seen, and seen not to be understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.feed.snapshot import Json

NUMBER = (int, float)
ROWS: list[Json] = [{}]  # a list of dicts of which nothing more is said
SHAPE: Mapping[str, Any] = {  # as docs/status.md has it; what is missing or null is not known, and no fault
    "at": NUMBER,
    "heard": NUMBER,
    "check_in": NUMBER,
    "clock": {},
    "thresholds": {"act_hours": NUMBER},
    "vitals": {"a": NUMBER, "heard": NUMBER, "c": str},
    "verdicts": [{"state": int, "losing": NUMBER, "loss_at": NUMBER}],
    "cameras": [
        {
            "interval": NUMBER,
            "last": {"slot": NUMBER},
            "picture": {"slot": NUMBER},
            "row": {"since": NUMBER},
            "paused": {},
        }
    ],
    "destinations": [{"waiting": NUMBER, "bytes": NUMBER, "oldest": NUMBER, "error": {}}],
    "links": [{"month": {"used": NUMBER, "budget": NUMBER, "at_end": NUMBER}, "goodput": {}}],
    "buffer": {"days": NUMBER, "free": NUMBER, "total": NUMBER, "bytes": NUMBER, "pictures": NUMBER, "dies": NUMBER},
    "at_risk": {"pictures": NUMBER},
    "redundancy": {"cameras": ROWS, "engine": {}},
}
HEAD = ("site", "node", "kind", "overlapse", "version")


def understood(document: Json) -> Json:
    """Return the document, or the head of one that is not understood."""
    if _fits(document, SHAPE):
        return document
    times = {key: document[key] for key in ("at", "heard") if _fits(document.get(key), NUMBER)}
    head = {key: str(document[key]) for key in HEAD if key in document}
    return {"at": times.get("heard", 0)} | {key: value for key, value in times.items() if value is not None} | head


def _fits(value: Any, shape: Any) -> bool:
    if value is None:
        return True
    if isinstance(shape, Mapping):
        return isinstance(value, dict) and all(_fits(value.get(key), one) for key, one in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and all(each is not None and _fits(each, shape[0]) for each in value)
    return isinstance(value, shape)
