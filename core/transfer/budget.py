"""A link's month: what it may carry, what it has carried, and where that leads. Pure.

The total is read where bytes leave the site, when it can be (a modem, an interface, a router); the classes are our own
accounting, and what is in the total and in no class is "other". Without a total it is our own bytes and an overhead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

OVERHEAD = 1.045  # bytes on the wire for each byte sent: TCP, IP and SSH headers of 1500-byte packets
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Month:
    """A billing month: from its first instant to the first one of the next."""

    begin: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it is: clock changes counted."""
        return self.end - self.begin


def month_of(now: datetime, zone: ZoneInfo, starts: int = 1) -> Month:
    """Return the billing month around `now` that begins on local day `starts`, 1 to 28; raise ValueError."""
    if not 1 <= starts <= 28:
        raise ValueError("a month starts on a day from 1 to 28: every month has those")
    local = now.astimezone(zone)
    year, month = local.year, local.month
    if local.day < starts:
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    begin = datetime(year, month, starts, tzinfo=zone)
    year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    end = datetime(year, month, starts, tzinfo=zone)
    utc = now.tzinfo
    return Month(begin.astimezone(utc), end.astimezone(utc))


@dataclass(frozen=True, slots=True)
class Usage:
    """Bytes of a month: by class as we sent them, and in `total` as somebody counted them on the wire."""

    classes: Mapping[str, int]
    total: int | None = None
    since: int = 0  # of our own bytes, those that the total does not hold yet

    @property
    def sent(self) -> int:
        """What we sent, headers not counted."""
        return sum(self.classes.values())

    @property
    def on_the_wire(self) -> int:
        """What counts against the budget."""
        return round(self.sent * OVERHEAD) if self.total is None else self.total + round(self.since * OVERHEAD)

    @property
    def other(self) -> int:
        """What is in the total and in no class: headers, and whoever else uses the link."""
        return max(0, self.on_the_wire - self.sent)

    def rows(self) -> dict[str, int]:
        """Return bytes by class, the rest as "other"."""
        return {**self.classes, OTHER: self.other}


def grown(counter: int, last: int | None) -> int:
    """Return the bytes since an ever-growing counter was read before, as `last`; None at first: nothing.

    A counter that went back has begun anew (a restart of the modem): what it shows now was all carried since.
    """
    if last is None:
        return 0
    return counter - last if counter >= last else counter


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where a month leads. `budget` None: the link costs nothing more."""

    budget: int | None
    used: int
    at_end: int  # bytes by the month's end, at the pace of late

    @property
    def holds(self) -> bool:
        """Whether the budget lasts at this pace."""
        return self.budget is None or self.at_end <= self.budget

    @property
    def left(self) -> int | None:
        """The bytes that may still be used."""
        return None if self.budget is None else max(0, self.budget - self.used)


def outlook(budget: int | None, used: int, month: Month, now: datetime, pace: float) -> Outlook:
    """Return where the month leads when the rest of it goes on at `pace` bytes a second."""
    rest = max(0.0, (month.end - now).total_seconds())
    return Outlook(budget, used, round(used + pace * rest))


def affordable(
    classes: Sequence[str], paces: Mapping[str, float], budget: int, used: int, rest: float
) -> frozenset[str]:
    """Return which `classes` (the most urgent first) may go on now.

    Each may use what the more urgent ones leave when they go on at their `paces` (bytes a second) for the `rest` of
    the month (seconds), so that what is missed first is not what runs dry.
    """
    kept, found = 0.0, set()
    for name in classes:
        if used + kept >= budget:
            break
        found.add(name)
        kept += paces.get(name, 0.0) * max(0.0, rest) * OVERHEAD
    return frozenset(found)


def allowance(budget: int, used: int, month: Month, now: datetime) -> float:
    """Return the bytes a second that just use up the budget by the month's end."""
    rest = (month.end - now).total_seconds()
    return max(0, budget - used) / rest if rest > 0 else 0.0
