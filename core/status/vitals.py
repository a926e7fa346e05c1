"""The little of a status document that rides in the renewal of a lease: it freshens what is known of a node."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MOST = 300  # bytes; `st` of a session
_LETTERS = {"failing": "f", "paused": "p", "no shot yet": "n"}  # of a camera; any other state is well: "o"


def vitals(document: Mapping[str, Any]) -> str:
    """Return at most MOST bytes of ASCII.

    a: seconds of the document; t: its clock is trusted; c: a letter a camera, in the order of the document; l: the last
    slot; w, o: bytes undelivered, and since when; d: days of buffer; r: pictures at risk; v, g: the version of the
    program, and the digest of its site file.
    """
    cameras = "".join(_LETTERS.get(row["state"], "o") for row in document["cameras"])
    last = max((row["last"]["slot"] for row in document["cameras"] if "last" in row), default=None)
    oldest = min((row["oldest"] for row in document["destinations"] if "oldest" in row), default=None)
    said = {
        "a": int(document["at"]),
        "t": int(document["clock"]["trusted"]),
        "l": last,
        "w": sum(row["bytes"] for row in document["destinations"]),
        "o": None if oldest is None else int(oldest),
        "d": document["buffer"].get("days"),
        "r": document["at_risk"]["pictures"],
        "v": document.get("overlapse"),
        "g": document.get("site_digest"),
    }
    head = {key: value for key, value in said.items() if value is not None}
    room = MOST - len(_text(head)) - len(',"c":""')
    return _text({**head, "c": cameras[: max(0, room)]})


def read_vitals(text: str) -> Mapping[str, Any] | None:
    """Return what a session's vitals say; None: nothing that could be read."""
    try:
        said = json.loads(text)
        json.dumps(said, allow_nan=False)  # 1e999 is read as infinity, with which no answer can be written
    except ValueError:
        return None
    numbers = ("a", "t", "l", "w", "o", "d", "r")
    if not isinstance(said, dict) or "a" not in said or not all(isinstance(said.get(one, ""), str) for one in "cvg"):
        return None
    if any(key in said and (isinstance(said[key], bool) or not isinstance(said[key], int | float)) for key in numbers):
        return None
    return said


def _text(said: Mapping[str, Any]) -> str:
    return json.dumps(said, separators=(",", ":"))
