"""The line that says how fresh a screen is, and what looking at it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from textual.strip import Strip

from console.thrift.wire import Figures
from console.widgets.lines import Lines
from console.widgets.looks import Part, Text

FIGURES_EVERY = timedelta(seconds=60)  # what a session cost is worth its own bytes once a minute


@dataclass(frozen=True, kw_only=True)
class Status:
    """What is known of the data on the screen. Instants are aware."""

    now: datetime
    as_of: datetime | None  # when what is shown was true; None: nothing has been read yet
    refresh: timedelta  # how often it is read
    stale_after: timedelta
    read_only: bool = True
    trouble: str = ""  # why nothing newer comes
    note: str = ""  # rows shown, a filter, what was just done

    @property
    def age(self) -> timedelta | None:
        """Return how old it is; never negative."""
        return None if self.as_of is None else max(self.now - self.as_of, timedelta(0))

    @property
    def stale(self) -> bool:
        """Tell whether it is too old to act on."""
        return self.age is None or self.age > self.stale_after


def rough(age: timedelta) -> str:
    """Return an age in one unit, coarse enough that it seldom changes."""
    seconds = int(age.total_seconds())
    for limit, size, unit in ((60, 5, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds // size * (size if unit == 's' else 1)} {unit}"
    return f"{seconds // 86400} days"


def size_said(size: int) -> str:
    """Return bytes in two or three digits."""
    value = float(size)
    for unit in ("B", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def freshness(status: Status) -> list[Part]:
    """Return how fresh the screen is, in words."""
    if status.age is None:
        return [("NOTHING READ YET", "crit"), f" {status.trouble}".rstrip()]
    assert status.as_of is not None
    at = f"as of {status.as_of:%H:%M}Z"
    if status.stale:
        return [(f"STALE {rough(status.age)}", "crit"), f" {at} {status.trouble}".rstrip()]
    return [at]


def cost(figures: Figures | None) -> str:
    """Return what the session has cost and how far away the terminal is."""
    if figures is None or not figures.content:
        return ""
    trip = "" if figures.round_trip is None else f"  RTT {round(figures.round_trip, 2):.2f} s"
    return f"{size_said(figures.on_the_wire)} sent{trip}"


def status_text(status: Status, spent: str, width: int) -> list[Part]:
    """Return the line for a screen of `width`: what matters most stays longest."""
    role = "[RO] " if status.read_only else "[RW] "
    note = f"  {status.note}" if status.note else ""
    parts: list[Part] = [role, *freshness(status), note]
    if note and _length(parts) > width:  # what this screen lacks matters more than why nothing newer comes
        parts = [role, *freshness(replace(status, trouble="")), note]
    for extra in (f"  {spent}" if spent else "", f"  every {status.refresh.total_seconds():.0f} s"):
        if _length(parts) + len(extra) <= width:
            parts.append(extra)
    return parts


def _length(parts: Sequence[Part]) -> int:
    return sum(len(part if isinstance(part, str) else part[0]) for part in parts)


class StatusLine(Lines):
    """One line; drawn again when what it says changes."""

    DEFAULT_CSS = "StatusLine { height: 1; dock: bottom; }"

    def __init__(self, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._spent = ""
        self._spent_at: datetime | None = None
        self.status: Status | None = None

    def tell(self, status: Status, figures: Figures | None = None) -> None:
        """Show this status; the figures of the session follow once a minute, with what is sent anyway."""
        if self._spent_at is None or status.now - self._spent_at >= FIGURES_EVERY:
            self._spent = cost(figures)
            self._spent_at = status.now if self._spent else None
        self.status = status
        self.draw()

    def made(self, width: int, height: int) -> list[Strip]:
        """Return the one line."""
        text: Text = status_text(self.status, self._spent, width) if self.status is not None else ""
        self._texts = [text]
        return super().made(width, height)
