"""What every node has to carry: its own cameras, and those it would serve when the one worst node for it fails.

Costs are measured on each node, for each shot of each camera; shares are of the whole time or of the whole machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

FULL = 0.8  # of a node's time that may be planned away: the rest is for what comes in bursts


@dataclass(frozen=True, slots=True)
class Cost:
    """What one shot of a camera costs a node, as measured there: seconds of processor, bytes kept and sent."""

    cpu: float
    stored: int = 0
    sent: int = 0


@dataclass(frozen=True, slots=True)
class Served:
    """A camera as a plan has it. `every`: seconds between two slots; `cost`: node -> what a shot costs there."""

    camera: str
    primary: str
    backup: str | None
    every: float
    cost: Mapping[str, Cost]
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """What a node has. `cameras`: max_cameras, `uplink`: bytes a second; None: no limit."""

    name: str
    processors: int = 1
    uplink: float | None = None
    cameras: int | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """What a node carries: cameras, share of its processors, bytes a second sent and kept, and what is not measured."""

    cameras: int = 0
    cpu: float = 0.0
    sent: float = 0.0
    stored: float = 0.0
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeLoad:
    """A node in normal operation, and in its worst single failure: that of `failing`, None when none adds to it."""

    machine: Machine
    normal: Load
    worst: Load
    failing: str | None

    def problems(self) -> Iterator[str]:
        """Yield what the node cannot carry in its worst failure, in words."""
        machine, when = self.machine, f"when {self.failing} fails" if self.failing else "in normal operation"
        if machine.cameras is not None and self.worst.cameras > machine.cameras:
            yield f"{machine.name} would serve {self.worst.cameras} cameras {when}; max_cameras is {machine.cameras}"
        if self.worst.cpu > FULL:
            yield f"{machine.name} would need {self.worst.cpu:.0%} of its processors {when}; {FULL:.0%} is the most"
        if machine.uplink is not None and self.worst.sent > FULL * machine.uplink:
            share = self.worst.sent / machine.uplink if machine.uplink else float("inf")
            yield f"{machine.name} would need {share:.0%} of its link {when}; {FULL:.0%} is the most"


def loads(machines: Iterable[Machine], cameras: Sequence[Served]) -> list[NodeLoad]:
    """Return the load of every node in normal operation and in the worst single failure of another one."""
    return [_of(machine, cameras) for machine in machines]


def _of(machine: Machine, cameras: Sequence[Served]) -> NodeLoad:
    cameras = [one for one in cameras if machine.name in (one.primary, one.backup)]  # of a thousand, those it may serve
    normal = _carried(machine, cameras, failing=None)
    others = sorted({one.primary for one in cameras if one.primary != machine.name})
    worst, failing = normal, None
    for other in others:
        load = _carried(machine, cameras, failing=other)
        if _weight(machine, load) > _weight(machine, worst):
            worst, failing = load, other
    return NodeLoad(machine, normal, worst, failing)


def _carried(machine: Machine, cameras: Sequence[Served], failing: str | None) -> Load:
    served = [one for one in cameras if _serves(machine.name, one, failing)]
    unknown = tuple(sorted(one.camera for one in served if machine.name not in one.cost))
    known = [(one.cost[machine.name], one.every) for one in served if machine.name in one.cost]
    return Load(
        cameras=len(served),
        cpu=sum(cost.cpu / every for cost, every in known) / machine.processors,
        sent=sum(cost.sent / every for cost, every in known),
        stored=sum(cost.stored / every for cost, every in known),
        unknown=unknown,
    )


def _serves(node: str, one: Served, failing: str | None) -> bool:
    """Return whether a node shoots a camera: its own, those of the one that fails, and in constant mode always."""
    return one.primary == node or (one.backup == node and (one.constant or one.primary == failing))


def _weight(machine: Machine, load: Load) -> tuple[float, float, int]:
    """Return by what one failure is worse than another: how full the fullest of processors, link and entitlement is."""
    link = load.sent / machine.uplink if machine.uplink else 0.0
    entitled = load.cameras / machine.cameras if machine.cameras else 0.0
    return max(load.cpu, link, entitled), load.cpu, load.cameras


def text(found: Sequence[NodeLoad]) -> str:
    """Return the sum for each node, for a person."""
    lines = [f"{'node':<16}{'normally':>22}{'worst failure':>26}"]
    for one in found:
        worst = "-" if one.failing is None else f"{one.failing} fails: {_short(one.worst)}"
        lines.append(f"{one.machine.name:<16}{_short(one.normal):>22}{worst:>26}")
        lines += [f"  ! {problem}" for problem in one.problems()]
        if one.worst.unknown:
            lines.append(f"  ? not measured there yet: {', '.join(one.worst.unknown)}")
    return "\n".join(lines)


def _short(load: Load) -> str:
    return f"{load.cameras} cameras {load.cpu:.0%} cpu"


def to_json(found: Sequence[NodeLoad]) -> list[dict[str, object]]:
    """Return the sum for each node, for a machine: shares as numbers, bytes a second."""
    return [
        {
            "node": one.machine.name,
            "normal": _json(one.normal),
            "worst": _json(one.worst),
            "failing": one.failing,
            "problems": [*one.problems()],
        }
        for one in found
    ]


def _json(load: Load) -> dict[str, object]:
    return {
        "cameras": load.cameras,
        "cpu_share": round(load.cpu, 4),
        "sent_Bps": round(load.sent, 1),
        "stored_Bps": round(load.stored, 1),
        "not_measured": [*load.unknown],
    }
