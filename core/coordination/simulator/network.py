"""The way between a node and the engine: messages are late, lost, held and applied later, repeated, or cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Protocol

from core.coordination.base import Held
from core.coordination.protocol.messages import Answer, Call, Done, Event, Found, Hint, Listed, Refusal, Result
from core.coordination.simulator.engine import Engine, look
from core.coordination.simulator.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Line:
    """How a way is: seconds of one direction, and shares of messages that are lost, held, repeated or slow.

    What is held is applied all the same, up to `held_most` seconds later.
    """

    least: float = 0.005
    most: float = 0.08
    slow: float = 0.02  # share that takes up to the timeout
    lost: float = 0.01
    held: float = 0.005
    repeated: float = 0.02
    hints_lost: float = 0.05
    answers_lost: float = 0.0
    held_most: float = 90.0


QUICK = Line(0.0005, 0.003, 0.0, 0.0, 0.0, 0.0, 0.0)
OFFICE = Line()
CELLULAR_LINE = Line(0.08, 0.6, 0.04, 0.02, 0.01, 0.02, 0.1)
STEADY = Line(0.005, 0.08, 0.01, 0.001, 0.0, 0.01, 0.02)  # between datacentres: TCP repeats what is lost
STEADY_CELLULAR = Line(0.08, 0.6, 0.03, 0.003, 0.0, 0.02, 0.05)
SLOW_ANSWERS = Line(0.0005, 0.003, 0.35, 0.15, 0.02, 0.05, 0.0)


class Place(Protocol):
    """What the network knows of a node."""

    name: str
    line: Line
    cut_since: float | None
    hears: frozenset[str]  # the first words of keys of which it gets hints
    timeout: float

    def hear(self, event: Event, process: int) -> None:
        """Take an event for one run of the node's program."""
        ...


class Network:
    """Carries calls, answers and hints."""

    def __init__(self, time: Timeline, engine: Engine, random: Random) -> None:
        self.time = time
        self.engine = engine
        self._random = random
        self.refuses: set[tuple[str, str]] = set()  # who may not write which key: the engine never answers that
        self.old: dict[str, Mapping[str, Held]] = {}  # node -> what the voter knows that led, and answers only this one
        self._seen: dict[str, tuple[int, dict[str, int]]] = {}  # node -> the engine's generation, and revisions by key
        self._cut: list[Callable[[], object]] = []  # what is held until a cut ends

    def ask(self, node: Place, call: Call, process: int) -> None:
        """Carry a call; exactly one answer in time, and perhaps others that come too late to mean anything."""
        random, line = self._random, node.line
        exchange = _Exchange(self, node, call, process)
        if node.cut_since is not None and self.time.now - node.cut_since > 2 * node.timeout:
            self.time.after(0.01, lambda: exchange.answer("unavailable"))
            return
        self.time.after(node.timeout, exchange.time_out)
        if random.random() < line.lost or (call.op == "cas" and (node.name, call.key) in self.refuses):
            return
        if random.random() < line.held:
            self.time.after(random.uniform(0, line.held_most), exchange.arrive)
            return
        self.time.after(self.delay(node), exchange.arrive)
        if random.random() < line.repeated:
            self.time.after(self.delay(node) * 3, exchange.arrive)

    def ask_old(self, node: Place, call: Call) -> Result | None:
        """Return what a voter answers that led and is cut off from the others: to a change nothing.

        What is older than what the node has seen is not believed (core.coordination.epoch).
        """
        if call.op == "cas":
            return None
        found = look(self.old[node.name], call)
        revs = _revisions(call, found)
        seen = self._revisions(node)
        asked = [call.key] if isinstance(found, Found) else [key for key in seen if key.startswith(call.key)]
        return "unavailable" if any(revs.get(key, 0) < seen.get(key, 0) for key in asked) else found

    def saw(self, node: Place, call: Call, result: Result) -> None:
        """Note which revisions a node has seen; those of a store that was restored count anew."""
        seen = self._revisions(node)
        for key, rev in _revisions(call, result).items():
            seen[key] = max(rev, seen.get(key, 0))

    def _revisions(self, node: Place) -> dict[str, int]:
        generation, seen = self._seen.get(node.name, (self.engine.generation, {}))
        if generation != self.engine.generation:
            seen = {}
        self._seen[node.name] = self.engine.generation, seen
        return seen

    def loses_answer(self, node: Place) -> bool:
        """Return whether an answer that is on its way now is lost."""
        return node.line.answers_lost > 0 and self._random.random() < node.line.answers_lost

    def delay(self, node: Place) -> float:
        """Return how long one message takes."""
        line, random = node.line, self._random
        if random.random() < line.slow:
            return random.uniform(line.most, node.timeout)
        return line.least + random.random() * (line.most - line.least)

    def tell(self, nodes: Iterable[tuple[Place, int]], key: str) -> None:
        """Carry hints of a key to the nodes that listen."""
        topic = key.partition(".")[0]
        for node, process in nodes:
            if (
                topic in node.hears
                and node.cut_since is None
                and node.name not in self.old
                and self._random.random() >= node.line.hints_lost
            ):
                self.time.after(self.delay(node), _Hinting(node, key, process).arrive)

    def hold(self, happen: Callable[[], object]) -> None:
        """Have what was sent into a cut happen some time after it ends, or never."""
        if self._random.random() < 0.5:
            self._cut.append(happen)

    def release(self) -> None:
        """A cut ended: what was held in it comes, late and in any order."""
        held, self._cut = self._cut, []
        for happen in held:
            self.time.after(self._random.uniform(0, 20), happen)


