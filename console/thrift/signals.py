"""The signals of a terminal, handled between two steps of the loop and never in the middle of one."""

from __future__ import annotations

import os
import signal
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextlib import suppress

Handler = Callable[[], object]


class Signals:
    """Takes signals over for a loop, and gives them back."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._taken: set[signal.Signals] = set()

    def take(
        self, *, resized: Handler, hung_up: Handler, terminated: Handler, stopped: Handler, continued: Handler
    ) -> None:
        """Have SIGWINCH, SIGHUP, SIGTERM, SIGTSTP and SIGCONT handled; outside the main thread nothing is taken."""
        handlers = {
            signal.SIGWINCH: resized,
            signal.SIGHUP: hung_up,
            signal.SIGTERM: terminated,
            signal.SIGTSTP: stopped,
            signal.SIGCONT: continued,
        }
        for number, handler in handlers.items():
            with suppress(ValueError, RuntimeError):
                self._loop.add_signal_handler(number, handler)
                self._taken.add(number)

    def give_back(self) -> None:
        """Let signals be what they were, but for SIGTSTP and SIGCONT: they come while the screen is not ours."""
        for number in self._taken - {signal.SIGTSTP, signal.SIGCONT}:
            self._loop.remove_signal_handler(number)
        self._taken &= {signal.SIGTSTP, signal.SIGCONT}

    @staticmethod
    def stop_process() -> None:
        """Stop until SIGCONT."""
        os.kill(os.getpid(), signal.SIGSTOP)
