"""Say when the buffer will be full and when the first unproven picture dies: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.site.model.nodes import WhenFull
from core.units import show_size
from core.values import Kind

NOTICE = timedelta(days=7)  # the loss of unproven pictures is announced this long before
HORIZON = timedelta(days=3650)  # what is further away is called never
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")  # by hand: strftime follows the locale
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Flow = Mapping[tuple[str, Kind], float]  # (camera, kind) -> bytes a day


@dataclass(frozen=True, slots=True)
class Buffer:
    """The state of the buffer, in bytes."""

    free: int
    keep_free: int
    held_proven: int
    held_unproven: int

    @property
    def room(self) -> int:
        """What unproven pictures can still take: free space above `keep_free`, and what is proven."""
        return max(0, self.free - self.keep_free + self.held_proven)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What becomes of the buffer at the present rates."""

    buffer_days: float | None  # with the link down from now on; None: nothing is produced
    full_at: datetime | None  # no room left for what is unproven; None: never
    first_unproven_dies: datetime | None  # None: never, or capture stops instead
    announce_at: datetime | None
    sentence: str


def forecast(produced: Flow, proven: Flow, buffer: Buffer, now: datetime, when_full: WhenFull = "thin") -> Forecast:
    """Return what becomes of the buffer when pictures are `produced` and `proven` at these bytes a day.

    The backlog of one camera that drains makes no lasting room for another whose pictures pile up.
    """
    made, taken = sum(produced.values()), sum(proven.values())
    growth = sum(max(0.0, rate - proven.get(flow, 0.0)) for flow, rate in produced.items())
    full_at = _when(buffer.room, growth, now)
    dies = full_at if when_full == "thin" else None
    return Forecast(
        buffer_days=buffer.room / made if made > 0 else None,
        full_at=full_at,
        first_unproven_dies=dies,
        announce_at=dies - NOTICE if dies is not None else None,
        sentence=_sentence(made, taken, full_at, when_full, buffer),
    )


def _when(room: float, growth: float, now: datetime) -> datetime | None:
    """Return when `growth` bytes a day have filled `room`; None: not within the horizon."""
    if growth <= 0:
        return None
    days = room / growth
    if days > HORIZON / timedelta(days=1):
        return None
    return (now + timedelta(days=days)).replace(second=0, microsecond=0)


def _sentence(made: float, taken: float, full_at: datetime | None, when_full: WhenFull, buffer: Buffer) -> str:
    if full_at is not None:
        what = "the first unproven slot dies" if when_full == "thin" else "the buffer is full and capture stops"
        return f"at this rate {what} on {show_instant(full_at)}"
    if made <= 0:
        return "never: no pictures are being taken"
    rates = f"{show_size(made)} a day are produced and {show_size(taken)} a day proven"
    behind = f"; {show_size(buffer.held_unproven)} are still unproven" if buffer.held_unproven else ""
    return f"never within ten years: {rates}{behind}"


def show_instant(instant: datetime) -> str:
    """Return an instant as operators read it: "Thu 26 Nov 2026 14:00 UTC"."""
    at = instant.astimezone(UTC)
    return f"{_DAYS[at.weekday()]} {at.day} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M} UTC"
