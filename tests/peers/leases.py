"""A small fleet on a fake clock for the protocol's tests: links that lose nothing unless a test says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

from core.coordination.base import Held
from core.coordination.protocol.driving import Right
from core.coordination.protocol.messages import Action, Event, Mail
from core.coordination.protocol.profiles import Rules
from core.coordination.protocol.records import CameraPlan, NodePlan, Owner, parse_owner
from core.coordination.simulator.engine import Engine
from core.coordination.simulator.network import QUICK, Network
from core.coordination.simulator.nodes import SimulatedNode, Site
from core.coordination.simulator.timeline import Timeline
from core.values import Fence

GATE = CameraPlan(1, "unit", "cloud")
FAST = NodePlan(fast=True, mail=True)


class Fleet:
    """Nodes that share cameras. `told`: what each of them was told, but for calls."""

    def __init__(
        self,
        cameras: Mapping[str, CameraPlan] | None = None,
        nodes: Mapping[str, NodePlan] | None = None,
        mailers: tuple[str, ...] = ("cloud", "office"),
    ) -> None:
        self.time = Timeline()
        self.engine = Engine(self._committed)
        self.network = Network(self.time, self.engine, Random(1))
        plans = dict.fromkeys(("unit", "cloud", "office"), FAST) | dict(nodes or {})
        self.site = Site(cameras or {"gate": GATE}, plans, Rules())
        self.told: list[tuple[str, Action]] = []
        self.changed: list[str] = []  # keys, in the order in which they were changed
        self.nodes = {
            name: SimulatedNode(name, self.site, self.time, self.network, Random(name), QUICK, name in mailers)
            for name in plans
        }
        for node in self.nodes.values():
            node.watcher = self

    def __getitem__(self, name: str) -> SimulatedNode:
        return self.nodes[name]

    def _committed(self, key: str, held: Held, before: Held | None) -> None:
        self.changed.append(key)
        self.network.tell([(node, node.process) for node in self.nodes.values()], key)

    def acted(self, node: SimulatedNode, action: Action) -> None:
        self.told.append((node.name, action))

    def stepped(self, node: SimulatedNode) -> None:
        """Nothing is judged here."""

    def start(self, *names: str) -> Fleet:
        """Start these nodes, or all of them, and let them settle."""
        for name in names or tuple(self.nodes):
            self.nodes[name].start()
        return self.wait(1)

    def wait(self, seconds: float) -> Fleet:
        self.time.run(self.time.now + seconds)
        return self

    def until(self, wanted: Callable[[], bool], within: float) -> float:
        """Let time pass until something is so; return how long that took."""
        begin = self.time.now
        self.time.run_while(lambda: not wanted(), begin + within)
        assert wanted(), f"not within {within} s"
        return self.time.now - begin

    def owner(self, camera: str = "gate") -> Owner:
        key = f"own.{camera}"
        return parse_owner(key, self.engine.keys[key].value)

    def fence(self, camera: str = "gate") -> Fence:
        return self.owner(camera).fence

    def role(self, node: str, camera: str = "gate") -> str | None:
        right = self.right(node, camera)
        return right.role if right is not None else None

    def right(self, node: str, camera: str = "gate") -> Right | None:
        return self.nodes[node].right(camera)

    def hear(self, node: str, event: Event) -> None:
        self.nodes[node].hear(event, self.nodes[node].process)

    def of(self, kind: type[Action], node: str | None = None) -> list[Action]:
        """Return what was told of one kind, by one node or by all."""
        return [action for name, action in self.told if isinstance(action, kind) and node in (None, name)]

    def mails(self) -> list[tuple[str, Mail]]:
        return [(name, action) for name, action in self.told if isinstance(action, Mail)]


def exclusive(plan: CameraPlan = GATE) -> CameraPlan:
    return replace(plan, exclusive=True)
