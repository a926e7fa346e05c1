"""Deliveries by destination: what waits, since when, how fast, why not, and what another rung would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.feed.snapshot import Answer, Json, Snapshot, named
from console.pages import fleet, say
from console.pages.facts import fact
from console.widgets.looks import Text
from console.widgets.table import Column, Row
from core.units import show_duration, show_size

COLUMNS = (
    Column(key="state", label="STATE", width=12),
    Column(key="name", label="DESTINATION", width=12, grows=True),
    Column(key="waiting", label="WAITING", width=7, right=True),
    Column(key="oldest", label="OLDEST", width=6, right=True),
    Column(key="size", label="SIZE", width=6, right=True, from_width=60),
    Column(key="eta", label="ALL SENT", width=8, right=True, from_width=60),
    Column(key="rate", label="RATE", width=7, right=True, from_width=70),
    Column(key="rung", label="LINK", width=14, from_width=100),
    Column(key="error", label="ERROR", width=40, from_width=120),
)
QUEUE = (
    Column(key="id", label="ID", width=7, right=True),
    Column(key="what", label="WHAT", width=10, grows=True),
    Column(key="state", label="STATE", width=8),
    Column(key="class", label="CLASS", width=9, from_width=80),
    Column(key="sent", label="SENT", width=5, right=True),
    Column(key="tries", label="TRIES", width=5, right=True, from_width=60),
    Column(key="error", label="ERROR", width=40, from_width=120),
)
FIELDS = ("site", "node", "destination", "state", "link", "error")
QUEUE_FIELDS = ("what", "state", "class", "error")
RANK = {"trouble": 0, "paused": 1, "sending": 2, "auditing": 3, "ok": 3}
LOOK = {"trouble": "bad", "paused": "warn"}


@dataclass(frozen=True)
class Place:
    """One destination of one node."""

    site: str
    node: str
    row: Json
    link: Json
    silent: bool

    @property
    def key(self) -> str:
        """Name the row."""
        return f"{self.site}/{self.node}/{self.row.get('name')}"

    @property
    def state(self) -> str:
        """Return its state in words; of a node that is silent, how it was."""
        return f"was {self.row.get('state')}" if self.silent else str(self.row.get("state"))

    def plain(self) -> dict[str, str]:
        """Return it for the filter."""
        made = {"site": self.site, "node": self.node, "destination": str(self.row.get("name")), "state": self.state}
        return made | {"link": str(self.row.get("link", "")), "error": error(self.row)}


def error(row: Json) -> str:
    """Return what is wrong there, in words."""
    return str((row.get("error") or {}).get("text", ""))


def places(snapshot: Snapshot) -> list[Place]:
    """Return all destinations of all nodes, those in trouble first, then by what has waited longest."""
    now, found = snapshot.at.timestamp(), []
    for site, node, document in snapshot.nodes():
        links = {one.get("name"): one for one in document.get("links", ())}
        silent = fleet.how_silent(site, node, document, now) is not None
        rows = document.get("destinations", ())
        found += [Place(site.site, node, row, links.get(row.get("link"), {}), silent) for row in rows]
    return sorted(found, key=lambda one: (RANK.get(str(one.row.get("state")), 0), one.row.get("oldest", now), one.key))


def cells(one: Place, now: datetime) -> Row:
    """Return a row of the table."""
    row, oldest = one.row, one.row.get("oldest")
    goodput = (one.link.get("goodput") or {}).get("p50")
    made: dict[str, Text] = {
        "state": (one.state, LOOK.get(str(row.get("state")), "plain")),
        "name": f"{row.get('name')}@{one.node}",
        "waiting": str(row.get("waiting") or "-"),
        "oldest": say.age(None if oldest is None else now.timestamp() - oldest),
        "size": say.size(row.get("bytes")) if row.get("waiting") else "-",
        "eta": eta(row.get("eta")),
        "rate": "-" if goodput is None else f"{say.size(goodput)}/s",
        "rung": f"{row.get('link', '')} {one.link.get('rung', '')}",
        "error": error(row),
    }
    return Row(one.key, made)


def eta(value: Any) -> str:
    """Return when all has gone."""
    return "-" if value is None else value if isinstance(value, str) else f"in {show_duration(value)}"


def heading(found: Sequence[Place]) -> Text:
    """Return the sum."""
    waiting, size = sum(int(one.row.get("waiting", 0)) for one in found), sum(one.row.get("bytes", 0) for one in found)
    bad = sum(one.row.get("state") == "trouble" for one in found)
    said = f"{waiting} deliveries wait, {show_size(size)}" if waiting else "all is delivered"
    return (f"{said}; {len(found)} destinations, {bad} in trouble", "strong")


def lines(one: Place, answer: Answer | None, now: datetime) -> list[Text]:
    """Return what is known of a destination, and what each rung of its link would come to."""
    row, trouble = one.row, one.row.get("error") or {}
    audit, month = row.get("audit") or {}, one.link.get("month") or {}
    since = f" since {say.clock(trouble.get('since'), now)}" if trouble else ""
    oldest = f", the oldest of {say.clock(row.get('oldest'), now)}" if row.get("waiting") else ""
    made: list[Text] = [
        [
            (one.state, LOOK.get(str(row.get("state")), "plain")),
            f"  {row.get('name')} of {one.node}, {one.site}{since}",
        ],
        *fact("Error", error(row)),
        *fact(
            "Waiting",
            f"{row.get('waiting', 0)}, {show_size(row.get('bytes', 0))}{oldest}; all sent {eta(row.get('eta'))}",
        ),
        *fact(
            "Delivered", f"{row.get('proven', 0)} proven, {row.get('sent', 0)} sent, {row.get('refused', 0)} refused"
        ),
        *fact("Copies", f"{audit.get('looked', 0)} looked at again, {audit.get('lost', 0)} lost" if audit else ""),
    ]
    if one.link:
        used = (
            f"{show_size(month.get('used', 0))} of {show_size(month['budget'])}" if month.get("budget") else "no budget"
        )
        word = one.link.get("override") or {}
        ordered = f", ordered until {say.clock(word.get('until'), now)}: {word.get('why')}" if word else ""
        made += fact("Link", f"{one.link.get('name')} on rung {one.link.get('rung')}{ordered}; month {used}")
        made += fact("Because", str(one.link.get("why") or ""))
    return made + what_if(answer, str(row.get("link")))


def what_if(answer: Answer | None, link: str) -> list[Text]:
    """Return a line for each rung: what it needs, when all has gone, where the month ends."""
    links = [] if answer is None else answer.said.get("links", [])
    here = named({"links": links}, "links", link)
    rows, rung = here.get("what_if", []), here.get("rung")
    head: list[Text] = [(f"  {'IF ON RUNG':<14}{'NEEDS':>11}{'WAITING':>11}{'ALL SENT':>12}{'MONTH':>11}", "strong")]
    made: list[Text] = [
        f"{'*' if each['rung'] == rung else ' '} {each['rung']:<14}{show_size(each['needs']) + '/s':>11}"
        f"{show_size(each['waiting']):>11}{eta(each.get('eta')):>12}{show_size(each['month']):>11}"
        for each in rows
    ]
    return head + made if made else []


def queue(answer: Answer | None) -> list[tuple[Row, dict[str, str]]]:
    """Return the deliveries that wait, in the order in which they go, and what a filter finds in them."""
    made = []
    for one in [] if answer is None else answer.said.get("deliveries", []):
        sent = f"{100 * one['offset'] // one['size']}%" if one.get("size") else "-"
        cells: dict[str, Text] = {key: str(one.get(key) or "") for key in ("id", "what", "state", "class", "error")}
        cells |= {"sent": sent, "tries": str(one.get("attempts", ""))}
        made.append((Row(str(one["id"]), cells), {key: str(one.get(key) or "") for key in QUEUE_FIELDS}))
    return made
