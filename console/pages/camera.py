"""One camera: what is wrong, since when, what it costs, and what is known of it; then its slots, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from console.feed.snapshot import Answer, Json, Snapshot
from console.pages import fleet, say
from console.pages.facts import counted, fact, pairs
from console.widgets.daystrip import day_strip
from console.widgets.looks import Text
from console.widgets.table import Column, Row

COLUMNS = (
    Column(key="at", label="SLOT (UTC)", width=19),
    Column(key="outcome", label="OUTCOME", width=9),
    Column(key="node", label="NODE", width=9, from_width=80),
    Column(key="cause", label="CAUSE", width=8, grows=True),
)
FIELDS = ("outcome", "cause", "node")
LOOK = {"missed": "bad", "late": "warn"}


def entry_of(snapshot: Snapshot, site: str, node: str, camera: str) -> fleet.Entry | None:
    """Return what the fleet says of a camera."""
    found = (one for one in fleet.entries(snapshot) if (one.site, one.node, one.camera) == (site, node, camera))
    return next(found, None)


def lines(entry: fleet.Entry, now: datetime) -> list[Text]:
    """Return what stands above the slots."""
    row, document = entry.row, entry.document
    made: list[Text] = [
        [(entry.said, fleet.LOOK[entry.state]), f"  {entry.camera} @ {entry.node} of {entry.site}"],
        entry.line,
        *fact("Act by", _act(entry, now)),
        *fact("Error", str(row.get("error") or "")),
        *fact("Last day", *day_strip(str(row.get("strip", ""))), f"  {counted(row.get('day') or {})}"),
        *fact("Missed for", counted(row.get("missed") or {})),
        *fact("Picture", _picture(row, now)),
        *fact("Shows", _view(row, now)),
        *fact("Next", _next(row, now)),
        *fact("Paused", _paused(row, now)),
        *fact("Recovery", f"on rung {row['rung']}" if row.get("rung") else ""),
        *fact("Camera says", _telemetry(row, now)),
        *fact("Settings", _drift(row)),
        *fact("Holder", _holder(entry)),
        *fact("Node", _node(document)),
    ]
    return made


def _act(entry: fleet.Entry, now: datetime) -> str:
    said = fleet.act_said(entry.act, now)
    lost = f", losing {entry.losing:.3g} pictures an hour" if entry.losing else ""
    since = f", since {say.clock(entry.since, now)}" if entry.since is not None else ""
    return f"{said or 'nothing is lost as far as is known'}{lost}{since}"


def _picture(row: Any, now: datetime) -> str:
    slot, missed = (row.get("picture") or {}).get("slot"), row.get("row") or {}
    newest = "none yet" if slot is None else f"of {say.clock(slot, now)}, {say.age(now.timestamp() - slot)} ago"
    if missed.get("missed"):
        newest += f"; {missed['missed']} slots missed since {say.clock(missed.get('since'), now)}"
    return newest


def _view(row: Any, now: datetime) -> str:
    view = row.get("view") or {}
    if not view or view.get("verdict") == "ok":
        return ""
    since = say.clock(view.get("since"), now)
    return f"{view.get('verdict')}: {view.get('pictures', '?')} pictures since {since}; {view.get('text', '')}"


def _next(row: Any, now: datetime) -> str:
    if row.get("next") is None:
        return "no slot to come"
    return f"{say.clock(row['next'], now)}, every {say.every(row.get('interval'))}"


def _paused(row: Any, now: datetime) -> str:
    one = row.get("paused") or {}
    return f"until {say.clock(one.get('until'), now)}: {one.get('text', '')}" if one else ""


def _telemetry(row: Any, now: datetime) -> str:
    found = row.get("telemetry") or {}
    if not found:
        return ""
    read = say.age(now.timestamp() - found["at"] / 1000) if "at" in found else "?"
    return f"{pairs(found, ['at'])} (read {read} ago)"


def _drift(row: Any) -> str:
    found = row.get("drift") or {}
    if isinstance(found, dict):
        return "; ".join(f"{key}: {_wanted(value)}" for key, value in found.items())
    return str(found)


def _wanted(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value.get('found')} instead of {value.get('wanted')}"
    return " wanted, found ".join(map(str, value)) if isinstance(value, list) else str(value)


def _holder(entry: fleet.Entry) -> str:
    one = entry.held
    if one is None:
        return f"{entry.node}; no backup"
    ready = "ready" if one.get("ready") else f"NOT ready: {one.get('why', 'not known why')}"
    return f"{one.get('owner', 'nobody')}, mode {one.get('mode', '?')}; backup {one.get('backup', 'none')} {ready}"


def _node(document: Json) -> str:
    waiting = sum(int(one.get("waiting", 0)) for one in document.get("destinations", ()))
    buffer, risk = document.get("buffer") or {}, document.get("at_risk") or {}
    clock = "" if (document.get("clock") or {}).get("trusted", True) else ", CLOCK NOT TRUSTED"
    lost = f", {buffer['lost']} lost ever" if buffer.get("lost") else ""
    return (
        f"{waiting} undelivered, buffer {say.days(buffer.get('days'))} days, "
        f"{risk.get('pictures', 0)} pictures at risk{lost}{clock}"
    )


def slots(answer: Answer | None, now: datetime) -> Sequence[tuple[Row, dict[str, str]]]:
    """Return the slots, the newest first, and what a filter finds in them."""
    found = [] if answer is None else answer.said.get("slots", [])
    made = []
    for one in reversed(found):
        outcome, cause = str(one["outcome"]), str(one.get("cause") or "")
        said = f"{outcome}*" if one.get("partial") else outcome
        if one.get("filled"):
            cause = f"{cause}; filled by {one['filled']}"
        cells: dict[str, Text] = {"at": say.moment(one["slot"]), "outcome": (said, LOOK.get(outcome, "plain"))}
        cells |= {"node": str(one["node"]), "cause": cause}
        plain = {"outcome": outcome, "cause": cause, "node": str(one["node"])}
        made.append((Row(f"{one['slot']}/{one['node']}", cells), plain))
    return made
