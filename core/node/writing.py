"""Day book first, then the catalogue: what could not be written now is written when disk and catalogue take it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import CatalogueCorrupt, CatalogueError, OverlapseError, StorageError
from core.intake.durable import Keeping
from core.intake.entries import Entry, PictureEntry
from core.node.context import Context
from core.node.record import remember

log = logging.getLogger(__name__)

AGAIN = (10.0, 60.0)  # seconds until the next try: at first, and at most
NEVER = float("inf")

Prepare = Callable[[], Callable[[], None]]


@dataclass(eq=False)
class _Write:
    keeping: Keeping
    then: Callable[[], object]


@dataclass
class Writer:
    """Writes for all desks of a site. Nothing that it was given is dropped while the node runs.

    What a crash cuts short is found by the next start: in the day book, or as a whole file without a line.
    """

    context: Context
    on_written: Callable[[], None] = lambda: None  # hears that there are new lines
    _waiting: list[_Write] = field(default_factory=list)
    _unprepared: list[Prepare] = field(default_factory=list)
    _at: float = NEVER
    _wait: float = AGAIN[0]
    _told: str = ""

    def write(
        self,
        lines: Sequence[Entry],
        commit: Callable[[], object],
        *,
        parts: Mapping[str, PictureEntry] | None = None,
        then: Callable[[], object] = lambda: None,
    ) -> None:
        """Write `lines`, and `commit` in one transaction of the catalogue; then call `then`.

        `parts`: files that take their final names before, with their lines. Raise StorageError or CatalogueError when
        it cannot be done now: it is tried again, and `then` is called when it is done.
        """

        def transaction(lengths: Mapping[str, int]) -> None:
            with self.context.catalogue.transaction():
                commit()
                remember(self.context.catalogue, lengths)

        new = _Write(Keeping(parts or {}, lines, transaction), then)
        self._waiting.append(new)
        try:
            self.finish()
        except (StorageError, CatalogueError):
            if new in self._waiting:
                raise

    def attempt(self, prepare: Prepare) -> None:
        """Call `prepare`, which reads disk and catalogue, and then what it returns, which writes.

        Raise StorageError or CatalogueError when something cannot be done now: it is tried again.
        """
        try:
            write = prepare()
        except CatalogueCorrupt:
            raise
        except (StorageError, CatalogueError):
            self._unprepared.append(prepare)
            self._at = min(self._at, self.context.monotonic() + AGAIN[0])
            raise
        write()

    def finish(self) -> None:
        """Write what waits; raise the first error once each was tried."""
        errors = self._prepare()
        for one in list(self._waiting):
            try:
                one.keeping.finish(self.context.keeper)
            except CatalogueCorrupt:
                raise  # the next start makes it anew, and finds the lines
            except (StorageError, CatalogueError) as error:
                errors.append(error)
            else:
                self._waiting.remove(one)
                one.then()
                self.on_written()
        self._wait = min(2 * self._wait, AGAIN[1]) if errors else AGAIN[0]
        self._at = self.context.monotonic() + self._wait if errors else NEVER
        if errors:
            raise errors[0]

    def _prepare(self) -> list[OverlapseError]:
        """Prepare what could not be; what then cannot be written waits with the rest."""
        unprepared, self._unprepared = self._unprepared, []
        errors: list[OverlapseError] = []
        for prepare in unprepared:
            try:
                self.attempt(prepare)
            except CatalogueCorrupt:
                raise
            except (StorageError, CatalogueError) as error:
                errors.append(error)
        return errors

    def tick(self) -> None:
        """Try again when it is time."""
        if self.context.monotonic() >= self._at:
            try:
                self.finish()
            except CatalogueCorrupt:
                raise
            except (StorageError, CatalogueError) as error:
                self._tell(f"not written yet: count={self.waiting()} error={error}")

    def _tell(self, trouble: str) -> None:
        if trouble != self._told:
            log.error(trouble)
            self._told = trouble

    def wake(self) -> float:
        """Return the monotonic time of the next try."""
        return self._at

    def waiting(self) -> int:
        """Return how many writes are not done."""
        return len(self._waiting) + len(self._unprepared)
