"""Numbers, spans and instants, for people and for performance data: short, fixed point, ASCII."""

from __future__ import annotations

import time

MINUTE, HOUR, DAY = 60, 3600, 86400
NEAR = 6 * DAY  # a weekday names an instant that is no further away
LAST = 253_370_764_800  # the year 9999: what is later is shown as this
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SIZES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def is_number(value: object) -> bool:
    """Return whether `value` is a number that can be compared: no NaN, no infinity."""
    kind = type(value)  # asked of every number of every document: twice as fast as isinstance
    return kind is int or kind is bool or (kind is float and value - value == 0)  # type: ignore[operator]


def fixed(value: object, digits: int = 3) -> str:
    """Return a number in the class [-0-9.] of the guidelines, `U` (not determined) for what is none."""
    if type(value) is int:
        return str(value)
    if not is_number(value):
        return "U"
    if isinstance(value, int):
        return str(int(value))
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def span(seconds: float) -> str:
    """Return a span as people say it: "45 s", "25 min", "7 h", "12 d"."""
    seconds = max(0.0, seconds)
    if seconds < 2 * MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * HOUR:
        return f"{seconds / MINUTE:.0f} min"
    return f"{seconds / HOUR:.0f} h" if seconds < 2 * DAY else f"{seconds / DAY:.0f} d"


def instant(at: float, now: float) -> str:
    """Return an instant in UTC: "Sat 14:02Z" within six days of `now`, else "26 Nov 2026"."""
    told = time.gmtime(min(max(at, 0), LAST))
    if abs(at - now) < NEAR:
        return f"{_DAYS[told.tm_wday]} {told.tm_hour:02}:{told.tm_min:02}Z"
    return f"{told.tm_mday} {_MONTHS[told.tm_mon - 1]} {told.tm_year}"


def short(name: str, most: int = 14) -> str:
    """Return a name that leaves room on a first line for what is wrong: its beginning and its last two letters."""
    return name if len(name) <= most else f"{name[: most - 3]}~{name[-2:]}"


def size(count: float) -> str:
    """Return bytes as people say them: "1.2 GB"."""
    for unit, name in _SIZES:
        if abs(count) >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count:.0f} B"


def rate(an_hour: float) -> str:
    """Return pictures an hour: whole from ten on, one that comes once a day or a week is not rounded to none."""
    if an_hour >= 9.5:
        return f"{an_hour:.0f}"
    return fixed(an_hour, 1) if an_hour >= 0.1 else fixed(max(an_hour, 0.001), 3)
