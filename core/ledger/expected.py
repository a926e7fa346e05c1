"""What the ledger needs of a schedule; `core.schedule.slots` has both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Protocol


class ExpectedSlot(Protocol):
    """One instant at which a shot is expected."""

    @property
    def at(self) -> datetime:
        """The instant, UTC, whole seconds."""
        ...

    @property
    def index(self) -> int:
        """Its ordinal in the local day."""
        ...

    @property
    def interval(self) -> timedelta:
        """The time to the next slot of its schedule."""
        ...


class Expected(Protocol):
    """All slots of one camera."""

    def slots(self, begin: datetime, end: datetime) -> Iterator[ExpectedSlot]:
        """Return the slots of begin <= at < end in order."""
        ...

    def count(self, begin: datetime, end: datetime) -> int:
        """Return how many slots `slots` would give."""
        ...

    def next(self, after: datetime) -> ExpectedSlot | None:
        """Return the first slot later than `after`."""
        ...

    def previous(self, before: datetime) -> ExpectedSlot | None:
        """Return the last slot earlier than `before`."""
        ...
