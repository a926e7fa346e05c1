"""The clock of a simulated fleet: what is going to happen, in its order."""

from __future__ import annotations

import heapq
from collections.abc import Callable

Happening = Callable[[], object]
_Entry = tuple[float, int, Happening]


class Timeline:
    """Seconds from the begin of a history, and what happens when. Equal times keep the order of their asking."""

    def __init__(self) -> None:
        self.now = 0.0
        self._coming: list[_Entry] = []
        self._order = 0

    def at(self, when: float, happen: Happening) -> None:
        """Have something happen at an instant; one that is over is now."""
        self._order += 1
        heapq.heappush(self._coming, (when if when > self.now else self.now, self._order, happen))

    def after(self, seconds: float, happen: Happening) -> None:
        """Have something happen so many seconds from now."""
        self.at(self.now + seconds, happen)

    def run(self, until: float) -> None:
        """Let all happen that comes before `until`."""
        coming, pop = self._coming, heapq.heappop
        while coming and coming[0][0] <= until:
            self.now, _, happen = pop(coming)
            happen()
        self.now = until

    def run_while(self, going_on: Callable[[], bool], until: float) -> None:
        """Let things happen one by one for as long as `going_on` says, at most until an instant."""
        while going_on() and self._coming and self._coming[0][0] <= until:
            self.now, _, happen = heapq.heappop(self._coming)
            happen()
