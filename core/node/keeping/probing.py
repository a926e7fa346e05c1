"""Probing: the machine, its drives and the file systems that pictures go to, asked slowly, each in a child of its own.

A dead mount holds the child that touches it, and nobody else: the others are told in time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from core.catalogue import states
from core.node.context import Context
from core.node.jobs import Done, Failed, Job, Json, Report, Setting, Worker
from core.probes.filling import full, keep
from core.site.folders import root_of

DATA = "data"  # the name of the mount that the node's own pictures are on
SECONDS = 20.0  # that a mount has for a write, a sync and a read
LONGER = 60.0  # seconds for all drives together
SLOW = 12  # rounds between two looks at the drives: an hour
IDLE = 5.0
DAY = 86_400
REMEMBERED = 7 * DAY  # seconds for which a mount that is gone is missed
WEEK = 7 * DAY
HOST, ARRAYS, DRIVES = "host", "arrays", "drives"
MOUNT = "mount/"


@dataclass
class Probing:
    """Has readings taken at `pace.probe` and keeps the last of each; it judges nothing."""

    context: Context
    _at: float = 0.0
    _round: int = 0
    _asked: set[str] = field(default_factory=set)
    _known: dict[str, Json] = field(default_factory=dict)

    def owns(self, report: Report) -> bool:
        """Return whether a report is for this desk."""
        name = report.job.worker.name
        return report.job.worker.kind == "probe" and (name in (HOST, ARRAYS, DRIVES) or name.startswith(MOUNT))

    def tick(self) -> None:
        """Ask when it is time."""
        if self.context.monotonic() < self.wake():
            return
        self._at = self.context.monotonic() + self.context.pace.probe
        self._ask(HOST, HOST, {}, SECONDS)
        self._ask(ARRAYS, ARRAYS, {}, SECONDS)
        if self._round % SLOW == 0:
            self._ask(DRIVES, DRIVES, {"seconds": LONGER}, LONGER + SECONDS)
        self._round += 1
        folders = dict(self._folders())
        for name in [one for one in self._known if one.startswith(MOUNT) and one[len(MOUNT) :] not in folders]:
            del self._known[name]
        for name, folder in folders.items():
            args: Json = {"folder": folder, "who": self.context.node.name}
            before = states.get(self.context.catalogue, _key(name), {})
            fresh = self.context.now().timestamp() - before.get("seen", 0) < REMEMBERED
            if before.get("folder") == folder and fresh and before.get("at"):
                args["expect"] = before["at"]
            self._ask(MOUNT + name, "mount", args, SECONDS)

    def wake(self) -> float:
        """Return the monotonic time of the next round."""
        return self._at if self.context.pace.probe < float("inf") else float("inf")

    def _folders(self) -> Iterator[tuple[str, str]]:
        """Yield the file systems that pictures of this node go to, by name."""
        yield DATA, str(self.context.folders.data)
        for destination in self.context.site.destination:
            root = root_of(destination)
            if root is not None and self._is_ours(destination.name):
                yield destination.name, str(root)

    def _is_ours(self, destination: str) -> bool:
        here = self.context.node.name
        return any(destination in route.places and route.at in (None, here) for route in self.context.site.route)

    def _ask(self, name: str, op: str, args: Json, seconds: float) -> None:
        if name in self._asked:
            return
        worker = Worker("probe", name)
        self.context.hands.equip(worker, Setting(idle=IDLE))
        self.context.hands.give(Job(worker, op, args, seconds, about=args.get("folder")))
        self._asked.add(name)

    def handle(self, report: Report) -> None:
        """Keep what was read, or since when it was not."""
        if not isinstance(report, Done | Failed):
            return
        name = report.job.worker.name
        self._asked.discard(name)
        now = self.context.now().timestamp()
        if isinstance(report, Failed):
            before = self._known.get(name, {})
            since = before.get("since", round(now))
            if "error" not in before:
                self.context.tell("probe", name.removeprefix(MOUNT), str(report.error))
            self._known[name] = {"error": str(report.error)[:200], "since": since}
            return
        self._known[name] = report.result
        if name.startswith(MOUNT):
            self._known[name] = report.result | self._filling(name[len(MOUNT) :], report, now)
        elif name == DRIVES:
            report.result["drives"] = [self._grown(one, now) for one in report.result["drives"]]

    def _filling(self, name: str, report: Done, now: float) -> Json:
        """Note how much is free, once a day, and return when it is full by that."""
        before = states.get(self.context.catalogue, _key(name), {})
        if before.get("folder") != report.job.about:
            before = {}
        free = int(report.result["free"])
        days = keep([(day, one) for day, one in before.get("days", [])], int(now // DAY), free)
        told = {"folder": report.job.about, "at": report.result.get("at"), "seen": round(now), "days": days}
        states.put(self.context.catalogue, _key(name), told)
        ends = full(days, free)
        return {} if ends is None else {"full": {key: one for key, one in ends._asdict().items() if one is not None}}

    def _grown(self, drive: Json, now: float) -> Json:
        """Add by how much a drive's bad sectors grew within a week or so."""
        if "bad" not in drive:
            return drive
        key = f"drive/{drive.get('serial') or drive['name']}"
        before = states.get(self.context.catalogue, key)
        if before is None or now - before["at"] > WEEK:
            older = drive["bad"] if before is None else before["bad"]
            states.put(self.context.catalogue, key, {"at": round(now), "bad": drive["bad"], "before": older})
            return drive if drive["bad"] <= older else {**drive, "grew": drive["bad"] - older}
        grew = drive["bad"] - min(before["bad"], before["before"])
        return {**drive, "grew": grew} if grew > 0 else drive

    def rows(self) -> dict[str, Any]:
        """Return what the status document says: `host`, `arrays`, `drives`, `mounts`."""
        machine = self._known.get(HOST, {})
        told: dict[str, Any] = {HOST: {} if "error" in machine else machine}
        for name in (ARRAYS, DRIVES):
            known = self._known.get(name, {})
            told[name] = known.get(name) or ([{"name": name, **known}] if "error" in known else None)
        mounts = [
            {"name": name[len(MOUNT) :], **one} for name, one in sorted(self._known.items()) if name.startswith(MOUNT)
        ]
        return told | {"mounts": mounts or None}


def _key(name: str) -> str:
    return f"{MOUNT}{name}"
