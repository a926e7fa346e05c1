"""What the deciding thread hands out, and what comes back to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.errors import OverlapseError

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Worker:
    """Which child does it: one a camera, one a destination, one for images, one for the disk."""

    kind: str  # a kind of core.worker: camera, destination, drop, images, disk, probe
    name: str = ""  # of the camera, destination, drop or probe


@dataclass(frozen=True, slots=True)
class Job:
    """One request to a worker. `about` is the asker's own, and comes back with the result.

    A `cold` job needs no opened worker: it is done where `open` fails, and never waits for it. A `standing` job lasts
    as long as its worker: to end, renew or equip the worker is to end the job, which is then Failed with ChildDied.
    """

    worker: Worker
    op: str
    args: Json
    deadline: float  # seconds for the whole
    quiet: float | None = None  # seconds without a sign of life
    about: Any = None
    cold: bool = False
    standing: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """The worker did it."""

    job: Job
    result: Json
    seconds: float
    cpu: float = 0.0  # seconds of processor that the worker's process took meanwhile


@dataclass(frozen=True, slots=True)
class Failed:
    """The worker, or the child that should have been one, could not."""

    job: Job
    error: OverlapseError
    seconds: float
    opening: bool = False  # it failed while the worker was opened for it: the job itself was not begun


@dataclass(frozen=True, slots=True)
class Asked:
    """The worker asks something in the middle of a job and waits; `answer` takes the reply, from any thread."""

    job: Job
    question: Json
    answer: Callable[[Json], None]


@dataclass(frozen=True, slots=True)
class Said:
    """The worker tells of progress."""

    job: Job
    news: Json


Report = Done | Failed | Asked | Said


@dataclass(frozen=True, slots=True)
class Setting:
    """How a worker is started: environment of the process and the arguments of its `open`."""

    opening: Json | None = None
    opening_deadline: float = 30.0
    idle: float | None = 60.0  # seconds without work after which its process ends; None: it stays
    lives: int | None = None  # jobs after which its process is renewed
    memory: int | None = None  # bytes that its process may hold between two jobs; with more it is renewed
    environment: Mapping[str, str] = field(default_factory=dict)
    lanes: int = 1  # jobs that its process does at once


class Hands(Protocol):
    """Those who do what the deciding thread hands out: real children, or a simulated world."""

    def equip(self, worker: Worker, setting: Setting) -> None:
        """Say how `worker` is started from now on; a running process with another setting is renewed."""
        ...

    def give(self, job: Job) -> None:
        """Queue `job`; its reports come back as events."""
        ...

    def ready(self, worker: Worker) -> None:
        """Start and open the worker's process ahead of its next job; a failure shows with that job."""
        ...

    def renew(self, worker: Worker) -> None:
        """Kill the worker's process; the next job starts a new one."""
        ...

    def running(self) -> Mapping[Worker, int]:
        """Return the process ids of the workers that run now."""
        ...

    def stuck(self) -> Mapping[Worker, str]:
        """Return the workers that were killed and have not ended, and what is known of why."""
        ...

    def close(self) -> None:
        """End all workers."""
        ...
