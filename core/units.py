"""Quantities as people write and read them: "10m", "8GB", "120kB/s"."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d|w)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(k|M|G|T)?(i?)B")
_POWER = {None: 0, "k": 1, "M": 2, "G": 3, "T": 4}
LONGEST = 365_000 * 86400.0  # seconds: a thousand years from today is still a date
LARGEST = 10**18  # bytes: no disk has more, and a database still counts them


def parse_duration(text: object) -> timedelta:
    """Return the duration that `text` says ("90s", "1h30m"); raise ValueError with what to write instead."""
    if not isinstance(text, str):
        raise ValueError('expected a duration as text, such as "10m" or "1h30m"')
    parts = _DURATION.findall(text)
    if not parts or _DURATION.sub("", text).strip():
        raise ValueError(f'{text!r} is not a duration; write a number and ms, s, m, h, d or w, such as "1h30m"')
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if seconds > LONGEST:
        raise ValueError(f"{text!r:.60} is more than can be counted; write less")
    return timedelta(seconds=seconds)


def parse_size(text: object) -> int:
    """Return the bytes that `text` says ("8GB", "512MiB"); raise ValueError with what to write instead."""
    if not isinstance(text, str):
        raise ValueError('expected a size as text, such as "8GB"')
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'{text!r} is not a size; write a number and B, kB, MB, GB or TB, such as "8GB"')
    number, prefix, binary = match.groups()
    size = float(number) * (1024 if binary else 1000) ** _POWER[prefix]
    if size > LARGEST:
        raise ValueError(f"{text!r:.60} is more than any disk holds; write less")
    return int(size)


def parse_rate(text: object) -> int:
    """Return the bytes a second that `text` says ("120kB/s"); raise ValueError with what to write instead."""
    if not isinstance(text, str) or not text.strip().endswith("/s"):
        raise ValueError('expected a rate as text, such as "120kB/s"')
    return parse_size(text.strip()[:-2])


def show_duration(duration: timedelta | float) -> str:
    """Return a duration in one or two units, whole: "42s", "10m", "1h30m", "61d"."""
    seconds = round(duration.total_seconds() if isinstance(duration, timedelta) else duration)
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    if seconds < 60:
        return f"{sign}{seconds}s"
    if seconds < 3600:
        return sign + _two(seconds, 60, "m", 1, "s", fine_below=10)
    if seconds < 86400:
        return sign + _two(seconds, 3600, "h", 60, "m", fine_below=24)
    return sign + _two(seconds, 86400, "d", 3600, "h", fine_below=10)


def _two(seconds: int, large: int, large_unit: str, small: int, small_unit: str, fine_below: int) -> str:
    whole, rest = divmod(seconds, large)
    fine = rest // small if whole < fine_below else 0
    return f"{whole}{large_unit}" + (f"{fine}{small_unit}" if fine else "")


def show_size(size: float) -> str:
    """Return bytes in three figures: "512 B", "6.29 MB", "1.2 TB"."""
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if abs(value) < 1000:
            break
        value, unit = value / 1000, larger
    if unit == "B":
        return f"{value:.0f} B"
    return f"{value:.0f} {unit}" if abs(value) >= 100 else f"{value:.3g} {unit}"
