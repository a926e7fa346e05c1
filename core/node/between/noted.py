"""Problems that somebody acknowledged here, of this node or of one that it hears of, until they are over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from core.catalogue import states
from core.errors import BadRequest, CatalogueError, NoSuchThing, StorageError
from core.node.context import Context

Row = dict[str, Any]
NEVER = float("inf")
_KEY = "verdicts/acknowledged"


class Noted:
    """The acknowledgements: {"node", "check", "subject", "by", "at", "until", "text"}; `until` where an end was said.

    `heard`: documents of other nodes.
    """

    def __init__(self, context: Context, heard: Callable[[], Mapping[str, Mapping[str, Any]]]) -> None:
        self._context, self._heard = context, heard

    def add(
        self, service: str, node: str, by: str, text: str, verdicts: list[Row], until: datetime | None = None
    ) -> Row:
        """Note one, until then or until it is over; `verdicts` are this node's own.

        Raise NoSuchThing where there is no such problem, BadRequest for an end that is past.
        """
        if until is not None and until <= self._context.now():
            raise BadRequest("until: it is past already")
        check, _, subject = service.partition(" ")
        there = self._verdicts(node, verdicts)
        if (check, subject) not in there:
            names = ", ".join(f"{one} {about}".strip() for one, about in there) or "none"
            raise NoSuchThing(f"node {node} has no service {service}; it has: {names}")
        if not there[check, subject]:
            raise NoSuchThing(f"{service} of {node} is OK: nothing is to be acknowledged")
        about = {"node": node, "check": check, "subject": subject}
        row = about | {"by": by, "at": round(self._context.now().timestamp()), "text": text}
        row |= {} if until is None else {"until": round(until.timestamp())}
        kept = [one for one in self._rows() if any(one[key] != about[key] for key in about)]
        states.put(self._context.catalogue, _KEY, [*kept, row])
        end = "" if until is None else f" until {until:%Y-%m-%d %H:%M}Z"
        self._context.tell("acknowledged", node, f"{service}{end} by {by}: {text}")
        return row

    def open(self, verdicts: list[Row]) -> list[Row]:
        """Return those whose problem goes on, and whose end has not come; the others are forgotten.

        That an end came while the problem goes on is told: nobody is at it any more.
        """
        rows, now = self._rows(), self._context.now().timestamp()
        going = [row for row in rows if self._verdicts(row["node"], verdicts).get((row["check"], row["subject"]), 1)]
        kept = [row for row in going if row.get("until", NEVER) > now]
        if len(kept) < len(rows):
            with suppress(StorageError, CatalogueError):  # a disk that fails is told by others; this waits until then
                states.put(self._context.catalogue, _KEY, kept)
                self._ended(row for row in going if row not in kept)
        return kept

    def _ended(self, rows: Iterable[Row]) -> None:
        for row in rows:
            service = f"{row['check']} {row['subject']}".strip()
            self._context.tell("acknowledgement ended", row["node"], f"{service}, by {row['by']}: it goes on")

    def _rows(self) -> list[Row]:
        return list(states.get(self._context.catalogue, _KEY, []))

    def _verdicts(self, node: str, own: list[Row]) -> dict[tuple[str, str], int]:
        """Return the states of a node's services by check and subject."""
        found = own if node == self._context.node.name else self._heard().get(node, {}).get("verdicts", [])
        return {(str(one["check"]), str(one.get("subject", ""))): int(one["state"]) for one in found}
