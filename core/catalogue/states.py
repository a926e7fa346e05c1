"""What the node remembers over a stop, as JSON by key, and how far it has read each day book."""

from __future__ import annotations

import json
from typing import Any

from core.catalogue.store import Catalogue

ASSIGNED = "assigned"  # what the nodes agreed upon; no day book tells of it
_BOOK = "book/"


def put(catalogue: Catalogue, key: str, value: Any) -> None:
    """Remember `value`, anything that JSON can say, under `key`."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True)
    catalogue.insert(
        "state",
        {"key": key, "value": text},
        "ON CONFLICT DO UPDATE SET value = excluded.value, sum = excluded.sum",
    )


def get(catalogue: Catalogue, key: str, default: Any = None) -> Any:
    """Return what was remembered under `key`."""
    text = catalogue.value("SELECT value FROM state WHERE key = ?", (key,))
    return default if text is None else json.loads(text)


def get_sound(catalogue: Catalogue, key: str) -> Any:
    """Return what was remembered under `key`, None where a damaged catalogue gives it otherwise than it was put."""
    text = catalogue.value("SELECT value FROM state WHERE key = ? AND sum = row_sum(key, value)", (key,))
    return None if text is None else json.loads(text)


def forget(catalogue: Catalogue, key: str) -> None:
    """Forget `key`; one that is not there is no error."""
    catalogue.run("DELETE FROM state WHERE key = ?", (key,))


def keys(catalogue: Catalogue, prefix: str) -> list[str]:
    """Return the keys that begin with `prefix`, in order."""
    rows = catalogue.rows(
        "SELECT key FROM state WHERE key >= ?1 AND key < ?1 || char(0x10FFFF) ORDER BY key", (prefix,)
    )
    return [row[0] for row in rows]


def set_offset(catalogue: Catalogue, folder: str, offset: int) -> None:
    """Remember that the day book in `folder` (CAMERA/YYYY/MM/DD) is catalogued up to `offset`."""
    put(catalogue, _BOOK + folder, offset)


def offset(catalogue: Catalogue, folder: str) -> int:
    """Return up to where the day book in `folder` is catalogued."""
    return int(get(catalogue, _BOOK + folder, 0))


def offsets(catalogue: Catalogue) -> dict[str, int]:
    """Return up to where each day book is catalogued."""
    rows = catalogue.rows("SELECT key, value FROM state WHERE key >= 'book/' AND key < 'book0'")
    return {row["key"][len(_BOOK) :]: int(row["value"]) for row in rows}
