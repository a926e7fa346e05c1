"""The one door to the protocol: begin a state, and take it a step on for each thing that a node hears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.coordination.protocol import covering, handing, knowing, session, taking, telling, watching
from core.coordination.protocol.messages import (
    Action,
    Answer,
    Beacon,
    Event,
    Hint,
    Order,
    Result,
    Sent,
    Stopped,
    Vitals,
)
from core.coordination.protocol.profiles import Rules
from core.coordination.protocol.records import CameraPlan, NodePlan
from core.coordination.protocol.state import NEVER, Moment, Pending, State, Turn
from core.values import Fence

_LOST = 4  # times the timeout of a call: an answer that did not come by then never comes


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a node brings with it. `process`: 16 random hexadecimal digits, new at each start of the program.

    `cameras` and `nodes`: what its site file proposes, or what it last knew; the engine's plans take their place.
    `known`: the highest fence of each camera in its catalogue. `mailer`: it can send mail, and does for others, too.
    """

    me: str
    process: str
    cameras: Mapping[str, CameraPlan] = field(default_factory=dict)
    nodes: Mapping[str, NodePlan] = field(default_factory=dict)
    known: Mapping[str, Fence] = field(default_factory=dict)
    mailer: bool = False
    rules: Rules = field(default_factory=Rules)


def begin(start: Start, at: Moment) -> State:
    """Return the state of a node that starts; its `wake` is now: the first step is Wake()."""
    return State(
        me=start.me,
        process=start.process,
        rules=start.rules,
        mailer=start.mailer,
        cameras=dict(start.cameras),
        nodes=dict(start.nodes),
        known=dict(start.known),
        begun=at.mono,
        wake=at.mono,
    )


def step(state: State, event: Event, at: Moment) -> tuple[State, list[Action]]:
    """Return the next state, and what the node is to do. Nothing that an event carries makes it raise.

    The node gives it every event in the order in which it hears of them, and Wake() once `state.wake` has come. Each
    Call among the actions is done in any thread and answered by one Answer; calls of one key never overlap.
    """
    turn = Turn(state, at)
    match event:
        case Answer(number, result):
            pending = turn.take(number)
            if pending is not None:
                turn.heard(result != "unavailable" and result != "unknown")
                _answered(turn, pending, result)
        case Hint(key):
            knowing.hinted(turn, key)
        case Beacon(node):
            turn.state.beacons = {**turn.state.beacons, node: turn.now}
        case Vitals(ill, st):
            turn.state.ill, turn.state.st = ill, st
        case Stopped(camera):
            handing.stopped(turn, camera)
        case Order(camera):
            handing.order(turn, camera)
        case Sent(case):
            telling.posted(turn, case)
    _keep(turn)
    return turn.state, turn.actions


def _answered(turn: Turn, pending: Pending, result: Result) -> None:
    match pending.topic:
        case "renewal":
            session.sent(turn, pending, result)
        case "session":
            session.read(turn, result)
        case "peer":
            watching.saw(turn, pending, result)
        case "burial":
            watching.buried(turn, pending, result)
        case "owner":
            taking.learned(turn, pending, result)
            handing.looked(turn, pending.about, result)
        case "owners":
            knowing.owners(turn, pending, result)
        case "taking":
            taking.taken(turn, pending, result)
        case "giving":
            handing.gave(turn, pending, result)
        case "epoch":
            knowing.epoch(turn, result)
        case "plans":
            knowing.plans(turn, result)
        case "plan":
            knowing.plan(turn, pending, result)
        case "note":
            telling.read(turn, pending, result)
        case "claim":
            telling.claimed(turn, pending, result)
        case _:
            telling.settled(turn, pending, result)


def _keep(turn: Turn) -> None:
    """Do what is due, and say when the next thing is."""
    state = turn.state
    _give_up_calls(turn)
    session.keep(turn)
    if turn.now >= state.think:
        state.think = NEVER
        watching.review(turn)
        taking.consider(turn)
        handing.consider(turn)
        covering.consider(turn)
        telling.consider(turn)
    watching.keep(turn)
    knowing.keep(turn)
    telling.keep(turn)
    turn.check_cut()
    state.wake = min(
        session.next_due(turn),
        watching.next_due(turn),
        telling.next_due(turn),
        state.list_due,
        state.own_due if state.epoch >= 0 else NEVER,
        state.think,
        min((one.asked for one in state.calls.values()), default=NEVER) + _LOST * state.profile().timeout,
    )


def _give_up_calls(turn: Turn) -> None:
    """Take a call that was never answered for one whose fate is not known."""
    state = turn.state
    if not state.calls:
        return
    limit = turn.now - _LOST * state.profile().timeout
    for number in [number for number, one in state.calls.items() if one.asked < limit]:
        pending = turn.take(number)
        if pending is not None:
            turn.heard(False)
            _answered(turn, pending, "unknown")
