"""The fleet: a row for every camera, and one for every node that has none, is silent, or has a trouble of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from console.feed.snapshot import Json, SiteView, Snapshot
from console.pages import say
from console.pages.vitals import heard, vitals, without_document
from console.pages.vitals import word as word_of
from console.widgets.daystrip import day_strip
from console.widgets.looks import Text
from console.widgets.table import Cells, Column, Row
from core.status.fleet import CHECK_IN, silent_for

OK, WARNING, CRITICAL, UNKNOWN = range(4)
WORDS = {OK: "", WARNING: "WARN ", CRITICAL: "CRIT ", UNKNOWN: "UNKN "}
LOOK = {OK: "plain", WARNING: "warn", CRITICAL: "crit", UNKNOWN: "unknown"}
RANK = {CRITICAL: 0, WARNING: 1, UNKNOWN: 2, OK: 3}
ACT_HOURS = 12.0
FRESH = 180.0  # seconds; a node writes its own document once a minute
NEVER = float("inf")
STATE = Column(key="state", label="STATE", width=12)
ACT = Column(key="act", label="ACT BY", width=8, right=True)
NARROW = (  # a telephone: state, name, since, act before
    STATE,
    Column(key="name", label="CAMERA", width=8, grows=True),
    Column(key="since", label="SINCE", width=8, right=True),
    ACT,
)
WIDE = (
    STATE,
    Column(key="name", label="CAMERA", width=10, grows=True),
    Column(key="age", label="AGE", width=7, right=True),
    ACT,
    Column(key="strip", label="LAST DAY", width=24, from_width=80),
    Column(key="undelivered", label="UNDELIV", width=7, right=True),
    Column(key="days", label="DAYS", width=4, right=True, from_width=88),
    Column(key="holder", label="HOLDER", width=9, from_width=100),
    Column(key="month", label="MONTH", width=9, right=True, from_width=130),
    Column(key="risk", label="AT RISK", width=7, right=True, from_width=130),
    Column(key="since", label="SINCE", width=8, right=True, from_width=130),
)
NARROW_BELOW = 60
SHORT = {"redundancy": "backup", "transfer": "sending"}  # names of checks that the column would cut
FIELDS = ("site", "node", "camera", "state", "holder", "kind")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A row before it is drawn. `act`: when a loss begins, `-inf` now, `inf` not in sight; seconds since the epoch."""

    site: str
    node: str
    camera: str = ""
    state: int = OK
    word: str = "ok"
    line: str = ""  # what the check says
    since: float | None = None
    act: float = NEVER
    losing: float = 0.0
    document: Json
    row: Mapping[str, Any]  # of the camera
    held: Json | None = None  # what is known of who holds it; None: it has no backup

    @property
    def key(self) -> str:
        """Name the row."""
        return f"{self.site}/{self.node}/{self.camera}"

    @cached_property
    def rank(self) -> tuple[Any, ...]:
        """Order rows, the worst first."""
        return (RANK[self.state], self.act, -self.losing, self.word == "ok", self.site, self.node, self.camera)

    @property
    def said(self) -> str:
        """Return the state in words."""
        stale = self.state == UNKNOWN and self.word.startswith("was ")
        return self.word if stale else f"{WORDS[self.state]}{self.word}"

    def plain(self) -> dict[str, str]:
        """Return it for the filter."""
        fields = {"site": self.site, "node": self.node, "camera": self.camera, "state": self.said}
        return fields | {"holder": holder(self), "kind": str(self.document.get("kind", ""))}


Known = dict[tuple[str, str, bool], tuple[Json, Sequence[Entry]]]  # by site, node, and whether nodes are shown


def columns(width: int) -> Sequence[Column]:
    """Return the columns for a screen so wide."""
    return NARROW if width < NARROW_BELOW else WIDE


def entries(snapshot: Snapshot, *, all_nodes: bool = False, known: Known | None = None) -> list[Entry]:
    """Return what there is to show, the worst first.

    `known`: kept from call to call, it spares the rows of documents that are what they were.
    """
    now = snapshot.at.timestamp()
    kept: Known = {} if known is None else known
    found: list[Entry] = []
    for site, node, document in snapshot.nodes():
        try:
            found += _remembered(site, node, document, now, all_nodes, kept)
        except (TypeError, ValueError, AttributeError, KeyError):
            line = "its status document is not understood"
            found.append(
                Entry(site=site.site, node=node, state=UNKNOWN, word="garbled", line=line, document={}, row={})
            )
    if held := holders(snapshot):
        found = [replace(one, held=held.get((one.site, one.camera))) if one.camera else one for one in found]
    return sorted(found, key=lambda one: one.rank)


