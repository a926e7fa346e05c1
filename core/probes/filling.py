"""When a disk is full: days by its history, with an interval, and nothing where nobody can say. Pure.

Free space is sampled once a day. The days of a week differ, so the change of whole weeks is what counts; clean-ups and
steps make the interval wide, and do not make it wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

WEEK = 7  # days of history that it takes
KEPT = 42  # days of history that count
WIDE = 1.645  # standard deviations of a 90 % interval, for long histories
SHORT = 4  # days: by how much a history of n days widens it, as 1 + SHORT / n
FAR = 3650.0  # days, from which on it is not told


class Full(NamedTuple):
    """Days until it is full: likely, and from `soonest` to `latest` in nine cases of ten; None: perhaps never."""

    days: float
    soonest: float
    latest: float | None


def keep(samples: Sequence[tuple[int, int]], day: int, free: int) -> list[tuple[int, int]]:
    """Return the samples, (day since the epoch, bytes free), with the first one of a new day."""
    if samples and samples[-1][0] >= day:
        return list(samples)
    return [*samples, (day, free)][-KEPT - 1 :]


def full(samples: Sequence[tuple[int, int]], free: int) -> Full | None:
    """Return when it is full, None with less than a week of history or while it does not fill."""
    if len(samples) < WEEK + 1 or samples[-1][0] - samples[0][0] < WEEK:
        return None
    span = samples[-1][0] - samples[0][0]
    changes = [(b[0] - a[0], a[1] - b[1]) for a, b in pairwise(samples)]
    rate = (samples[0][1] - samples[-1][1]) / span  # bytes a day
    if rate <= 0 or free / rate > FAR:
        return None
    spread = _spread(changes, rate) * (1 + SHORT / span)
    if rate <= WIDE * spread / sqrt(span) * 0.5 and free / rate > 365:
        return None  # as good as flat
    soonest = _crossing(free, rate, spread, span, 1)
    latest = _crossing(free, rate, spread, span, -1)
    return Full(round(free / rate, 1), round(soonest or 0.0, 1), None if latest is None else round(latest, 1))


def _spread(changes: Sequence[tuple[int, int]], rate: float) -> float:
    """Return the standard deviation of a day's change, as days and as weeks show it: the larger one."""
    days = [change / gap for gap, change in changes]
    one = sqrt(sum((change - rate) ** 2 for change in days) / max(1, len(days) - 1))
    weeks = [sum(days[n : n + WEEK]) for n in range(len(days) - WEEK + 1)]
    seven = sqrt(sum((week - WEEK * rate) ** 2 for week in weeks) / max(1, len(weeks) - 1) / WEEK) if weeks else 0.0
    return max(one, seven)


def _crossing(free: float, rate: float, spread: float, span: float, side: int) -> float | None:
    """Return the days after which `free` is used up when all goes fast (1) or slowly (-1); None: perhaps never.

    The rate is known to spread/sqrt(span), and what is used in t days strays by spread*sqrt(t).
    """

    def used(days: float) -> float:
        return rate * days + side * WIDE * spread * sqrt(days + days * days / span)

    low, high = 0.0, 2 * FAR
    if used(high) < free:
        return None
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if used(middle) >= free else (middle, high)
    return high
