"""Renditions are a cache: each file leaves when nothing waits for it any more, in small steps."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from core.catalogue import renditions
from core.errors import StorageError
from core.node.context import Context

log = logging.getLogger(__name__)

AT_ONCE = 50  # files that one step removes
STEP = 0.2  # seconds between two steps
NEVER = float("inf")


@dataclass
class Tidying:
    """Removes renditions whose last delivery was proven or withdrawn, and at the start those that a stop left."""

    context: Context
    _folders: Iterator[list[str]] = field(default_factory=lambda: iter(()))  # not yet looked into
    _left: list[str] = field(default_factory=list)  # of the folder that was looked into last
    _at: float = 0.0

    def begin(self) -> None:
        """Look through all that is there: a rebuild of the catalogue, or a stop, may have left what nobody knows of."""
        self._folders = self.context.keeper.renditions()

    def look(self) -> None:
        """Remove at the next step what is not needed any more."""
        self._at = min(self._at, self.context.monotonic() + STEP)

    def tick(self) -> None:
        """Do the next step when it is time; raise CatalogueError."""
        if self.context.monotonic() < self._at:
            return
        told = renditions.unneeded(self.context.catalogue, AT_ONCE)
        self._remove(told)
        if told:
            renditions.forget(self.context.catalogue, told)
        more = len(told) == AT_ONCE or self._sweep()
        self._at = self.context.monotonic() + STEP if more else NEVER

    def wake(self) -> float:
        """Return the monotonic time of the next step."""
        return self._at

    def _sweep(self) -> bool:
        """Look at some files of the sweep; return whether there may be more."""
        if not self._left:
            try:
                found = next(self._folders, None)
            except StorageError as error:
                log.error("renditions not looked through: error=%s", error)
                found = None
            if found is None:
                return False
            self._left = found
        now, self._left = self._left[:AT_ONCE], self._left[AT_ONCE:]
        self._remove(now)
        return True

    def _remove(self, paths: Iterable[str]) -> None:
        """Remove those files for which no delivery waits; what cannot be removed is tried again at the next start."""
        for path in paths:
            if renditions.is_needed(self.context.catalogue, path):
                continue
            try:
                self.context.keeper.drop(path.removeprefix(renditions.FOLDER))
            except StorageError as error:
                log.error("rendition not removed: file=%s error=%s", path, error)
