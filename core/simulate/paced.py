"""A simulated world that runs as fast as it can up to now, and from then on as time does."""

from __future__ import annotations

import heapq
import time
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import TypeVar

from core.simulate.world import World

T = TypeVar("T")


class PacedWorld(World):
    """A world whose clocks are those of this machine, once `go_live` was called."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self._ahead: float | None = None  # of our monotonic clock over that of the machine

    def go_live(self) -> None:
        """From now on let time pass as it does."""
        self._ahead = self._monotonic - time.monotonic()

    def now(self) -> datetime:
        return super().now() if self._ahead is None else datetime.now(UTC)

    def monotonic(self) -> float:
        return super().monotonic() if self._ahead is None else time.monotonic() + self._ahead

    def wait(self, queue: SimpleQueue[T], until: float) -> T | None:
        if self._ahead is None:
            return super().wait(queue, until)
        while True:
            while self._coming and self._coming[0][0] <= self.monotonic():
                heapq.heappop(self._coming)[2]()
            due = min(until, self._coming[0][0]) if self._coming else until
            try:
                return queue.get(timeout=max(0.0, due - self.monotonic()))
            except Empty:
                if self.monotonic() >= until:
                    return None
