"""What a node answers of assignments, as `core.node.fleet.assigning` makes it: two cameras, three servers."""

from __future__ import annotations

from typing import Any

from peers.statuses import DAY, NOW

Json = dict[str, Any]


def load(node: str, cameras: int, failing: str | None = None, cpu: float = 0.2) -> Json:
    """Return what a node carries, normally nothing."""
    none = {"cameras": 0, "cpu_share": 0.0, "sent_Bps": 0.0, "stored_Bps": 0.0, "not_measured": []}
    worst = {**none, "cameras": cameras, "cpu_share": cpu, "sent_Bps": 9000.0, "stored_Bps": 9000.0}
    return {"node": node, "normal": none, "worst": worst, "failing": failing, "problems": []}


def assigned(**more: Any) -> Json:
    """Return all assignments; `more`: "staged" and the like."""
    camera = {"mode": "normal", "primary": "unit1", "backup": "fr", "exclusive": False, "priority": 0, "version": 1}
    camera |= {"owner": "unit1", "fence": "1-7", "since": NOW - 9 * DAY, "why": "primary", "ready": True}
    alone = {**camera, "name": "yard", "backup": None}
    node = {"fast": False, "constant": False, "mail": False, "autoback": True, "profile": "normal", "cap": None}
    node |= {"version": 1, "session": "alive", "overlapse": "0.1.0", "site": "abcd1234"}
    return {
        "cameras": [{**camera, "name": "gate"}, {**camera, "name": "north"}, alone],
        "nodes": [
            {**node, "name": "ca", "load": load("ca", 0)},
            {**node, "name": "fr", "cap": 8, "load": load("fr", 2, "unit1")},
            {**node, "name": "unit1", "load": load("unit1", 3)},
        ],
        "differ": False,
        "engine": {"state": "ok"},
        "node": "unit1",
        "periods": [],
        **more,
    }


def staged() -> Json:
    """Return what is staged: another backup for a camera, which shoots all the time."""
    return {
        "by": "anna",
        "at": NOW - 60,
        "until": NOW + 3540,
        "effects": ["gate: backup fr -> ca; mode normal -> constant", "ca: constant off -> on"],
        "warnings": ["gate will have two connections, from unit1 and from ca: twice the bandwidth"],
        "dark": ["gate: when unit1 fails, not dark: ca shoots it all the time"],
        "refused": [],
        "load": [load("ca", 1, "unit1")],
        "digest": "0123456789abcdef",
        "cameras": {"gate": {"backup": "ca", "mode": "constant"}},
        "nodes": {"ca": {"constant": True, "fast": False, "mail": False, "autoback": True}},
    }


def candidates() -> Json:
    """Return who may stand by."""
    row: Json = {"kind": "cloud", "now": 0, "warnings": [], "refused": []}
    return {
        "cameras": [],
        "nodes": [
            {**row, "node": "ca", "fit": True, "load": load("ca", 2, "unit1")},
            {**row, "node": "fr", "fit": False, "refused": ["fr does not reach yard, as it found itself"]},
        ],
    }
