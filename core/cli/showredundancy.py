"""Assignments, what is staged and what it means, as lines of text: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.cli.show import table
from core.text import safe
from core.units import show_size
from core.values import utc

Row = Mapping[str, Any]
SWITCHES = ("fast", "constant", "mail", "autoback")


def shown(said: Row) -> Iterator[str]:
    """Yield what `overlapse redundancy show` shows."""
    engine = said.get("engine") or {}
    if engine.get("state", "ok") != "ok":
        yield f"the shared store is {safe(engine['state'])}: {safe(engine.get('why', ''), 150)}"
        yield ""
    heads = ("CAMERA", "MODE", "PRIMARY", "BACKUP", "READY", "OWNER", "SINCE", "WHY", "FENCE")
    yield from table(heads, [_camera(row) for row in said["cameras"]])
    yield ""
    columns = ("NODE", "SWITCHES", "MAX", "SESSION", "VERSION", "SITE", "NORMALLY", "WORST FAILURE")
    yield from table(columns, [_node(row) for row in said["nodes"]])
    for row in said["nodes"]:
        yield from (f"! {safe(one, 200)}" for one in row.get("load", {}).get("problems", ()))
    if said.get("differ"):
        yield "! nodes run different versions of site.toml (column SITE)"
    if "rehearsal" in said:
        yield f"{safe(said['rehearsal']['camera'])} is being rehearsed: {safe(said['rehearsal']['step'])}"
    for one in said.get("periods", ()):
        yield from period_lines(one)
    if "staged" in said:
        yield ""
        staged = said["staged"]
        yield f"staged by {safe(staged['by'])}, until {utc(staged['until']):%H:%M} UTC (overlapse redundancy apply):"
        yield from (f"  {safe(line, 200)}" for line in staged["effects"] or ["no change"])


def told_lines(said: Row, dry_run: bool) -> Iterator[str]:
    """Yield what an answer to a change says."""
    if "effect" in said:
        way = f" (ordered through the {safe(said['way'])})" if said.get("way", "here") != "here" else ""
        yield f"{'would do: ' if dry_run else ''}{safe(said['effect'], 300)}{way}"
        return
    word = "applied" if "applied" in said else "would be applied" if not said.get("staged") else "staged"
    yield from (f"{word}: {safe(line, 200)}" for line in said["effects"] or ["no change"])
    yield from (f"warning: {safe(line, 200)}" for line in said["warnings"])
    yield from (safe(line, 200) for line in said.get("dark", ()))
    yield from load_lines(said["load"])
    if said.get("staged"):
        yield "`overlapse redundancy apply` applies all that is staged, within an hour"


def load_lines(nodes: Sequence[Row]) -> Iterator[str]:
    """Yield what nodes carry in normal operation and in the worst failure of another one."""
    heads = ("NODE", "NORMALLY", "WORST FAILURE", "SENT", "KEPT")
    yield from table(heads, [_load(row) for row in nodes])
    for row in nodes:
        yield from (f"! {safe(one, 200)}" for one in row["problems"])
        unknown = row["worst"]["not_measured"]
        if unknown:
            yield f"? {safe(row['node'])}: not measured anywhere yet: {', '.join(safe(one) for one in unknown)}"


def _load(row: Row) -> tuple[str, ...]:
    worst = row["worst"]
    return (
        safe(row["node"]),
        _share(row["normal"]),
        _worst(row),
        f"{show_size(round(worst['sent_Bps']))}/s",
        f"{show_size(round(worst['stored_Bps']))}/s",
    )


def _share(load: Row) -> str:
    return f"{load['cameras']} cameras, {load['cpu_share']:.0%} of processors"


def _worst(row: Row) -> str:
    return "-" if row["failing"] is None else f"{safe(row['failing'])} fails: {_share(row['worst'])}"


def _camera(row: Row) -> tuple[str, ...]:
    ready = {True: "yes", False: "NO", None: "not known"}[row.get("ready")] if row["backup"] else "-"
    since = f"{utc(row['since']):%d %b %H:%M:%S}" if row.get("since") else "-"
    who = tuple(safe(row.get(key) or "-") for key in ("primary", "backup"))
    return (
        row["name"],
        row["mode"],
        *who,
        ready,
        safe(row.get("owner") or "-"),
        since,
        row.get("why", "-"),
        row.get("fence", "-"),
    )


def _node(row: Row) -> tuple[str, ...]:
    switches = ", ".join(one for one in SWITCHES if row[one]) or "none"
    load = row.get("load")
    cap = "-" if row["cap"] is None else str(row["cap"])
    said = (safe(row.get("overlapse") or "-", 20), safe(row.get("site") or "-", 8))
    shares = ("-", "-") if load is None else (_share(load["normal"]), _worst(load))
    return (row["name"], switches, cap, safe(row["session"]), *said, *shares)


def period_lines(one: Row) -> Iterator[str]:
    """Yield what one failover period says: who stood in for whom, from when until when, what it cost."""
    until = "now" if one["end"] is None else f"{utc(one['end']):%d %b %H:%M:%S}"
    head = f"{safe(one['camera'])}: {safe(one['by'])} for {safe(one['node'])}"
    counts = f"slots lost {one['lost']}, filled {one['filled']}, spares {one['spares']}"
    yield f"{head}, {utc(one['taken']):%d %b %H:%M:%S} to {until}; {counts}"
