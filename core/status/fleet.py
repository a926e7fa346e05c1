"""What a node knows of the others: the newest status document of each, and when it came."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from core.status.read import VERSION, Unreadable, read

Document = dict[str, Any]

PAGE = 2_000_000  # bytes of documents in one answer
CHECK_IN = 300.0  # seconds
TRAVEL = 60.0  # seconds that a check-in may be on its way
AHEAD = 2 * 86400  # seconds that another node's clock may be ahead of ours


def received(said: object, site: str, node: str, now: float) -> Document:
    """Return the document that `node` sent, with `heard`: when it came; raise ValueError for one that is not its own.

    One of another version keeps its head alone, so that the node is seen and the difference told.
    """
    if not isinstance(said, dict):
        raise ValueError("not a status document")
    if (said.get("site"), said.get("node")) != (site, node):
        raise ValueError(f"not the status of {node}")
    at = said.get("at")
    if not isinstance(at, int | float) or isinstance(at, bool) or not 0 < at <= now + AHEAD:
        raise ValueError("its time is none, or still to come")
    if said.get("version") != VERSION:
        kept = ("version", "overlapse", "site", "node", "kind", "at", "next", "check_in")
        return {key: said[key] for key in kept if key in said} | {"heard": round(now, 3)}
    if not all(isinstance(said.get(key), list) for key in ("cameras", "destinations", "links")):
        raise ValueError("not a whole status document")
    return {**said, "heard": round(now, 3)}


def fleet_page(documents: Iterable[Document], since: float) -> Document:
    """Return {"nodes"}: documents heard from `since` (seconds) on, by that time; {"next"}: more follow from there."""
    wanted = sorted((one for one in documents if one["heard"] >= since), key=lambda one: (one["heard"], one["node"]))
    total = 0
    for n, document in enumerate(wanted):
        total += len(json.dumps(document))
        if total > PAGE and n > 0 and document["heard"] > wanted[n - 1]["heard"]:
            return {"nodes": wanted[:n], "next": document["heard"]}
    return {"nodes": wanted}


def site_of(document: Mapping[str, Any]) -> str | None:
    """Return the digest of the site file that a node runs, as it said last; None: it did not say."""
    said = document.get("vitals", {}).get("g") or document.get("site_digest")
    return said if isinstance(said, str) else None


def is_newer(document: Document, than: Mapping[str, Any] | None) -> bool:
    """Return whether a document says something new: what came twice, or late, changes nothing.

    After one that came from the future so does any that did not: the clock there was set right since.
    """
    return than is None or document["at"] > than["at"] or _was_ahead(than) > TRAVEL >= _was_ahead(document)


def _was_ahead(document: Mapping[str, Any]) -> float:
    """Return by how many seconds the clock of a node was ahead of that of its hearer, as far as is known."""
    ahead: float = document["at"] - document.get("heard", document["at"])
    return ahead


def silent_for(document: Mapping[str, Any], now: float) -> float | None:
    """Return for how many seconds a node says nothing though it should; None: nothing is overdue.

    One check-in may get lost. A node of which nothing is said how often it checks in has done so every five minutes.
    """
    every = document.get("check_in", CHECK_IN)
    heard = document.get("heard", document["at"])
    return now - heard if now - heard > 2 * every + TRAVEL else None


def read_fleet(folder: Path) -> Iterator[Document]:
    """Yield the documents of other nodes that lie in `folder`; what cannot be read is passed over."""
    for path in sorted(folder.glob("*.json")):
        try:
            document = read(str(path))
            json.dumps(document, allow_nan=False)  # 1e999 is read as infinity, with which no answer can be written
        except (Unreadable, ValueError, RecursionError):
            continue
        if document.get("node") == path.stem:
            yield document
