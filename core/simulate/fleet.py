"""A fleet to practise on: a hub that answers like any node, and units that live, fail and are stood in for."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from core.control.audit import Audit
from core.control.server import Server
from core.node.context import Context, Pace
from core.node.evaluating import evaluation
from core.node.loop import Event, Loop, Stop
from core.simulate.cameras import faults_at_random
from core.simulate.handover import SimulatedDrop, hand_on
from core.simulate.links import outages_at_random
from core.simulate.paced import PacedWorld
from core.simulate.shared import SharedEngine
from core.simulate.site import SimulatedSite
from core.site.model.file import SiteFile
from core.site.place import Folders
from core.status.document import Document, write

LONGEST = timedelta(hours=24)  # of history
EFFORT = timedelta(hours=192)  # of all units together
LEASES = timedelta(minutes=20)
AHEAD = timedelta(days=30)  # for which troubles are laid out
HUB = "hub"
EVERY = "10m"
FAST = Pace(judge=3600, reckon=86_400, plan=86_400, plan_soon=86_400, report=86_400, report_soon=86_400, drop=600)
LIVE = Pace(report=20.0, report_soon=5.0, drop=5.0)

_HEAD = """\
# The site of `overlapse demo --fleet`: {count} units that are simulated, and a hub that answers like any node.
version = 1
site = {{ name = "fleet", zone = {zone}, data = "data", run = "run", clock = "host" }}

[[node]]
name = "{hub}"
kind = "cloud"
inbox = "/simulated/inbox"
"""
_UNIT = """
[[node]]
name = "{unit}"
kind = "unit"
profile = "cellular"
check_in = "10m"
[[node.link]]
name = "sim"
rate = "120kB/s"
budget = {{ bytes = "12GB" }}
[[camera]]
name = "{camera}"
primary = "{unit}"
{backup}source = {{ kind = "http", url = "http://192.0.2.{address}/snap.jpg" }}
schedule = [{{ every = "{every}", offset = "{offset}s" }}]
"""
_ROUTES = f"""
[[destination]]
name = "{HUB}"
node = "{HUB}"
address = "folder:/simulated/inbox"
link = "sim"

[[route]]
what = ["jpeg"]
to = "{HUB}"
"""


def site_text(count: int, zone: str) -> str:
    """Return the site file of a fleet of so many units; every second one has the one after it as its backup."""
    units = []
    for n in range(1, count + 1):
        backup = f'backup = "{unit_name(n % count + 1)}"\n' if n % 2 and count > 1 else ""
        said = {"unit": unit_name(n), "camera": f"cam{n:03d}", "address": n % 250 + 2, "every": EVERY}
        units.append(_UNIT.format(backup=backup, offset=7 * n % 600, **said))
    return _HEAD.format(count=count, zone=zone, hub=HUB) + "".join(units) + _ROUTES


def unit_name(n: int) -> str:
    """Return the name of the n-th unit, from 1 on."""
    return f"unit{n:03d}"


class Hub(SimulatedSite):
    """The node that people log in to: its socket and its status are real, what it stores is not.

    It judges the documents that it hears, and its own, by the checks, as any node does.
    """

    def __init__(self, *args: Any, folders: Folders, **more: Any) -> None:
        super().__init__(*args, **more)
        self.real = folders

    def _context(self) -> Context:
        context = super()._context()
        context.evaluate = evaluation()
        return context

    def _publish(self, path: Path, document: Document) -> None:
        super()._publish(path, document)
        write(self.real.run / path.relative_to(self.folders.run), document)


class PracticeFleet:
    """Everything of it. It lives through `history` before anybody looks, but for the last of it without leases."""

    def __init__(
        self, text: str, site: SiteFile, folders: Folders, history: timedelta = LONGEST, seed: int = 1
    ) -> None:
        self.history = min(history, EFFORT / max(1, len(site.node) - 1))
        self.world = PacedWorld(datetime.now(UTC).replace(microsecond=0) - self.history)
        self.queue: SimpleQueue[Event | Stop] = SimpleQueue()
        self._dice, self._folders, self._site = random.Random(seed), folders, site  # noqa: S311 - a simulation
        self._engine = SharedEngine(self.world)
        self.hub = Hub(self.world, text, node=HUB, folders=folders, pace=FAST)
        units = [node.name for node in site.node if node.name != HUB]
        self.units = [SimulatedSite(self.world, text, node=name, pace=FAST) for name in units]
        drop = SimulatedDrop()  # one inbox, in which each finds its own
        for n, unit in enumerate(self.units):
            hand_on(self.world, unit, HUB, self.hub, drop)
            self._lay_out_troubles(unit, seed + n)
        for one in self._all:
            one.start(self.queue)

    def _lay_out_troubles(self, unit: SimulatedSite, seed: int) -> None:
        """Give a unit the failures of a month: of its cameras and of its link."""
        begin, end = self.world.now(), self.world.now() + self.history + AHEAD
        for camera in unit.cameras.values():
            camera.faults = faults_at_random(seed, begin, end, timedelta(hours=30), timedelta(minutes=40))
        for destination in unit.destinations.values():
            longest, rate = timedelta(hours=3), 40_000 + 10_000 * (seed % 8)
            destination.outages = outages_at_random(seed, begin, end, timedelta(hours=20), longest)
            destination.rate = rate

    def live_through(self, tell: Callable[[float], object]) -> None:
        """Run the history as fast as it goes; `tell` hears which share is done."""
        whole = self.history.total_seconds()
        self._pass(max(0.0, whole - LEASES.total_seconds()), lambda seconds: tell(seconds / whole))
        self.queue.put(Stop())
        Loop(self.world, self.queue).run([one.running for one in self._all])
        for one in self._all:
            one.shared, one.pace = self._engine, LIVE
            one.start(self.queue)
        self._pass(whole, lambda seconds: tell(seconds / whole))
        self.world.go_live()

    def _pass(self, until: float, tell: Callable[[float], object]) -> None:
        """Let time pass up to so many seconds from the begin of the world."""
        loop, parts = Loop(self.world, self.queue), [one.running for one in self._all]
        while self.world.monotonic() < until:
            loop.step(parts)
            tell(self.world.monotonic())

    def run(self) -> None:
        """Live until somebody ends it."""
        Loop(self.world, self.queue).run([one.running for one in self._all])

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Answer on the hub's socket as a real node does, while its history is made, too: then as it was by then."""
        server = Server(
            self._folders.control,
            self._site.roles,
            lambda request: self.queue.put(Event(self.hub.running, request)),
            Audit(self._folders.audit, self.world),
        )
        server.start()
        try:
            yield
        finally:
            server.close()

    @property
    def _all(self) -> list[SimulatedSite]:
        return [self.hub, *self.units]
