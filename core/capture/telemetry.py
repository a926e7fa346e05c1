"""Read what cameras say of themselves: lenient, pure, and never a number where there was none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from core.text import safe

_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_BATTERY_WORDS = {"full": 100, "high": 75, "normal": 75, "half": 50, "medium": 50, "low": 25, "critical": 5, "empty": 0}
_MAINS_WORDS = ("ac power", "ac adapter", "mains", "external", "line power")
QUARTER = 900.0  # seconds
ZONE_SLACK = 30.0  # seconds beside whole quarter-hours that are still a zone and a drift, not a wrong clock


def battery(text: object) -> dict[str, Any]:
    """Return `battery_text` as the camera wrote it, and `battery` in percent and `mains` where it says so."""
    raw = safe(text, 40).strip()
    if not raw:
        return {}
    words = raw.lower()
    if any(word in words for word in _MAINS_WORDS):
        return {"battery_text": raw, "mains": True}
    percent = _percent(words)
    return {"battery_text": raw} if percent is None else {"battery_text": raw, "battery": percent}


def _percent(words: str) -> int | None:
    number = None if "unknown" in words else whole(words)
    if number is not None:
        return number if 0 <= number <= 100 else None
    return next((percent for word, percent in _BATTERY_WORDS.items() if word in words), None)


def whole(text: object) -> int | None:
    """Return the first number in `text`, None when there is none."""
    found = _NUMBER.search(str(text))
    return round(float(found[0].replace(",", "."))) if found else None


def count(text: object) -> int | None:
    """Return the first number in `text` when it can be a count: cameras say -1 for "unknown"."""
    number = whole(text)
    return number if number is not None and number >= 0 else None


def clock(camera: float, host: float) -> dict[str, float]:
    """Return `clock_drift`, seconds that the camera is ahead, and `clock_zone`, whole quarter-hours beside it.

    A clock that is off by whole quarter-hours is set to another zone or to summer time: told, never fought.
    """
    ahead = camera - host
    zone = round(ahead / QUARTER) * QUARTER
    if zone == 0 or abs(ahead - zone) > ZONE_SLACK or abs(zone) > 14 * 4 * QUARTER:
        return {"clock_drift": round(ahead, 1)}
    return {"clock_drift": round(ahead - zone, 1), "clock_zone": zone}


def ahead_of_host(readings: Mapping[str, Any]) -> float:
    """Return the seconds to take from the camera's times to have the host's."""
    return float(readings.get("clock_drift", 0.0)) + float(readings.get("clock_zone", 0.0))


def space(stores: list[tuple[int | None, int | None]]) -> dict[str, int]:
    """Return `free_bytes` and `free_pictures` of all stores, each (kB free, pictures free); unknown ones are absent."""
    kilobytes = [free for free, _ in stores if free is not None and free >= 0]
    pictures = [free for _, free in stores if free is not None and free >= 0]
    found = {"free_bytes": sum(kilobytes) * 1024} if kilobytes else {}
    return found | ({"free_pictures": sum(pictures)} if pictures else {})