def holders(snapshot: Snapshot) -> dict[tuple[str, str], Json]:
    """Return who holds each camera that has a backup, as the node that was heard last tells it."""
    newest: dict[tuple[str, str], tuple[float, Json]] = {}
    for site, _, document in snapshot.nodes():
        at = float(document.get("at") or 0)
        for row in (document.get("redundancy") or {}).get("cameras") or ():
            key = (site.site, str(row.get("name")))
            if key not in newest or at > newest[key][0]:
                newest[key] = (at, row)
    return {key: row for key, (_, row) in newest.items()}


def _remembered(
    site: SiteView, node: str, document: Json, now: float, all_nodes: bool, known: Known
) -> Sequence[Entry]:
    """Return the rows of a node; while nothing of it is old, they depend on its document alone."""
    silent = how_silent(site, node, document, now)
    old = silent if silent is not None else silent_for(document, now) if node != site.node else None
    key = (site.site, node, all_nodes)
    if old is None and (before := known.get(key)) is not None and before[0] is document:
        return before[1]
    made = list(_of_node(site, node, document, now, all_nodes, silent, old))
    if old is None:
        known[key] = (document, made)
    return made


def _of_node(
    site: SiteView, node: str, document: Json, now: float, all_nodes: bool, silent: float | None, old: float | None
) -> Iterator[Entry]:
    cameras = document.get("cameras", ())
    for number, row in enumerate(cameras):
        said = None if silent is not None or old is None else word_of(document, number)
        yield _camera(site, node, document, row, old) if said is None else _by_vitals(site, node, document, row, said)
    own = _own(site, node, document, now, silent)
    if all_nodes or not cameras or own.state != OK:
        yield own


def how_silent(site: SiteView, node: str, document: Json, now: float) -> float | None:
    """Return for how long nothing is known of a node, in seconds; None: what is known of it is fresh."""
    at = float(document.get("at", 0))
    if node == site.node:
        return now - at if not site.live or now - at > FRESH else None
    if not site.live and site.read is not None:
        return max(now - heard(document), now - site.read.timestamp())
    return silent_for({"at": at, "heard": heard(document), "check_in": document.get("check_in", CHECK_IN)}, now)


def _by_vitals(site: SiteView, node: str, document: Json, row: Json, said: str) -> Entry:
    """Return a camera whose state came with vitals, after the document that has the rest."""
    state = WARNING if said == "failing" else OK
    line = (
        "as its vitals say; the rest is older" if state == OK else "it fails, as its vitals say; why is not known yet"
    )
    name = str(row.get("name", "?"))
    return Entry(site=site.site, node=node, camera=name, state=state, word=said, line=line, document=document, row=row)


def _camera(site: SiteView, node: str, document: Json, row: Json, silent: float | None) -> Entry:
    name = str(row.get("name", "?"))
    verdict = next(
        (one for one in verdicts(document) if one.get("check") == "camera" and one.get("subject") == name), {}
    )
    word, state = str(row.get("state", "?")), int(verdict.get("state", UNKNOWN if "verdicts" in document else OK))
    last = row.get("last") or {}
    since = (row.get("row") or {}).get("since") or (row.get("paused") or {}).get("since")
    if word == "ok" and last.get("outcome") == "late":
        word = "late"
    if silent is not None:
        word, state = f"was {word}", state if state in (WARNING, CRITICAL) else UNKNOWN
    return Entry(
        site=site.site,
        node=node,
        camera=name,
        state=state,
        word=word,
        line=str(verdict.get("line", "")),
        since=since,
        act=act_by(verdict),
        losing=float(verdict.get("losing", 0)),
        document=document,
        row=row,
    )


def _own(site: SiteView, node: str, document: Json, now: float, silent: float | None) -> Entry:
    """Return the row of the node itself: its silence, or the worst of what the checks say of other than cameras."""
    others = [one for one in verdicts(document) if one.get("check") != "camera"]
    worst = min(others, key=lambda one: (RANK.get(int(one.get("state", 3)), 2), act_by(one)), default={})
    state, word, line = int(worst.get("state", OK)), "ok", str(worst.get("line", ""))
    since, act, losing = None, act_by(worst), float(worst.get("losing", 0))
    if state != OK:
        word = SHORT.get(str(worst.get("check")), str(worst.get("check", "?")))
    if "cameras" not in document and vitals(document):
        fails, line = without_document(document)
        state, word = (WARNING, "failing") if fails else (OK, "vitals")
    elif "cameras" not in document:
        state, word, line = UNKNOWN, "version", f"runs version {document.get('overlapse', '?')}, not understood here"
    alone = site.live or node == site.node or site.read is None  # else one silence, of our own node, is told
    if not alone and silent is not None and site.read is not None:
        silent = silent_for(document, site.read.timestamp())
        state, word = (state, f"was {word}") if silent is None and state in (WARNING, CRITICAL) else (OK, word)
    if silent is not None:
        since = now - silent
        hours = float((document.get("thresholds") or {}).get("act_hours", ACT_HOURS))
        state, word = (CRITICAL if silent >= hours * 3600 else WARNING), "silent"
        line, act = _silence(document, now, silent), min(act, since + hours * 3600)
    return Entry(
        site=site.site,
        node=node,
        state=state,
        word=word,
        line=line,
        since=since,
        act=act,
        losing=losing,
        document=document,
        row={},
    )


