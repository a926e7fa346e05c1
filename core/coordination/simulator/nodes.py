"""A simulated node: it drives the protocol as a real one does, crashes, stops for a while, and shoots its slots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Protocol

from core.coordination.protocol.driving import Right, right
from core.coordination.protocol.messages import Action, Call, Event, Mail, Sent, Stop, Stopped, Vitals, Wake, Withdraw
from core.coordination.protocol.profiles import Rules
from core.coordination.protocol.records import CameraPlan, NodePlan
from core.coordination.protocol.state import Moment, State
from core.coordination.protocol.step import Start, begin, step
from core.coordination.simulator.network import Line, Network
from core.coordination.simulator.timeline import Timeline
from core.values import Fence

DAY_ZERO = 1_790_000_000.0  # seconds since the epoch at which histories begin
_BOUNDARY = 1.5  # seconds at most until a shot in hand is done


class Watcher(Protocol):
    """Sees all that a node does."""

    def acted(self, node: SimulatedNode, action: Action) -> None:
        """Take note of an action."""
        ...

    def stepped(self, node: SimulatedNode) -> None:
        """Look at a node whose session, owners or hand-backs changed."""
        ...


@dataclass(frozen=True, slots=True)
class Site:
    """What every node of a simulated site reads in its site file."""

    cameras: Mapping[str, CameraPlan]
    nodes: Mapping[str, NodePlan]
    rules: Rules


class SimulatedNode:
    """One machine: its clock runs fast or slow, its program runs, stands still or is gone; its disk stays."""

    def __init__(
        self, name: str, site: Site, time: Timeline, network: Network, random: Random, line: Line, mailer: bool
    ) -> None:
        self.name = name
        self.line = line
        self.timeout = State(name, "", nodes=site.nodes).profile().timeout  # seconds that its calls may take
        self.cut_since: float | None = None
        self.hears = frozenset(("sess", "own", "cfg", "epoch"))
        self.state: State | None = None
        self.process = 0  # counts the runs of the program
        self.reaches = set(site.cameras)
        self.mailer = mailer
        self.sends_mail = True
        self.is_paused = False
        self.rate = 1.0
        self.offset = random.uniform(1000, 9000)
        self.wall_offset = DAY_ZERO
        self.known: dict[str, Fence] = {}  # on its disk
        self.watcher: Watcher | None = None
        self.troubled = 0.0  # when something was wrong with it last, or mended
        self._site = site
        self._time = time
        self._network = network
        self._random = random
        self._waiting: list[Event] = []
        self._withdrawn: set[str] = set()
        self._wake_at = float("inf")

    def local(self, at: float | None = None) -> float:
        """Return what its monotonic clock shows."""
        return self.offset + self.rate * (self._time.now if at is None else at)

    def moment(self) -> Moment:
        """Return what its clocks show."""
        return Moment(self.local(), self._time.now + self.wall_offset)

    def start(self) -> None:
        """Start its program anew, on what its disk holds."""
        self.troubled = self._time.now
        self.process += 1
        self.is_paused = False
        self._waiting.clear()
        process = f"{self._random.getrandbits(64):016x}"
        site = self._site
        start = Start(
            me=self.name,
            process=process,
            cameras=site.cameras,
            nodes=site.nodes,
            known=self.known,
            mailer=self.mailer,
            rules=site.rules,
        )
        self.state = begin(start, self.moment())
        self.hear(Wake(), self.process)

    def crash(self) -> None:
        """End its program at once."""
        self.troubled = self._time.now
        self.state = None
        self.process += 1
        self._waiting.clear()

    def pause(self) -> None:
        """Stop its program where it is (SIGSTOP, swapping, a machine that hangs)."""
        self.troubled = self._time.now
        self.is_paused = True

    def resume(self) -> None:
        """Let it go on: all that came meanwhile is heard now."""
        self.troubled = self._time.now
        self.is_paused = False
        waiting, self._waiting = self._waiting, []
        for event in waiting:
            self.hear(event, self.process)
        self.hear(Wake(), self.process)

    def cut(self) -> None:
        """Take its way to the engine away."""
        self.troubled = self._time.now
        if self.cut_since is None:
            self.cut_since = self._time.now

    def mend(self) -> None:
        """Give its way to the engine back."""
        self.troubled = self._time.now
        if self.cut_since is not None:
            self.cut_since = None
            self._network.release()

    def see(self, camera: str, is_there: bool) -> None:
        """Reach a camera, or not any more."""
        (self.reaches.add if is_there else self.reaches.discard)(camera)
        self.hear(Vitals(frozenset(set(self._site.cameras) - self.reaches)), self.process)

    def right(self, camera: str) -> Right | None:
        """Return what it may do with a camera now, as its own clock and its protocol say."""
        return None if self.state is None else right(self.state, camera, self.local())

    def shoots(self, camera: str) -> Right | None:
        """Return what it shoots a camera as at this instant, None: it does not."""
        return None if self.is_paused or camera not in self.reaches else self.right(camera)

    def hear(self, event: Event, process: int) -> None:
        """Take an event on, for the run of the program that it is for."""
        if self.state is None or process != self.process:
            return
        if self.is_paused:
            if not isinstance(event, Wake):
                self._waiting.append(event)
            return
        before = self.state
        after, actions = step(before, event, self.moment())
        self.state = after
        self.known = dict(after.known) if after.known is not before.known else self.known
        for action in actions:
            self._act(action)
        if self.watcher is not None and (
            after.session is not before.session
            or after.leases is not before.leases
            or after.handing is not before.handing
        ):
            self.watcher.stepped(self)
        self._set_alarm()

    def _act(self, action: Action) -> None:
        process = self.process
        if isinstance(action, Call):
            self._network.ask(self, action, process)
            return
        if self.watcher is not None:
            self.watcher.acted(self, action)
        if isinstance(action, Stop):
            camera = action.camera
            self._time.after(self._random.uniform(0, _BOUNDARY), lambda: self.hear(Stopped(camera), process))
        elif isinstance(action, Mail):
            self._withdrawn.discard(action.case)
            self._time.after(self._random.uniform(1, 30), lambda: self._post(action.case, process))
        elif isinstance(action, Withdraw):
            self._withdrawn.add(action.case)

    def _post(self, case: str, process: int) -> None:
        """Send a mail that was not taken back; a server that takes none has it tried again."""
        if process != self.process or case in self._withdrawn:
            return
        if self.sends_mail and not self.is_paused:
            self.hear(Sent(case), process)
        else:
            self._time.after(20, lambda: self._post(case, process))

    def _set_alarm(self) -> None:
        assert self.state is not None
        at = max((self.state.wake - self.offset) / self.rate, self._time.now + 1e-6)
        if at < self._wake_at or self._wake_at <= self._time.now:
            self._wake_at = at
            self._time.at(at, lambda: self._alarm(at))

    def _alarm(self, at: float) -> None:
        if at != self._wake_at:
            return
        self._wake_at = float("inf")
        if self.state is None or self.is_paused:
            return
        if self.state.wake > self.local() + 1e-6:
            self._set_alarm()
        else:
            self.hear(Wake(), self.process)
