"""What changed between two documents: a status goes over a thin link as its difference to one that the hearer has."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import Any

from core.status.document import Document, encode

LEFT_OUT = "-"  # names of what the newer one does not have; no key of a document is called so


def named(document: Document) -> str:
    """Return the name of a document: the first 32 bits of the SHA-256 of its text, as hexadecimal."""
    return hashlib.sha256(encode(document)).hexdigest()[:8]


def as_sent(document: Document) -> Document:
    """Return a document as it arrives: what JSON makes of it."""
    sent: Document = json.loads(encode(document))
    return sent


def difference(base: Document, document: Document) -> Document | None:
    """Return what makes `document` of `base`, both as JSON gives them; None: no difference says it.

    Tables are told by those keys whose values differ, lists of the same length by the numbers of what differs in them.
    """
    changes: Document = _differing(base, document)
    with suppress(ValueError):
        return changes if _same(applied(base, changes), document) else None
    return None


def applied(base: Document, changes: object) -> Document:
    """Return the document that `changes` make of `base`; raise ValueError for what are no changes of it."""
    made = _changed(base, changes)
    if not isinstance(made, dict):
        raise ValueError("no changes of a document")
    return made


def _same(old: Any, new: Any) -> bool:
    """Return whether both are written alike: 1, 1.0 and true are equal, and not the same."""
    return bool(old == new) and json.dumps(old, sort_keys=True) == json.dumps(new, sort_keys=True)


def _differing(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        changes = {key: _differing(old[key], one) if key in old else one for key, one in new.items()}
        changes = {key: one for key, one in changes.items() if key not in old or not _same(old[key], new[key])}
        gone = [key for key in old if key not in new]
        return changes | ({LEFT_OUT: gone} if gone else {})
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return {str(n): _differing(old[n], one) for n, one in enumerate(new) if not _same(old[n], one)}
    return new


def _changed(old: Any, changes: Any) -> Any:
    if not isinstance(changes, dict) or not isinstance(old, dict | list):
        return changes
    if isinstance(old, list):
        made = list(old)
        for number, one in changes.items():
            if not number.isdigit() or int(number) >= len(made):
                raise ValueError("changes of another list")
            made[int(number)] = _changed(made[int(number)], one)
        return made
    gone = changes.get(LEFT_OUT, [])
    kept = {key: one for key, one in old.items() if not isinstance(gone, list) or key not in gone}
    return kept | {key: _changed(old.get(key), one) for key, one in changes.items() if key != LEFT_OUT}
