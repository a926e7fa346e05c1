"""Watching: the NAS and firewalls beside this node, and the flows between networks, asked as `[[watch]]` says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from core.catalogue import deliveries, states
from core.errors import ConfigurationError
from core.node.context import Context
from core.node.jobs import Done, Failed, Job, Json, Report, Setting, Worker
from core.node.sending.station import opening
from core.site.model.health import FirewallWatch, NasWatch, WallApi, Watch
from core.site.model.places import Destination
from core.site.secrets import read_secret
from core.site.watchers import auditors, readers
from core.text import safe

SECONDS = 15.0  # that a device has to answer
LONGER = 5.0
PLACE_SECONDS = 60.0  # for a small file to a place, and back
COUNTING = 3600.0  # seconds for a listing of any length
PLACE = 12  # rounds between two files to a place: an hour
IDLE = 5.0
WATCH = "watch/"
WRONG = 20  # flows that are told one by one
Part = Literal["snmp", "opnsense", "flows", "place", "count"]


@dataclass
class Watching:
    """Has devices read at `pace.probe`, files written to places each hour, flows tried as often as they are to be."""

    context: Context
    _at: float = 0.0
    _round: int = 0
    _asked: set[tuple[str, Part]] = field(default_factory=set)
    _known: dict[tuple[str, Part], Json] = field(default_factory=dict)

    def owns(self, report: Report) -> bool:
        """Return whether a report is for this desk."""
        about = report.job.about
        return isinstance(about, tuple) and len(about) == 3 and about[0] == WATCH

    def watches(self) -> list[Watch]:
        """Return the watches that this node reads."""
        site, here = self.context.site, self.context.node.name
        return [one for one in site.watch if here in readers(site, one)]

    def tick(self) -> None:
        """Ask when it is time."""
        if self.context.monotonic() < self.wake():
            return
        self._at = self.context.monotonic() + self.context.pace.probe
        watches = self.watches() + self._auditing()
        names = {one.name for one in watches}
        self._known = {key: one for key, one in self._known.items() if key[0] in names}
        for one in dict.fromkeys(watches):
            for part, make in self._parts(one):
                try:
                    job = make()
                except ConfigurationError as error:
                    self._failed((one.name, part), str(error), asked=False)
                    continue
                if job is not None:
                    self._give(one.name, part, job)
        self._round += 1

    def wake(self) -> float:
        """Return the monotonic time of the next round."""
        return self._at if self.context.pace.probe < float("inf") else float("inf")

    def _auditing(self) -> list[Watch]:
        """Return the firewalls of which this node tries flows, whoever reads them."""
        site, here = self.context.site, self.context.node.name
        return [one for one in site.watch if here in auditors(site, one)]

    def _parts(self, one: Watch) -> Iterator[tuple[Part, Callable[[], Job | None]]]:
        """Yield what is asked of a watch; to make a job of it may raise ConfigurationError."""
        if isinstance(one, NasWatch):
            if one.snmp is not None:
                yield "snmp", partial(self._device, one.name, "nas", one.snmp.host, one.snmp.credentials_file)
            if one.destination is not None:
                yield "place", partial(self._probe, one.destination)
                yield "count", partial(self._count, one, one.destination)
            return
        mine = one in self.watches()
        if one.snmp is not None and mine:
            yield "snmp", partial(self._device, one.name, "wall", one.snmp.host, one.snmp.credentials_file)
        if one.opnsense is not None and mine:
            yield "opnsense", partial(self._api, one.name, one.opnsense)
        yield "flows", partial(self._flows, one, mine)

    def _device(self, name: str, op: str, host: str, credentials: str) -> Job:
        args: Json = {"host": host, "credentials": read_secret(self.context.base / credentials), "seconds": SECONDS}
        return Job(self._worker(name, "snmp"), op, args, SECONDS + LONGER)

    def _api(self, name: str, api: WallApi) -> Job:
        args: Json = {"url": api.url, "seconds": SECONDS}
        args["credentials"] = read_secret(self.context.base / api.credentials_file)
        if api.ca_file is not None:
            args["ca_file"] = str(self.context.base / api.ca_file)
        return Job(self._worker(name, "opnsense"), "opnsense", args, SECONDS + LONGER)

    def _probe(self, destination: str) -> Job | None:
        if self._round % PLACE:
            return None
        found = self._destination(destination)
        name = f".overlapse-probe-{self.context.node.name}"
        args = {"name": name, "write": not found.protected and found.node is None}
        return Job(self._opened(found), "probe", args, PLACE_SECONDS)

    def _count(self, one: NasWatch, destination: str) -> Job | None:
        if not self._is_due(one.name, "count", one.count.total_seconds()):
            return None
        return Job(self._opened(self._destination(destination)), "count", {}, COUNTING)

    def _destination(self, name: str) -> Destination:
        return next(one for one in self.context.site.destination if one.name == name)

    def _opened(self, destination: Destination) -> Worker:
        """Return the worker of a place, beside the one that delivers there."""
        worker = Worker("destination", f"{destination.name}:watch")
        described = opening(destination, self.context.base)
        self.context.hands.equip(worker, Setting(opening=described, opening_deadline=PLACE_SECONDS, idle=IDLE))
        return worker

    def _flows(self, one: FirewallWatch, mine: bool) -> Job | None:
        """Return the audit of what is to be tried from here: as this node, and by SSH from vantages."""
        vantages = {each.name: each for each in one.vantage}
        here = self.context.node.name
        flows = [flow for flow in one.flows if flow.from_ == here or (mine and flow.from_ in vantages)]
        if not flows or not self._is_due(one.name, "flows", one.audit.total_seconds()):
            return None
        told = [
            {
                "to": flow.to,
                "expect": flow.expect,
                "control": flow.control,
                "vantage": vantages[flow.from_].address if flow.from_ in vantages else "",
            }
            for flow in flows
        ]
        base = self.context.base
        ways = {
            each.address: {"key_file": str(base / each.key_file), "known_hosts": str(base / each.known_hosts)}
            for each in one.vantage
        }
        deadline = 600.0 + 260 * len(flows) / one.rate
        return Job(self._worker(one.name, "flows"), "flows", {"flows": told, "ways": ways, "rate": one.rate}, deadline)

    def _is_due(self, name: str, part: Part, every: float) -> bool:
        """Return whether what is done every so many seconds is to be done again; the time outlives a restart."""
        last = states.get(self.context.catalogue, _key(name, part), {}).get("at", 0)
        return every > 0 and not 0 <= self.context.now().timestamp() - last < every

    def _worker(self, name: str, part: Part) -> Worker:
        worker = Worker("probe", f"{WATCH}{name}/{part}")
        self.context.hands.equip(worker, Setting(idle=IDLE))
        return worker

    def _give(self, name: str, part: Part, job: Job) -> None:
        if (name, part) not in self._asked:
            self._asked.add((name, part))
            self.context.hands.give(Job(job.worker, job.op, job.args, job.deadline, about=(WATCH, name, part)))

    def handle(self, report: Report) -> None:
        """Keep what was read, or since when it was not."""
        if not isinstance(report, Done | Failed):
            return
        _, name, part = report.job.about
        self._asked.discard((name, part))
        if isinstance(report, Failed):
            self._failed((name, part), str(report.error))
            return
        result = {**report.result, "at": round(self.context.now().timestamp())}
        if part == "count":
            result["here"] = self._proven(report.job.worker.name.partition(":")[0])
        elif part == "flows":
            result = self._audited(name, result)
        elif part == "snmp":
            self._counted(name, result)
        elif part == "opnsense":
            result = self._compared(name, result)
        if part in ("count", "flows"):
            states.put(self.context.catalogue, _key(name, part), result)
        if "error" in self._known.get((name, part), {}):
            self.context.tell("watch", name, "it answers again")
        self._known[name, part] = result

    def _failed(self, key: tuple[str, Part], why: str, *, asked: bool = True) -> None:
        before = self._known.get(key, {})
        if "error" not in before:
            self.context.tell("watch", key[0], why)
        since = before.get("since") if "error" in before else round(self.context.now().timestamp())
        kept = {word: one for word, one in before.items() if word in ("uptime", "at")}
        self._known[key] = {**kept, "error": safe(why, 200), "since": since} | ({} if asked else {"unasked": True})

    def _proven(self, destination: str) -> int:
        return deliveries.remotes(self.context.catalogue, destination)

    def _audited(self, name: str, result: Json) -> Json:
        """Keep the flows that are not as designed, and how many are."""
        flows = result.pop("flows")
        wrong = [flow for flow in flows if flow["verdict"] != "as designed"]
        wrong.sort(key=lambda flow: flow["verdict"] != "violated")
        if wrong:
            self.context.tell("flows", name, f"{len(wrong)} of {len(flows)} flows are not as designed")
        violated = sum(flow["verdict"] == "violated" for flow in flows)
        return {**result, "total": len(flows), "violated": violated, "not_proven": len(wrong) - violated,
                "wrong": wrong[:WRONG]}  # fmt: skip

    def _counted(self, name: str, result: Json) -> None:
        """Add by how much the errors of each interface grew since the last reading."""
        before = {one["name"]: one["errors"] for one in self._known.get((name, "snmp"), {}).get("interfaces", ())}
        for one in result.get("interfaces", ()):
            if one["name"] in before:
                one["grew"] = max(0, one["errors"] - before[one["name"]])

    def _compared(self, name: str, result: Json) -> Json:
        """Add since when the rules are others than those that were seen first, for a week."""
        key, now = _key(name, "rules"), result["at"]
        before, found = states.get(self.context.catalogue, key), result.get("rules_sha256")
        if found is None:
            return result
        if before is None or before["sha256"] != found:
            changed = None if before is None else now
            before = {"sha256": found, "changed": changed}
            states.put(self.context.catalogue, key, before)
            if changed is not None:
                self.context.tell("rules changed", name, f"{result.get('rules', 0)} rules now")
        return result if before["changed"] is None else {**result, "rules_changed": before["changed"]}

    def rows(self) -> list[dict[str, Any]]:
        """Return what the status document says of each watch."""
        told = []
        for one in dict.fromkeys(self.watches() + self._auditing()):
            row: dict[str, Any] = {"name": one.name, "kind": one.kind}
            for part in ("snmp", "opnsense", "flows", "place", "count"):
                known = self._known.get((one.name, part))
                if known is None and part in ("flows", "count"):
                    known = states.get(self.context.catalogue, _key(one.name, part))
                if known is not None:
                    row[part] = known
            if isinstance(one, NasWatch) and one.snmp is not None:
                row["expect"] = {key: value for key, value in vars(one.snmp.expect).items() if value is not None}
            if isinstance(one, FirewallWatch) and one.snmp is not None and one.snmp.interfaces:
                row["wanted"] = list(one.snmp.interfaces)
            if isinstance(one, NasWatch) and one.destination is not None:
                row["destination"] = one.destination
            told.append(row)
        return told


def _key(name: str, part: str) -> str:
    return f"{WATCH}{name}/{part}"
