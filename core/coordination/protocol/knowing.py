"""Plans and owners as the engine holds them: lists are the truth, hints only make it known sooner."""

from __future__ import annotations

from collections.abc import Mapping

from core.coordination.base import Held
from core.coordination.protocol import session, taking, watching
from core.coordination.protocol.messages import Found, Listed, Result
from core.coordination.protocol.records import EPOCH, parse_camera, parse_node
from core.coordination.protocol.state import RETRY, Pending, Turn

_PLANS, _OWNERS, _SESSIONS = "cfg.", "own.", "sess."
_CAMERA, _NODE = "cfg.cam.", "cfg.node."


def keep(turn: Turn) -> None:
    """List plans and owners when that is due."""
    state = turn.state
    if turn.now >= state.list_due:
        state.list_due = turn.now + (RETRY if turn.busy(_PLANS) or turn.busy(EPOCH) else state.profile().refresh)
        turn.call("epoch", "read", EPOCH)
        turn.call("plans", "list", _PLANS)
    if turn.now >= state.own_due and state.epoch >= 0:  # without it nothing tells an old store from a new one
        pause = state.profile().renew if _waits(turn) else state.profile().refresh
        state.own_due = turn.now + (RETRY if turn.busy(_OWNERS) else pause)
        turn.call("owners", "list", _OWNERS)


def _waits(turn: Turn) -> bool:
    """Return whether a camera of this primary is with another node, or nobody is known to own it."""
    state = turn.state
    for camera, plan in state.cameras.items():
        lease = state.leases.get(camera)
        if plan.primary == state.me and plan.backup is not None and (lease is None or state.mine(camera) is None):
            return True
    return False


def epoch(turn: Turn, result: Result) -> None:
    """Take note of the store's epoch."""
    if isinstance(result, Found):
        turn.state.epoch_read = turn.now
        turn.state.think = turn.now
        session.learn_epoch(turn, result.held)
    else:
        turn.state.list_due = min(turn.state.list_due, turn.now + RETRY)


def plans(turn: Turn, result: Result) -> None:
    """Take note of all plans; what the engine has none for stays as the node proposed it."""
    state = turn.state
    if not isinstance(result, Listed):
        state.list_due = min(state.list_due, turn.now + RETRY)
        return
    for key, held in result.held.items():
        _learn_plan(turn, key, held)
    state.listed = True
    state.think = turn.now


def plan(turn: Turn, pending: Pending, result: Result) -> None:
    """Take note of one plan."""
    if isinstance(result, Found) and result.held is not None:
        _learn_plan(turn, pending.key, result.held)
        turn.state.think = turn.now


def _learn_plan(turn: Turn, key: str, held: Held) -> None:
    state = turn.state
    if state.plan_revs.get(key) == held.rev:
        return
    state.plan_revs = {**state.plan_revs, key: held.rev}
    if key.startswith(_CAMERA):
        camera = turn.parsed(key, held.value, parse_camera)
        if camera is not None:
            state.cameras = {**state.cameras, key.removeprefix(_CAMERA): camera}
            state.own_due = turn.now
    elif key.startswith(_NODE):
        node = turn.parsed(key, held.value, parse_node)
        if node is not None:
            state.nodes = {**state.nodes, key.removeprefix(_NODE): node}


def owners(turn: Turn, pending: Pending, result: Result) -> None:
    """Take note of the owners of all cameras that this node knows."""
    state = turn.state
    if not isinstance(result, Listed):
        state.own_due = min(state.own_due, turn.now + RETRY)
        return
    held: Mapping[str, Held] = result.held
    state.owners_asked = pending.asked
    for camera in state.cameras:
        taking.learn(turn, camera, held.get(f"{_OWNERS}{camera}"), pending.asked)
    state.think = turn.now


def hinted(turn: Turn, key: str) -> None:
    """Read what may have changed, where it matters to this node."""
    state = turn.state
    if key.startswith(_SESSIONS):
        node = key.removeprefix(_SESSIONS)
        if node in state.peers:
            watching.look(turn, node)
    elif key.startswith(_OWNERS):
        camera = key.removeprefix(_OWNERS)
        if camera in state.cameras and state.epoch >= 0:
            taking.read(turn, camera)
    elif key.startswith((_CAMERA, _NODE)):
        turn.call("plan", "read", key)
    elif key == EPOCH:
        turn.call("epoch", "read", EPOCH)
