"""Orders to other nodes and from them: asked, taken, done, refused or expired, with their times."""

from __future__ import annotations

from datetime import datetime

from console.feed.snapshot import Snapshot
from console.pages import say
from console.widgets.looks import Text
from console.widgets.table import Column, Row

COLUMNS = (
    Column(key="state", label="STATE", width=8),
    Column(key="what", label="ORDER", width=14, grows=True),
    Column(key="asked", label="ASKED", width=8, right=True),
    Column(key="taken", label="TAKEN", width=8, right=True, from_width=50),
    Column(key="ended", label="ENDED", width=8, right=True, from_width=60),
    Column(key="expires", label="EXPIRES", width=8, right=True, from_width=80),
    Column(key="who", label="BY", width=10, from_width=100),
    Column(key="text", label="WHY", width=40, from_width=130),
)
FIELDS = ("state", "what", "to", "from", "who", "text")
LOOK = {"refused": "bad", "expired": "warn", "failed": "bad"}


def rows(snapshot: Snapshot) -> list[tuple[Row, dict[str, str]]]:
    """Return the orders of all sites, the newest first, and what a filter finds in them."""
    found = []
    for site in snapshot.sites:
        answer = snapshot.answer(site.site, "orders")
        for side in ("given", "received"):
            for one in [] if answer is None else answer.said.get(side, []):
                found.append((float(one.get("asked") or 0), _row(one, side, snapshot.at)))
    return [row for _, row in sorted(found, key=lambda pair: -pair[0])]


def _row(one: dict[str, object], side: str, now: datetime) -> tuple[Row, dict[str, str]]:
    args = one.get("args")
    words = " ".join(f"{key}={value}" for key, value in args.items()) if isinstance(args, dict) else ""
    arrow = f"to {one['to']}" if side == "given" else f"from {one['from']}"
    text = str(one.get("text") or one.get("error") or "")
    plain = {"state": str(one["state"]), "what": f"{one['verb']} {words}", "to": str(one["to"])}
    plain |= {"from": str(one["from"]), "who": str(one.get("who")), "text": text}
    cells: dict[str, Text] = {"state": (plain["state"], LOOK.get(plain["state"], "plain")), "text": text}
    cells |= {"what": f"{one['verb']} {arrow} {words}", "who": plain["who"]}
    cells |= {key: say.clock(_number(one.get(key)), now) for key in ("asked", "taken", "ended", "expires")}
    return Row(f"{side}/{one['id']}", cells), plain


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
