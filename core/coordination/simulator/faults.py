"""What goes wrong in a history: crashes, pauses, cuts, an engine without a leader, a restored snapshot, and people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from core.coordination.protocol.messages import Beacon, Order
from core.coordination.protocol.records import camera_key, encode, node_key
from core.coordination.simulator.network import QUICK
from core.coordination.simulator.nodes import SimulatedNode

if TYPE_CHECKING:
    from core.coordination.simulator.history import History

KINDS = (
    "crash", "restart", "pause", "cut", "cut after renewal", "election", "no quorum", "restore", "camera", "clock",
    "order", "switch", "mail server",
)  # fmt: skip
OLD_LEADER = "old leader"  # no fault of a drill's histories: asked for by name
_WEIGHTS = {"crash": 5.0, "restart": 2.0, "pause": 5.0, "cut": 5.0, "cut after renewal": 5.0, "election": 2.0}
_RARE = {"restore": 0.4, "no quorum": 1.0, "switch": 0.5}
_BEACON = 3.0  # seconds
_NOTICES = 10.0  # seconds within which a voter that led notices that it is alone


class Faults:
    """Breaks things at random instants, and mends them."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._random = history.random
        self._time = history.time
        self._kinds = history.setup.faults
        self._weights = [_WEIGHTS.get(kind, _RARE.get(kind, 1.0)) for kind in self._kinds]
        self._until = 0.0
        self._snapshots = [history.engine.snapshot()]
        self._plans = dict(history.site.nodes)
        self._is_healed = False

    def begin(self, until: float) -> None:
        """Have faults happen until then."""
        self._until = until
        if self._kinds:
            self._time.after(5 * self._history.profile.renew + self._gap(), self._next)
        if "restore" in self._kinds:
            self._time.after(self._history.profile.deadline, self._keep_snapshot)
        self._time.after(_BEACON, self._beacons)

    def heal(self) -> None:
        """Mend all: from now on nothing is wrong."""
        self._is_healed = True
        if not self._history.engine.is_up:
            self._up()
        self._history.network.old.clear()
        for node in self._history.nodes.values():
            node.line = QUICK
            node.mend()
            node.sends_mail = True
            for camera in self._history.site.cameras:
                node.see(camera, True)
            if node.state is None:
                node.start()
            elif node.is_paused:
                node.resume()

    def _gap(self) -> float:
        return self._random.expovariate(1.0) * self._history.setup.gap * self._history.profile.renew

    def _next(self) -> None:
        if self._time.now >= self._until:
            return
        kind = self._random.choices(self._kinds, self._weights)[0]
        getattr(self, f"_{kind.replace(' ', '_')}")()
        self._time.after(self._gap(), self._next)

    def _tell(self, line: str, switches: int = 1) -> None:
        self._history.judge.faults += switches
        self._history.judge.tell(f"fault: {line}")

    def _node(self) -> SimulatedNode:
        return self._random.choice(tuple(self._history.nodes.values()))

    def _long(self) -> float:
        """Return how long something stays wrong: from a fraction of T to several."""
        return self._random.uniform(0.1, 1.0) ** 2 * 4 * self._history.profile.deadline

    def _later(self, seconds: float, mend: Callable[[], None]) -> None:
        def happen() -> None:
            if not self._is_healed:
                mend()

        self._time.after(seconds, happen)

    # --- machines and programs ----------------------------------------------------------------------------------------

    def _crash(self) -> None:
        node, seconds = self._node(), self._long()
        if node.state is not None:
            self._tell(f"{node.name} is killed for {seconds:.1f} s")
            node.crash()
            self._later(seconds, lambda: node.start() if node.state is None else None)

    def _restart(self) -> None:
        node = self._node()
        if node.state is not None:
            self._tell(f"{node.name} is started anew")
            node.crash()
            self._later(0.5, lambda: node.start() if node.state is None else None)

    def _pause(self) -> None:
        node, seconds = self._node(), self._long()
        if node.state is not None and not node.is_paused:
            self._tell(f"{node.name} stands still for {seconds:.1f} s")
            node.pause()
            process = node.process
            self._later(seconds, lambda: node.resume() if node.process == process and node.is_paused else None)

    def _clock(self) -> None:
        node, by = self._node(), self._random.uniform(-7200, 7200)
        self._tell(f"the wall clock of {node.name} jumps by {by:.0f} s", 0)
        node.wall_offset += by

    # --- links and engine ---------------------------------------------------------------------------------------------

    def _cut(self) -> None:
        node, seconds = self._node(), self._long()
        if node.cut_since is None:
            self._tell(f"{node.name} is cut off for {seconds:.1f} s")
            node.cut()
            self._later(seconds, node.mend)

    def _cut_after_renewal(self) -> None:
        """Cut a node off at the worst instant: its last renewal was applied, and it is not heard of any more."""
        node = self._random.choice(tuple(self._history.nodes.values())[:2])
        if node.state is None or node.cut_since is not None:
            return
        wait = (node.state.session.due - node.local()) / node.rate
        if not 0 <= wait <= self._history.profile.renew:
            return
        late = 0.01 if self._random.random() < 0.5 else self._random.uniform(1.0, 1.5) * self._history.profile.timeout
        self._later(wait + late, self._cut_of(node))

    def _cut_of(self, node: SimulatedNode) -> Callable[[], None]:
        def cut() -> None:
            if node.cut_since is None:
                self._tell(f"{node.name} is cut off just after it renewed")
                node.cut()
                self._later(self._history.profile.deadline * 1.6, node.mend)

        return cut

    def _election(self) -> None:
        seconds = self._random.uniform(4, 9)
        self._tell(f"the engine elects a leader for {seconds:.1f} s")
        self._down(seconds)

    def _old_leader(self) -> None:
        """Have the voter that led be alone, and one node come to its side, now or soon; the others elect anew."""
        random, node, network = self._random, self._node(), self._history.network
        if node.name in network.old or not self._history.engine.is_up:
            return
        elects, seconds = random.uniform(0.1, 4), random.uniform(4, _NOTICES)
        late = random.choice((0.0, random.uniform(elects, seconds)))
        self._tell(f"{node.name} is answered by a voter that led, {late:.1f} to {seconds:.1f} s from now")
        knew = dict(self._history.engine.keys)
        self._down(elects)

        def turn(is_old: bool) -> None:
            node.troubled = self._time.now  # it is as good as cut off
            if is_old:
                network.old[node.name] = knew
            else:
                network.old.pop(node.name, None)

        self._later(late, lambda: turn(True))
        self._later(seconds, lambda: turn(False))

    def _no_quorum(self) -> None:
        seconds = self._long() + self._history.profile.deadline
        self._tell(f"two voters are down for {seconds:.1f} s", 3)
        self._down(seconds)

    def _down(self, seconds: float) -> None:
        engine = self._history.engine
        if engine.is_up:
            engine.is_up = False
            self._history.judge.engine_down = self._time.now
            self._later(seconds, self._up)

    def _up(self) -> None:
        self._history.engine.is_up = True
        self._history.judge.engine_up = self._time.now

    def _restore(self) -> None:
        """Restore an old snapshot as the procedure says: the engine is away for longer than any deadline before."""
        engine, history = self._history.engine, self._history
        if not engine.is_up:
            return
        self._tell("the engine is restored from an old snapshot", 6)
        engine.is_up = False
        history.network.old.clear()
        snapshot = self._random.choice(self._snapshots)

        def back() -> None:
            engine.restore(snapshot, history.setup.raise_epoch)
            history.judge.restored(engine.keys)
            self._up()

        self._later(history.profile.deadline * 1.1, back)

    def _keep_snapshot(self) -> None:
        if self._history.engine.is_up:
            self._snapshots = [*self._snapshots[-3:], self._history.engine.snapshot()]
        self._time.after(self._history.profile.deadline, self._keep_snapshot)

    def _beacons(self) -> None:
        """Unit and office are on one local network, and hear each other there."""
        nodes = self._history.nodes
        heard = [name for name in ("unit", "office") if nodes[name].state is not None and not nodes[name].is_paused]
        for name in heard:
            for other in heard:
                if other != name and self._random.random() > 0.1:
                    nodes[other].hear(Beacon(name), nodes[other].process)
        self._time.after(10 * _BEACON, self._beacons)

    # --- cameras and people -------------------------------------------------------------------------------------------

    def _camera(self) -> None:
        node = self._node()
        camera = self._random.choice(tuple(self._history.site.cameras))
        self._tell(f"{node.name} does not reach {camera}", 0)
        node.see(camera, False)
        self._later(self._long(), lambda: node.see(camera, True))

    def _order(self) -> None:
        camera = self._random.choice(tuple(self._history.site.cameras))
        owner = self._history.judge.owners.get(camera)
        if owner is not None:
            self._tell(f"{camera} is to be handed on by {owner.node}", 2)
            self._history.judge.ordered(camera)
            node = self._history.nodes[owner.node]
            node.hear(Order(camera), node.process)

    def _switch(self) -> None:
        """An operator changes a switch, or whose backup is whose."""
        history, name = self._history, self._random.choice(tuple(self._plans))
        if not history.engine.is_up:
            return
        plan = self._plans[name]
        plan = self._plans[name] = replace(plan, version=plan.version + 1, autoback=not plan.autoback)
        self._tell(f"autoback of {name} is {plan.autoback}", 2)
        history.engine.put(node_key(name), encode(plan))
        camera, its = self._random.choice(tuple(history.site.cameras.items()))
        history.engine.put(camera_key(camera), encode(replace(its, version=plan.version)))

    def _mail_server(self) -> None:
        node = self._node()
        self._tell(f"the mail server of {node.name} takes nothing", 0)
        node.sends_mail = False
        self._later(self._random.uniform(60, 400), lambda: setattr(node, "sends_mail", True))
