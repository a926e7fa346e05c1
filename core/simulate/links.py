"""Modelled destinations behind modelled links, and the modelled image child."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

from core.errors import (
    ChildDied,
    DestinationFull,
    DestinationRefused,
    DestinationUnreachable,
    NameConflict,
    ObjectDiffers,
    ObjectNotFound,
    OriginalLost,
    OverlapseError,
    ProbeUnanswered,
    StorageError,
)
from core.node.jobs import Job, Json, Worker
from core.simulate.disk import File, SimulatedDisk
from core.simulate.nobody import unheard
from core.simulate.world import Ask, Course, World
from core.transfer.receipts import STEP
from core.values import Sha256

CONNECTING = 10.0  # seconds until a host that is not there is given up
FOREVER = 10.0**9
SEGMENT = 1400  # bytes

Trouble = Literal["out", "hang", "refuse", "full", "lie"]


@dataclass(frozen=True, slots=True)
class Outage:
    """What is wrong with a destination from `begin` until `end`.

    out: unreachable; hang: no answer; refuse: wrong key; full; lie: it says that it kept a file and has other bytes.
    """

    begin: datetime
    end: datetime
    what: Trouble = "out"


def outages_at_random(seed: int, begin: datetime, end: datetime, mean: timedelta, longest: timedelta) -> list[Outage]:
    """Return outages of all kinds, on average one each `mean`, each as long as `longest` at most."""
    dice, at, found = random.Random(seed), begin, []  # noqa: S311 - a simulation
    while (at := at + mean * dice.expovariate(1.0)) < end:
        found.append(Outage(at, at + longest * dice.random(), dice.choice(get_args(Trouble))))
    return found


@dataclass(frozen=True, slots=True)
class Arrival:
    """One file that came to a destination, whole."""

    at: datetime
    name: str
    sha256: Sha256


@dataclass
class SimulatedDestination:
    """One destination. `store` is what it holds, `arrivals` all that ever came, in order."""

    name: str
    world: World
    disk: SimulatedDisk  # of the node that sends
    data: str  # the node's data folder, before all paths that it names
    rate: float = 1e6  # bytes a second
    latency: float = 0.2  # seconds for each file
    loses: float = 0.0  # of the segments that are sent, which go again
    outages: Sequence[Outage] = ()
    allows: int = 8  # files at once; it turns more away
    rejects: dict[str, OverlapseError] = field(default_factory=dict)  # files that it never takes, by the end of a name
    made: dict[str, File] = field(default_factory=dict)  # renditions of the node, by path
    store: dict[str, File] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    bytes: int = 0  # received
    _inside: int = 0  # files now
    _free_at: float = 0.0  # monotonic: when the line has carried what is on its way
    read: int = 0  # bytes that were read back
    hashes: bool = False  # whether it gives a hash by itself
    looks: list[Arrival] = field(default_factory=list)  # at what was looked, in order
    _partial: dict[tuple[str, str], int] = field(default_factory=dict)  # (name, sha256) -> bytes it has

    def do(self, job: Job, now: datetime) -> Course:
        if job.op == "audit":
            return (yield from self._audit(job.args))
        if job.op in ("settle", "collect"):
            yield self.latency
            yield from self._answer(sending=False)
            return unheard(job, self.store)
        self._local(job)
        if self._inside >= self.allows:
            raise DestinationUnreachable(f"{self.name}: too many connections")
        self._inside += 1
        try:
            return self._measured((yield from self._deliver(job)))
        finally:
            self._inside -= 1

    def _measured(self, result: Json) -> Json:
        """Add what a connection measures by the way."""
        segments = -(-result.get("sent", 0) // SEGMENT)
        if not segments:
            return result
        return {**result, "way": {"trip": self.latency, "sent": segments, "again": round(self.loses * segments)}}

    def _deliver(self, job: Job) -> Course:
        yield self.latency
        yield from self._answer()
        args = job.args
        rejected = next((error for end, error in self.rejects.items() if args["name"].endswith(end)), None)
        if isinstance(rejected, DestinationUnreachable):
            return (yield from self._cut(args, rejected))
        if rejected is not None:
            raise rejected
        there = self.store.get(args["name"])
        if there is not None and (there.size, there.sha256) == (args["size"], args["sha256"]):
            return _receipt(args, sent=0)
        ours = args["resume"] is not None and not args["protected"]
        if there is not None and not args["replace"] and not ours:
            raise NameConflict(f"{args['name']}: another object has this name there")
        return (yield from self._send(args))

    def ended(self, worker: Worker) -> None:
        """What it received it keeps."""

    def holds(self, name: str, sha256: Sha256 | None) -> bool:
        """Return whether this object is there, whole."""
        there = self.store.get(name)
        return there is not None and there.sha256 == sha256

    def lose(self, name: str) -> None:
        """Have an object gone."""
        del self.store[name]

    def flip(self, name: str) -> None:
        """Have another content of the same size under the name."""
        self.store[name] = File(self.store[name].size, Sha256("f" * 64))

    def truncate(self, name: str) -> None:
        """Have the first bytes of an object only."""
        self.store[name] = File(self.store[name].size // 2, Sha256("f" * 64))

    def _audit(self, args: Json) -> Course:
        yield self.latency
        yield from self._answer(sending=False)
        name, there = args["name"], self.store.get(args["name"])
        self.looks.append(Arrival(self.world.now(), name, args["sha256"]))
        if there is None:
            raise ObjectNotFound(f"{name}: no such file")
        if there.size != args["size"]:
            raise ObjectDiffers(f"{name}: {there.size} bytes there, {args['size']} sent")
        same = there.sha256 == args["sha256"]
        if not args["read"] and (not self.hashes or same):
            return {"level": "hash" if self.hashes else "size", "read": 0}
        read = 0
        while read < there.size:
            wanted = min(STEP, there.size - read)
            reply = yield Ask({"grant": wanted, "offset": 0})
            if not (reply or {}).get("granted"):
                return {"level": None if self.hashes and not same else "size", "read": read}
            yield wanted / self.rate
            yield from self._answer(sending=False)
            read += wanted
            self.read += wanted
        if not same:
            raise ObjectDiffers(f"{name}: the content there is not what was sent")
        return {"level": "read-back", "read": read}

    def _send(self, args: Json) -> Course:
        key = args["name"], args["sha256"]
        begun = offset = self._partial.get(key, 0) if args["resume"] is not None else 0
        while offset < args["size"]:
            resume = base64.b64encode(key[1][:8].encode()).decode()
            wanted = min(args["chunk"], args["size"] - offset)
            reply = yield Ask({"grant": wanted, "offset": offset, "resume": resume})
            granted = min(wanted, (reply or {}).get("granted", 0))
            if not granted:
                return {"paused": True, "offset": offset, "resume": resume}
            yield self._carried(granted)
            yield from self._answer()
            offset += granted
            self.bytes += granted
            self._partial[key] = offset
        return self._commit(args, offset - begun)

    def _cut(self, args: Json, error: OverlapseError) -> Course:
        """Break the line in the first bytes of a file, whenever it comes."""
        yield Ask({"grant": min(args["chunk"], args["size"]), "offset": 0, "resume": ""})
        yield self.latency
        raise error

    def _carried(self, size: int) -> float:
        """Return the seconds until the line has carried `size` bytes, behind those of other lanes."""
        now = self.world.monotonic()
        self._free_at = max(now, self._free_at) + size / self.rate
        return self._free_at - now

    def _commit(self, args: Json, sent: int) -> Json:
        self._partial.pop((args["name"], args["sha256"]), None)
        if self._trouble(self.world.now()) == "lie":
            raise ObjectDiffers(f"{args['name']}: the content there is not what was sent")
        self.store[args["name"]] = File(args["size"], args["sha256"])
        self.arrivals.append(Arrival(self.world.now(), args["name"], args["sha256"]))
        return _receipt(args, sent)

    def _answer(self, sending: bool = True) -> Course:
        trouble = self._trouble(self.world.now())
        if trouble == "hang":
            yield FOREVER
        if trouble == "out":
            yield CONNECTING
            raise DestinationUnreachable(f"{self.name}: no route to host")
        if trouble == "refuse":
            raise DestinationRefused(f"{self.name}: permission denied")
        if trouble == "full" and sending:
            raise DestinationFull(f"{self.name}: no space left on device")
        return {}

    def _trouble(self, now: datetime) -> Trouble | None:
        return next((outage.what for outage in self.outages if outage.begin <= now < outage.end), None)

    def _local(self, job: Job) -> None:
        path = job.args["path"].removeprefix(f"{self.data}/")
        file = self.disk.pictures.get(path.removeprefix("pictures/")) or self.made.get(path)
        if file is None or file.sha256 != job.args["sha256"]:
            raise OriginalLost(f"{path}: no such file")


def _receipt(args: Json, sent: int) -> Json:
    receipt = {key: args[key] for key in ("name", "size", "sha256", "level")}
    return {**receipt, "sent": sent, "already": sent == 0}


@dataclass
class SimulatedRouter:
    """Stands for the probe of a router, whose counter says what passed over a link."""

    world: World
    carried: int = 0  # bytes
    outages: Sequence[Outage] = ()

    def do(self, job: Job, now: datetime) -> Course:
        yield 0.1
        if any(one.begin <= now < one.end for one in self.outages):
            yield job.args["seconds"] - 0.1
            raise ProbeUnanswered(f"{job.args['host']}: no answer")
        before = job.args.get("before")
        return {"bytes": self.carried, "passed": None if before is None else self.carried - before["bytes"]}

    def ended(self, worker: Worker) -> None:
        """It holds nothing."""


@dataclass
class SimulatedImages:
    """Stands for the image child: every picture is whole, but for the looks that are `broken`, counted from 1."""

    data: str
    seconds: float = 1.0
    made: dict[str, File] = field(default_factory=dict)  # renditions, by path below the data folder
    outages: Sequence[Outage] = ()  # "hang", or "out": it dies
    failing: dict[str, Json] = field(default_factory=dict)  # recipe, or "index.html" -> what is told in its place
    broken: frozenset[int] = frozenset()
    looks: int = 0
    made_at: dict[Sha256, str] = field(default_factory=dict)  # camera and time of what each rendition was made of
    told: dict[Sha256, list[Json]] = field(default_factory=dict)  # what each file of a page was made of

    def do(self, job: Job, now: datetime) -> Course:
        trouble = next((one.what for one in self.outages if one.begin <= now < one.end), None)
        if trouble == "hang":
            yield FOREVER
        yield self.seconds
        if trouble is not None:
            raise ChildDied("images: the worker ended by signal 9")
        if job.op == "page" and "index.html" in self.failing:
            raise StorageError(self.failing["index.html"]["why"])
        if job.op == "page":
            return {"files": [self._write(job, file) for file in ("livecam.css", "livecam.json", "index.html")]}
        if job.op == "preview":
            return {"rows": ["01", "10"], "palette": [16, 231], "price": 40, "grey": [" @"], "size": [2, 2]}
        self.looks += 1
        if self.looks in self.broken:
            return {"verdict": "broken", "why": "cut off", "stats": {}, "renditions": [], "failed": []}
        names = [recipe["name"] for recipe in job.args["recipes"]]
        names += [job.args["shot"]["recipe"]] if job.args["shot"] else []
        made = [self._make(job, name) for name in names if name not in self.failing]
        failed = [{"recipe": name, **self.failing[name]} for name in names if name in self.failing]
        return {"verdict": "whole", "why": "", "stats": {}, "renditions": made, "failed": failed}

    def ended(self, worker: Worker) -> None:
        """It holds nothing."""

    def _write(self, job: Job, file: str) -> Json:
        """Write one file of a page; its hash is that of what it tells, so that a test can say which state it shows."""
        told = "style" if file.endswith(".css") else json.dumps([file, job.args["cameras"]], sort_keys=True)
        sha256 = Sha256(hashlib.sha256(told.encode()).hexdigest())
        name = f"{job.args['stem']}.{job.args['rendition']}.{file}"
        folder = job.args["out"].removeprefix(f"{self.data}/")
        self.made[f"{folder}/{name}"] = File(2_000, sha256)
        self.told[sha256] = job.args["cameras"]
        return {"file": file, "name": name, "size": 2_000, "sha256": sha256}

    def _make(self, job: Job, recipe: str) -> Json:
        name = f"{job.args['stem']}.{recipe}{'' if '.' in recipe else '.jpg'}"
        sha256 = Sha256(hashlib.sha256(name.encode()).hexdigest())
        folder = job.args["out"].removeprefix(f"{self.data}/")
        self.made[f"{folder}/{name}"] = File(90_000, sha256)
        self.made_at[sha256] = f"{job.args['facts']['camera']} {int(job.args['facts']['time'])}"
        return {"recipe": recipe, "name": name, "size": 90_000, "sha256": sha256}
