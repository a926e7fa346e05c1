"""A whole simulated node: the loop and the desks of a real one, on a fake clock, with models for hands."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from core.catalogue import deliveries, pictures, states
from core.catalogue.rebuild import Replayed, follow
from core.catalogue.store import Catalogue, Parameters, Row
from core.control.audit import Audit
from core.control.peer import Who
from core.control.request import Request
from core.control.trail import Trail
from core.errors import CatalogueError, DiskFull
from core.node.context import Context, Pace
from core.node.engine import Engine
from core.node.fleet.spares import wanted_of_spare
from core.node.jobs import Hands, Report, Worker
from core.node.loop import Event, Loop, Stop
from core.node.part import SitePart
from core.node.pictures.taking import wanted_by
from core.node.reload import Reload
from core.schedule.slots import Slot, Timetable
from core.simulate.cameras import PowerHook, SimulatedCamera
from core.simulate.disk import DiskModel, SimulatedDisk
from core.simulate.links import SimulatedDestination, SimulatedImages, SimulatedRouter
from core.simulate.nobody import EmptyDrop
from core.simulate.shared import SharedEngine, SimulatedReach
from core.simulate.world import Model, SimulatedHands, World
from core.site.load import reparse
from core.site.model.cameras import Camera
from core.site.model.file import SiteFile
from core.site.place import Folders
from core.values import Fence

STUCK = 10_000  # steps of the loop in which no time passes


class KeptCatalogue(Catalogue):
    """A catalogue in memory that outlives the node, as a file would, and takes nothing while its disk is full.

    `failing`: numbers of the statements, counted from 1, that fail.
    """

    disk: SimulatedDisk | None = None
    failing: frozenset[int] = frozenset()
    statements: int = 0

    def run(self, sql: str, parameters: Parameters = ()) -> int:
        self._need_room()
        return super().run(sql, parameters)

    def insert(self, table: str, values: dict[str, Any], conflict: str = "") -> int | None:
        self._need_room()
        return super().insert(table, values, conflict)

    def each(self, sql: str, parameters: Parameters = ()) -> Iterator[Row]:
        self._fail()
        return super().each(sql, parameters)

    def close(self) -> None:
        """Stay open: the next start finds it."""

    def _fail(self) -> None:
        self.statements += 1
        if self.statements in self.failing:
            raise CatalogueError("catalogue: disk I/O error")

    def _need_room(self) -> None:
        self._fail()
        if self.disk is not None and self.disk.is_full:
            raise DiskFull("catalogue: database or disk is full")


class Recorded(Audit):
    """An audit that is kept in memory."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str]] = []  # (who, verb, result)

    def record(self, who: Who, verb: str, args: Mapping[str, object], result: str, request: str | None = None) -> None:
        self.lines.append((who.user, verb, result))


