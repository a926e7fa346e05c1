"""Connections that rest between two check-ins: a NAT, or a server, may forget them without a word."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
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


class Resting:
    """Does what is asked over connections that are kept, once more where they turn out to have died at rest.

    What breaks after it has come to something did not die at rest: begun anew, it would send all once more.
    A rest as long as one that was not survived ends them beforehand: that is found out once and not each time.
    """

    def __init__(self, hang_up: Callable[[], None], monotonic: Callable[[], float] = time.monotonic) -> None:
        """`hang_up` ends all connections; what is asked next makes new ones."""
        self._hang_up, self._monotonic = hang_up, monotonic
        self._lock = Lock()
        self._busy = 0  # lanes
        self._used_at = monotonic()
        self._worked = True  # when it was used last
        self._fatal = float("inf")  # seconds of rest

    def do(self, talk: Talk, ask: Callable[[Talk], T]) -> T:
        """Return what `ask` does with the talk of its lane; raise what it raises."""
        with self._lock:
            rested = 0.0 if self._busy or not self._worked else self._monotonic() - self._used_at
            self._busy += 1
        worked = True
        try:
            return self._once_more(Heard(talk), ask, rested)
        except DestinationUnreachable:
            worked = False
            raise
        finally:
            with self._lock:
                self._busy, self._worked = self._busy - 1, worked
                self._used_at = self._monotonic()

    def _once_more(self, talk: Heard, ask: Callable[[Talk], T], rested: float) -> T:
        if rested >= self._fatal:
            self._end()
        try:
            return ask(talk)
        except DestinationUnreachable:
            if talk.used or not RESTED <= rested < self._fatal:
                raise
        self._end()
        done = ask(talk)
        self._fatal = rested
        return done

    def _end(self) -> None:
        with suppress(DestinationError):
            self._hang_up()