def _revisions(call: Call, result: Result) -> dict[str, int]:
    """Return the revisions of which an answer tells."""
    match result:
        case Done(rev):
            return {call.key: rev}
        case Found(held):
            return {} if held is None else {call.key: held.rev}
        case Listed(held):
            return {key: one.rev for key, one in held.items()}
        case _:
            return {}


@dataclass(slots=True)
class _Hinting:
    node: Place
    key: str
    process: int

    def arrive(self) -> None:
        if self.node.cut_since is None:
            self.node.hear(Hint(self.key), self.process)


class _Exchange:
    """One call and what becomes of it."""

    __slots__ = ("_answered", "_applied", "_call", "_generation", "_network", "_node", "_process")

    def __init__(self, network: Network, node: Place, call: Call, process: int) -> None:
        self._network = network
        self._node = node
        self._call = call
        self._process = process
        self._generation = network.engine.generation
        self._answered = False
        self._applied = False

    def arrive(self) -> None:
        """Reach the engine, unless the way was cut meanwhile or nobody answers there."""
        network = self._network
        if self._is_gone():
            return
        if self._node.cut_since is not None and not self._answered:
            network.hold(self._apply)
        elif self._node.name in network.old:
            old = network.ask_old(self._node, self._call)
            if old is not None:
                network.time.after(network.delay(self._node), lambda: self.answer(old))
        elif network.engine.is_up:
            result = self._apply()
            if network.loses_answer(self._node):
                return
            network.time.after(network.delay(self._node), lambda: self.answer(result))
        elif not self._applied:
            network.time.after(network.delay(self._node), lambda: self.answer("unavailable"))

    def _is_gone(self) -> bool:
        """Return whether the connection that it was sent on ended: the voters were stopped for a restore."""
        return self._generation != self._network.engine.generation

    def _apply(self) -> Result:
        if not self._network.engine.is_up or self._is_gone():
            return "unavailable"
        self._applied = True
        return self._network.engine.apply(self._call)

    def answer(self, result: Result) -> None:
        """Bring an answer back; the node's own thread hands on only the first."""
        if self._node.cut_since is not None and result != "unavailable":
            return
        self._answered = True
        self._network.saw(self._node, self._call, result)
        self._node.hear(Answer(self._call.id, result), self._process)

    def time_out(self) -> None:
        """Give up waiting: a change may have been made."""
        if not self._answered:
            self._answered = True
            refusal: Refusal = "unknown" if self._call.op == "cas" else "unavailable"
            self._node.hear(Answer(self._call.id, refusal), self._process)
