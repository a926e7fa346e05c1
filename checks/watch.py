"""What check_nas and check_firewall share: the watches of a status document, how old their readings are, own probes."""

from __future__ import annotations

from checks.base.finding import Finding
from checks.base.options import TEXT, Option, Usage
from checks.base.say import instant, short
from checks.document import named, number, part, rows, text
from checks.row import Row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from checks.document import Document

PATIENCE = 0.7  # of the time-out, that a device has to answer
OLD = 1800.0  # seconds, above which a reading that is taken each five minutes says nothing any more
PROBE = (
    Option("--host", TEXT, "HOST[:PORT]", "ask this device by SNMP now, and read no document"),
    Option("--credentials", TEXT, "FILE", "with --host: who we are, as docs/snmp.md says"),
)


def watched(document: Document, kind: str) -> list[str]:
    """Return the names of the watches of a kind."""
    return [named(row) for row in rows(document.body, "watch") if text(row, "kind") == kind]


def row_of(document: Document, kind: str, name: str) -> Mapping[str, Any] | None:
    """Return a watch of the document, None where there is none."""
    found = (row for row in rows(document.body, "watch") if text(row, "kind") == kind and named(row) == name)
    return next(found, None)


class Device(Row):
    """A device that is watched, by its name."""

    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Return the watches of its kind."""
        return [row for row in rows(self.document.body, "watch") if text(row, "kind") == self.KIND]


def silent_since(row: Mapping[str, Any]) -> float | None:
    """Return since when a device answers nothing; None: it does, or it was not asked. Raise CheckError."""
    told = [part(row, key) for key in ("snmp", "opnsense", "place") if key in row]
    if not told or any("error" not in one or one.get("unasked") for one in told):
        return None
    return max(number(one, "since") or 0.0 for one in told)


def reading(document: Document, row: Mapping[str, Any], key: str) -> Iterator[Finding]:
    """Say why one of a watch's readings cannot be gone by: it failed, is old, or was not taken yet."""
    name, known = short(named(row)), part(row, key)
    since, at = number(known, "since"), number(known, "at")
    if "error" in known:
        when = "" if since is None else f" since {instant(since, document.now)}"
        owner = text(row, "destination")
        yield Finding(
            f"{name} silent{when}" if when else f"{name} gives no answer",
            impaired=True,
            owner=None if owner is None else f"transfer {owner}",
            cause=text(known, "error", 200) or "",
            step="is it on, and does the way to it pass? Then its settings: docs/snmp.md",
        )
    elif not known:
        yield Finding(f"{name} was not read yet", unknown=True, step="it is read within minutes of the node's start")
    elif at is not None and document.now - at > OLD:
        yield Finding(f"{name} was read {instant(at, document.now)}", unknown=True, step="`overlapse events`")


def asked(values: Mapping[str, Any], read: str) -> dict[str, Any]:
    """Ask the device that --host names, by `read` (module:function); return the reading or its error. Raise Usage."""
    import importlib
    import time

    from core.errors import OverlapseError
    from core.probes.snmp import reading as session_of

    if values["credentials"] is None:
        raise Usage("--host needs --credentials")
    module, _, function = read.partition(":")
    now = time.time()
    try:
        with open(values["credentials"], encoding="utf-8") as file:  # noqa: PTH123
            credentials = file.read(1 << 16)
        with session_of(values["host"], credentials, PATIENCE * values["timeout"]) as session:
            return {**getattr(importlib.import_module(module), function)(session), "at": now}
    except OverlapseError as error:
        return {"error": str(error), "at": now}
