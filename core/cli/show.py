"""Turn what a node tells of itself into lines of text: pure, no terminal codes, worst first where there is a worst."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from core.cli.grouped import parted, shared
from core.text import safe
from core.units import show_duration, show_size
from core.values import utc

Row = Mapping[str, Any]
STALE_AFTER = 180.0  # seconds; a node writes its document once a minute


def status_text(document: Row, now: datetime) -> str:
    """Return the status document as one screen of text."""
    lines, running = (
        [_head(document, now), *_errand(document, now), *_mail(document, now), ""],
        document.get("running", True),
    )
    lines += [*_cameras(document["cameras"], now, running), ""]
    lines += destinations_text(document["destinations"], now)
    lines += [*links_text(document.get("links", ()), now), *_buffer(document, now)]
    return "\n".join(line.rstrip() for line in lines)


def destinations_text(destinations: Sequence[Row], now: datetime) -> list[str]:
    """Return the destinations, a line each, and an empty line behind them."""
    heads = ("DESTINATION", "STATE", "WAITING", "OLDEST", "ALL SENT", "PROVEN")
    return [*table(heads, [_destination(row, now) for row in destinations]), ""] if destinations else []


def ledger_text(slots: Sequence[Row]) -> str:
    """Return the ledger, a line a slot, and its sums."""
    rows = [
        (_time(row["slot"]), row["camera"], row["outcome"] + (" (partial)" if row.get("partial") else ""), _why(row))
        for row in slots
    ]
    sums: dict[str, int] = {}
    for row in slots:
        sums[row["outcome"]] = sums.get(row["outcome"], 0) + 1
    total = ", ".join(f"{count} {outcome}" for outcome, count in sorted(sums.items())) or "no slots in this time"
    return "\n".join([*table(("SLOT (UTC)", "CAMERA", "OUTCOME", "WHY"), rows), "", total])


def queue_text(deliveries: Sequence[Row], now: datetime) -> str:
    """Return what waits, in the order in which it goes."""
    if not deliveries:
        return "nothing waits: all is delivered"
    rows = [
        (
            str(row["id"]),
            row["destination"],
            safe(row["what"], 60),
            row.get("class", ""),
            row["state"],
            _progress(row),
            str(row["attempts"]),
            _due(row, now),
            safe(row.get("error") or "", 60),
        )
        for row in deliveries
    ]
    return "\n".join(table(("ID", "DESTINATION", "WHAT", "CLASS", "STATE", "SENT", "TRIES", "NEXT TRY", "ERROR"), rows))


def events_text(events: Sequence[Row]) -> str:
    """Return events, a line each."""
    if not events:
        return "nothing has happened yet"
    return "\n".join(
        f"{_time(row['at'] / 1000)}  {row['kind']:<21} {safe(row['subject'], 60)}: {safe(row['text'], 500)}"
        for row in events
    )


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return aligned lines; the last column is as wide as it likes."""
    widths = [max([len(head)] + [len(row[column]) for row in rows]) for column, head in enumerate(heads)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in ([tuple(heads)] + [tuple(row) for row in rows])
    ]


def ago(instant: float | None, now: datetime) -> str:
    """Return how long ago, in words: "3m ago", "in 20s", "-" for never."""
    if instant is None:
        return "-"
    seconds = now.timestamp() - instant
    return f"{show_duration(seconds)} ago" if seconds >= 0 else f"in {show_duration(-seconds)}"


def _head(document: Row, now: datetime) -> str:
    age = now.timestamp() - document["at"]
    state = "running" if document.get("running", True) else "STOPPED"
    if age > STALE_AFTER:
        state += f", as it was {show_duration(age)} ago"
    clock = "" if document["clock"]["trusted"] else f", CLOCK NOT TRUSTED: {document['clock']['why']}"
    storage = f", STORAGE: {safe(document['storage'], 120)}" if "storage" in document else ""
    return f"{document['site']}/{document['node']} {state}{clock}{storage}"


def _errand(document: Row, now: datetime) -> Iterator[str]:
    if "errand" in document:
        one = document["errand"]
        head = f"{safe(one['kind'], 20)}, by {safe(one['by'], 40)} {ago(one['since'], now)}"
        yield f"{head[0].upper()}{head[1:]}: {safe(one['text'], 200)}"


def _mail(document: Row, now: datetime) -> Iterator[str]:
    if "mail" in document:
        one = document["mail"]
        error = f": {safe(one['error'], 200)}" if "error" in one else ""
        yield f"Mail: {one['waiting']} wait, the oldest from {ago(one['oldest'], now)}{error}"


def _cameras(cameras: Sequence[Row], now: datetime, running: bool) -> list[str]:
    """Return a line for each; of many, for the worst, and the others in few lines with the age of their last slot."""
    each, rest = parted(cameras, _trouble)
    heads = ("CAMERA", "STATE", "LAST", "NEXT", "LAST 24 h")
    lines = table(heads, [_camera(row, now, running) for row in each]) if each else []
    return lines + shared((safe(row["state"], 60), f"{row['name']} {_since(row, now)}") for row in rest)


