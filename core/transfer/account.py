"""The bytes of a link, month by month: kept in the catalogue as JSON, rolled over by itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.transfer.budget import Month, Usage, grown, month_of

DAY = timedelta(days=1)
SOONEST = 3600.0  # seconds over which the first bytes are spread: a burst is no pace
LATE = 7  # days whose mean is the pace of late


@dataclass
class Account:
    """What a link has carried in this month, and how much a day of late.

    `total` is None as long as nothing outside of us counts.
    """

    month: Month
    zone: ZoneInfo
    starts: int = 1
    classes: dict[str, int] = field(default_factory=dict)
    total: int | None = None
    since: int = 0  # our own bytes since the total was last read
    reading: int | None = None  # of the counter, when it was last read
    days: dict[int, int] = field(default_factory=dict)  # UTC day (ordinal) -> bytes on the wire
    counting: float | None = None  # seconds since the epoch: since when
    told: set[str] = field(default_factory=set)  # classes of which people know that the budget leaves them nothing

    @classmethod
    def opened(cls, now: datetime, zone: ZoneInfo, starts: int, kept: Mapping[str, Any] | None) -> Account:
        """Return the account at `now`, from what `to_json` gave; one of another month begins anew."""
        account = cls(month_of(now, zone, starts), zone, starts)
        if kept is not None:
            account.reading = kept.get("reading")
            account.days = {int(day): size for day, size in kept.get("days", {}).items()}
            account.counting = kept.get("counting")
            if kept.get("begin") == account.month.begin.timestamp():
                account.classes, account.total = dict(kept["classes"]), kept.get("total")
                account.since, account.told = kept.get("since", 0), set(kept.get("told", ()))
        else:
            account.counting = now.timestamp()
        return account

    def to_json(self) -> dict[str, Any]:
        """Return what the catalogue keeps of it."""
        return {
            "begin": self.month.begin.timestamp(),
            "classes": self.classes,
            "total": self.total,
            "since": self.since,
            "reading": self.reading,
            "days": {str(day): size for day, size in self.days.items()},
            "counting": self.counting,
            "told": sorted(self.told),
        }

    @property
    def usage(self) -> Usage:
        """The month so far."""
        return Usage(self.classes, self.total, self.since)

    def roll(self, now: datetime) -> None:
        """Begin the month that `now` lies in, when it is another one; a clock that went back begins none."""
        if now >= self.month.end:
            self.month = month_of(now, self.zone, self.starts)
            self.classes, self.total, self.since = {}, None if self.total is None else 0, 0
            self.told = set()
        today = now.toordinal()
        self.days = {day: size for day, size in self.days.items() if today - LATE <= day <= today}

    def charge(self, name: str, size: int, now: datetime) -> None:
        """Count `size` bytes that we send as class `name`."""
        before = self.usage.on_the_wire
        self.classes[name] = self.classes.get(name, 0) + size
        self.since += 0 if self.total is None else size
        self._count(self.usage.on_the_wire - before, now)

    def read(self, counter: int, now: datetime) -> None:
        """Take a new reading of an ever-growing counter that sees all bytes of the link."""
        self.passed(grown(counter, self.reading), now)
        self.reading = counter

    def passed(self, size: int, now: datetime) -> None:
        """Take in that `size` bytes passed over the link since somebody outside of us was last asked."""
        before = self.usage.on_the_wire
        self.total = (before if self.total is None else self.total) + size  # what we counted until now is not forgotten
        self.since = 0
        self._count(max(0, self.usage.on_the_wire - before), now)

    def _count(self, size: int, now: datetime) -> None:
        today = now.toordinal()
        self.days[today] = self.days.get(today, 0) + size

    def pace(self, now: datetime) -> float:
        """Return the bytes a second of the last days; of the days that are over where there are some."""
        today = now.toordinal()
        over = [size for day, size in self.days.items() if day < today]
        if over:
            return sum(over) / (today - min(self.days)) / DAY.total_seconds()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        gone = now.timestamp() - max(midnight, self.counting or midnight)
        return self.days.get(today, 0) / max(SOONEST, gone)
