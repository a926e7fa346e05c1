"""A modelled drop between two simulated nodes: what one leaves there, the other takes in."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from core.errors import ObjectDiffers, ObjectNotFound, OriginalLost
from core.node.between.drop import INBOX
from core.node.jobs import Job, Json, Worker
from core.simulate.disk import File, SimulatedDisk
from core.simulate.links import SimulatedDestination
from core.simulate.site import SimulatedSite
from core.simulate.world import Ask, Course, World
from core.transfer import drops
from core.values import Sha256


@dataclass
class SimulatedDrop:
    """What stands between two nodes. `batched`: bytes of batches that ever went through it."""

    files: dict[str, File] = field(default_factory=dict)
    batches: dict[str, bytes] = field(default_factory=dict)
    batched: int = 0

    def look(self, site: str, limit: int, but: Iterable[str] = ()) -> Json:
        """Return what is to be taken in, as a real drop's worker does."""
        sizes = {name: file.size for name, file in self.files.items()}
        sizes |= {name: len(data) for name, data in self.batches.items()}
        found = [one for name, size in sizes.items() if (one := drops.find(site, name, size)) is not None]
        wanted = sorted(
            (one for one in found if one.what not in ("receipts", "back", "status") and one.name not in but),
            key=lambda one: one.rank,
        )
        return {
            "found": [{"name": one.name, "size": one.size} for one in wanted[:limit]],
            "more": len(wanted) > limit,
            "back": [one.name for one in found if one.what == "back"],
            "tidied": [],
        }

    def collect(self, args: Json) -> Json:
        """Return batches, as a real destination's worker does."""
        missing = [name for name in args.get("stat", ()) if name not in self.files]
        prefix = args.get("prefix", "")
        listed = args["names"] if "names" in args else sorted(one for one in self.batches if one.startswith(prefix))
        wanted = [name for name in listed if name in self.batches and name not in args.get("but", ())]
        objects = [{"name": name, "data": base64.b64encode(self.batches[name]).decode()} for name in wanted]
        there = [name for name in self.files if "list" in args and name.startswith(args["list"])]
        received = sum(len(self.batches[name]) for name in wanted)
        return {"objects": objects, "listed": listed, "missing": missing, "there": there, "received": received}

    def settle(self, put: Iterable[Json], remove: Iterable[str]) -> Json:
        """Put batches, then remove what is named."""
        sent = 0
        for one in put:
            self.batches[one["name"]] = base64.b64decode(one["data"])
            sent += len(self.batches[one["name"]])
        self.batched += sent
        for name in remove:
            self.files.pop(name, None)
            self.batches.pop(name, None)
        return {"sent": sent}


@dataclass
class DropEnd(SimulatedDestination):
    """The deliverer's end of a drop."""

    drop: SimulatedDrop = field(default_factory=SimulatedDrop)
    taker: SimulatedSite | None = None
    parts: dict[str, int] = field(default_factory=dict)  # of what is brought back: bytes that came
    brought: int = 0  # bytes that ever came back

    def __post_init__(self) -> None:
        self.store = self.drop.files

    def do(self, job: Job, now: datetime) -> Course:
        if job.op == "deliver":
            return (yield from super().do(job, now))
        yield self.latency
        yield from self._answer()
        if job.op == "restore":
            return (yield from self._restore(job))
        if job.op == "collect":
            return self.drop.collect(job.args)
        return self.drop.settle(job.args["put"], job.args["remove"])

    def _restore(self, job: Job) -> Course:
        """Bring a copy back that stands in the drop, in grants as a real worker does; what came stays for a resume."""
        args, file = job.args, self.drop.files.get(job.args["name"])
        if file is None:
            raise ObjectNotFound(f"{args['name']}: it is not there")
        began = offset = self.parts.get(args["part"], 0)
        while offset < file.size:
            reply = yield Ask({"grant": min(args["chunk"], file.size - offset), "offset": offset})
            granted = (reply or {}).get("granted", 0)
            if not granted:
                return {"paused": True, "offset": offset}
            yield self._carried(granted)
            yield from self._answer()
            offset += granted
            self.brought += granted
            self.parts[args["part"]] = offset
        if file.sha256 != args["sha256"]:
            raise ObjectDiffers(f"{args['name']}: its content is not what the day book says")
        self.disk.receive(args["into"].rpartition("/")[2], file)
        return {"size": file.size, "sha256": file.sha256, "proof": "day book", "received": offset - began}

    def holds(self, name: str, sha256: Sha256 | None) -> bool:
        """Return whether the taker has it, or let it go only when it was proven further on."""
        assert self.taker is not None
        return sha256 in {file.sha256 for file in self.taker.disk.pictures.values()}


@dataclass
class DropTaker:
    """Stands for the worker by which a node empties a drop."""

    world: World
    drop: SimulatedDrop
    disk: SimulatedDisk
    latency: float = 0.1
    most: int = 0  # bytes of copies for others that ever stood there at once

    def do(self, job: Job, now: datetime) -> Course:
        yield self.latency
        if job.op == "look":
            return self.drop.look(job.args["site"], job.args["limit"], job.args["but"])
        if job.op == "collect":
            return self.drop.collect(job.args)
        if job.op == "settle":
            return self.drop.settle(job.args["put"], job.args["remove"])
        if job.op == "deliver":
            return self._give_back(job)
        file = self.drop.files.get(job.args["name"])
        if file is None:
            raise ObjectNotFound(f"{job.args['name']}: it is not there")
        into = job.args["into"]
        if into not in self.disk.spool:
            self.disk.receive(into, file)
        return {"size": file.size, "sha256": file.sha256}

    def _give_back(self, job: Job) -> Json:
        path = job.args["path"].partition("/pictures/")[2]
        if path not in self.disk.pictures:
            raise OriginalLost(f"{path}: no such file")
        self.drop.files[job.args["name"]] = self.disk.pictures[path]
        self.most = max(self.most, sum(file.size for name, file in self.drop.files.items() if drops.BACK in name))
        return {key: job.args[key] for key in ("name", "size", "sha256", "level")} | {"sent": job.args["size"]}

    def ended(self, worker: Worker) -> None:
        """It holds nothing."""


def hand_on(
    world: World, deliverer: SimulatedSite, destination: str, taker: SimulatedSite, drop: SimulatedDrop
) -> None:
    """Have what `deliverer` sends to `destination` arrive at `taker`, through `drop`: its inbox, or where it fetches.

    Places further on that both know of are the same.
    """
    data = str(deliverer.folders.data)
    end = DropEnd(destination, world, deliverer.disk, data, made=deliverer.images.made, drop=drop, taker=taker)
    deliverer.destinations = {**taker.destinations, destination: end}
    deliverer.others[Worker("destination", f"{destination}:restore")] = end
    has_inbox = any(one.name == taker.node and one.inbox is not None for one in taker.site.node)
    taker.places[Worker("drop", INBOX if has_inbox else destination)] = DropTaker(world, drop, taker.disk)
