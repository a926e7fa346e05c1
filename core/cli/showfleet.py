"""The whole fleet on one screen of text: a line a node, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from core.cli.show import Row, ago, table
from core.status.fleet import silent_for, site_of
from core.status.read import VERSION
from core.text import safe
from core.units import show_duration, show_size

HEADS = ("NODE", "STATE", "CAMERAS", "LAST SHOT", "WAITING", "OLDEST", "BUFFER LASTS", "LOST IF STOLEN NOW")
LETTERS = {"f": "failing", "p": "paused", "n": "no shot yet"}  # of vitals
WORDS = ("failing", "paused", "no shot yet")  # of cameras, the worst first


def fleet_text(documents: Sequence[Row], now: datetime) -> str:
    """Return what is known of every node; of one that is silent, how it was."""
    shown = sorted(documents, key=lambda one: (-_badness(one, now), str(one["node"])))
    return "\n".join([*table(HEADS, [_node(one, now) for one in shown]), *_differing(documents)])


def _differing(documents: Sequence[Row]) -> Iterator[str]:
    """Yield a line for each site whose nodes run different versions of site.toml."""
    for site in sorted({str(one.get("site", "")) for one in documents}):
        by_digest: dict[str, list[str]] = {}
        for one in documents:
            if one.get("site", "") == site and (digest := site_of(one)) is not None:
                by_digest.setdefault(digest, []).append(str(one["node"]))
        if len(by_digest) > 1:
            each = "; ".join(f"{safe(one, 8)}: {', '.join(sorted(nodes))}" for one, nodes in sorted(by_digest.items()))
            yield f"! nodes of {safe(site, 32)} run different versions of site.toml: {each}"


def _badness(document: Row, now: datetime) -> int:
    if silent_for(document, now.timestamp()) is not None:
        return 3
    states = {row["state"] for row in document.get("cameras", ())}
    return 2 if "failing" in states else 1 if document.get("buffer", {}).get("stopped") else 0


def _node(document: Row, now: datetime) -> tuple[str, ...]:
    node, at = safe(document["node"], 32), now.timestamp()
    silent = silent_for(document, at)
    state = "ok" if silent is None else f"silent for {show_duration(silent)}"
    if "cameras" not in document:
        return _by_vitals(node, state, document, now)
    waiting = sum(row["bytes"] for row in document["destinations"])
    oldest = min((row["oldest"] for row in document["destinations"] if "oldest" in row), default=None)
    slots = [row["last"]["slot"] for row in document["cameras"] if "last" in row]
    last = max([*slots, *(said["l"] for said in [document.get("vitals", {})] if "l" in said)], default=None)
    days, risk = document["buffer"].get("days"), document["at_risk"]
    return (
        node,
        state,
        _cameras(document),
        ago(last, now),
        show_size(waiting) if waiting else "-",
        ago(oldest, now),
        "-" if days is None else show_duration(days * 86_400),
        f"{risk['pictures']} pictures, {show_size(risk['bytes'])}" if risk["pictures"] else "nothing",
    )


def _by_vitals(node: str, state: str, document: Row, now: datetime) -> tuple[str, ...]:
    """Return what is known of a node of which no document of this version came: what rides in its lease."""
    said = document.get("vitals", {})
    if document.get("version", VERSION) != VERSION:
        state += ", runs another version"
    letters = Counter(LETTERS.get(letter, "ok") for letter in str(said.get("c", "")))
    cameras = ", ".join(f"{letters[word]} {word}" for word in (*WORDS, "ok") if letters[word]) or "-"
    return (
        node,
        state,
        cameras,
        ago(said.get("l"), now),
        show_size(said["w"]) if said.get("w") else "-",
        ago(said.get("o"), now),
        show_duration(said["d"] * 86_400) if "d" in said else "-",
        f"{said['r']} pictures" if said.get("r") else "nothing" if "r" in said else "-",
    )


def _cameras(document: Row) -> str:
    """Return its cameras by state in words: "1 failing, 3 ok"."""
    counts = Counter(row["state"] if row["state"] in WORDS else "ok" for row in document["cameras"])
    return ", ".join(f"{counts[word]} {word}" for word in (*WORDS, "ok") if counts[word]) or "none"
