"""When a desk fails, by the disk, the catalogue or a fault of its own: it rests and tries again, the node goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from core.catalogue.rebuild import distrust
from core.errors import CatalogueCorrupt, CatalogueError, DiskFull, StorageError
from core.node.context import Context

log = logging.getLogger(__name__)

REST = (5.0, 60.0)  # seconds, at first and at most; a desk that failed would otherwise be asked again at once


class Desk(Protocol):
    """A desk that does something by itself."""

    def tick(self) -> None:
        """Do what is due."""
        ...

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        ...


@dataclass
class Guard:
    """Asks the desks of a site, in their order. `recover` is called when all goes well again."""

    context: Context
    desks: tuple[Desk, ...]
    recover: Callable[[], None]
    on_full: Callable[[], None] = lambda: None
    trouble: str | None = None  # what disk or catalogue said; None: they do
    _wait: float = REST[0]
    _rests: dict[int, float] = field(default_factory=dict)  # desk -> monotonic

    def tick(self) -> None:
        """Let every desk that does not rest do what is due."""
        now = self.context.monotonic()
        for nth, desk in enumerate(self.desks):
            if now >= self._rests.get(nth, now):
                try:
                    desk.tick()
                except Exception as error:  # noqa: BLE001 - see _met
                    self._met(nth, error)
        self._rests = {nth: until for nth, until in self._rests.items() if until > now}
        if self.trouble is not None and not self._rests:
            with self._resting(len(self.desks)):
                self.recover()
                self.trouble, self._wait = None, REST[0]
                self.context.tell("storage recovered", self.context.node.name, "all desks work again")
        if self.context.catalogue.damage is not None:
            raise self._end(self.context.catalogue.damage)

    def _end(self, damage: str) -> CatalogueCorrupt:
        """Return what ends the node: whoever met the damage, nothing more is kept in this catalogue."""
        if self.context.catalogue.path is not None:
            distrust(self.context.catalogue.path, damage)
        return CatalogueCorrupt(damage)

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        times = [max(desk.wake(), self._rests.get(nth, 0.0)) for nth, desk in enumerate(self.desks)]
        return min([*times, *self._rests.values()])

    @contextmanager
    def over(self) -> Iterator[None]:
        """Survive that disk or catalogue fail in the middle of something; `recover` makes good for it."""
        with self._resting(len(self.desks)):
            yield

    @contextmanager
    def _resting(self, nth: int) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001 - see _met
            self._met(nth, error)

    def _met(self, nth: int, error: Exception) -> None:
        """Let a desk that failed rest: its fault must not end the others, and a restart may not mend it."""
        if isinstance(error, CatalogueCorrupt):
            raise self._end(str(error)) from error
        if not isinstance(error, StorageError | CatalogueError):
            self._fault(nth, error)
            return
        if isinstance(error, DiskFull):
            self.on_full()
        self._rests[nth] = self.context.monotonic() + self._wait
        self._wait = min(2 * self._wait, REST[1])
        if self.trouble is None:
            self.context.tell("storage trouble", self.context.node.name, str(error))
        elif self.trouble != str(error):
            log.error("storage trouble: error=%s", error)
        self.trouble = str(error)

    def _fault(self, nth: int, error: Exception) -> None:
        """Tell a fault of the program itself once, and let the desk try again."""
        self._rests[nth] = self.context.monotonic() + REST[1]
        told = f"{type(error).__name__}: {error}"
        if self.trouble != told:
            log.error("internal fault", exc_info=error)
            self.context.tell("internal fault", self.context.node.name, told)
        self.trouble = told
