"""R7 and R10: whether this node may shoot a camera now, as what, and under which fence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.coordination.protocol.records import CameraPlan
from core.coordination.protocol.state import State
from core.values import Fence

Role = Literal["owner", "spare", "provisional"]
_NO_FENCE = Fence(0, 0)


@dataclass(frozen=True, slots=True)
class Right:
    """What a node may do with a camera: only an owner writes to mutable places. `until`: monotonic seconds, or None."""

    role: Role
    fence: Fence
    until: float | None = None


def right(state: State, camera: str, now: float, shot: float = 0.0) -> Right | None:
    """Return the right to begin a shot of at most `shot` seconds at `now`, None: there is none.

    An owner that is cut off goes on, unless the camera is exclusive: that stops at the deadline of the session. A
    camera without a backup never stops; where its fence is 0-0, the node takes its own.
    """
    plan = state.cameras.get(camera)
    if plan is None:
        return None
    if plan.backup is None and state.me == plan.primary and _is_free(state, camera):
        return Right("owner", last_fence(state, camera))
    owned = _owned(state, camera, plan, now + shot)
    if owned is not None or plan.exclusive:
        return owned
    return _spare(state, camera, plan) or _provisional(state, camera, plan, now)


def _is_free(state: State, camera: str) -> bool:
    """Return whether no other node is known to own a camera, as one may that was its backup until now."""
    lease = state.leases.get(camera)
    return lease is None or lease.owner is None or lease.owner.node == state.me


def _owned(state: State, camera: str, plan: CameraPlan, until: float) -> Right | None:
    owner = state.mine(camera)
    if owner is None or (camera in state.handing and state.rules.stop_first):
        return None
    if not plan.exclusive or not state.rules.deadline:
        return Right("owner", owner.fence)
    return Right("owner", owner.fence, state.session.deadline) if until < state.session.deadline else None


def _spare(state: State, camera: str, plan: CameraPlan) -> Right | None:
    """In constant mode both nodes shoot; what is on its way to another node is shot until that surely has it."""
    if state.me in plan.candidates and state.mode(camera) == "constant":
        return Right("spare", last_fence(state, camera))
    if camera in state.handing or camera in state.cover:
        return Right("spare", last_fence(state, camera))
    return None


def _provisional(state: State, camera: str, plan: CameraPlan, now: float) -> Right | None:
    """R10: without the engine a node shoots a camera of its own that nobody else is seen to shoot.

    A primary that knows nothing of the owner shoots at once; one that knows of another, and a backup that ever heard
    the owner on the local network, when both the engine and the owner have been silent for D.
    """
    lease = state.leases.get(camera)
    is_primary = state.me == plan.primary
    if is_primary and (lease is None or lease.owner is None or lease.owner.node == state.me):
        return Right("provisional", last_fence(state, camera))
    if state.me not in plan.candidates or not (state.failed or state.refused):
        return None
    wait = state.profile().wait
    if now - max(state.answered, state.begun) <= wait:
        return None
    owner = plan.primary if lease is None or lease.owner is None else lease.owner.node
    heard = state.beacons.get(owner)
    if owner == state.me or (heard is None and not is_primary) or (heard is not None and now - heard <= wait):
        return None
    return Right("provisional", last_fence(state, camera))


def last_fence(state: State, camera: str) -> Fence:
    """Return the newest fence that this node knows of a camera: what is shot as a spare never outranks its owner."""
    lease = state.leases.get(camera)
    if lease is not None and lease.owner is not None:
        return lease.owner.fence
    return state.known.get(camera, _NO_FENCE)
