"""When the next frame may go: rules on a monotonic clock in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

AT_ONCE = 0.01  # seconds that a burst of paints is given, even behind a key
SETTLING, SETTLED = 0.12, 0.6  # after a resize: wait for the next one, but not longer than this altogether
BURST = 0.25  # of a minute's budget may be saved up


@dataclass
class Pace:
    """Hold frames back: at most `rate` a second and `budget` bytes a minute, none of it for what answers a key."""

    rate: float = 4.0
    urgent_for: float = 0.4  # seconds
    budget: int = 0  # bytes a minute with what carries them; 0: no limit
    _urgent_until: float = field(default=-1.0, init=False)
    _last: float = field(default=-1e9, init=False)
    _saved: float = field(default=0.0, init=False)  # bytes; below zero: to be waited for
    _resizing: tuple[float, float] = field(default=(-1e9, -1e9), init=False)  # first, last

    def __post_init__(self) -> None:
        self._saved = self.budget * BURST

    def key(self, now: float) -> None:
        """Note that the operator did something: what is painted next answers it."""
        self._urgent_until = now + self.urgent_for

    def resized(self, now: float) -> None:
        """Note a change of size: more follow while a corner is dragged."""
        first, last = self._resizing
        self._resizing = (first if now - last < SETTLING else now, now)

    def sent(self, size: int, now: float) -> None:
        """Note a frame of `size` bytes on the wire."""
        if self.budget:
            self._saved = max(self._savings(now) - size, -float(self.budget))
        self._last = now

    def due(self, now: float) -> float:
        """Return when a frame that is ready now may go."""
        first, last = self._resizing
        settled = min(last + SETTLING, first + SETTLED)
        if now < self._urgent_until:
            return max(now + AT_ONCE, settled)
        return max(now + AT_ONCE, settled, self._last + self.interval(now))

    def interval(self, now: float) -> float:
        """Return how far apart frames are now, in seconds: stretched while the budget is spent."""
        least = 1 / self.rate
        if not self.budget:
            return least
        debt = -min(self._saved, 0.0)
        return max(least, debt * 60 / self.budget)

    def _savings(self, now: float) -> float:
        gained = (now - self._last) * self.budget / 60 if self._last > 0 else 0.0
        return min(self._saved + gained, self.budget * BURST)
