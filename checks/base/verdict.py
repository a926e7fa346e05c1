"""A verdict: one service, one state, one first line that says how soon pictures are lost, and what explains it."""

from __future__ import annotations

from checks.base.say import instant, rate
from core.text import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
WIDTH = 79  # characters of a first line: below 80, as the guidelines ask
LONG = 200  # characters of another line
LINES = 60  # of long output


class Verdict:
    """What a check says of one service.

    `check` and `subject` name the service ("camera", "north"); `state` is 0 to 3; `line` is the first line; `details`
    the long output; `perfdata` nagiosplugin's Performance tuples. `losing` is pictures an hour, now; `loss_at` when
    the first one is lost, as far as that is known.
    """

    __slots__ = ("check", "details", "line", "losing", "loss_at", "perfdata", "state", "subject")

    def __init__(
        self,
        check: str,
        subject: str,
        state: int,
        line: str,
        details: Sequence[str] = (),
        perfdata: Sequence[Any] = (),
        losing: float = 0.0,
        loss_at: float | None = None,
    ) -> None:
        self.check = check
        self.subject = subject
        self.state = state
        self.line = line
        self.details = list(details)
        self.perfdata = list(perfdata)
        self.losing = losing
        self.loss_at = loss_at

    @property
    def service(self) -> str:
        """The service's name, as Nagios knows it: "camera north"."""
        return f"{self.check} {self.subject}" if self.subject else self.check

    @property
    def long(self) -> str:
        """The long output: lines without the sign that begins performance data."""
        return "\n".join(safe(line, LONG).replace("|", "/") for line in self.details[:LINES])

    @property
    def performance(self) -> str:
        """The performance data, on one line."""
        return " ".join(map(str, self.perfdata))

    def text(self) -> str:
        """Return what a plugin prints: the first line, the long output, the performance data behind it."""
        data = self.performance
        return "\n".join(part for part in (self.line, self.long, f"| {data}" if data else "") if part) + "\n"

    def to_json(self) -> dict[str, Any]:
        """Return it for the status document: what its readers cannot reckon without the checks."""
        row: dict[str, Any] = {"check": self.check, "state": self.state, "line": self.line}
        if self.subject:
            row["subject"] = self.subject
        if self.losing:
            row["losing"] = round(self.losing, 3)
        if self.loss_at is not None:
            row["loss_at"] = round(self.loss_at)
        return row


def losing(an_hour: float) -> str:
    """Return how a first line ends while pictures are lost."""
    return f"losing {rate(an_hour)}/h"


def act_before(at: float, now: float) -> str:
    """Return how a first line ends when pictures will be lost soon."""
    return f"act before {instant(max(at, now), now)}"


def can_wait(until: float, now: float) -> str:
    """Return how a first line ends when nobody needs to get up for it."""
    return f"can wait until {instant(max(until, now), now)}"


def first_line(check: str, state: int, texts: Sequence[str], ending: str) -> str:
    """Return the first line, below 80 characters: as many of `texts` as there is room for, in their order."""
    head = f"{check.upper()} {STATES[state]}: "
    return f"{head}{_fit(texts, WIDTH - len(head) - len(ending) - 3)} - {ending}"


def _fit(texts: Sequence[str], room: int) -> str:
    clean = [safe(text, LONG).replace("|", "/") for text in texts if text] or ["nothing was found"]
    for count in range(len(clean), 0, -1):
        more = f" +{len(clean) - count}" if count < len(clean) else ""
        said = "; ".join(clean[:count]) + more
        if len(said) <= room:
            return said
    more = f" +{len(clean) - 1}" if len(clean) > 1 else ""
    return f"{clean[0][: max(1, room - len(more) - 3)]}...{more}"
