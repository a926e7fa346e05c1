"""The only place that reads the time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, Queue
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """Time as the loop sees it; tests and simulations bring a clock that jumps."""

    def now(self) -> datetime:
        """Return the wall clock, aware, in UTC; it may jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never jump and never go back, from an arbitrary start."""
        ...

    def boot_id(self) -> str:
        """Return what changes when the machine starts anew and `monotonic` with it."""
        ...

    def wait(self, queue: Queue[T], until: float) -> T | None:
        """Return the next item of `queue`, or None once `monotonic()` reaches `until`."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def __init__(self, read_boot_id: Callable[[], str] | None = None) -> None:
        self._boot_id = (read_boot_id or _kernel_boot_id)()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def boot_id(self) -> str:
        return self._boot_id

    def wait(self, queue: Queue[T], until: float) -> T | None:
        try:
            return queue.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            return None


def _kernel_boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"
