"""Grants: who may send how many bytes now, over one link. Pure; the loop asks at every event and every wake."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

CLASSES = ("status", "live", "thumbnail", "jpeg", "raw", "audit")  # what a person would miss first
BURST = 1.0  # seconds of the rate that may be saved up


@dataclass(slots=True)
class Asking:
    """A transfer that waits for its grant."""

    who: Hashable
    size: int  # bytes
    priority: str
    since: float  # monotonic seconds


@dataclass(slots=True)
class LinkGrants:
    """One link: a rate in bytes a second (None: as fast as it goes) and those who wait for a grant.

    A token bucket that may go into debt by one grant: a transfer gets what it asked for as soon as the bucket is
    not empty, so that the mean rate is kept and no grant is ever split.
    """

    rate: int | None = None
    carries: frozenset[str] = frozenset(CLASSES)  # what a window, a budget or a rung lets through now
    _saved: float = 0.0
    _at: float = 0.0
    _waiting: list[Asking] = field(default_factory=list)

    def ask(self, who: Hashable, size: int, priority: str, now: float) -> None:
        """Put a transfer into the line."""
        self._waiting.append(Asking(who, size, priority, now))

    def at_once(self, priority: str) -> bool:
        """Tell whether whoever asks for a grant of this class now has it at once, whatever its size."""
        return self.rate is None and priority in self.carries

    def spend(self, size: int) -> None:
        """Count bytes that went without a grant, because they are few: what is granted next waits for them."""
        if self.rate is not None:
            self._saved -= size

    def forget(self, who: Hashable) -> None:
        """Take a transfer that ended out of the line."""
        self._waiting = [asking for asking in self._waiting if asking.who != who]

    def grants(self, now: float) -> list[tuple[Hashable, int]]:
        """Return (who, bytes) for all that may send now, the most urgent class first, in it the longest waiting."""
        self._refill(now)
        given: list[tuple[Hashable, int]] = []
        while (asking := self._first()) is not None and (self.rate is None or self._saved > -1):
            self._waiting.remove(asking)
            self._saved -= asking.size if self.rate is not None else 0
            given.append((asking.who, asking.size))
        return given

    def wake(self, now: float) -> float:
        """Return the monotonic time of the next grant, infinity when nobody waits for what the link carries."""
        if self._first() is None:
            return float("inf")
        if self.rate is None or self._saved > -1:
            return now
        return max(now, self._at - self._saved / self.rate)

    def shut_out(self) -> None:
        """Take those out of the line whose class the link does not carry now."""
        self._waiting = [asking for asking in self._waiting if asking.priority in self.carries]

    def _first(self) -> Asking | None:
        """Return whose turn it is: the most urgent class, in it the longest waiting."""
        open_for = (asking for asking in self._waiting if asking.priority in self.carries)
        return min(open_for, key=lambda asking: (CLASSES.index(asking.priority), asking.since), default=None)

    def _refill(self, now: float) -> None:
        if self.rate is not None:
            self._saved = min(self.rate * BURST, self._saved + (now - self._at) * self.rate)
        self._at = now
