"""Connections that rest between two check-ins: a NAT, or a server, may forget them without a word."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

from core.errors import DestinationError, DestinationUnreachable
from core.worker import Json, Talk

T = TypeVar("T")
RESTED = 60.0  # seconds; what was used later than that and fails is at fault itself


class Heard(Talk):
    """A lane's talk that knows whether it was used: by then something came over the connection, or went."""

    def __init__(self, talk: Talk) -> None:
        super().__init__(talk.send, talk.read, talk.lane)
        self.used = False

    def send(self, message: Json) -> None:
        """Send one message of this lane."""
        self.used = True
        super().send(message)


@dataclass(slots=True)
class Lane:
    """When a lane was used last, in monotonic seconds."""

    used_at: float
    worked: bool = True
    busy: bool = False

    def rested(self, now: float) -> float:
        """Return the seconds since; what did not work then does not rest."""
        return now - self.used_at if self.worked else 0.0


class Resting:
    """Does what is asked over connections that are kept, once more where they turn out to have died at rest.

    What breaks after it has come to something did not die at rest: begun anew, it would send all once more.
    Each lane rests by itself, and one that finds its connections dead leaves those that others are at alone.
    A rest as long as one that was not survived ends them beforehand: that is found out once and not each time.
    """

    def __init__(self, hang_up: Callable[[int], None], monotonic: Callable[[], float] = time.monotonic) -> None:
        """`hang_up` ends the connections of a lane; what it asks next makes new ones."""
        self._hang_up, self._monotonic = hang_up, monotonic
        self._lock = Lock()
        self._lanes = {0: Lane(monotonic())}  # the first is connected before anything is asked
        self._fatal = float("inf")  # seconds of rest

    def do(self, talk: Talk, ask: Callable[[Talk], T]) -> T:
        """Return what `ask` does with the talk of its lane; raise what it raises."""
        rested = self._begin(talk.lane)
        worked = True
        try:
            return self._once_more(Heard(talk), ask, rested)
        except DestinationUnreachable:
            worked = False
            raise
        finally:
            with self._lock:
                self._lanes[talk.lane] = Lane(self._monotonic(), worked)

    def _begin(self, lane: int) -> float:
        """Return the seconds that a lane's connections have rested, 0 when that was too long and they were ended.

        With them those of idle lanes: they may share a connection, which lasts as long as one of them holds it.
        """
        with self._lock:
            now = self._monotonic()
            rested = self._lanes.setdefault(lane, Lane(now)).rested(now)
            if rested >= self._fatal:
                for one, its in self._lanes.items():
                    if not its.busy and its.rested(now) >= self._fatal:
                        self._end(one)
                rested = 0.0
            self._lanes[lane].busy = True
            return rested

    def _once_more(self, talk: Heard, ask: Callable[[Talk], T], rested: float) -> T:
        try:
            return ask(talk)
        except DestinationUnreachable:
            if talk.used or rested < RESTED:
                raise
        self._end(talk.lane)
        done = ask(talk)
        with self._lock:
            self._fatal = min(self._fatal, rested)
        return done

    def _end(self, lane: int) -> None:
        with suppress(DestinationError):
            self._hang_up(lane)
