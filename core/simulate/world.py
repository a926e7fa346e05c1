"""A world on a fake clock that jumps from wake to wake: what is done in it takes time, but nobody waits."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from queue import SimpleQueue
from typing import Protocol, TypeVar

from core.errors import ChildDied, ChildTimeout, OverlapseError
from core.node.jobs import Asked, Done, Failed, Job, Json, Report, Setting, Worker

T = TypeVar("T")


class World:
    """The clock of a simulation, and what is going to happen in it. It implements core.clock.Clock."""

    def __init__(self, start: datetime, boot: str = "simulated-1") -> None:
        self._wall = start
        self._monotonic = 0.0
        self._suspended = 0.0  # seconds
        self._boot = boot
        self._coming: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def now(self) -> datetime:
        return self._wall

    def monotonic(self) -> float:
        return self._monotonic

    def lapsed(self) -> float:
        return self.monotonic() + self._suspended

    def boot_id(self) -> str:
        return self._boot

    def reboot(self) -> None:
        """Give the machine a new boot id; its monotonic clock goes on, since nothing may rely on where it starts."""
        self._boot += "+"

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

    def suspend(self, by: timedelta) -> None:
        """Have the machine sleep for so long: nothing happens on it meanwhile, and its monotonic clock stands still."""
        self._wall += by
        self._suspended += by.total_seconds()

    def skip(self, seconds: float) -> None:
        """Let time pass without anybody waiting for it; what was to happen in it happens."""
        until = self._monotonic + seconds
        while self._coming and self._coming[0][0] <= until:
            at, _, happen = heapq.heappop(self._coming)
            self._advance(at)
            happen()
        self._advance(until)

    def _advance(self, to: float) -> None:
        if to > self._monotonic:
            self._wall += timedelta(seconds=to - self._monotonic)
            self._monotonic = to


@dataclass(frozen=True, slots=True)
class Ask:
    """What a modelled worker asks in the middle of its job; the reply is sent into its course."""

    question: Json


Course = Generator[float | Ask, Json | None, Json]
"""How a job goes: each number is that many seconds spent, each Ask waits for its reply; it returns the result of the
job or raises the OverlapseError that ends it."""


class Model(Protocol):
    """Stands for all workers of one kind that a simulation has, or for one of them."""

    def do(self, job: Job, now: datetime) -> Course:
        """Return how `job`, begun at `now`, goes."""
        ...

    def ended(self, worker: Worker) -> None:
        """The worker's process ended: killed at a deadline, renewed, or idle. What it alone knew is forgotten."""
        ...


class SimulatedHands:
    """Does jobs by models, as many at a time for each worker as it has lanes, as children do, deadlines included.

    A worker that has a model of its own uses it; else that of its kind, named by a worker without a name.
    """

    def __init__(self, world: World, models: Mapping[Worker, Model], report: Callable[[Report], None]) -> None:
        self._world = world
        self._models = models
        self._report = report
        self._settings: dict[Worker, Setting] = {}
        self._lines: dict[Worker, _Line] = {}
        self._closed = False

    def equip(self, worker: Worker, setting: Setting) -> None:
        if self._settings.get(worker, setting) != setting:
            self.renew(worker)
        self._settings[worker] = setting

    def give(self, job: Job) -> None:
        line = self._lines.setdefault(job.worker, _Line())
        line.waiting.append(job)
        self._begin(line)

    def ready(self, worker: Worker) -> None:
        """Models are open as soon as they are asked."""

    def renew(self, worker: Worker) -> None:
        self._model(worker).ended(worker)

    def running(self) -> Mapping[Worker, int]:
        return {}

    def stuck(self) -> Mapping[Worker, str]:
        return {}

    def close(self) -> None:
        """End all workers; a job in hand is cut, and nobody hears of it."""
        self._closed = True

    def _model(self, worker: Worker) -> Model:
        return self._models.get(worker) or self._models[Worker(worker.kind)]

    def _begin(self, line: _Line) -> None:
        """Begin what waits, as far as there are lanes."""
        while line.waiting:
            worker = line.waiting[0].worker
            setting = self._settings.get(worker, Setting())
            if len(line.running) >= setting.lanes:
                return
            idle = setting.idle
            if not line.running and idle is not None and self._world.monotonic() - line.ended_at > idle:
                self._model(worker).ended(worker)
            job = line.waiting.popleft()
            running = _Running(job, self._model(worker).do(job, self._world.now()), job.deadline)
            line.running.append(running)
            self._go_on(line, running, None)

    def _go_on(self, line: _Line, running: _Running, reply: Json | None) -> None:
        """Let the course run to its next wait, question or end."""
        if self._closed or running not in line.running:
            return
        try:
            step = running.course.send(reply)
        except StopIteration as end:
            self._end(line, running, Done(running.job, end.value, running.spent))
        except OverlapseError as error:
            self._end(line, running, Failed(running.job, error, running.spent))
        else:
            self._wait(line, running, step)

    def _wait(self, line: _Line, running: _Running, step: float | Ask) -> None:
        if isinstance(step, Ask):
            self._report(Asked(running.job, step.question, lambda reply: self._go_on(line, running, reply)))
            return
        patience = min(running.left, running.job.quiet or running.left)
        if step <= patience:
            running.left -= step
            running.spent += step
            self._world.after(step, lambda: self._go_on(line, running, None))
        else:
            running.spent += patience
            self._world.after(patience, lambda: self._kill(line, running))

    def _kill(self, line: _Line, late: _Running) -> None:
        """End the worker of a job that is late: those beside it fail with it."""
        if self._closed or late not in line.running:
            return
        worker = late.job.worker
        self._model(worker).ended(worker)
        for running in list(line.running):
            running.course.close()
            error = ChildTimeout if running is late else ChildDied
            self._end(line, running, Failed(running.job, error(f"{worker.kind}: killed"), running.spent))

    def _end(self, line: _Line, running: _Running, report: Done | Failed) -> None:
        line.running.remove(running)
        line.ended_at = self._world.monotonic()
        self._report(report)
        self._begin(line)


@dataclass(eq=False)
class _Running:
    job: Job
    course: Course
    left: float  # seconds until its deadline; those spent in waiting for a reply do not count
    spent: float = 0.0


@dataclass
class _Line:
    """One worker: what it does and what waits for it."""

    running: list[_Running] = field(default_factory=list)
    waiting: deque[Job] = field(default_factory=deque)
    ended_at: float = 0.0  # monotonic
