"""One history: a small fleet, faults at random instants, then calm; the same seed gives the same history."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

from core.coordination.base import Held
from core.coordination.protocol.driving import Right
from core.coordination.protocol.profiles import CELLULAR, FAST, NORMAL, Profile, Rules
from core.coordination.protocol.records import CameraPlan, NodePlan
from core.coordination.simulator.engine import Engine
from core.coordination.simulator.faults import KINDS, Faults
from core.coordination.simulator.invariants import Judge
from core.coordination.simulator.network import CELLULAR_LINE, OFFICE, QUICK, SLOW_ANSWERS, Line, Network
from core.coordination.simulator.nodes import DAY_ZERO, SimulatedNode, Site
from core.coordination.simulator.sinks import Hub, HubRules
from core.coordination.simulator.timeline import Timeline
from core.values import PictureName

RENEWALS = 60  # of each node, in which faults happen
CALM = 7  # times T without a fault at the end
_PROFILES = (NORMAL, FAST, CELLULAR)


@dataclass(frozen=True, slots=True)
class Setup:
    """What is simulated. What is None is chosen by the seed, for each history anew."""

    rules: Rules = field(default_factory=Rules)
    hub: HubRules = field(default_factory=HubRules)
    raise_epoch: bool = True  # the operator's procedure after a restore
    profile: Profile | None = None
    line: Line | None = None
    unit_line: Line | None = None
    exclusive: bool | None = None  # of the first camera
    faults: tuple[str, ...] = KINDS
    constant: bool | None = None  # whether the cloud shoots what it reserves all the time
    gap: float = 6.0  # times R between two faults, on average


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a history came to."""

    seed: str
    violations: tuple[tuple[str, str], ...]
    story: tuple[str, ...]
    counts: dict[str, int]


class History:
    """A fleet of three: a unit, a cloud node that stands by for it, and an office that stands by for the cloud."""

    def __init__(self, seed: str, setup: Setup) -> None:
        self.random = Random(seed)  # noqa: S311 - a history, not a secret
        self.setup = setup
        self.time = Timeline()
        self.profile = setup.profile or self.random.choices(_PROFILES, (45, 40, 15))[0]
        site = self._site()
        self.hub = Hub(site.cameras, setup.hub)
        self.judge = Judge(self.time, site.cameras, self.hub)
        self.nodes: dict[str, SimulatedNode] = {}
        self.is_over = False
        self.engine = Engine(self._committed)
        self.network = Network(self.time, self.engine, self.random)
        line = setup.line or self.random.choice((QUICK, OFFICE, OFFICE, SLOW_ANSWERS))
        unit_line = setup.unit_line or (CELLULAR_LINE if self.profile is CELLULAR and setup.line is None else line)
        self.nodes |= {
            name: SimulatedNode(name, site, self.time, self.network, self.random, of, mailer=name != "unit")
            for name, of in (("unit", unit_line), ("cloud", line), ("office", line))
        }
        self.judge.nodes = self.nodes
        for node in self.nodes.values():
            node.watcher = self.judge
            node.rate = self.random.choice((0.99, 1.0, 1.01)) if self.random.random() < 0.8 else 1.0
        self.site = site

    def _site(self) -> Site:
        random, setup, profile = self.random, self.setup, self.profile
        exclusive = random.random() < 0.8 if setup.exclusive is None else setup.exclusive
        slot = max(1, int(profile.renew))
        cameras = {
            "gate": CameraPlan(0, "unit", "cloud", exclusive=exclusive, slot=slot, priority=1),
            "yard": CameraPlan(0, "unit", "cloud", slot=slot),
        }
        if random.random() < 0.4:
            cameras["desk"] = CameraPlan(0, "cloud", "office", slot=slot)
        fast, pace = profile is FAST, "cellular" if profile is CELLULAR else "normal"
        constant = random.random() < 0.25 if setup.constant is None else setup.constant
        hold = int(profile.hold / 3)
        nodes = {
            "unit": NodePlan(fast=fast, profile=pace, hold=hold),  # type: ignore[arg-type]
            "cloud": NodePlan(fast=fast, mail=True, constant=constant, hold=hold, cap=3),
            "office": NodePlan(fast=fast, mail=True, constant=random.random() < 0.25),
        }
        return Site(cameras, nodes, setup.rules)

    def _committed(self, key: str, held: Held, before: Held | None) -> None:
        """Each change is looked at, and hinted at to the nodes."""
        self.judge.committed(key, held, before)
        self.network.tell([(node, node.process) for node in self.nodes.values()], key)

    def run(self) -> Outcome:
        """Play it; raise nothing, whatever the nodes do."""
        self.start()
        for n, camera in enumerate(self.site.cameras):
            self.time.after(self.site.cameras[camera].slot * (1 + n / 10), partial(self._slot, camera))
        busy = RENEWALS * self.profile.renew
        faults = Faults(self)
        faults.begin(busy)
        self.time.run(busy)
        faults.heal()
        healed = self.time.now
        self.time.run(healed + CALM * self.profile.deadline)
        self.is_over = True
        self.time.run(self.time.now + self.profile.deadline + 3)
        self.judge.finish(self.time.now - healed)
        return self._outcome()

    def start(self) -> None:
        """Start all nodes, each at its own instant of the first seconds."""
        for node in self.nodes.values():
            self.time.after(self.random.uniform(0, self.profile.renew), node.start)

    def _outcome(self) -> Outcome:
        judge = self.judge
        counts = {**judge.counts, "faults": judge.faults, "pictures": len(self.hub.arrived)}
        return Outcome("", tuple(judge.violations), tuple(judge.story) if judge.violations else (), counts)

    def _slot(self, camera: str) -> None:
        """One slot has come: whoever may, shoots."""
        if self.is_over:
            return
        plan, at = self.site.cameras[camera], self.time.now
        by = {}
        for node in self.nodes.values():
            right = node.shoots(camera)
            if right is not None:
                by[node.name] = right.role
                self._shoot(node, camera, right, at)
        if by or at > 6 * self.profile.renew:
            self.judge.slot_shot(camera, by)
        self.time.after(plan.slot, lambda: self._slot(camera))

    def _shoot(self, node: SimulatedNode, camera: str, right: Right, at: float) -> None:
        """Take a picture, bring it home some day, and put an owner's under the live name, perhaps much too late."""
        random = self.random
        slot = DAY_ZERO + at
        name = self.hub.shoot(camera, slot, node.name, right.fence)
        self._bring(name, slot)
        if right.role == "owner":
            late = random.uniform(0, 3 * self.profile.deadline) if random.random() < 0.05 else random.random()
            self.time.after(late, lambda: self.hub.write_live(name))

    def _bring(self, name: PictureName, slot: float) -> None:
        late = self.random.random() * (self.profile.deadline if self.random.random() < 0.1 else 2.0)
        self.time.after(late, lambda: self.hub.take_in(name, slot))


def play(seed: int, number: int, setup: Setup | None = None) -> Outcome:
    """Play history `number` of `seed`."""
    name = f"{seed}/{number}"
    return replace(History(name, setup or Setup()).run(), seed=name)
