"""R6 and R8: take the cameras of a session that is over, this node's own older ones among them."""

from __future__ import annotations

from dataclasses import replace

from core.coordination.base import Held
from core.coordination.protocol.covering import SHOWN, cover
from core.coordination.protocol.messages import Done, Found, Lost, Own, Result, Uncovered
from core.coordination.protocol.profiles import HOLD_MEMORY, HOLD_MOST
from core.coordination.protocol.records import CameraPlan, Owner, Why, encode, owner_key, parse_owner
from core.coordination.protocol.session import is_valid, refuse
from core.coordination.protocol.state import NEVER, RETRY, Lease, Pending, State, Turn
from core.coordination.protocol.watching import is_silent, look, wait_of
from core.values import Fence

UNTOLD_MOST = 4  # cases that an ownership record carries on for nobody was seen to tell of them


def read(turn: Turn, camera: str) -> None:
    """Read who owns a camera, unless that is under way."""
    turn.call("owner", "read", owner_key(camera), about=camera)


def learned(turn: Turn, pending: Pending, result: Result) -> None:
    """Take note of an ownership record that was read; one that was not is asked again soon."""
    if isinstance(result, Found):
        learn(turn, pending.about, result.held, pending.asked)
        turn.state.think = turn.now
    else:
        turn.state.think = min(turn.state.think, turn.now + RETRY)


def learn(turn: Turn, camera: str, held: Held | None, asked: float) -> None:
    """Note what `own.CAMERA` holds, unless something newer is known; R8: what names an older self is not owned."""
    state = turn.state
    if asked < state.epoch_since:
        return
    before = state.leases.get(camera)
    rev = held.rev if held is not None else 0
    if before is not None and (rev == before.rev or (rev < before.rev and asked <= before.learned)):
        return
    owner = None if held is None else turn.parsed(owner_key(camera), held.value, parse_owner)
    if held is not None and owner is None:
        return
    known = state.known.get(camera)
    went_back = before is not None and rev < before.rev
    if known is not None and owner is not None and owner.fence < known and known.epoch >= state.epoch:
        went_back = True
    if went_back and state.rules.epoch:
        refuse(turn, f"the owner of {camera} is older than one that was seen before")
        return
    settle(turn, camera, Lease(rev, owner, turn.now))


def settle(turn: Turn, camera: str, lease: Lease) -> None:
    """Put a lease in place and tell what it changes for this node."""
    state = turn.state
    had, before = state.mine(camera), state.leases.get(camera)
    turn.put_lease(camera, lease)
    if lease.owner is not None:
        known = state.known.get(camera)
        if known is None or lease.owner.fence > known:
            state.known = {**state.known, camera: lease.owner.fence}
    has = state.mine(camera)
    state.think = turn.now
    if has is None and had is not None:
        turn.put_handing(camera, None)
        state.acquired = {name: at for name, at in state.acquired.items() if name != camera}
        state.ordered -= {camera}
        cover(turn, camera)
        turn.tell(Lost(camera, lease.owner.node if lease.owner is not None else None))
    elif (
        lease.owner is not None
        and has is None
        and _was_provisional(state, camera, before)
        and _is_recent(turn, lease.owner)
    ):
        cover(turn, camera)  # the new owner may not know yet that it is one
    elif has is not None and (had is None or had.fence != has.fence):
        turn.put_handing(camera, None)
        state.acquired = {**state.acquired, camera: turn.now}
        turn.tell(Own(camera, has.fence, has.why, turn.now))


def _was_provisional(state: State, camera: str, before: Lease | None) -> bool:
    """Return whether this primary shot the camera until now for want of knowing its owner."""
    plan = state.cameras.get(camera)
    if plan is None or plan.primary != state.me:
        return False
    return before is None or before.owner is None or before.owner.node == state.me


def _is_recent(turn: Turn, owner: Owner) -> bool:
    return abs(turn.wall - owner.at) < SHOWN


def consider(turn: Turn) -> None:
    """Take what is this node's to take: its own, and those of nodes that are dead, by priority while there is room."""
    state = turn.state
    if state.refused or not state.knows_epoch() or not is_valid(turn):
        return
    for camera, plan in sorted(state.cameras.items(), key=lambda one: (-one[1].priority, one[0])):
        lease = state.leases.get(camera)
        if lease is None or turn.busy(owner_key(camera)) or camera in state.handing:
            continue
        why, case = _reason(turn, camera, plan, lease)
        if why == "failure" and not _has_room(turn):
            turn.tell(Uncovered(camera, f"{state.me} serves as many cameras as it may"))
        elif why == "failure" and camera in state.ill:
            turn.tell(Uncovered(camera, f"{state.me} does not reach it"))
            state.think = min(state.think, turn.now + state.profile().renew)
        elif why is not None:
            _take(turn, camera, lease, why, case)


