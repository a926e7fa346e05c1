"""A node by itself: whether it is heard, what is wrong with it, and what it would cost to lose it."""

from __future__ import annotations

from datetime import datetime

from console.feed.snapshot import Json, Snapshot
from console.pages import fleet, say
from console.pages.facts import fact
from console.widgets.looks import Text
from core.units import show_size


def lines(snapshot: Snapshot, site: str, node: str) -> list[Text]:
    """Return what is known of a node."""
    found, now = snapshot.document(site, node), snapshot.at
    view = snapshot.site(site)
    if found is None or view is None:
        return [f"{node} of {site}: nothing is known of it any more"]
    silent = fleet.how_silent(view, node, found, now.timestamp())
    heard = "" if silent is None else f"SILENT for {say.age(silent)}; what follows is how it was"
    return [
        [(f"{found.get('kind', 'node')} {node} of {site}", "strong"), f"  version {found.get('overlapse', '?')}"],
        *fact("Heard", (heard, "crit") if heard else f"{say.age(now.timestamp() - float(found.get('at', 0)))} ago"),
        *fact("Running", f"since {say.clock(found.get('started'), now)}" if found.get("started") else ""),
        *fact("Disk", str(found.get("storage") or "")),
        *_clock(found),
        *fact("Stuck", "; ".join(f"{one.get('name')}: {one.get('why')}" for one in found.get("stuck") or ())),
        *_mail(found, now),
        *_errand(found, now),
        *fact("Looking", f"{found['looking']} pictures wait for their look" if found.get("looking") else ""),
        *_links(found),
        *_risk(found),
    ]


def _clock(found: Json) -> list[Text]:
    clock = found.get("clock") or {}
    return [] if clock.get("trusted", True) else fact("Clock", ("NOT TRUSTED", "warn"), f": {clock.get('why')}")


def _mail(found: Json, now: datetime) -> list[Text]:
    mail = found.get("mail") or {}
    if not mail:
        return []
    error = f": {mail['error']}" if mail.get("error") else ""
    return fact("Mail", f"{mail.get('waiting')} wait since {say.clock(mail.get('oldest'), now)}{error}")


def _errand(found: Json, now: datetime) -> list[Text]:
    one = found.get("errand") or {}
    since = say.clock(one.get("since"), now)
    return fact("Errand", f"{one.get('kind')} by {one.get('by')} since {since}: {one.get('text')}" if one else "")


def _links(found: Json) -> list[Text]:
    made: list[Text] = []
    for one in found.get("links") or ():
        month = one.get("month") or {}
        budget = f" of {show_size(month['budget'])}" if month.get("budget") else ""
        over = (", OVER by its end", "warn") if budget and month.get("at_end", 0) > month["budget"] else ""
        used = f"month {show_size(month.get('used', 0))}{budget}"
        made += fact("Link", f"{one.get('name')} on rung {one.get('rung')}, {used}", over)
    return made


def _risk(found: Json) -> list[Text]:
    risk, buffer = found.get("at_risk") or {}, found.get("buffer") or {}
    stolen = f"{risk.get('pictures', 0)} pictures, {show_size(risk.get('bytes', 0))}"
    return [
        *fact("Buffer", f"{say.days(buffer.get('days'))} days with all links down; {buffer.get('sentence', '')}"),
        *fact("If stolen", f"{stolen} of the last {risk.get('hours', 0)} h are lost"),
    ]
