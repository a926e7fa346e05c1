"""Who holds each camera, who would take it over, and what keeps them from it; the engine that decides, above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from console.feed.snapshot import Json, Question, Snapshot
from console.pages import fleet, say
from console.pages.facts import fact
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
LASTS = 20.0  # seconds: the node asks the engine for all of it
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
            word = "NOT READY" if self.row.get("ready") is False else "not known"
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
        return (
            "crit"
            if word == "NOBODY"
            else "warn"
            if word in ("NOT READY", "not known", "on backup", "diverging")
            else "plain"
        )

    def plain(self) -> dict[str, str]:
        """Return it for the filter."""
        one = self.row
        made = {"site": self.site, "camera": str(one.get("name")), "state": self.said, "mode": str(one.get("mode"))}
        return made | {"holder": str(one.get("owner"))} | {key: str(one.get(key)) for key in ("primary", "backup")}


ORDER = {"crit": 0, "warn": 1, "plain": 2}
MADE = ("mode", "primary", "exclusive")  # of what the engine holds now; a key that it leaves out stays as told
CHANGING = ("backup", "owner", "since")  # of that, too; one that it leaves out is nobody's


def held(snapshot: Snapshot) -> list[Held]:
    """Return every camera once that has a backup or another holder, or may have one; the worst first.

    What documents say is as the node that was heard last tells it; what the engine holds, where it was asked, is newer.
    """
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
    found = {key: one for key, (_, one) in newest.items()}
    for site in snapshot.sites:
        for row in assigned(snapshot, site.site).get("cameras", ()):
            key = (site.site, str(row.get("name")))
            found[key] = _as_the_engine_has_it(found.get(key), site.site, row)
    return sorted(found.values(), key=lambda one: (ORDER[one.look], one.key))


def _as_the_engine_has_it(told: Held | None, site: str, row: Json) -> Held:
    if told is None:
        return Held(site, {key: row.get(key) for key in ("name", "ready", *MADE, *CHANGING)}, {}, False)
    now = {key: row[key] for key in MADE if row.get(key) is not None} | {key: row.get(key) for key in CHANGING}
    told_of_it = "ready" in told.row and told.row.get("backup") == row.get("backup")  # by the backup, with its reason
    ready = {"ready": row.get("ready")} if not told_of_it else {}
    return replace(told, row={**told.row, **now, **ready})


def assigned(snapshot: Snapshot, site: str) -> Json:
    """Return what the node of a site said of all assignments; empty while it has not, or shares none."""
    answer = snapshot.answer(site, "redundancy")
    return {} if answer is None else answer.said


def questions(snapshot: Snapshot) -> list[Question]:
    """Return what is asked of every site's node."""
    return [Question(site.site, "redundancy", lasts=LASTS) for site in snapshot.sites]


def made_by(one: Held, nodes: Sequence[Json]) -> str:
    """Return which setting makes the mode of a camera; "" where no switches are known."""
    switches = {str(row.get("name")): row for row in nodes}
    mode, primary, backup = (str(one.row.get(key)) for key in ("mode", "primary", "backup"))
    if not {primary, backup} & switches.keys():
        return ""
    if mode == "constant":
        return f"{backup} has constant"
    if mode == "fast":
        return f"{primary} has fast"
    if one.row.get("exclusive") and switches.get(backup, {}).get("constant"):
        return f"exclusive: constant of {backup} is not heeded"
    return f"neither {primary} has fast nor {backup} constant" if one.row.get("backup") else "no backup"


def engines(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Return what is known of each site's engine, worst first: while it is away, nobody changes hands."""
    found: dict[str, tuple[str, str]] = {}
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
    return list(found.values()) or [("no node tells of redundancy", "plain")]


def cells(one: Held, now: datetime, marked: bool, staged: bool) -> Row:
    """Return a row of the table. `marked` (+) for an edit of many; `staged` (*): an edit waits to be applied."""
    row = one.row
    name = f"{'+' if marked else ''}{'*' if staged else ''}{row.get('name')}"
    made: dict[str, Text] = {"state": (one.said, one.look), "camera": name}
    made |= {"since": say.clock(row.get("since"), now), "act": fleet.act_said(fleet.act_by(one.verdict), now)}
    made |= {
        "owner": str(row.get("owner") or "nobody"),
        "mode": str(row.get("mode", "?")),
        "why": str(row.get("why") or ""),
    }
    return Row(one.key, made | {key: str(row.get(key) or "-") for key in ("primary", "backup")})


def lines(one: Held, snapshot: Snapshot) -> list[Text]:
    """Return all that is known of a camera's redundancy."""
    row, said = one.row, assigned(snapshot, one.site)
    name = str(row.get("name"))
    staged = [text for text in (said.get("staged") or {}).get("effects", ()) if text.startswith(f"{name}:")]
    rehearsal = said.get("rehearsal") or {}
    ready = {True: "ready", False: "NOT ready"}.get(row.get("ready"), "not known whether it is ready")  # type: ignore[arg-type]
    why = f": {row['why']}" if row.get("why") else ""
    since = f" since {say.clock(row['since'], snapshot.at)}" if row.get("since") else ""
    return [
        [(one.said, one.look), f"  {name} of {one.site}"],
        *fact("Holder", f"{row.get('owner') or 'nobody'}{since}"),
        *fact("Primary", str(row.get("primary") or "none")),
        *fact("Backup", f"{row['backup']}, {ready}{why}" if row.get("backup") else "none"),
        *fact("Mode", _mode(one, said.get("nodes", ()))),
        *fact("Exclusive", "takes one connection at a time" if row.get("exclusive") else ""),
        *fact("Diverging", f"{row['diverging']} slots of the last day" if row.get("diverging") else ""),
        *fact("Check", str(one.verdict.get("line", ""))),
        *fact("Act by", fleet.act_said(fleet.act_by(one.verdict), snapshot.at)),
        *(line for text in staged for line in fact("Staged", text)),
        *fact("Rehearsal", str(rehearsal.get("step", "")) if rehearsal.get("camera") == name else ""),
        *(line for text in _periods(said, name, snapshot.at) for line in fact("Failover", text)),
    ]


def _mode(one: Held, nodes: Sequence[Json]) -> str:
    by = made_by(one, nodes)
    return f"{one.row.get('mode', '?')}{f': {by}' if by else ''}"


def _periods(said: Json, camera: str, now: datetime) -> list[str]:
    found = [one for one in said.get("periods") or () if one.get("camera") == camera]
    return [
        f"{one['by']} for {one['node']}, {say.clock(one['taken'], now)} to "
        f"{say.clock(one['end'], now) if one.get('end') else 'now'}; {one['lost']} slots lost, {one['filled']} filled"
        for one in found[-3:]
    ]
