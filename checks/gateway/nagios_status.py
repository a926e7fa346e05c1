"""What Nagios Core knows and what people told it, read in its status.dat: blocks of `KIND {`, `key=value`, `}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import MonitorUnreachable
from core.text import safe

ACKNOWLEDGEMENT = "4"  # the entry type of a comment, as in Nagios Core's comments.h
WANTED = ("hoststatus", "servicestatus", "servicecomment", "servicedowntime")


@dataclass(frozen=True, slots=True)
class Known:
    """What there is: (host, service), "" for the host itself; and what people did about it."""

    names: frozenset[tuple[str, str]]
    handled: tuple[Mapping[str, Any], ...]  # host, service, kind, by, text, begin
    silenced: frozenset[tuple[str, str]]  # services whose notifications somebody switched off


def known(path: str, prefix: str) -> Known:
    """Return what status.dat says of hosts whose names begin so; raise MonitorUnreachable."""
    names, handled, silenced = set(), [], set()
    for kind, row in _blocks(path):
        host, service = row.get("host_name", ""), row.get("service_description", "")
        if not host.startswith(prefix):
            continue
        if kind in ("hoststatus", "servicestatus"):
            names.add((host, service))
            if row.get("notifications_enabled") == "0":
                silenced.add((host, service))
        elif kind == "servicedowntime" or row.get("entry_type") == ACKNOWLEDGEMENT:
            word = "downtime" if kind == "servicedowntime" else "acknowledged"
            told = {
                "by": safe(row.get("author", ""), 40),
                "text": safe(row.get("comment_data") or row.get("comment", "")),
            }
            begin = float(row["start_time"]) if row.get("start_time", "").isdigit() else 0.0
            handled.append({"host": host, "service": service, "kind": word, **told, "begin": begin})
    return Known(frozenset(names), tuple(handled), frozenset(silenced))


def _blocks(path: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            kind = ""
            row: dict[str, str] = {}
            for line in file:
                text = line.strip()
                if text.endswith("{"):
                    kind, row = text[:-1].strip(), {}
                elif text == "}":
                    if kind in WANTED:
                        yield kind, row
                    kind = ""
                elif kind in WANTED:
                    key, _, value = text.partition("=")
                    row[key] = value
    except OSError as error:
        raise MonitorUnreachable(f"{path}: {error.strerror}") from None
