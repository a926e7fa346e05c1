"""Servers as operators know them: switches, camera slots, load, and what each is primary and backup for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from console.feed.snapshot import Json, Snapshot
from console.pages.facts import fact
from console.pages.redundancy import assigned, held
from console.widgets.looks import Text
from console.widgets.table import Column, Row
from core.units import show_size

SWITCHES = {
    "constant": "as a backup it shoots all cameras that it reserves, all the time",
    "fast": "as a primary it is missed after 11 s instead of 35 s",
    "mail": "as a backup it tells of failures and returns by mail",
    "autoback": "what it took over goes back by itself",
}
COLUMNS = (
    Column(key="node", label="NODE", width=9, grows=True),
    *(Column(key=key, label=key.upper()[:6], width=6) for key in SWITCHES),
    Column(key="slots", label="SLOTS", width=7, right=True),
    Column(key="primary", label="PRIMARY FOR", width=24, from_width=80),
    Column(key="load", label="WORST", width=6, right=True, from_width=90),
    Column(key="backup", label="BACKUP FOR", width=24, from_width=110),
    Column(key="session", label="SESSION", width=16, from_width=140),
)
FIELDS = ("site", "node", *SWITCHES, "primary", "backup")


@dataclass(frozen=True)
class Server:
    """A node and the cameras for which it is primary or backup. `row`: what the engine holds of it."""

    site: str
    node: str
    row: Json = field(default_factory=dict)
    cameras: Mapping[str, Sequence[str]] = field(default_factory=dict)
    staged: bool = False

    @property
    def key(self) -> str:
        """Name it."""
        return f"{self.site}/{self.node}"

    def for_(self, role: str) -> str:
        """Return for which cameras it is "primary" or "backup"."""
        return ", ".join(self.cameras.get(role, ()))

    def plain(self) -> dict[str, str]:
        """Return it for the filter."""
        said = {key: _switch(self.row, key) for key in SWITCHES}
        return {"site": self.site, "node": self.node, **said, "primary": self.for_("primary")} | {
            "backup": self.for_("backup")
        }


def servers(snapshot: Snapshot) -> list[Server]:
    """Return every node that has a part in redundancy, by site and name."""
    found: dict[tuple[str, str], Server] = {}
    cameras = held(snapshot)
    for view in snapshot.sites:
        said = assigned(snapshot, view.site)
        rows = {str(row.get("name")): row for row in said.get("nodes", ())}
        ours = [one.row for one in cameras if one.site == view.site]
        names = rows.keys() | {str(row[role]) for row in ours for role in ("primary", "backup") if row.get(role)}
        changed = (said.get("staged") or {}).get("nodes", ())
        for name in names:
            lists = {role: _named(ours, role, name) for role in ("primary", "backup")}
            found[view.site, name] = Server(view.site, name, rows.get(name, {}), lists, name in changed)
    return [found[key] for key in sorted(found)]


def _named(rows: Sequence[Json], role: str, node: str) -> list[str]:
    return [str(row.get("name")) for row in rows if row.get(role) == node]


def _switch(row: Json, key: str) -> str:
    return "?" if key not in row else "on" if row[key] else "off"


def cells(one: Server) -> Row:
    """Return a row of the table."""
    made: dict[str, Text] = {key: _switch(one.row, key) for key in SWITCHES}
    worst: Any = (one.row.get("load") or {}).get("worst") or {}
    cap = one.row.get("cap")
    made |= {
        "node": f"{'*' if one.staged else ''}{one.node}",
        "slots": f"{worst.get('cameras', '-')}/{'any' if cap is None else cap}" if one.row else "-",
        "load": f"{worst['cpu_share']:.0%}" if "cpu_share" in worst else "-",
        "primary": one.for_("primary") or "-",
        "backup": one.for_("backup") or "-",
        "session": str(one.row.get("session", "-")),
    }
    return Row(one.key, made)


def lines(one: Server) -> list[Text]:
    """Return all that is known of a server."""
    row, load = one.row, one.row.get("load") or {}
    cap = row.get("cap")
    made: list[Text] = [
        [(one.node, "strong"), f" of {one.site}{', changes are staged' if one.staged else ''}"],
        *fact("Session", str(row.get("session", ""))),
        *fact("Version", f"{row.get('overlapse') or '?'}, site file {row.get('site') or '?'}" if row else ""),
        *(line for key, does in SWITCHES.items() for line in fact(key.capitalize(), f"{_switch(row, key):<4}{does}")),
        *fact("Slots", ("any number of cameras" if cap is None else f"{cap} cameras at most") if row else ""),
        *fact("Primary for", one.for_("primary") or "no camera"),
        *fact("Backup for", one.for_("backup") or "no camera"),
    ]
    return made + load_lines(load)


def load_lines(load: Json) -> list[Text]:
    """Return what a node carries in normal operation and in its worst failure."""
    if not load:
        return []
    failing = f"{load['failing']} fails" if load.get("failing") else "no other one adds to it"
    made: list[Text] = [
        *fact("Normally", share(load["normal"])),
        *fact("At worst", f"{failing}: {share(load['worst'])}"),
        *(line for text in load.get("problems", ()) for line in fact("Too much", (text, "crit"))),
    ]
    unknown = load["worst"].get("not_measured")
    return made + fact("Not known", f"what it costs there: {', '.join(unknown)}" if unknown else "")


def share(load: Json) -> str:
    """Return a load in words."""
    sent, kept = show_size(round(load["sent_Bps"])), show_size(round(load["stored_Bps"]))
    return f"{load['cameras']} cameras, {load['cpu_share']:.0%} of processors, {sent}/s sent, {kept}/s kept"
