"""A status document as the checks read it: whose it is, how old, and what of it may be believed now."""

from __future__ import annotations

from nagiosplugin.error import CheckError

from checks.base.judge import When
from checks.base.say import DAY, HOUR, instant, is_number, span
from checks.thresholds import thresholds
from core.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

AHEAD = 60.0  # seconds that a document may be ahead of this clock
GRACE = 60.0  # seconds, or half a period if that is longer, after which a node's own next document is overdue
CHECK_IN, TRAVEL = 300.0, 60.0  # seconds, as core/status/fleet.py has it: of another node one check-in may get lost
YEAR = 365 * DAY
PERIOD = 60.0  # seconds between two documents, where one does not announce the next


class Document:
    """A status document, the time, and the thresholds.

    `given` are thresholds that go before the document's own; `version` is this program's; `ended` says whether the
    process that wrote it has ended, None where that cannot be known: at a hub. Raise CheckError.
    """

    def __init__(
        self,
        body: Mapping[str, Any],
        now: float,
        given: Mapping[str, float] | None = None,
        *,
        version: str | None = None,
        ended: bool | None = None,
    ) -> None:
        """Raise CheckError for what is no status document."""
        self.body = body
        self.now = now
        self.version = version
        self.ended = ended
        self.at = required(body, "at")
        self.node = text(body, "node") or "this node"
        heard = number(body, "heard")  # of a node elsewhere: when its document came here
        every = number(body, "check_in") or CHECK_IN
        self.last = self.at if heard is None else heard
        self.due = (number(body, "next") or self.at + PERIOD) if heard is None else heard + every
        self.patience = max(GRACE, (self.due - self.last) / 2) if heard is None else every + TRAVEL
        self.limits = thresholds(body.get("thresholds"), given)
        self.act = self.limits["act_hours"] * HOUR

    @property
    def is_ahead(self) -> bool:
        """Whether it comes from the future: one of the clocks is wrong."""
        return self.at - self.now > AHEAD

    @property
    def is_stale(self) -> bool:
        """Whether the next one is overdue."""
        return self.now - self.due > self.patience

    @property
    def why_not(self) -> str | None:
        """Why nothing but check_node may go by it; None: it is fresh."""
        if self.is_ahead:
            return f"from the future by {span(self.at - self.now)}"
        return f"silent since {instant(self.last, self.now)}" if self.is_stale else None

    def cameras(self) -> list[Mapping[str, Any]]:
        """Return what is known of each camera."""
        return rows(self.body, "cameras")

    def destinations(self) -> list[Mapping[str, Any]]:
        """Return what is known of each destination."""
        return rows(self.body, "destinations")

    def links(self) -> list[Mapping[str, Any]]:
        """Return what is known of each link."""
        return rows(self.body, "links")

    def part(self, key: str) -> Mapping[str, Any]:
        """Return a table of the document, empty where it is missing."""
        return part(self.body, key)

    def pace(self) -> float:
        """Return the pictures an hour that this node's cameras are to take now."""
        return sum(pace(camera, self.now) for camera in self.cameras())

    def buffer_ends(self) -> float | None:
        """Return when the buffer begins to lose pictures at this pace; None: it does not."""
        return number(self.part("buffer"), "dies")

    def buffer_lasts(self) -> float | None:
        """Return until when the buffer holds if no link works from now on; None: nobody knows."""
        days = number(self.part("buffer"), "days")
        return None if days is None else self.at + min(max(days, 0.0), 10 * YEAR / DAY) * DAY

    def when(self) -> When:
        """Return by which times the services of this node are judged."""
        ends = [at for at in (self.buffer_ends(), self.buffer_lasts()) if at is not None]
        return When(self.now, self.act, min(ends, default=None), max(self.last, 0.0) + self.act)

    def loses_by_buffer(self) -> float:
        """Return the pictures an hour that are lost because the buffer is full: thinned, or not taken any more."""
        buffer = self.part("buffer")
        return self.pace() if buffer.get("stopped") else number(buffer, "thinned") or 0.0

    def culprit(self) -> str | None:
        """Return the transfer or link because of which the buffer fills: that service pages for it, and not storage."""
        for place in self.destinations():
            if place.get("required", True) and (part(place, "error") or place.get("eta") == "never"):
                return self.dead_link(text(place, "link")) or f"transfer {named(place)}"
        return None

    def dead_link(self, link: str | None) -> str | None:
        """Return the service of a link over which none of several destinations is reached; None: that is not so."""
        there = [place for place in self.destinations() if link and text(place, "link") == link]
        dead = [place for place in there if text(part(place, "error"), "class") == "DestinationUnreachable"]
        return f"link {link}" if len(there) > 1 and len(dead) == len(there) else None


def pace(camera: Mapping[str, Any], now: float) -> float:
    """Return the pictures an hour that a camera is to take now, 0 outside its schedule and while it is paused."""
    following, interval = number(camera, "next"), number(camera, "interval")
    if following is None or not interval or interval <= 0 or part(camera, "paused"):
        return 0.0
    return HOUR / interval if following - now <= interval else 0.0


def number(row: Mapping[str, Any], key: str) -> float | None:
    """Return a number of a table, None where there is none; raise CheckError for what is no number."""
    value = row.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not is_number(value) or abs(value) > 1e18:
        raise CheckError(f"the status document's {key} is no number")
    return float(value)


def required(row: Mapping[str, Any], key: str) -> float:
    """Return a number that must be there; raise CheckError."""
    value = number(row, key)
    if value is None:
        raise CheckError(f"the status document has no {key}")
    return value


def text(row: Mapping[str, Any], key: str, limit: int = 100) -> str | None:
    """Return a text of a table, made safe; None where there is none. Raise CheckError for what is no text."""
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise CheckError(f"the status document's {key} is no text")
    return None if value is None else safe(value, limit)


def named(row: Mapping[str, Any]) -> str:
    """Return the name of a camera, destination or link; raise CheckError where there is none."""
    name = text(row, "name", 40)
    if not name:
        raise CheckError("the status document has something without a name")
    return name


def part(row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a table within a table, empty where there is none; raise CheckError for what is no table."""
    value = row.get(key)
    if value is not None and not isinstance(value, dict):
        raise CheckError(f"the status document's {key} is no table")
    return value or {}


def rows(row: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return a list of tables, empty where there is none; raise CheckError for what is none."""
    value = row.get(key)
    if value is not None and not (isinstance(value, list) and all(isinstance(one, dict) for one in value)):
        raise CheckError(f"the status document's {key} are no tables")
    return value or []


def counts(row: Mapping[str, Any], key: str) -> Iterator[tuple[str, int]]:
    """Yield the counts of a table by name, the largest first; raise CheckError."""
    table = part(row, key)
    found = [(safe(name, 40), int(number(table, name) or 0)) for name in table]
    return iter(sorted(found, key=lambda one: (-one[1], one[0])))
