"""What the vitals of a node freshen: they came with a lease, after its last whole document, or without one."""

from __future__ import annotations

from typing import Any

from console.feed.snapshot import Json

LETTERS = {"f": "failing", "p": "paused", "n": "no shot yet"}


def vitals(document: Json) -> Json:
    """Return the vitals that are newer than the document; empty when there are none."""
    said: Json = document.get("vitals") or {}
    return said if said and ("cameras" not in document or said.get("a", 0) > document.get("at", 0)) else {}


def heard(document: Json) -> float:
    """Return when the node was heard last, by a document or by vitals."""
    return max(float(document.get("heard") or document.get("at") or 0), float(vitals(document).get("heard", 0)))


def word(document: Json, number: int) -> str | None:
    """Return the state of the camera with this number in the document, as the vitals have it; None: they do not."""
    letters = str(vitals(document).get("c", ""))
    return LETTERS.get(letters[number], "ok") if number < len(letters) else None


def without_document(document: Json) -> tuple[bool, str]:
    """Return whether a camera fails, and a line, of a node of which nothing but vitals came."""
    said: Any = vitals(document)
    letters = str(said.get("c", ""))
    failing = letters.count("f")
    told = f"{failing} of {len(letters)} cameras fail" if failing else f"{len(letters)} cameras, none fails"
    return failing > 0, f"only its vitals are known: {told}, {said.get('r', '?')} pictures at risk"