def _trouble(row: Row) -> int:
    return 3 if row["state"] == "failing" else 2 if row["state"] != "ok" else int("x" in row.get("strip", ""))


def _since(row: Row, now: datetime) -> str:
    return "-" if "last" not in row else show_duration(max(now.timestamp() - row["last"]["slot"], 0))


def _camera(row: Row, now: datetime, running: bool) -> tuple[str, ...]:
    last, coming = row.get("last"), row.get("next") if running else None
    shown = "-" if last is None else f"{last['outcome']} {ago(last['slot'], now)}"
    return (row["name"], safe(row["state"], 60), shown, ago(coming, now), row.get("strip", ""))


def _destination(row: Row, now: datetime) -> tuple[str, ...]:
    waiting = f"{row['waiting']} ({show_size(row['bytes'])})" if row["waiting"] else "-"
    state = row["state"] + (f": {safe(row['error']['text'], 60)}" if "error" in row else "")
    return (row["name"], state, waiting, ago(row.get("oldest"), now), _eta(row.get("eta")), str(row["proven"]))


def _eta(eta: float | str | None) -> str:
    """Return when all has gone, in words."""
    return "-" if eta is None else eta if isinstance(eta, str) else f"in {show_duration(eta)}"


def links_text(links: Sequence[Row], now: datetime) -> list[str]:
    """Return the links and their months, and an empty line behind them; nothing for a node that names no link."""
    if not links:
        return []
    heads = ("LINK", "RUNG", "CARRIES", "MEASURED", "MONTH", "BY ITS END")
    return [*table(heads, [_link(row, now) for row in links]), ""]


def _link(row: Row, now: datetime) -> tuple[str, ...]:
    month, goodput = row["month"], row.get("goodput")
    word = row.get("override")
    rung = row["rung"] + (f" (ordered until {_time(word['until'])} UTC)" if word else "")
    closed = "" if row["open"] else f" (archive {ago(row.get('next_change'), now)})"
    measured = "-" if goodput is None else f"{show_size(goodput['p50'])}/s, {show_size(goodput['p10'])}/s at worst"
    budget = month.get("budget")
    used = show_size(month["used"]) + (f" of {show_size(budget)}" if budget is not None else "")
    over = " OVER" if budget is not None and month["at_end"] > budget else ""
    return (row["name"], rung, ",".join(row["carries"]) + closed, measured, used, show_size(month["at_end"]) + over)


def what_if_text(links: Sequence[Row]) -> list[str]:
    """Return what each rung of each link would come to."""
    rows = [
        (
            link["name"],
            ("* " if each["rung"] == link["rung"] else "  ") + each["rung"],
            f"{show_size(each['needs'])}/s",
            show_size(each["waiting"]),
            _eta(each.get("eta")),
            show_size(each["month"]),
        )
        for link in links
        for each in link.get("what_if", ())
    ]
    return [*table(("LINK", "IF ON RUNG", "NEEDS", "WAITING", "ALL SENT", "MONTH"), rows), ""] if rows else []


def _buffer(document: Row, now: datetime) -> Iterator[str]:
    buffer, risk = document["buffer"], document["at_risk"]
    days = f", lasts {show_duration(buffer['days'] * 86_400)} with the links down" if "days" in buffer else ""
    held = f"{show_size(buffer['bytes'])} in {buffer['pictures']} pictures"
    yield f"Buffer: {held}, {show_size(buffer['free'])} free{days}"
    if buffer.get("stopped"):
        yield "CAPTURE IS STOPPED: the buffer is full"
    if "refused" in buffer:
        yield f"Nothing is deleted: {safe(buffer['refused'], 200)}"
    if "days" not in buffer and any(row.get("next") is not None for row in document["cameras"]):
        yield "Retention: not known before the first pictures are in"  # how much a slot brings is not known
    elif "sentence" in buffer:
        yield f"Retention: {safe(buffer['sentence'], 200)}"
    if risk["pictures"]:
        span = f" of the last {show_duration(now.timestamp() - risk['oldest'])}" if "oldest" in risk else ""
        yield f"Lost if this box is stolen now: {risk['pictures']} pictures, {show_size(risk['bytes'])}{span}"
    else:
        yield "Lost if this box is stolen now: nothing"


def _time(seconds: float) -> str:
    return f"{utc(seconds):%Y-%m-%d %H:%M:%S}"


def _why(row: Row) -> str:
    if row.get("filled"):
        return f"{row['cause']}; filled by {safe(row['filled'], 80)}"
    return safe(row.get("cause") or "", 80)


def _progress(row: Row) -> str:
    if not row.get("size"):
        return "-"
    return f"{100 * row['offset'] // row['size']}% of {show_size(row['size'])}"


def _due(row: Row, now: datetime) -> str:
    if row["state"] != "queued":
        return "-"
    if "held" in row:
        return f"held: {safe(row['held'], 30)}"
    return "now" if row["next_try"] <= now.timestamp() * 1000 else ago(row["next_try"] / 1000, now)
