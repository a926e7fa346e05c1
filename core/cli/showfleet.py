"""The whole fleet on one screen of text: a line a node, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from core.cli.grouped import parted, shared
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
    each, rest = parted(shown, lambda one: _badness(one, now))
    lines = table(HEADS, [_node(one, now) for one in each]) if each else []
    return "\n".join([*lines, *_others(rest, now), *_differing(documents)])


def _others(documents: Sequence[Row], now: datetime) -> list[str]:
    """Return the nodes that have no line of their own by state, each with the age of its last shot, and their sums."""
    if not documents:
        return []
    lines = shared((_state(one, now), f"{safe(one['node'], 32)} {_last_said(one, now)}") for one in documents)
    waiting, at_risk = sum(map(_waiting, documents)), sum(map(_at_risk, documents))
    days = min((days for one in documents if (days := _days(one)) is not None), default=None)
    lasts = "not known" if days is None else f"{show_duration(days * 86_400)} or more"
    return [
        *lines,
        f"these: {show_size(waiting)} wait, buffers last {lasts}, {at_risk} pictures lost if all are stolen now",
    ]


def _state(document: Row, now: datetime) -> str:
    if silent_for(document, now.timestamp()) is not None:
        return "silent"
    return "ok" if not _badness(document, now) else "with a camera that fails or a buffer that is full"


def _last_said(document: Row, now: datetime) -> str:
    """Return for how long a silent node says nothing, and how old the last shot of another is."""
    silent, last = silent_for(document, now.timestamp()), _last(document)
    age = silent if silent is not None else None if last is None else max(now.timestamp() - last, 0)
    return "-" if age is None else show_duration(age)


def _waiting(document: Row) -> int:
    if "cameras" not in document:
        return int(document.get("vitals", {}).get("w", 0))
    return sum(int(row["bytes"]) for row in document["destinations"])


def _at_risk(document: Row) -> int:
    return int(document.get("vitals", {}).get("r", 0) if "cameras" not in document else document["at_risk"]["pictures"])


def _days(document: Row) -> float | None:
    held: Row = document.get("buffer", {}) if "cameras" in document else {"days": document.get("vitals", {}).get("d")}
    return held.get("days")


def _last(document: Row) -> float | None:
    """Return the slot of the newest shot, as the document or the vitals after it have it."""
    slots = [row["last"]["slot"] for row in document.get("cameras", ()) if "last" in row]
    return max([*slots, *(said["l"] for said in [document.get("vitals", {})] if "l" in said)], default=None)


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
    if document.get("version", VERSION) != VERSION:
        return 1
    letters = "" if "cameras" in document else str(document.get("vitals", {}).get("c", ""))
    return 2 if "failing" in states or "f" in letters else int(bool(document.get("buffer", {}).get("stopped")))


def _node(document: Row, now: datetime) -> tuple[str, ...]:
    node, at = safe(document["node"], 32), now.timestamp()
    silent = silent_for(document, at)
    state = "ok" if silent is None else f"silent for {show_duration(silent)}"
    if "cameras" not in document:
        return _by_vitals(node, state, document, now)
    waiting = _waiting(document)
    oldest = min((row["oldest"] for row in document["destinations"] if "oldest" in row), default=None)
    days, risk = document["buffer"].get("days"), document["at_risk"]
    return (
        node,
        state,
        _cameras(document),
        ago(_last(document), now),
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
