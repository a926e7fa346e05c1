"""Storage of every node: room, how long it lasts, what dies when; and what goes next on this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.feed.snapshot import Answer, Json, Snapshot
from console.pages import fleet, hardware, say
from console.pages.facts import fact
from console.widgets.looks import Text
from console.widgets.table import Column, Row
from core.units import show_size

COLUMNS = (
    Column(key="state", label="STATE", width=8),
    Column(key="name", label="NODE", width=10, grows=True),
    Column(key="days", label="DAYS", width=4, right=True),
    Column(key="free", label="FREE", width=5, right=True),
    Column(key="dies", label="1ST LOSS", width=9, right=True),
    Column(key="total", label="OF", width=5, right=True, from_width=60),
    Column(key="held", label="PICTURES", width=9, right=True, from_width=70),
    Column(key="unproven", label="UNPROVEN", width=8, right=True, from_width=80),
    Column(key="full", label="WHEN FULL", width=9, from_width=100),
    Column(key="line", label="WHAT THE CHECK SAYS", width=50, from_width=130),
)
PLAN = (
    Column(key="name", label="GOES NEXT", width=12, grows=True),
    Column(key="size", label="SIZE", width=6, right=True),
    Column(key="why", label="WHY", width=24, from_width=70),
    Column(key="copies", label="COPIES", width=24, from_width=100),
)
FIELDS = ("site", "node", "state")


@dataclass(frozen=True)
class Store:
    """The storage of one node."""

    site: str
    node: str
    document: Json
    verdict: Json
    silent: bool

    @property
    def key(self) -> str:
        """Name it."""
        return f"{self.site}/{self.node}"

    @property
    def state(self) -> int:
        """Return what the check says."""
        return int(self.verdict.get("state", fleet.UNKNOWN if self.silent else fleet.OK))

    def plain(self) -> dict[str, str]:
        """Return it for the filter."""
        return {"site": self.site, "node": self.node, "state": said(self)}


def said(one: Store) -> str:
    """Return the state in words."""
    word = fleet.WORDS[one.state].strip() or "ok"
    return f"was {word}" if one.silent else word


def stores(snapshot: Snapshot) -> list[Store]:
    """Return the storage of all nodes, the worst first."""
    now, found = snapshot.at.timestamp(), []
    for site, node, document in snapshot.nodes():
        silent = fleet.how_silent(site, node, document, now) is not None
        verdict = next((one for one in fleet.verdicts(document) if one.get("check") == "storage"), {})
        found.append(Store(site.site, node, document, verdict, silent))
    return sorted(found, key=lambda one: (fleet.RANK[one.state], _days(one.document), one.key))


def _days(document: Json) -> float:
    return float((document.get("buffer") or {}).get("days") or fleet.NEVER)


def cells(one: Store, now: datetime) -> Row:
    """Return a row of the table."""
    buffer: Any = one.document.get("buffer") or {}
    made: dict[str, Text] = {"state": (said(one), fleet.LOOK[one.state]), "name": one.node}
    made |= {
        "days": say.days(buffer.get("days")),
        "free": say.size(buffer.get("free")),
        "total": say.size(buffer.get("total")),
        "dies": say.clock(buffer.get("dies"), now),
        "held": str(buffer.get("pictures", "-")),
        "unproven": str(buffer.get("pictures", 0) - buffer.get("proven", 0)) if buffer else "-",
        "full": "STOPPED" if buffer.get("stopped") else str(buffer.get("when_full", "-")),
        "line": str(one.verdict.get("line", "")),
    }
    return Row(one.key, made)


def lines(one: Store, now: datetime) -> list[Text]:
    """Return what is known of the storage of a node."""
    buffer: Any = one.document.get("buffer") or {}
    risk = one.document.get("at_risk") or {}
    dies = f"; the first unproven picture goes {say.clock(buffer['dies'], now)}" if buffer.get("dies") else ""
    lost = f"{buffer['lost']} pictures left unproven, ever" if buffer.get("lost") else ""
    stolen = f"{risk.get('pictures', 0)} pictures, {show_size(risk.get('bytes', 0))}"
    return [
        [(said(one), fleet.LOOK[one.state]), f"  storage of {one.node}, {one.site}"],
        *fact("Check", str(one.verdict.get("line", ""))),
        *fact(
            "Disk", f"{show_size(buffer.get('free', 0))} free of {show_size(buffer.get('total', 0))}" if buffer else ""
        ),
        *fact("Hardware", hardware.brief(one.document)),
        *fact("Trouble", str(one.document.get("storage") or "")),
        *fact(
            "Forecast", f"{say.days(buffer.get('days'))} days with all links down; {buffer.get('sentence', '')}{dies}"
        ),
        *fact("Held back", str(buffer.get("refused") or "")),
        *fact("Stopped", "CAPTURE IS STOPPED: the buffer is full" if buffer.get("stopped") else ""),
        *fact("Lost", lost),
        *fact("If stolen", f"{stolen} of the last {risk.get('hours', 0)} h are lost"),
    ]


def plan(answer: Answer | None) -> tuple[Sequence[Text], Sequence[Row]]:
    """Return what the plan of deletions says, and its rows."""
    if answer is None or not answer.said:
        return ([answer.error] if answer is not None and answer.error else []), []
    rows = [
        Row(
            str(one["name"]),
            {"name": str(one["name"]), "size": say.size(one["size"]), "why": str(one["why"])}
            | {"copies": str(one["copies"])},
        )
        for one in answer.said.get("rows", [])
    ]
    return [line for text in answer.said.get("lines", []) for line in fact("Plan", str(text))], rows
