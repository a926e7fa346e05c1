"""Reading what a link's month has cost from outside of us: its interface, or the router by SNMP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from core.catalogue import states
from core.errors import ConfigurationError
from core.node.context import Context
from core.node.jobs import Done, Failed, Job, Json, Report, Setting, Worker
from core.node.sending.uplink import Uplink
from core.site.secrets import read_secret

SECONDS = 10.0  # that a router has to answer
IDLE = 5.0  # seconds after which its child ends: it is asked once a minute
LONGER = 5.0  # seconds after which its child is taken for hung
PREFIX = "link/"


@dataclass
class Metering:
    """Has the counters of links read. A router that does not answer is told once; our own bytes count meanwhile."""

    context: Context
    _asked: set[str] = field(default_factory=set)  # links whose router has not answered yet
    _silent: set[str] = field(default_factory=set)

    def read(self, uplink: Uplink) -> None:
        """Read a link's counter now, or have it read."""
        if uplink.link.snmp is not None:
            self._ask(uplink)
            return
        reading = self.context.traffic(uplink.link)
        if reading is not None:
            self._passed(uplink, lambda: uplink.account.read(reading, self.context.now()))

    def _ask(self, uplink: Uplink) -> None:
        snmp, name = uplink.link.snmp, uplink.link.name
        if snmp is None or name in self._asked:
            return
        try:
            credentials = read_secret(self.context.base / snmp.credentials_file)
        except ConfigurationError as error:
            self._tell(name, str(error))
            return
        args: Json = {"host": snmp.host, "credentials": credentials, "interface": snmp.interface, "seconds": SECONDS}
        if (before := states.get(self.context.catalogue, _key(name))) is not None:
            args["before"] = before
        worker = Worker("probe", PREFIX + name)
        self.context.hands.equip(worker, Setting(idle=IDLE))
        self.context.hands.give(Job(worker, "snmp-counter", args, SECONDS + LONGER, about=name))
        self._asked.add(name)

    def handle(self, report: Report, uplink: Uplink | None) -> None:
        """Take in what a router answered for a link; None: the site has it no more."""
        if not isinstance(report, Done | Failed):
            return
        name = str(report.job.about)
        self._asked.discard(name)
        if isinstance(report, Failed):
            self._tell(name, str(report.error))
            return
        states.put(self.context.catalogue, _key(name), report.result)
        self._silent.discard(name)
        if uplink is not None:
            size = report.result.get("passed") or 0
            self._passed(uplink, lambda: uplink.account.passed(size, self.context.now()))

    def _passed(self, uplink: Uplink, count: Callable[[], None]) -> None:
        before = uplink.account.usage.on_the_wire
        count()
        uplink.unnoted += abs(uplink.account.usage.on_the_wire - before)

    def _tell(self, name: str, why: str) -> None:
        if name not in self._silent:
            self._silent.add(name)
            self.context.tell("link counter", name, f"{why}; our own bytes are counted until it answers")


def _key(name: str) -> str:
    return f"link/{name}/counter"
