"""The engine that simulated nodes share: answers take a while, and do not come where a node is cut off from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from core.coordination.base import Conflict, Coordination, CoordinationError, CoordinationUnavailable, Held, Unknown
from core.coordination.protocol.messages import Call, Done
from core.coordination.simulator.engine import Engine as Keys
from core.errors import CameraGone
from core.node.engine import Engine, Heard, Then, Work
from core.node.jobs import Job, Worker
from core.simulate.world import Course, World

LATENCY, PATIENCE = 0.08, 5.0  # seconds: of a way, and until a call is given up


class SharedStore(Coordination):
    """The keys that all nodes share, as one call sees them. `wrote`: whether that changed anything."""

    def __init__(self, keys: Keys, now: Callable[[], float]) -> None:
        self._keys = keys
        self._now = now
        self.wrote = False

    def read(self, key: str) -> Held | None:
        return self._keys.keys.get(key)

    def cas(self, key: str, rev: int, value: bytes) -> int:
        result = self._keys.apply(Call(0, "cas", key, rev, value))
        if not isinstance(result, Done):
            raise Conflict(f"{key} is not at revision {rev}")
        self.wrote = True
        return result.rev

    def list(self, prefix: str) -> Mapping[str, Held]:
        return {key: held for key, held in self._keys.keys.items() if key.startswith(prefix)}

    def hint(self, prefix: str, callback: Callable[[str], None]) -> Callable[[], None]:
        raise CoordinationError("simulated nodes listen on their lines")

    def now(self) -> float:
        return self._now()


class SharedEngine:
    """One engine for all nodes of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.keys = Keys(self._committed)
        self.is_up = True
        self._lines: list[EngineLine] = []

    def line(self, post: Callable[[Heard], None], is_cut: Callable[[], bool]) -> EngineLine:
        """Return the way of one run of a node to the engine; while `is_cut`, nothing passes."""
        line = EngineLine(self, post, is_cut)
        self._lines.append(line)
        return line

    def store(self) -> SharedStore:
        """Return the keys as the next call sees them."""
        return SharedStore(self.keys, self.world.monotonic)

    def _committed(self, key: str, held: Held, before: Held | None) -> None:
        for line in self._lines:
            self.world.after(LATENCY, partial(line.changed, key))


@dataclass
class EngineLine(Engine):
    """A node's way to the engine."""

    engine: SharedEngine
    post: Callable[[Heard], None]
    is_cut: Callable[[], bool]
    _hints: dict[object, tuple[str, Callable[[], None]]] = field(default_factory=dict)
    _closed: bool = False

    def ask(self, work: Work, then: Then, line: str = "") -> None:
        """Do it after a while; what does not get there is unavailable, what was not answered may have been done."""
        if self._passes():
            self.engine.world.after(LATENCY, lambda: self._do(work, then))
        else:
            self.engine.world.after(PATIENCE, lambda: self._say(then, CoordinationUnavailable("no answer")))

    def hint(self, prefix: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Hear of changes below a prefix."""
        ticket = object()
        self._hints[ticket] = prefix, callback

        def end() -> None:
            self._hints.pop(ticket, None)

        return end

    def close(self) -> None:
        """Say nothing more: the run is over."""
        self._closed = True

    def changed(self, key: str) -> None:
        """Pass on that a key changed."""
        for prefix, callback in tuple(self._hints.values()):
            if key.startswith(prefix) and self._passes() and not self._closed:
                self.post(Heard(callback))

    def _do(self, work: Work, then: Then) -> None:
        if not self._passes():
            self.engine.world.after(PATIENCE, lambda: self._say(then, CoordinationUnavailable("no answer")))
            return
        store = self.engine.store()
        try:
            result = work(store)
        except CoordinationError as error:
            result = error
        lost = Unknown("no answer") if store.wrote else CoordinationUnavailable("no answer")
        self.engine.world.after(LATENCY, lambda: self._say(then, result if self._passes() else lost))

    def _say(self, then: Then, result: Any) -> None:
        if not self._closed:
            self.post(Heard(partial(then, result)))

    def _passes(self) -> bool:
        return self.engine.is_up and not self.is_cut()


@dataclass
class SimulatedReach:
    """Stands for what tries whether cameras can be reached. `out`: those that cannot."""

    out: set[str] = field(default_factory=set)

    def do(self, job: Job, now: datetime) -> Course:
        """Answer after a moment."""
        yield 0.1
        if job.about in self.out:
            raise CameraGone("no answer")
        return {}

    def ended(self, worker: Worker) -> None:
        """It holds nothing."""
