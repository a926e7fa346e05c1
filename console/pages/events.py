"""What happened, the newest first; and the time line of an incident as a text that fits into a message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.feed.snapshot import Json, Snapshot
from console.pages import fleet, say
from console.widgets.looks import Text
from console.widgets.table import Column, Row
from core.text import safe

COLUMNS = (
    Column(key="at", label="WHEN (UTC)", width=14),
    Column(key="kind", label="WHAT", width=21, from_width=80),
    Column(key="subject", label="OF", width=14),
    Column(key="text", label="", width=10, grows=True),
)
FIELDS = ("kind", "subject", "text", "site")
LIMIT = 5000  # bytes of an exported time line
NEWEST = 500


def rows(snapshot: Snapshot) -> list[tuple[Row, dict[str, str]]]:
    """Return the events of all sites, the newest first, and what a filter finds in them."""
    found = [(site.site, one) for site in snapshot.sites for one in _events(snapshot, site.site)]
    found.sort(key=lambda pair: -pair[1]["at"])
    return [_row(number, site, one) for number, (site, one) in enumerate(found)]


def _events(snapshot: Snapshot, site: str) -> Sequence[Json]:
    answer = snapshot.answer(site, "events")
    return [] if answer is None else answer.said.get("events", [])


def _row(number: int, site: str, one: Json) -> tuple[Row, dict[str, str]]:
    at, kind = say.moment(one["at"] / 1000), str(one["kind"])
    plain = {"kind": kind, "subject": str(one["subject"]), "text": str(one["text"]), "site": site}
    cells: dict[str, Text] = {"at": at[5:], **{key: plain[key] for key in ("kind", "subject", "text")}}
    return Row(f"{one['at']}/{kind}/{one['subject']}/{number}", cells), plain


def timeline(snapshot: Snapshot, passing: Sequence[dict[str, str]], whens: Sequence[str]) -> str:
    """Return the events that pass, oldest first, below what is wrong now; less than LIMIT bytes, ASCII lines.

    When there are too many, the oldest are left out and counted.
    """
    wrong = [one for one in fleet.entries(snapshot) if one.state != fleet.OK]
    now: datetime = snapshot.at
    head = [f"As of {now:%Y-%m-%d %H:%M:%S}Z" + (f", STALE: {snapshot.trouble}" if snapshot.trouble else "")]
    head += [safe(f"{one.said}: {one.node} {one.camera}: {one.line}", 160) for one in wrong[:10]] + [""]
    lines = [
        safe(f"{when} {one['kind']}: {one['subject']}: {one['text']}", 200)
        for when, one in zip(whens, passing, strict=True)
    ]
    return fitted(head, lines)


def fitted(head: Sequence[str], newest_first: Sequence[str]) -> str:
    """Return head and lines, oldest first, in less than LIMIT bytes."""
    room = LIMIT - sum(len(f"{line}\n".encode()) for line in head) - 60
    kept: list[str] = []
    for line in newest_first:
        room -= len(f"{line}\n".encode())
        if room < 0:
            break
        kept.append(line)
    left_out = len(newest_first) - len(kept)
    more = [f"... {left_out} older events left out"] if left_out else []
    return "\n".join([*head, *more, *reversed(kept), ""])
