"""How desks use the store that nodes share: it may be far away, so nothing waits for it in the deciding thread."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol

from core.coordination.base import Coordination, CoordinationError

log = logging.getLogger(__name__)

Work = Callable[[Coordination], Any]
Then = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that the shared store said: `tell` takes it to whoever waits for it, in the deciding thread."""

    tell: Callable[[], None]


class Engine(Protocol):
    """Asks the shared store for the desks of one site."""

    def ask(self, work: Work, then: Then, line: str = "") -> None:
        """Do `work` elsewhere; `then` hears what it returned, or its CoordinationError, in the deciding thread.

        What is asked on one line is done in its order; lines do not wait for each other.
        """
        ...

    def hint(self, prefix: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` in the deciding thread soon after a key of that prefix changed; return what ends that.

        Hints may be lost: who waits for something looks now and then.
        """
        ...

    def close(self) -> None:
        """Ask nothing more, and let go of the store."""
        ...


@dataclass(frozen=True)
class Local:
    """The engine of a store on this machine, which answers at once."""

    coordination: Coordination

    def ask(self, work: Work, then: Then, line: str = "") -> None:
        then(_done(work, self.coordination))

    def hint(self, prefix: str, callback: Callable[[], None]) -> Callable[[], None]:
        return self.coordination.hint(prefix, lambda key: callback())

    def close(self) -> None:
        """The store is another's to close."""


@dataclass
class Far:
    """The engine of a store in the network: a thread a line waits for it. `post` takes what was heard to the loop."""

    coordination: Coordination
    post: Callable[[Heard], None]
    release: Callable[[], None]  # of the store
    _lines: dict[str, SimpleQueue[tuple[Work, Then] | None]] = field(default_factory=dict)
    _ends: list[Callable[[], None]] = field(default_factory=list)

    def ask(self, work: Work, then: Then, line: str = "") -> None:
        if line not in self._lines:
            self._lines[line] = SimpleQueue()
            Thread(target=self._run, args=(self._lines[line],), name=f"engine {line}", daemon=True).start()
        self._lines[line].put((work, then))

    def hint(self, prefix: str, callback: Callable[[], None]) -> Callable[[], None]:
        wanted = [True]

        def begun(end: Any) -> None:
            if isinstance(end, CoordinationError):
                log.warning("no hints of the shared store: prefix=%s error=%s", prefix, end)
            elif wanted:
                self._ends.append(end)
            else:
                end()

        self.ask(lambda store: store.hint(prefix, lambda key: self.post(Heard(callback))), begun, "hints")
        return wanted.clear

    def close(self) -> None:
        for end in self._ends:
            end()
        for line in self._lines.values():
            line.put(None)
        self.release()

    def _run(self, line: SimpleQueue[tuple[Work, Then] | None]) -> None:
        while (asked := line.get()) is not None:
            work, then = asked
            self.post(_heard(then, _done(work, self.coordination)))


def _heard(then: Then, result: Any) -> Heard:
    return Heard(lambda: then(result))


def _done(work: Work, coordination: Coordination) -> Any:
    try:
        return work(coordination)
    except CoordinationError as error:
        return error
