"""The only place that reads the time, and the rule by which the wall clock is trusted."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from queue import Empty, SimpleQueue
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

    def lapsed(self) -> float:
        """Return seconds as `monotonic` does, which go on while the machine is suspended: for what others wait for."""
        ...

    def boot_id(self) -> str:
        """Return what changes when the machine starts anew and `monotonic` with it."""
        ...

    def wait(self, queue: SimpleQueue[T], until: float) -> T | None:
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

    def lapsed(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def boot_id(self) -> str:
        return self._boot_id

    def wait(self, queue: SimpleQueue[T], until: float) -> T | None:
        try:
            return queue.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            return None


def _kernel_boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


AGREE = timedelta(seconds=60)  # witnesses further apart than this do not agree
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
TIMEX_BYTES = 512  # larger than struct timex on any Linux
RTC = Path("/sys/class/rtc/rtc0/since_epoch")


@dataclass(frozen=True, slots=True)
class Trust:
    """Whether the wall clock may be believed, and in words why."""

    trusted: bool
    why: str


def judge(
    now: datetime, *, host: bool, synchronised: bool, witnesses: Mapping[str, datetime], last_seen: datetime | None
) -> Trust:
    """Return whether the wall clock `now` is to be trusted.

    It is when the configuration says so (`host`), when the kernel says that it is synchronised, or when two of
    `witnesses` (each says what it believes `now` to be) agree with it within AGREE and it is not before `last_seen`.
    """
    if host:
        return Trust(True, "the configuration trusts the host's clock")
    if synchronised:
        return Trust(True, "the kernel says it is synchronised")
    if last_seen is not None and now < last_seen:
        return Trust(False, f"it is before {last_seen:%Y-%m-%d %H:%M} UTC, which was seen already")
    near = sorted(name for name, said in witnesses.items() if abs(said - now) <= AGREE)
    for one, other in combinations(near, 2):
        if abs(witnesses[one] - witnesses[other]) <= AGREE:
            return Trust(True, f"{one} and {other} agree with it")
    return Trust(False, "the kernel says it is not synchronised, and no two witnesses agree with it")


def kernel_synchronised() -> bool:
    """Return what the kernel says of its clock (adjtimex(2)): True when a time service keeps it."""
    state: int = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    return 0 <= state < TIME_ERROR


def rtc_time(path: Path = RTC) -> datetime | None:
    """Return what the machine's battery-kept clock says, None where there is none."""
    try:
        return datetime.fromtimestamp(int(path.read_text()), UTC)
    except (OSError, ValueError):
        return None
