"""One look at a copy that was proven before: is it still there whole? The cheapest honest way first."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.errors import ObjectDiffers
from core.text import safe
from core.transfer.base import Destination, Level, Vouches
from core.transfer.receipts import STEP

Json = dict[str, Any]
Grant = Callable[[int], int]  # bytes wanted -> bytes granted; 0: stop here


@dataclass(frozen=True, slots=True)
class Audit:
    """The copy to look at. `read`: read it back whole, whatever the server says of it."""

    name: str
    size: int  # bytes
    sha256: str
    read: bool = False


class Stopped(Exception):
    """No more bytes were granted: no fault, and not an error of the tree."""


class Meter:
    """Asks for the bytes of a read-back, each STEP before it is read; it is the Progress of a proof."""

    def __init__(self, grant: Grant, job: Audit) -> None:
        self._grant, self._name, self._size = grant, job.name, job.size
        self.asked = 0  # bytes that were granted, all of which may have been read

    def __call__(self, done: int) -> None:
        """Ask for what follows the `done` bytes that were read; raise Stopped, ObjectDiffers when they have no end."""
        if done > self._size:
            raise ObjectDiffers(f"{safe(self._name)}: more than the {self._size} bytes that were sent")
        wanted = min(self._size, done + STEP) - self.asked
        if wanted > 0:
            if not self._grant(wanted):
                raise Stopped
            self.asked += wanted


def audit(destination: Destination, job: Audit, grant: Grant) -> Json:
    """Return the level at which the copy was found whole, and how many bytes were read back for it.

    The size first, and the server's own hash where it gives one; read back when that is asked for, or when the
    server's hash is another one. A read-back that was stopped leaves the level that is known by then, None when that
    is a doubt. Raise ObjectNotFound, ObjectDiffers, or another DestinationError, which says nothing of the copy.
    """
    known = _cheaply(destination, job)
    meter = Meter(grant, job)
    if job.read or known is None:
        with contextlib.suppress(Stopped):
            meter(0)
            known = destination.prove(job.name, job.size, job.sha256, Level.READ_BACK, meter)
    return {"level": None if known is None else known.word, "read": meter.asked}


def _cheaply(destination: Destination, job: Audit) -> Level | None:
    if isinstance(destination, Vouches):
        return destination.vouch(job.name, job.size, job.sha256)
    return destination.prove(job.name, job.size, job.sha256, Level.SIZE)
