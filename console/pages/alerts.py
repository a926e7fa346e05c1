"""What the checks say of every node, with until when to act, the worst first; and what to do about one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from console.feed.snapshot import Json, Snapshot, named
from console.pages import fleet, say
from console.pages.facts import fact
from console.runbook import advice
from console.widgets.looks import Text
from console.widgets.table import Column, Row

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

    @property
    def key(self) -> str:
        """Name it."""
        return f"{self.site}/{self.node}/{self.check}/{self.subject}"

    @property
    def said(self) -> str:
        """Return the state in words."""
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
    return sorted(shown, key=lambda one: (fleet.RANK[one.state], one.act, -one.losing, one.key))


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
    return Row(one.key, made | {"since": since, "service": service, "line": line})


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
        "",
        *fact("Often", known.cause),
    ]
    for number, (step, price) in enumerate(known.steps, 1):
        made += fact(f"Step {number}", step, f"   [costs: {price}]")
    return [*made, *fact("Visit", known.visit)]
