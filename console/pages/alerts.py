"""What the checks say of every node, with until when to act, the worst first; and what to do about one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from console.feed.snapshot import Json, Snapshot, named
from console.pages import fleet, say
from console.pages.facts import fact
from console.runbook import advice
from console.widgets.looks import Text
from console.widgets.table import Column, Row

SHORT = ("OK", "WARN", "CRIT", "UNKN")
NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
COLUMNS = (
    Column(key="state", label="STATE", width=8),
    Column(key="act", label="ACT BY", width=8, right=True),
    Column(key="since", label="SINCE", width=8, right=True, from_width=40),
    Column(key="service", label="SERVICE", width=16, grows=True),
    Column(key="line", label="WHAT", width=60, from_width=110),
)
FIELDS = ("site", "node", "check", "subject", "state")


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One service that a check judges. `stale`: the node has been silent since."""

    site: str
    node: str
    check: str
    subject: str
    state: int
    line: str
    losing: float
    act: float
    since: float | None
    stale: bool
    taken: Json | None = None  # who acknowledged it: by, text, until; of Nagios and Icinga 2, in which feed

    @property
    def key(self) -> str:
        """Name it."""
        return f"{self.site}/{self.node}/{self.check}/{self.subject}"

    @property
    def said(self) -> str:
        """Return the state in words; of what somebody is at, in short."""
        if self.taken is not None and 0 < self.state < len(SHORT):
            return f"ack {SHORT[self.state]}"
        return NAMES[self.state] if 0 <= self.state < len(NAMES) else NAMES[fleet.UNKNOWN]

    def plain(self) -> dict[str, str]:
        """Return it for the filter."""
        return {"site": self.site, "node": self.node, "check": self.check, "subject": self.subject, "state": self.said}


def alerts(snapshot: Snapshot, *, everything: bool = False) -> list[Alert]:
    """Return what is not well, or everything, the worst first; a silent node is an alert by itself."""
    found = []
    for site, node, document in snapshot.nodes():
        silent = fleet.how_silent(site, node, document, snapshot.at.timestamp())
        found += [_alert(site.site, node, one, document, silent is not None) for one in fleet.verdicts(document)]
    found += [_of_node(one) for one in fleet.entries(snapshot) if not one.camera and one.word in _BY_NODE]
    shown = [one for one in found if everything or one.state != fleet.OK]
    taken = _taken(snapshot)
    shown = [replace(one, taken=taken.get((one.site, one.node, one.check, one.subject))) for one in shown]
    return sorted(shown, key=_rank)


def _rank(one: Alert) -> tuple[object, ...]:
    """Order alerts, the worst first; of equal ones, those that nobody is at."""
    return (fleet.RANK[one.state], one.taken is not None, one.act, -one.losing, one.key)


def _taken(snapshot: Snapshot) -> dict[tuple[str, ...], Json]:
    """Return who is at a problem, as nodes tell it; what was acknowledged here stands before what was elsewhere."""
    found: dict[tuple[str, ...], Json] = {}
    for site, node, document in snapshot.nodes():
        elsewhere = (document.get("monitoring") or {}).get("handled") or ()
        rows = [*(one for one in elsewhere if one.get("kind") == "acknowledged"), *document.get("acknowledged", ())]
        for row in rows:
            about = (str(row.get("node") or node), str(row.get("check")), str(row.get("subject") or ""))
            found[site.site, *about] = row
    return found


_BY_NODE = ("silent", "version", "garbled")  # what no document says of itself


def _alert(site: str, node: str, one: Json, document: Json, stale: bool) -> Alert:
    check, subject = str(one.get("check", "?")), str(one.get("subject", ""))
    return Alert(
        site=site,
        node=node,
        check=check,
        subject=subject,
        state=int(one.get("state", fleet.UNKNOWN)),
        line=str(one.get("line", "")),
        losing=float(one.get("losing", 0)),
        act=fleet.act_by(one),
        since=_since(check, subject, document),
        stale=stale,
    )


def _since(check: str, subject: str, document: Json) -> float | None:
    """Return since when it is so, where the document tells."""
    if check == "camera":
        row = named(document, "cameras", subject)
        found = (row.get("row") or {}).get("since") or (row.get("view") or {}).get("since")
    elif check == "transfer":
        row = named(document, "destinations", subject)
        found = (row.get("error") or {}).get("since") or row.get("oldest")
    elif check == "redundancy":
        found = ((document.get("redundancy") or {}).get("engine") or {}).get("since")
    else:
        found = None
    return None if found is None else float(found)


def _of_node(one: fleet.Entry) -> Alert:
    return Alert(
        site=one.site,
        node=one.node,
        check="node",
        subject=one.word,
        state=one.state,
        line=one.line,
        losing=one.losing,
        act=one.act,
        since=one.since,
        stale=False,
    )


def cells(one: Alert, now: datetime) -> Row:
    """Return a row of the table."""
    service = f"{one.check} {one.subject}".rstrip() + f" @{one.node}"
    since = "" if one.since is None else say.clock(one.since, now)
    made: dict[str, Text] = {"state": (one.said, fleet.LOOK[one.state]), "act": fleet.act_said(one.act, now)}
    line = f"as it was: {one.line}" if one.stale else one.line
    line = f"{_taken_said(one.taken, now)} | {line}" if one.taken is not None else line
    return Row(one.key, made | {"since": since, "service": service, "line": line})


def _taken_said(taken: Json | None, now: datetime) -> str:
    if taken is None:
        return ""
    until = f"until {say.clock(taken['until'], now)}" if taken.get("until") else "until it is over"
    where = f" in {taken['feed']}" if taken.get("feed") else ""
    return f"by {taken.get('by')}{where}, {until}: {taken.get('text', '')}"


def word(one: Alert) -> str:
    """Return an alert as a command names it."""
    return f"{one.site}/{one.check}{f':{one.subject}' if one.subject else ''}@{one.node}"


def heading(found: Sequence[Alert]) -> Text:
    """Return how many there are."""
    counts = [(NAMES[state], sum(one.state == state for one in found)) for state in fleet.RANK if state != fleet.OK]
    return (", ".join(f"{count} {name}" for name, count in counts if count) or "no alerts: all is well", "strong")


def lines(one: Alert, now: datetime) -> list[Text]:
    """Return what an alarm says, and what to do about it."""
    known = advice(one.check)
    act = fleet.act_said(one.act, now) or "nothing is lost as far as is known"
    lost = f"; losing {one.losing:.3g} pictures an hour" if one.losing else ""
    stale = ["as it was when the node was last heard"] if one.stale else []
    made: list[Text] = [
        [(one.said, fleet.LOOK[one.state]), f"  {one.check} {one.subject} of {one.node}, {one.site}"],
        one.line,
        *stale,
        *fact("Since", "" if one.since is None else say.clock(one.since, now)),
        *fact("Act by", f"{act}{lost}"),
        *fact("Taken", _taken_said(one.taken, now)),
        "",
        *fact("Often", known.cause),
    ]
    for number, (step, price) in enumerate(known.steps, 1):
        made += fact(f"Step {number}", step, f"   [costs: {price}]")
    return [*made, *fact("Visit", known.visit)]
