"""A world on a fake clock that jumps from wake to wake: what is done in it takes time, but nobody waits."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from queue import SimpleQueue
from typing import Protocol, TypeVar

from core.errors import OverlapseError
from core.node.jobs import Done, Failed, Job, Json, Report, Setting, Worker

T = TypeVar("T")


class World:
    """The clock of a simulation, and what is going to happen in it. It implements core.clock.Clock."""

    def __init__(self, start: datetime, boot: str = "simulated-1") -> None:
        self._wall = start
        self._monotonic = 0.0
        self._boot = boot
        self._coming: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def now(self) -> datetime:
        return self._wall

    def monotonic(self) -> float:
        return self._monotonic

    def boot_id(self) -> str:
        return self._boot

    def wait(self, queue: SimpleQueue[T], until: float) -> T | None:
        while queue.empty() and self._coming and self._coming[0][0] <= until:
            at, _, happen = heapq.heappop(self._coming)
            self._advance(at)
            happen()
        if queue.empty():
            self._advance(until)
            return None
        return queue.get()

    def after(self, seconds: float, happen: Callable[[], None]) -> None:
        """Have something happen `seconds` from now."""
        heapq.heappush(self._coming, (self._monotonic + max(0.0, seconds), next(self._order), happen))

    def at(self, instant: datetime, happen: Callable[[], None]) -> None:
        """Have something happen at a wall-clock instant, as the clock runs now."""
        self.after((instant - self._wall).total_seconds(), happen)

    def jump(self, by: timedelta) -> None:
        """Set the wall clock forward or back; monotonic time does not notice."""
        self._wall += by

    def _advance(self, to: float) -> None:
        if to > self._monotonic:
            self._wall += timedelta(seconds=to - self._monotonic)
            self._monotonic = to


@dataclass(frozen=True, slots=True)
class Takes:
    """How a modelled worker's job ends: after `seconds`, with a result or an error."""

    seconds: float
    result: Json = field(default_factory=dict)
    error: OverlapseError | None = None


class Model(Protocol):
    """Stands for one kind of worker."""

    def do(self, job: Job, now: datetime) -> Takes:
        """Return how `job`, begun at `now`, ends."""
        ...


class SimulatedHands:
    """Does jobs by models, one at a time for each worker, as children do."""

    def __init__(self, world: World, models: Mapping[str, Model], report: Callable[[Report], None]) -> None:
        self._world = world
        self._models = models
        self._report = report
        self._busy: dict[Worker, Job] = {}
        self._waiting: dict[Worker, list[Job]] = {}

    def equip(self, worker: Worker, setting: Setting) -> None:
        """Models need no opening."""

    def give(self, job: Job) -> None:
        if job.worker in self._busy:
            self._waiting.setdefault(job.worker, []).append(job)
        else:
            self._begin(job)

    def ready(self, worker: Worker) -> None:
        """A model is always ready."""

    def renew(self, worker: Worker) -> None:
        """A model has no process to renew."""

    def running(self) -> Mapping[Worker, int]:
        return {}

    def close(self) -> None:
        self._waiting.clear()

    def _begin(self, job: Job) -> None:
        self._busy[job.worker] = job
        takes = self._models[job.worker.kind].do(job, self._world.now())
        self._world.after(min(takes.seconds, job.deadline), lambda: self._end(job, takes))

    def _end(self, job: Job, takes: Takes) -> None:
        del self._busy[job.worker]
        report: Done | Failed = (
            Done(job, takes.result, takes.seconds) if takes.error is None else Failed(job, takes.error, takes.seconds)
        )
        self._report(report)
        waiting: list[Job] = self._waiting.get(job.worker, [])
        if waiting:
            self._begin(waiting.pop(0))
