"""Who holds each camera, who would take it over, and what keeps them from it; the engine that decides, above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from console.feed.snapshot import Json, Snapshot
from console.pages import fleet, say
from console.widgets.looks import Text
from console.widgets.table import Column, Row

COLUMNS = (
    Column(key="state", label="STATE", width=13),
    Column(key="camera", label="CAMERA", width=8, grows=True),
    Column(key="since", label="SINCE", width=8, right=True),
    Column(key="act", label="ACT BY", width=8, right=True),
    Column(key="owner", label="HOLDER", width=9, from_width=50),
    Column(key="primary", label="PRIMARY", width=9, from_width=60),
    Column(key="backup", label="BACKUP", width=9, from_width=70),
    Column(key="mode", label="MODE", width=8, from_width=80),
    Column(key="why", label="WHAT THE BACKUP LACKS", width=40, from_width=130),
)
FIELDS = ("site", "camera", "state", "holder", "primary", "backup", "mode")


@dataclass(frozen=True)
class Held:
    """A camera, as the node that was heard last tells who holds it."""

    site: str
    row: Json
    verdict: Json
    silent: bool

    @property
    def key(self) -> str:
        """Name it."""
        return f"{self.site}/{self.row.get('name')}"

    @property
    def said(self) -> str:
        """Return in one word whether somebody would take over."""
        if not self.row.get("owner"):
            word = "NOBODY"
        elif not self.row.get("backup"):
            word = "no backup"
        elif not self.row.get("ready"):
            word = "NOT READY"
        elif self.row.get("owner") not in (self.row.get("primary"), None) and self.row.get("mode") != "constant":
            word = "on backup"
        elif self.row.get("diverging"):
            word = "diverging"
        else:
            word = "ok"
        return f"was {word}" if self.silent else word

    @property
    def look(self) -> str:
        """Return how much it matters."""
        word = self.said.removeprefix("was ")
        return "crit" if word == "NOBODY" else "warn" if word in ("NOT READY", "on backup", "diverging") else "plain"

    def plain(self) -> dict[str, str]:
        """Return it for the filter."""
        one = self.row
        made = {"site": self.site, "camera": str(one.get("name")), "state": self.said, "mode": str(one.get("mode"))}
        return made | {"holder": str(one.get("owner"))} | {key: str(one.get(key)) for key in ("primary", "backup")}


ORDER = {"crit": 0, "warn": 1, "plain": 2}


def held(snapshot: Snapshot) -> list[Held]:
    """Return every camera that has a backup or another holder once, as it was told last; the worst first."""
    newest: dict[tuple[str, str], tuple[float, Held]] = {}
    for site, node, document in snapshot.nodes():
        at = float(document.get("at", 0))
        silent = fleet.how_silent(site, node, document, snapshot.at.timestamp()) is not None
        for row in (document.get("redundancy") or {}).get("cameras", ()):
            name = str(row.get("name"))
            said = (one for one in fleet.verdicts(document) if one.get("check") == "redundancy")
            verdict = next((one for one in said if one.get("subject", name) == name), {})
            if at > newest.get((site.site, name), (-1.0, None))[0]:
                newest[site.site, name] = (at, Held(site.site, row, verdict, silent))
    return sorted((one for _, one in newest.values()), key=lambda one: (ORDER[one.look], one.key))


def engines(snapshot: Snapshot) -> list[Text]:
    """Return what is known of each site's engine, worst first: while it is away, nobody changes hands."""
    found: dict[str, Text] = {}
    for site, node, document in snapshot.nodes():
        engine = (document.get("redundancy") or {}).get("engine")
        if engine is None or (site.site in found and node != site.node):
            continue
        state = str(engine.get("state"))
        since = f" since {say.clock(engine['since'], snapshot.at)}" if engine.get("since") else ""
        why = f": {engine['why']}" if engine.get("why") else ""
        away = "" if state == "ok" else "; owners go on, nobody changes hands"
        text = f"{site.site}: engine {state}{since}{why}{away} (as {node} sees it)"
        found[site.site] = (text, "plain" if state == "ok" else "crit")
    return list(found.values()) or ["no node tells of redundancy"]


def cells(one: Held, now: datetime) -> Row:
    """Return a row of the table."""
    row = one.row
    made: dict[str, Text] = {"state": (one.said, one.look), "camera": str(row.get("name"))}
    made |= {"since": say.clock(row.get("since"), now), "act": fleet.act_said(fleet.act_by(one.verdict), now)}
    made |= {
        "owner": str(row.get("owner", "nobody")),
        "mode": str(row.get("mode", "?")),
        "why": str(row.get("why", "")),
    }
    return Row(one.key, made | {key: str(row.get(key, "-")) for key in ("primary", "backup")})


def lists(found: Sequence[Held]) -> list[Text]:
    """Return, of every server, what it is primary and backup for."""
    servers = sorted({str(one.row[key]) for one in found for key in ("primary", "backup") if one.row.get(key)})
    made: list[Text] = []
    for name in servers:
        for role in ("primary", "backup"):
            names = [str(one.row.get("name")) for one in found if one.row.get(role) == name]
            if names:
                made.append([(f"{name} {role} for: ", "strong"), ", ".join(names)])
    return made
