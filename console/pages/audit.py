"""Who asked for what, and what came of it: pages of the audit logs of all sites, the newest first."""

from __future__ import annotations

from console.feed.snapshot import Json, Snapshot
from console.pages import say
from console.widgets.looks import Text
from console.widgets.table import Column, Row

COLUMNS = (
    Column(key="at", label="WHEN (UTC)", width=14),
    Column(key="user", label="WHO", width=8),
    Column(key="kind", label="VERB", width=18, from_width=60),
    Column(key="text", label="WITH, AND WHAT CAME OF IT", width=10, grows=True),
    Column(key="request", label="AUDIT", width=8, from_width=100),
    Column(key="key", label="KEY", width=16, from_width=130),
)
FIELDS = ("kind", "subject", "text", "site", "user", "role", "key", "request")
PAGE = 200  # lines


def rows(snapshot: Snapshot) -> list[tuple[Row, dict[str, str]]]:
    """Return the lines, and what a filter finds in them; `kind`, `subject` and `text` are as of events."""
    found = [(site.site, one) for site in snapshot.sites for one in _lines(snapshot, site.site)]
    found.sort(key=lambda pair: -float(pair[1].get("at") or 0))
    return [_row(number, site, one) for number, (site, one) in enumerate(found)]


def _lines(snapshot: Snapshot, site: str) -> list[Json]:
    answer = snapshot.answer(site, "audit-log")
    return [] if answer is None else list(answer.said.get("lines", ()))


def older(snapshot: Snapshot, site: str) -> int | None:
    """Return where the page before this one ends; None: there is none."""
    answer = snapshot.answer(site, "audit-log")
    return None if answer is None else answer.said.get("next")


def _row(number: int, site: str, one: Json) -> tuple[Row, dict[str, str]]:
    broken = bool(one.get("broken"))
    by = f"{one['user']}@{one['node']}" if one.get("node") else str(one.get("user", "?"))
    said = " -> ".join(str(one[key]) for key in ("args", "result") if one.get(key))
    plain = {"kind": str(one.get("verb", "?")), "subject": by, "user": by, "site": site}
    plain |= {key: str(one.get(key, "")) for key in ("role", "key")}
    plain |= {"text": f"BROKEN LINE {said}" if broken else said, "request": str(one.get("request", ""))[:8]}
    cells: dict[str, Text] = {key: plain[key] for key in ("user", "kind", "request", "key")}
    cells |= {"at": say.moment(one["at"])[5:] if "at" in one else "?"}
    cells |= {"text": (plain["text"], "crit") if broken else plain["text"]}
    return Row(f"{site}/{one.get('at')}/{plain['request']}/{number}", cells), plain
