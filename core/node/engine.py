"""How desks use the store that nodes share: it may be far away, so nothing waits for it in the deciding thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from core.coordination.base import Coordination, CoordinationError


class Engine(Protocol):
    """Asks the shared store for the desks of one site."""

    def ask(self, work: Callable[[Coordination], Any], then: Callable[[Any], None]) -> None:
        """Do `work` elsewhere; `then` hears what it returned, or its CoordinationError, in the deciding thread."""
        ...

    def hint(self, prefix: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` in the deciding thread soon after a key of that prefix changed; return what ends that.

        Hints may be lost: who waits for something looks now and then.
        """
        ...


@dataclass(frozen=True)
class Local:
    """The engine of a store on this machine, which answers at once."""

    coordination: Coordination

    def ask(self, work: Callable[[Coordination], Any], then: Callable[[Any], None]) -> None:
        try:
            result = work(self.coordination)
        except CoordinationError as error:
            result = error
        then(result)

    def hint(self, prefix: str, callback: Callable[[], None]) -> Callable[[], None]:
        return self.coordination.hint(prefix, lambda key: callback())