def _reason(turn: Turn, camera: str, plan: CameraPlan, lease: Lease) -> tuple[Why | None, str]:
    """Return why this node takes a camera, None: it does not; and the case that it belongs to."""
    state, owner = turn.state, lease.owner
    if owner is not None and owner.node == state.me:
        return ("restart", owner.case) if owner.sid != state.session.sid else (None, "")
    if state.me not in plan.candidates or plan.backup is None:
        return None, ""
    if owner is None and plan.primary == state.me:
        return "start", ""
    node = plan.primary if owner is None else owner.node
    peer = state.peers.get(node)
    if peer is None or peer.rev < 0:
        return None, ""
    if not state.rules.bury and is_silent(turn, peer):  # only to show what the rule is good for
        return "failure", ""
    is_over = owner is None or (peer.record is not None and owner.sid == peer.record.sid)
    if not is_over and peer.asked <= lease.learned:  # its session may be a newer one than was seen
        look(turn, node)
        state.think = min(state.think, turn.now + RETRY)
        return None, ""
    if peer.record is not None and peer.record.dead is not None:
        return "failure", f"{node}.{owner.sid if owner is not None else peer.record.sid}.down"
    if is_over or peer.record is None:
        if lease.void != NEVER:
            turn.put_lease(camera, replace(lease, void=NEVER))
        return None, ""
    if lease.void == NEVER:
        turn.put_lease(camera, replace(lease, void=turn.now))
        state.think = min(state.think, turn.now + wait_of(turn, peer))
    elif turn.now - lease.void >= wait_of(turn, peer):
        return "failure", f"{node}.{owner.sid}.down" if owner is not None else ""
    else:
        state.think = min(state.think, lease.void + wait_of(turn, peer))
    return None, ""


def _has_room(turn: Turn) -> bool:
    """Return whether `max_cameras` of this node allows one more than those that it serves already."""
    state = turn.state
    plan = state.nodes.get(state.me)
    if plan is None or plan.cap is None:
        return True
    served = {camera for camera, lease in state.leases.items() if lease.owner and lease.owner.node == state.me}
    served |= {one.about[0] for one in state.calls.values() if one.topic == "taking"}
    return len(served) < plan.cap


def next_fence(turn: Turn, camera: str, owner: Owner | None) -> Fence:
    """Return a fence above every one that this node ever saw of a camera."""
    state = turn.state
    base = max(owner.fence if owner is not None else Fence(0, 0), state.known.get(camera, Fence(0, 0)))
    if not state.rules.grow:
        return Fence(max(1, base.epoch), max(1, base.token))
    epoch = max(state.epoch, base.epoch, 1) if state.rules.epoch else 1
    return Fence(epoch, base.token + 1)


def _take(turn: Turn, camera: str, lease: Lease, why: Why, case: str) -> None:
    state, owner = turn.state, lease.owner
    switched, hold = turn.wall, base_hold(turn, camera)
    if why != "failure":
        switched, hold = (owner.switched, max(hold, owner.hold)) if owner is not None else (0, hold)
    elif owner is not None and 0 <= turn.wall - owner.switched < HOLD_MEMORY and state.rules.double:
        hold = int(min(HOLD_MOST, max(hold, 2 * owner.hold)))
    new = Owner(
        node=state.me,
        sid=state.session.sid,
        fence=next_fence(turn, camera, owner),
        why=why,
        at=turn.wall,
        switched=switched,
        hold=hold,
        case=case,
        untold=untold(turn, owner, case),
    )
    change(turn, camera, lease, new, "taking")


def base_hold(turn: Turn, camera: str) -> int:
    """Return H of a camera's primary."""
    primary = turn.state.cameras[camera].primary
    plan = turn.state.nodes.get(primary)
    return plan.hold if plan is not None and plan.hold is not None else int(turn.state.profile(primary).hold)


def untold(turn: Turn, owner: Owner | None, case: str) -> tuple[str, ...]:
    """Return the cases that the next record carries on, since nobody was seen to tell of them."""
    if owner is None:
        return ()
    open_cases = [*owner.untold, *([owner.case] if owner.case and owner.case != case else [])]
    told = {name for name, one in turn.state.tellings.items() if one.done}
    return tuple(one for one in dict.fromkeys(open_cases) if one not in told)[-UNTOLD_MOST:]


def change(turn: Turn, camera: str, lease: Lease, new: Owner, topic: str) -> None:
    """Write an ownership record over the revision that is known."""
    turn.call(topic, "cas", owner_key(camera), lease.rev, encode(new), (camera, new))


def taken(turn: Turn, pending: Pending, result: Result) -> None:
    """Go on after a take: what is not a clear success is read back, and considered anew by what is found."""
    camera, new = pending.about
    if isinstance(result, Done):
        settle(turn, camera, Lease(result.rev, new, turn.now))
    elif result == "unavailable":
        turn.state.think = min(turn.state.think, turn.now + RETRY)
    else:
        read(turn, camera)