def _silence(document: Json, now: float, silent: float) -> str:
    """Return what is known of a node that is silent: that is not the same as down."""
    left = (document.get("buffer") or {}).get("days")
    good = (
        "how long its buffer lasts is not known" if left is None else f"its buffer was good for {say.days(left)} days"
    )
    return f"nothing heard for {say.age(silent)}; {good}"


def verdicts(document: Json) -> Sequence[Json]:
    """Return what the checks say in a document."""
    return document.get("verdicts") or ()


def act_by(verdict: Mapping[str, Any]) -> float:
    """Return when pictures are lost: `-inf` they are, `inf` not in sight."""
    if verdict.get("losing"):
        return -NEVER
    return float(verdict["loss_at"]) if verdict.get("loss_at") is not None else NEVER


def act_said(act: float, now: datetime) -> str:
    """Return until when to act: "now", an instant, or nothing."""
    return "" if act == NEVER else "now" if act == -NEVER or act <= now.timestamp() else say.clock(act, now)


def holder(entry: Entry) -> str:
    """Return who holds the camera; its own node where it has no backup."""
    if not entry.camera:
        return ""
    return entry.node if entry.held is None else str(entry.held.get("owner", "nobody"))


def row(entry: Entry, now: datetime, several: bool) -> Row:
    """Return a row of the table, whose cells are made when it is shown."""
    return Row(entry.key, partial(cells, entry, now, several))


def cells(entry: Entry, now: datetime, several: bool) -> Cells:
    """Return what stands in a row."""
    place = f"{entry.site}/" if several else ""
    name = f"{place}{entry.camera}@{entry.node}" if entry.camera else f"{place}{entry.node}"
    made: dict[str, Text] = {"state": (entry.said, LOOK[entry.state]), "name": name}
    made |= {"act": act_said(entry.act, now), "since": "" if entry.since is None else say.clock(entry.since, now)}
    if entry.camera:
        made |= {"age": _age(entry.row, now), "strip": day_strip(str(entry.row.get("strip", "")))}
    elif entry.since is not None:
        made |= {"age": say.age(now.timestamp() - entry.since)}
    return made | {"holder": holder(entry)} | _of_the_node(entry.document)


def _age(row: Mapping[str, Any], now: datetime) -> str:
    slot = (row.get("picture") or {}).get("slot")
    passed = None if slot is None else now.timestamp() - slot
    return f"{say.age(passed)}/{say.every(row.get('interval'))}"


def _of_the_node(document: Json) -> dict[str, Text]:
    waiting = sum(int(one.get("waiting", 0)) for one in document.get("destinations", ()))
    months = [one.get("month") or {} for one in document.get("links", ())]
    used, budget = sum(one.get("used", 0) for one in months), sum(one.get("budget") or 0 for one in months)
    over = any(one.get("budget") and one.get("at_end", 0) > one["budget"] for one in months)
    month = "" if not months else say.size(used) + (f"/{say.size(budget)}" if budget else "")
    return {
        "undelivered": str(waiting) if waiting else "-",
        "days": say.days((document.get("buffer") or {}).get("days")),
        "month": (f"{month}!", "warn") if over else month,
        "risk": str((document.get("at_risk") or {}).get("pictures", "-")),
    }


def heading(found: Sequence[Entry], shown: int) -> list[Text]:
    """Return two lines: how many, and what the worst of them says."""
    cameras = [one for one in found if one.camera]
    counts = [(state, sum(one.state == state for one in found)) for state in (CRITICAL, WARNING, UNKNOWN)]
    said = ", ".join(f"{count} {WORDS[state].strip()}" for state, count in counts if count)
    said = said or ("all is well" if found else "nothing is known")
    nodes = len({(one.site, one.node) for one in found})
    hidden = f", {shown} of {len(found)} rows shown" if shown != len(found) else ""
    first: Text = (f"{nodes} nodes, {len(cameras)} cameras: {said}{hidden}", "strong")
    worst = found[0] if found and found[0].state != OK else None
    return [first, "" if worst is None else f"{worst.node}: {worst.line}"]
