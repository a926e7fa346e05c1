"""Ages, instants and sizes as a table says them: short, and coarse enough that they seldom change."""

from __future__ import annotations

from datetime import UTC, datetime

NOBODY_KNOWS = "-"


def age(seconds: float | None) -> str:
    """Return an age in one unit: "5m", "3h", "2d"; a clock that is behind makes it "0m"."""
    if seconds is None:
        return NOBODY_KNOWS
    minutes = max(0, int(seconds)) // 60
    if minutes < 120:
        return f"{minutes}m"
    return f"{minutes // 60}h" if minutes < 48 * 60 else f"{minutes // 1440}d"


def every(seconds: float | None) -> str:
    """Return an interval: "10m", "30s", "1h"."""
    if not seconds:
        return NOBODY_KNOWS
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds / 60:.0f}m" if seconds >= 600 else f"{seconds:.0f}s"


def clock(at: float | None, now: datetime) -> str:
    """Return an instant in UTC, near ones without their day: "14:02", "21 14:02", "3 Dec"."""
    if at is None:
        return NOBODY_KNOWS
    try:
        instant = datetime.fromtimestamp(at, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return "?"
    if instant.date() == now.date():
        return f"{instant:%H:%M}"
    if abs((instant - now).days) < 20:
        return f"{instant.day} {instant:%H:%M}"
    return f"{instant.day} {instant:%b}" if abs((instant - now).days) < 300 else f"{instant:%b %Y}"


def moment(at: float) -> str:
    """Return an instant to the second, in UTC."""
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
    except (TypeError, ValueError, OverflowError, OSError):
        return "?"


def size(count: float | None) -> str:
    """Return bytes in at most five characters: "312M", "1.2G"."""
    if count is None:
        return NOBODY_KNOWS
    value = float(count)
    for unit in ("", "k", "M", "G"):
        if value < 999.5:
            return f"{value:.1f}{unit}" if unit and value < 9.95 else f"{value:.0f}{unit}"
        value /= 1000
    return f"{value:.1f}T"


def days(value: float | None) -> str:
    """Return days that a buffer holds; what is far is "1y+"."""
    if value is None:
        return NOBODY_KNOWS
    return "1y+" if value >= 366 else f"{value:.0f}" if value >= 10 else f"{value:.1f}"