class SimulatedSite:
    """One site on a simulated node. Everything in it but the node itself survives a stop."""

    def __init__(
        self,
        world: World,
        text: str,
        *,
        synchronised: bool = True,
        pace: Pace | None = None,
        node: str | None = None,
        engine: SharedEngine | None = None,
    ) -> None:
        """`text` is a site.toml; `synchronised` is what the kernel says of the clock; `node`: by default the first.

        `engine`: what it shares with other nodes.
        """
        self.shared = engine
        self.is_cut_off = False  # from the engine
        self.reach = SimulatedReach()
        self.world = world
        self.site: SiteFile = reparse(text)
        self.node = node or self.site.node[0].name
        self.synchronised = synchronised
        self.witnesses: dict[str, timedelta] = {}  # name -> how far that clock is ahead of ours
        self.pace = pace or Pace()
        self._dice = random.Random(self.site.site.name)  # noqa: S311 - a simulation
        self.folders = Folders(Path("/simulated") / self.site.site.name)  # nothing is ever written there
        self.base = self.folders.data  # of paths in the site file
        self.counters: dict[str, int] = {}  # link -> what its interface or router has counted
        self.documents = 0
        self.document: dict[str, Any] = {}  # the last status
        self.fleet: dict[str, dict[str, Any]] = {}  # those of other nodes
        self.disk = SimulatedDisk()
        self.catalogue = KeptCatalogue.in_memory()
        self.catalogue.disk = self.disk
        self.hook = PowerHook()
        self.router = SimulatedRouter(world)
        self.images = SimulatedImages(str(self.folders.data), made=self.disk.made)
        self.cameras = {camera.name: self._camera(camera) for camera in self.site.camera}
        self.destinations = {one.name: self._destination(one.name) for one in self.site.destination}
        self.places: dict[Worker, Model] = {}  # workers of places that this node empties
        self.events: list[tuple[datetime, str, str, str]] = []  # (when, kind, subject, text)
        self.others: dict[Worker, Model] = {}  # workers that a test brings
        self.audit = Recorded()
        self.engine: Engine | None = None  # the store that it shares with other nodes
        self.fence = Fence(1, 0)
        self.part: SitePart | None = None
        self._before: SiteFile | None = None

    @property
    def running(self) -> SitePart:
        """The part that the loop runs now."""
        assert self.part is not None, "the node is stopped"
        return self.part

    def start(self, queue: SimpleQueue[Event | Stop]) -> SitePart:
        """Start the node on what its last run left, under a new fence."""
        self.fence = Fence(1, self.fence.token + 1)
        context = self._context()
        if self.shared is not None:
            context.engine = self.shared.line(lambda said: queue.put(Event(part, said)), lambda: self.is_cut_off)
        part = SitePart(
            context,
            witnesses=self._witness,
            reread=lambda: self.site,
            on_reload=self._applied,
            trail=Trail(self.audit),
        )
        context.hands = self._hands(lambda report: queue.put(Event(part, report)))
        self.catch_up(self.catalogue)
        deliveries.resume_all(self.catalogue)
        self.part = part
        part.begin(self._before)
        self._before = self.site
        return part

    def end(self) -> None:
        """Forget the part, once the loop has closed it."""
        self.part = None

    def cut(self) -> None:
        """Let the power go: what was not durable is lost, nobody says goodbye."""
        if self.part is not None:
            self.part.context.hands.close()
            self.part.desks.owning.close()
        self.disk.cut()
        self.part = None

    def reload(self, text: str) -> dict[str, Any]:
        """Have the running node take over another site file; return what it answers."""
        said: list[dict[str, Any]] = []
        self.site = reparse(text)
        self.running.reload(Reload(said.append))
        return said[0]

    def ask(self, request: Request) -> None:
        """Have somebody order something."""
        self.running.handle(request)

    def rebuilt(self) -> tuple[Catalogue, Replayed]:
        """Return a catalogue made anew from the day books alone."""
        catalogue = Catalogue.in_memory()
        return catalogue, follow(catalogue, self.disk.lines(), self._wanted, self._spares)

    def catch_up(self, catalogue: Catalogue) -> Replayed:
        """Have a catalogue take in what the day books say and it does not know, as a start does."""
        return follow(catalogue, self.disk.behind(states.offsets(catalogue)), self._wanted, self._spares)

    def expected(self, camera: str, begin: datetime, end: datetime) -> list[Slot]:
        """Return the slots that a camera's schedule expects from `begin` to before `end`."""
        found = next(one for one in self.site.camera if one.name == camera)
        where = self.site.site
        return list(Timetable(found, where.zone, where.latitude, where.longitude).slots(begin, end))

    def told(self, kind: str) -> list[str]:
        """Return the texts of all events of a kind."""
        return [text for _, one, _, text in self.events if one == kind]

    def plug_in(self, camera: Camera) -> None:
        """Have a camera there of which the site will hear by a reload."""
        self.cameras[camera.name] = self._camera(camera)

    def _camera(self, camera: Camera) -> SimulatedCamera:
        kinds: Mapping[str, Sequence[Any]] = {"raw+jpeg": ("raw", "jpeg"), "raw": ("raw",), "jpeg": ("jpeg",)}
        return SimulatedCamera(camera.name, self.disk, kinds[camera.shoots])

    def _destination(self, name: str) -> SimulatedDestination:
        return SimulatedDestination(name, self.world, self.disk, str(self.folders.data), made=self.images.made)

    def _context(self) -> Context:
        return Context(
            site=self.site,
            base=self.base,
            node=next(one for one in self.site.node if one.name == self.node),
            folders=self.folders,
            clock=self.world,
            catalogue=self.catalogue,
            keeper=self.disk,
            hands=self._hands(lambda report: None),
            fence=self.fence,
            on_event=lambda kind, subject, text: self.events.append((self.world.now(), kind, subject, text)),
            pace=self.pace,
            jitter=self._dice.random,
            traffic=lambda link: self.counters.get(link.name),
            publish=self._publish,
            engine=self.engine,
            run=hashlib.sha256(f"{self.node} {self.fence}".encode()).hexdigest()[:16],
        )

    def _publish(self, path: Path, document: dict[str, Any]) -> None:
        if path.parent == self.folders.fleet:
            self.fleet[path.stem] = document
            return
        self.documents += 1
        self.document = document

    def _hands(self, report: Callable[[Report], None]) -> Hands:
        models: dict[Worker, Model] = {
            Worker("images"): self.images,
            Worker("disk"): DiskModel(self.disk),
            Worker("hook"): self.hook,
            Worker("probe"): self.router,
            Worker("drop"): EmptyDrop(),
            Worker("reach"): self.reach,
        }
        models |= {Worker("camera", name): camera for name, camera in self.cameras.items()}
        models |= {Worker("destination", name): one for name, one in self.destinations.items()}
        models |= self.places | self.others
        return SimulatedHands(self.world, models, report)

    def _witness(self) -> tuple[bool, Mapping[str, datetime]]:
        now = self.world.now()
        return self.synchronised, {name: now + ahead for name, ahead in self.witnesses.items()}

    def _applied(self, site: SiteFile) -> list[str]:
        self._before = site
        return []

    def _wanted(self, picture: pictures.Picture) -> Iterable[deliveries.NewDelivery]:
        return wanted_by(self.site, picture, self.node)

    def _spares(self, picture: pictures.Picture) -> Iterable[deliveries.NewDelivery]:
        return wanted_of_spare(self.site, picture, self.node)


