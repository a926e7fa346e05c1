"""The one thread that decides: it takes events from one queue and gives each to the site that it concerns."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol

from core.clock import Clock

log = logging.getLogger(__name__)

LONGEST_SLEEP = 60.0  # seconds; a wall clock that jumped is noticed by then


class Part(Protocol):
    """What this node does for one site."""

    def handle(self, event: object) -> None:
        """Take in what happened."""
        ...

    def tick(self) -> None:
        """Do what is due now."""
        ...

    def wake(self) -> float:
        """Return the monotonic time at which something is due next."""
        ...

    def finished(self) -> bool:
        """Return whether nothing is in hand any more, once `stop` was asked."""
        ...

    def stop(self) -> None:
        """Begin nothing new; what is in hand is finished."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, for one part."""

    part: Part
    what: object


@dataclass(frozen=True, slots=True)
class Stop:
    """The node shall end: the shot in hand is finished, nothing new begins. `again`: to be started anew at once."""

    again: bool = False


class Loop:
    """Runs the parts of all sites of this node in one thread."""

    def __init__(
        self,
        clock: Clock,
        queue: SimpleQueue[Event | Stop],
        heart: Callable[[], object] = lambda: None,
        longest_sleep: float = LONGEST_SLEEP,
        stop_within: float = 60.0,
    ) -> None:
        """`heart` is called once a step, at least every `longest_sleep` seconds: a watchdog listens to it.

        The queue is a SimpleQueue because its `put` may be called from a signal handler.
        """
        self._clock = clock
        self._queue = queue
        self._heart = heart
        self._longest_sleep = longest_sleep
        self._stop_within = stop_within
        self._stop_at: float | None = None
        self._again = False

    def run(self, parts: Sequence[Part]) -> bool:
        """Run until `Stop` was posted and every part has finished what it had in hand; return whether to run again."""
        try:
            while not self._over(parts):
                self.step(parts)
        finally:
            for part in parts:
                part.close()
        return self._again

    def step(self, parts: Sequence[Part]) -> None:
        """Wait for the next event or the next wake, whichever comes first, and act on it."""
        now = self._clock.monotonic()
        until = min([part.wake() for part in parts] + [now + self._longest_sleep])
        event = self._clock.wait(self._queue, until)
        if isinstance(event, Stop):
            self._again = event.again
            self._begin_to_stop(parts)
        elif event is not None:
            event.part.handle(event.what)
        for part in parts:
            part.tick()
        self._heart()

    def _begin_to_stop(self, parts: Sequence[Part]) -> None:
        self._stop_at = self._clock.monotonic() + self._stop_within
        for part in parts:
            part.stop()

    def _over(self, parts: Sequence[Part]) -> bool:
        if self._stop_at is None:
            return False
        return all(part.finished() for part in parts) or self._clock.monotonic() >= self._stop_at
