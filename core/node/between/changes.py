"""What the checks said and when that changed: kept small, numbered, and told to each taker when it can be reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from core.catalogue import states
from core.errors import CatalogueError, StorageError
from core.node.context import Context

Row = dict[str, Any]
MOST = 60  # changes that are kept; what is older shows as a gap in their numbers
LONGEST = 79  # characters of a first line
_KEY = "verdicts/changes"


class Changes:
    """The last changes of this node's verdicts: {"n", "at", "check", "subject", "state", "line"}, n counts them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._kept: list[Row] | None = None
        self._states: dict[str, int] = {}

    def note(self, document: Mapping[str, Any]) -> None:
        """Note what is another state than before; what the disk does not keep now is known until the next start."""
        rows, number = self._rows(), self.last
        fresh: list[Row] = []
        for one in document.get("verdicts", ()):
            key = f"{one['check']} {one.get('subject', '')}"
            if self._states.get(key, one["state"]) != one["state"]:
                number += 1
                about = {key: one[key] for key in ("check", "subject", "state") if key in one}
                fresh.append({"n": number, "at": round(document["at"]), **about, "line": one["line"][:LONGEST]})
            self._states[key] = one["state"]
        if fresh:
            self._kept = [*rows, *fresh][-MOST:]
            with suppress(StorageError, CatalogueError):  # of a disk that fails, others tell
                states.put(self._context.catalogue, _KEY, self._kept)

    @property
    def last(self) -> int:
        """The number of the last change, 0 before the first."""
        rows = self._rows()
        return int(rows[-1]["n"]) if rows else 0

    def after(self, number: int) -> Sequence[Row]:
        """Return the changes with a higher number that are still kept."""
        return [row for row in self._rows() if row["n"] > number]

    def _rows(self) -> list[Row]:
        if self._kept is None:
            self._kept = list(states.get(self._context.catalogue, _KEY, []))
            for row in self._kept:
                self._states[f"{row['check']} {row.get('subject', '')}"] = row["state"]
        return self._kept
