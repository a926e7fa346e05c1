"""What cameras make, what a link carries, how long a buffer lasts: arithmetic over days, before anything is bought.

An uplink is given as goodput: the bytes of pictures a second that it carries, headers not counted. A line of 1 Mbit/s
carries about 120 kB/s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

Way = Literal["everything", "jpeg", "reduced", "monitoring"]
WAYS: tuple[Way, ...] = ("everything", "jpeg", "reduced", "monitoring")  # richest first

DAY = 86_400.0  # seconds
ROUNDING = 1e-9  # of a share: what fits exactly fits
JPEG, RAW = 6_000_000, 24_000_000  # bytes: an 18-megapixel body, where nothing else is known
REDUCED = 500_000  # bytes of a copy of 1920x1280 at quality 85
STATUS = 3_300_000  # bytes a day for everything that is no picture: the 100 MB a month that a unit is allowed


@dataclass(frozen=True, slots=True)
class Shots:
    """What the cameras of a node make: shots a day on average, and the bytes of each; 0: none of this kind is made."""

    per_day: float
    jpeg: int
    raw: int = 0
    reduced: int = REDUCED

    @classmethod
    def every(cls, interval: timedelta, jpeg: int, raw: int = 0, reduced: int = REDUCED) -> Shots:
        """Return the shots of one camera that shoots round the clock; raise ValueError for no interval."""
        if interval <= timedelta(0):
            raise ValueError("the interval must be longer than nothing")
        return cls(DAY / interval.total_seconds(), jpeg, raw, reduced)

    @property
    def size(self) -> int:
        """The bytes of one shot, as they are kept here."""
        return self.jpeg + self.raw

    @property
    def interval(self) -> float:
        """Seconds between two shots, averaged over the whole day."""
        return DAY / self.per_day if self.per_day else float("inf")

    def sent(self, way: Way) -> int:
        """Return the bytes of one shot that a way of using the link sends."""
        if way == "everything":
            return self.size
        if way == "jpeg":
            return self.jpeg or self.raw
        return min(self.reduced, self.size) if way == "reduced" else 0

    @property
    def ways(self) -> tuple[Way, ...]:
        """The ways that differ: without RAW, everything is the JPEG."""
        return WAYS if self.raw and self.jpeg else WAYS[1:]


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What one way of using the link comes to. None where there is no link or no storage to reckon with."""

    way: Way
    bytes_per_shot: int  # sent
    bytes_per_day: float
    needed: float  # bytes a second, averaged over the day
    share: float | None  # of the link
    shortest_interval: float | None  # seconds between shots that the link just carries
    drain: float | None  # days until a backlog of one day is sent; infinite: never

    @property
    def fits(self) -> bool:
        """Whether the link carries it, with what is no picture."""
        return self.share is None or self.share <= 1.0 + ROUNDING


def reckon(shots: Shots, way: Way, uplink: float | None) -> Reckoning:
    """Return what a way comes to on an uplink of so many bytes a second; None: there is no limit."""
    size = shots.sent(way)
    per_day = size * shots.per_day if size else STATUS
    needed = per_day / DAY
    if uplink is None:
        return Reckoning(way, size, per_day, needed, None, None, None)
    spare = uplink - needed
    drain = per_day / (spare * DAY) if spare > 0 else float("inf")
    share = needed / uplink if uplink else float("inf")
    shortest = (size / uplink if uplink else float("inf")) if size else None
    return Reckoning(way, size, per_day, needed, share, shortest, drain)


def buffer_days(shots: Shots, storage: float) -> float:
    """Return for how many days a storage of so many bytes takes all that is made, with the link down."""
    made = shots.size * shots.per_day
    return storage / made if made else float("inf")


def richest(shots: Shots, uplink: float | None) -> Way:
    """Return the richest way that fits the link; monitoring when none does."""
    return next((way for way in shots.ways if reckon(shots, way, uplink).fits), "monitoring")


def without_raw(shots: Shots) -> Shots:
    """Return the same shots without RAW."""
    return replace(shots, raw=0)