@dataclass
class _Alarm:
    """A part of the loop that does nothing but end its sleep at an instant."""

    at: float  # monotonic

    def handle(self, event: object) -> None:
        """Nothing is for it."""

    def tick(self) -> None:
        """Nothing is due."""

    def wake(self) -> float:
        return self.at

    def finished(self) -> bool:
        return True

    def stop(self) -> None:
        """Nothing is in hand."""

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class SimulatedNode:
    """A machine that runs the loop for its sites; it can be stopped, lose its power, and be started again."""

    world: World
    sites: Sequence[SimulatedSite]
    longest_sleep: float = 60.0
    steps: int = 0  # of the loop, ever
    _queue: SimpleQueue[Event | Stop] = field(default_factory=SimpleQueue)
    _loop: Loop | None = None

    def run(self, duration: timedelta) -> None:
        """Start when it does not run, and let this much time pass."""
        if self._loop is None:
            self._start()
        alarm = _Alarm(self.world.monotonic() + duration.total_seconds())
        still = 0
        while (before := self.world.monotonic()) < alarm.at:
            assert self._loop is not None
            self._loop.step([alarm, *(site.running for site in self.sites)])
            self.steps += 1
            still = still + 1 if self.world.monotonic() == before else 0
            assert still < STUCK, "the loop turns and no time passes"

    def run_until(self, instant: datetime) -> None:
        """Let time pass until a wall-clock instant, as the clock runs now."""
        self.run(instant - self.world.now())

    def stop(self) -> None:
        """Stop in order, as SIGTERM does: shots in hand are finished."""
        assert self._loop is not None
        self._queue.put(Stop())
        self._loop.run([site.running for site in self.sites])
        for site in self.sites:
            site.end()
        self._loop = None

    def cut(self) -> None:
        """Let the power go."""
        for site in self.sites:
            site.cut()
        self._loop = None
        self.world.reboot()

    def off(self, duration: timedelta) -> None:
        """Stop for a while; the next `run` starts again."""
        self.stop()
        self.world.skip(duration.total_seconds())

    def cut_one(self, site: SimulatedSite) -> None:
        """Let the power of one of several nodes go that share this loop, and start it again at once."""
        site.cut()
        site.start(self._queue)

    def _start(self) -> None:
        self._queue = SimpleQueue()
        self._loop = Loop(self.world, self._queue, longest_sleep=self.longest_sleep)
        for site in self.sites:
            site.start(self._queue)
