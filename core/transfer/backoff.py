"""When a delivery that failed is tried again."""

from __future__ import annotations

from datetime import timedelta

FIRST = timedelta(seconds=5)
LONGEST = timedelta(minutes=10)
FIRST_REFUSED = timedelta(seconds=30)  # what a person repairs, or a remount, is found without a command
LONGEST_REFUSED = timedelta(hours=1)
AT_ONCE = timedelta(seconds=0.25)  # before the first knock after a cut, which was noticed late enough
SOONEST = timedelta(seconds=2)  # between two knocks at a place that does not answer
KNOCKS = 60  # the next one comes when the outage is longer by this part: bytes that no budget notices
SPREAD = 0.25  # up to this share is added, so that a hundred deliveries do not knock at once


def next_try(attempts: int, error_transient: bool, jitter: float) -> timedelta:
    """Return how long to wait after the `attempts`-th failure in a row; there is no last one.

    `jitter`: a random number in [0, 1).
    """
    first, longest = (FIRST, LONGEST) if error_transient else (FIRST_REFUSED, LONGEST_REFUSED)
    doublings = min(max(attempts, 1) - 1, 10)  # either doubled ten times is past its cap
    return min(first * (1 << doublings), longest) * (1 + SPREAD * jitter)


def next_knock(lasted: timedelta | None, jitter: float) -> timedelta:
    """Return how long to wait before a place that has not answered for `lasted` is tried again; None: it has till now.

    So it has its first bytes soon after a short cut, and after a long one within a sixtieth of it.
    """
    wait = AT_ONCE if lasted is None else min(max(SOONEST, lasted / KNOCKS), LONGEST)
    return wait * (1 + SPREAD * jitter)
