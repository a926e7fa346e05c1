"""How good a link is: its round trip and what it loses, by what the deliveries over it measured anyway. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from statistics import median
from typing import Any

KEPT = 3600.0  # seconds for which a measurement counts
ENOUGH = 100  # segments, below which nothing is said of loss
MOST = 500  # measurements


@dataclass
class Quality:
    """What was measured within the last hour: the round trip, and the segments that had to be sent again."""

    _found: deque[tuple[float, float, int, int]] = field(default_factory=lambda: deque(maxlen=MOST))

    def passed(self, told: dict[str, Any] | None, now: float) -> None:
        """Take in what a child tells of its connections, at `now` (seconds since the epoch)."""
        if told is not None:
            self._found.append((now, float(told["trip"]), int(told["sent"]), int(told["again"])))

    def row(self, now: float) -> dict[str, Any] | None:
        """Return `trip` in seconds, the median; `loss` in per cent where enough was sent; None: nothing is known."""
        known = [one for one in self._found if 0 <= now - one[0] < KEPT]
        if not known:
            return None
        sent, again = sum(one[2] for one in known), sum(one[3] for one in known)
        row = {"trip": round(median(one[1] for one in known), 2)}  # a document that changes less is shorter
        return row | ({"loss": round(100 * again / sent, 1)} if sent >= ENOUGH else {})
