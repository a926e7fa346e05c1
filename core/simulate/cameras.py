"""A modelled camera: it takes its time, keeps its pictures until they are released, and fails as it is told to."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Literal, get_args

from core.capture.base import Part, Shot
from core.capture.wire import to_json
from core.errors import CameraBusy, CameraGone, CardFull, ChildDied, NotDurable
from core.node.jobs import Job, Json, Worker
from core.simulate.disk import File, SimulatedDisk
from core.simulate.world import Course
from core.values import Fence, Kind, PictureName, Sha256, utc

FOREVER = 10.0**9  # seconds

Trouble = Literal[
    "gone",  # nothing answers
    "hang",  # no answer, and no picture
    "swallow",  # it shoots and then hangs: the picture is found on it later
    "busy",
    "crash",  # the worker dies
    "card full",
    "not durable",  # the sync of the spool fails
    "half",  # one of a RAW and JPEG pair does not come
    "stray",  # somebody pressed the shutter: one more picture is on the card
    "same",  # it gives the bytes of its last picture again
]
TROUBLES: Sequence[Trouble] = get_args(Trouble)
_ERRORS = {"gone": CameraGone, "busy": CameraBusy, "crash": ChildDied, "card full": CardFull, "not durable": NotDurable}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong with a camera from `begin` until `end`, or until it happened `times`."""

    what: Trouble
    begin: datetime
    end: datetime
    times: int | None = None


def faults_at_random(seed: int, begin: datetime, end: datetime, mean: timedelta, longest: timedelta) -> list[Fault]:
    """Return faults of all kinds, on average one each `mean`, each as long as `longest` at most."""
    dice, at, found = random.Random(seed), begin, []  # noqa: S311 - a simulation
    while (at := at + mean * dice.expovariate(1.0)) < end:
        found.append(Fault(dice.choice(TROUBLES), at, at + longest * dice.random()))
    return found


@dataclass(frozen=True, slots=True)
class OnCard:
    """A picture on the camera's card."""

    source_name: str
    kind: Kind
    file: File
    taken: float  # seconds since the epoch


@dataclass
class SimulatedCamera:
    """One camera and its worker. `taken` has the hash of every picture that it ever took, with the time of each."""

    name: str
    disk: SimulatedDisk
    kinds: Sequence[Kind] = ("jpeg",)
    sizes: dict[Kind, int] = field(default_factory=lambda: {"raw": 24_000_000, "jpeg": 8_000_000})
    seconds: float = 2.0  # from the order to the last byte
    faults: list[Fault] = field(default_factory=list)
    drift: float = 0.0  # seconds that its clock is ahead
    card: dict[str, OnCard] = field(default_factory=dict)  # by source name
    taken: dict[Sha256, float] = field(default_factory=dict)
    released: list[Sha256] = field(default_factory=list)
    shutters: list[datetime] = field(default_factory=list)
    _handed: set[str] = field(default_factory=set)  # known to the worker that runs
    _happened: dict[Fault, int] = field(default_factory=dict)
    _number: Iterator[int] = field(default_factory=lambda: count(1))
    _last: dict[Kind, Sha256] = field(default_factory=dict)

    def do(self, job: Job, now: datetime) -> Course:
        if job.op == "shoot":
            return self._shoot(job, now)
        return self._other(job)

    def ended(self, worker: Worker) -> None:
        self._handed.clear()

    def press(self, at: datetime) -> None:
        """Take a picture by hand on the camera itself."""
        self._expose(at, self.kinds, same=False)

    def _other(self, job: Job) -> Course:
        yield 0.2
        if job.op == "release":
            for source_name in job.args["source_names"]:
                self._release(source_name)
            return {}
        if job.op == "set_clock":
            self.drift = 0.0
        return {"clock_drift": self.drift, "battery": 90} if job.op in ("telemetry", "set_clock") else {}

    def _release(self, source_name: str) -> None:
        self._handed.discard(source_name)
        if source_name in self.card:
            self.released.append(self.card.pop(source_name).file.sha256)

    def _shoot(self, job: Job, now: datetime) -> Course:
        trouble = self._trouble(now)
        if trouble == "hang":
            yield FOREVER
        if trouble in _ERRORS:
            yield 0.5
            raise _ERRORS[trouble](f"{self.name}: {trouble}")
        if trouble == "stray":
            self.press(now - timedelta(seconds=1))
        spooled: list[str] = []
        try:
            orphans = [self._hand_over(job, one, int(one.taken), spooled) for one in self._leftovers()]
            self.shutters.append(now)
            kinds = self.kinds[:1] if trouble == "half" else self.kinds
            shown = self._expose(now, kinds, same=trouble == "same")
            yield FOREVER if trouble == "swallow" else self.seconds
            parts = [self._hand_over(job, one, job.args["at"], spooled) for one in shown]
        except BaseException:
            self._undo(spooled)
            raise
        answer: Json = to_json(Shot(now.timestamp(), parts, orphans, partial=len(parts) < len(self.kinds)))
        return answer

    def _undo(self, spooled: list[str]) -> None:
        for name in spooled:
            self.disk.discard(name)
        self._handed.clear()

    def _leftovers(self) -> list[OnCard]:
        return [one for one in self.card.values() if one.source_name not in self._handed]

    def _expose(self, at: datetime, kinds: Sequence[Kind], same: bool) -> list[OnCard]:
        number = next(self._number)
        shown = []
        for kind in kinds:
            sha256 = Sha256(hashlib.sha256(f"{self.name} {kind} {number}".encode()).hexdigest())
            if same:
                sha256 = self._last.get(kind, sha256)
            self._last[kind] = sha256
            source_name = f"/DCIM/{number:06}.{_extension(kind)}"
            self.card[source_name] = OnCard(source_name, kind, File(self.sizes[kind], sha256), at.timestamp())
            self.taken.setdefault(sha256, at.timestamp())
            shown.append(self.card[source_name])
        return shown

    def _hand_over(self, job: Job, one: OnCard, at: int, spooled: list[str]) -> Part:
        who = job.args
        base = PictureName(who["camera"], utc(at), who["node"], Fence.parse(who["fence"]), _extension(one.kind))
        name = next(name for nth in count(1) if (name := str(base.numbered(nth))) not in self.disk.spool)
        self.disk.receive(name, one.file)
        spooled.append(name)
        self._handed.add(one.source_name)
        return Part(name, one.kind, one.file.size, one.file.sha256, one.source_name, one.taken, float(one.taken))

    def _trouble(self, now: datetime) -> Trouble | None:
        for fault in self.faults:
            happened = self._happened.get(fault, 0)
            if fault.begin <= now < fault.end and (fault.times is None or happened < fault.times):
                self._happened[fault] = happened + 1
                return fault.what
        return None


def _extension(kind: Kind) -> str:
    return "nef" if kind == "raw" else "jpg"


@dataclass
class PowerHook:
    """Stands for the operator's command that cuts a camera's power; `works` says what it answers."""

    runs: list[datetime] = field(default_factory=list)

    def do(self, job: Job, now: datetime) -> Course:
        self.runs.append(now)
        yield 3.0
        return {"status": 0}

    def ended(self, worker: Worker) -> None:
        """It holds nothing."""
