"""R7 and R10: whether this node may shoot a camera now, as what, and under which fence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.coordination.protocol.profiles import wait_for
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
    """R10: a node shoots a camera of its own that nobody else is seen to shoot, and owns nothing by that.

    A primary that does not know the owner shoots at once; one whose owner is silent for D, until it owns the camera
    itself. Without the engine a primary does when the owner was not heard on the local network for D either; a backup,
    too, if it ever heard the owner there.
    """
    if state.me not in plan.candidates:
        return None
    lease, is_primary = state.leases.get(camera), state.me == plan.primary
    if is_primary and (lease is None or lease.owner is None or lease.owner.node == state.me):
        return Right("provisional", last_fence(state, camera))
    owner = plan.primary if lease is None or lease.owner is None else lease.owner.node
    silent = _is_alone(state, now) and _is_unheard(state, owner, now, is_primary)
    if silent or (is_primary and _is_dead(state, owner, now)):
        return Right("provisional", last_fence(state, camera))
    return None


def _is_alone(state: State, now: float) -> bool:
    """Return whether the engine was silent for D, or was until now and owners were not read since."""
    wait = state.profile().wait
    if (state.failed or state.refused) and now - max(state.answered, state.begun) > wait:
        return True
    return state.owners_asked < state.regained and state.outage > wait


def _is_unheard(state: State, owner: str, now: float, is_primary: bool) -> bool:
    """Return whether the owner was not heard on the local network for D."""
    heard = state.beacons.get(owner)
    if heard is None:
        return is_primary
    return owner != state.me and now - heard > state.profile().wait


def _is_dead(state: State, owner: str, now: float) -> bool:
    """Return whether the owner's session is ended, or was silent for D while the engine answered."""
    peer = state.peers.get(owner)
    if peer is None or peer.record is None:
        return False
    wait = wait_for(peer.record.renew, peer.record.deadline, state.rules)
    return peer.record.dead is not None or now - max(peer.heard, state.regained) > wait


def last_fence(state: State, camera: str) -> Fence:
    """Return the newest fence that this node knows of a camera: what is shot as a spare never outranks its owner."""
    lease = state.leases.get(camera)
    if lease is not None and lease.owner is not None:
        return lease.owner.fence
    return state.known.get(camera, _NO_FENCE)
