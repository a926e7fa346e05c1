"""When a delivery that failed is tried again."""

from __future__ import annotations

from datetime import timedelta

FIRST = timedelta(seconds=5)
LONGEST = timedelta(minutes=10)
NOT_TRANSIENT = timedelta(hours=1)  # so that what a person repaired is found without a command
SPREAD = 0.25  # up to this share is added, so that a hundred deliveries do not knock at once


def next_try(attempts: int, error_transient: bool, jitter: float) -> timedelta:
    """Return how long to wait after the `attempts`-th failure in a row; there is no last one.

    `jitter`: a random number in [0, 1).
    """
    if not error_transient:
        return NOT_TRANSIENT * (1 + SPREAD * jitter)
    doublings = min(max(attempts, 1) - 1, 10)  # 5 s doubled ten times is past the cap
    return min(FIRST * (1 << doublings), LONGEST) * (1 + SPREAD * jitter)
