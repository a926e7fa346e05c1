"""Every history of two nodes and one exclusive camera with a few faults: a search over the protocol's own code.

One clock runs slow and one fast. A node is cut off, killed or stopped at any instant, and a change is applied without
its answer, or held and applied at any later instant; calls of both nodes interleave in every order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from core.coordination.base import Held
from core.coordination.protocol.driving import right
from core.coordination.protocol.messages import Answer, Call, Done, Event, Found, Listed, Result, Stop, Stopped, Wake
from core.coordination.protocol.profiles import Rules
from core.coordination.protocol.records import EPOCH, CameraPlan, NodePlan, encode, parse_owner, parse_session
from core.coordination.protocol.state import Moment, State
from core.coordination.protocol.step import Start, begin, step
from core.values import Fence

NAMES = ("unit", "cloud")
RATES = (0.99, 1.01)  # of the two clocks
MOST_SESSIONS, MOST_HELD = 3, 2
_CAMERA, _OWN = "gate", "own.gate"
_START = 1000.0
_UNCONTENDED = ("epoch", "cfg.")
_NO_FENCE = Fence(0, 0)

Trouble = Literal["", "cut", "stopped"]


@dataclass(frozen=True, slots=True)
class Node:
    """One of the two: its protocol, None while it is dead; what it asked and was not answered; runs of its program."""

    state: State | None
    asked: tuple[Call, ...] = ()
    trouble: Trouble = ""
    runs: int = 1
    text: str = ""  # of the state: two of the same text do the same


@dataclass(frozen=True, slots=True)
class World:
    """All that there is at one instant. `held`: changes that nobody waits for any more, and that may yet be applied."""

    now: float
    nodes: tuple[Node, ...]
    keys: Mapping[str, Held]
    rev: int
    held: tuple[Call, ...]
    faults: int  # that may still happen
    highest: Fence = _NO_FENCE
    broken: str = ""

    def key(self) -> object:
        """Return what tells this world from every other one."""
        nodes = tuple((one.asked, one.trouble, one.runs, one.text) for one in self.nodes)
        return self.now, nodes, tuple(sorted(self.keys.items(), key=lambda one: one[0])), self.held, self.faults


@dataclass(slots=True)
class Search:
    """What a search came to."""

    worlds: int = 0
    broken: str = ""


def search(faults: int, until: float, rules: Rules | None = None, most: int = 10_000_000) -> Search:
    """Look at every world that can be reached within `until` seconds with so many faults; stop at what is broken."""
    found = Search()
    first = _begin(rules or Rules(), faults)
    waiting, seen = [first], {hash(first.key())}
    while waiting and found.worlds < most:
        world = waiting.pop()
        found.worlds += 1
        for after in _moves(world, until):
            if after.broken:
                found.broken = after.broken
                return found
            key = hash(after.key())
            if key not in seen:
                seen.add(key)
                waiting.append(after)
    return found


def _begin(rules: Rules, faults: int) -> World:
    keys = {EPOCH: Held(1, encode(1))}
    world = World(0.0, (), keys, 1, (), faults)
    nodes = tuple(Node(_started(name, rules, 1, at)) for at, name in enumerate(NAMES))
    return replace(world, nodes=nodes)


def _started(name: str, rules: Rules, runs: int, at: int, now: float = 0.0) -> State:
    plan = NodePlan(fast=True, hold=1)
    start = Start(
        me=name,
        process=f"{name}{runs}",
        cameras={_CAMERA: CameraPlan(0, *NAMES, exclusive=True)},
        nodes=dict.fromkeys(NAMES, plan),
        rules=rules,
    )
    return begin(start, _moment(at, now))


def _moment(at: int, now: float) -> Moment:
    return Moment(_START + now * RATES[at], _START + now)


def _moves(world: World, until: float) -> Iterator[World]:
    """Yield all that can happen next."""
    for at, node in enumerate(world.nodes):
        if node.asked and node.asked[0].key in _UNCONTENDED:
            yield from _answers(world, at, node)
            return  # nobody changes these: it makes no difference what comes first
    for at, node in enumerate(world.nodes):
        if node.asked:
            yield from _answers(world, at, node)
        if not node.asked or node.asked[0].op == "cas":
            yield from _troubles(world, at, node)
    for number, call in enumerate(world.held):
        rest = world.held[:number] + world.held[number + 1 :]
        after, _ = _applied(replace(world, held=rest), call)
        yield after
    if not any(node.asked for node in world.nodes):
        yield from _later(world, until)


def _later(world: World, until: float) -> Iterator[World]:
    """Let time pass to the next instant at which a node wants to be woken."""
    wakes = {
        at: (node.state.wake - _START) / RATES[at]
        for at, node in enumerate(world.nodes)
        if node.state is not None and node.trouble != "stopped"
    }
    if not wakes:
        return
    now = max(world.now, min(wakes.values()))
    if now > until:
        return
    for at, wake in wakes.items():
        if wake <= now + 1e-9:
            yield _heard(replace(world, now=now), at, Wake())


def _answers(world: World, at: int, node: Node) -> Iterator[World]:
    """Answer the first call of a node: as it should be, or not."""
    call = node.asked[0]
    waits = _with(world, at, replace(node, asked=node.asked[1:]))
    if node.trouble == "cut":
        yield _heard(waits, at, Answer(call.id, "unknown" if call.op == "cas" else "unavailable"))
        return
    after, result = _applied(waits, call)
    yield _heard(after, at, Answer(call.id, result))
    if call.op == "cas" and world.faults:
        yield _heard(replace(after, faults=after.faults - 1), at, Answer(call.id, "unknown"))
        if len(world.held) < MOST_HELD:
            held = replace(waits, faults=world.faults - 1, held=(*world.held, call))
            yield _heard(held, at, Answer(call.id, "unknown"))


def _troubles(world: World, at: int, node: Node) -> Iterator[World]:
    """Begin or end what may be wrong with a node."""
    if node.state is None:
        if node.runs < MOST_SESSIONS:
            state = _started(NAMES[at], world_rules(world), node.runs + 1, at, world.now)
            yield _heard(_with(world, at, Node(state, runs=node.runs + 1)), at, Wake())
    elif node.trouble:
        yield _heard(_with(world, at, replace(node, trouble="")), at, Wake())
    elif world.faults and _matters(node.state):
        fewer = replace(world, faults=world.faults - 1)
        yield _with(fewer, at, Node(None, runs=node.runs))
        yield _with(fewer, at, replace(node, trouble="cut"))
        yield _with(fewer, at, replace(node, trouble="stopped"))


def _matters(state: State) -> bool:
    """Return whether trouble can make a difference yet: a node that has no session owns and takes nothing."""
    return state.session.phase == "open"


def world_rules(world: World) -> Rules:
    """Return the rules that both nodes follow."""
    return next((one.state.rules for one in world.nodes if one.state is not None), Rules())


def _with(world: World, at: int, node: Node) -> World:
    return replace(world, nodes=tuple(node if n == at else one for n, one in enumerate(world.nodes)))


def _heard(world: World, at: int, event: Event) -> World:
    """Have a node take a step, and look at what it may drive then."""
    node = world.nodes[at]
    if node.state is None:
        return world
    state, actions = step(node.state, event, _moment(at, world.now))
    calls = tuple(one for one in actions if isinstance(one, Call))
    after = _with(world, at, replace(node, state=state, text=repr(state), asked=(*node.asked, *calls)))
    for action in actions:
        if isinstance(action, Stop):
            after = _heard(after, at, Stopped(action.camera))
    return _checked(after)


def _checked(world: World) -> World:
    driving = [at for at in range(len(NAMES)) if _drives(world, at)]
    if len(driving) > 1:
        return replace(world, broken=f"S4 at {world.now:.3f}: both drive the camera")
    return world


def _drives(world: World, at: int) -> bool:
    state = world.nodes[at].state
    found = None if state is None else right(state, _CAMERA, _moment(at, world.now).mono)
    return found is not None and found.role == "owner"


def _applied(world: World, call: Call) -> tuple[World, Result]:
    """Do at the engine what a call asks, and look at what it commits."""
    if call.op == "read":
        return world, Found(world.keys.get(call.key))
    if call.op == "list":
        return world, Listed({key: held for key, held in world.keys.items() if key.startswith(call.key)})
    before = world.keys.get(call.key)
    if (before.rev if before is not None else 0) != call.rev:
        return world, "conflict"
    rev = world.rev + 1
    after = replace(world, rev=rev, keys={**world.keys, call.key: Held(rev, call.value)})
    if call.key == _OWN:
        fence = parse_owner(call.key, call.value).fence
        if fence <= world.highest:
            return replace(after, broken=f"S1 at {world.now:.3f}: {fence} after {world.highest}"), Done(rev)
        return replace(after, highest=fence), Done(rev)
    return _session_checked(after, call, before), Done(rev)


def _session_checked(world: World, call: Call, before: Held | None) -> World:
    record = parse_session(call.key, call.value)
    old = parse_session(call.key, before.value) if before is not None else None
    if old is not None and old.dead is not None and record.dead is None and record.sid == old.sid:
        return replace(world, broken=f"S6 at {world.now:.3f}: {record.sid} renewed though it was ended")
    at = NAMES.index(call.key.partition(".")[2])
    state = world.nodes[at].state
    if record.dead is not None and state is not None and state.session.sid == record.sid and _drives(world, at):
        return replace(world, broken=f"S6 at {world.now:.3f}: {record.sid} drives though it was ended")
    return world
