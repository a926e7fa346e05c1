"""R9: give a camera back to its primary once that is healthy again, or on when an operator says so."""

from __future__ import annotations

from dataclasses import replace

from core.coordination.protocol import taking
from core.coordination.protocol.messages import Done, Found, Own, Result, Stop
from core.coordination.protocol.records import CameraPlan, Owner, SessionRecord, Why
from core.coordination.protocol.session import is_valid
from core.coordination.protocol.state import NEVER, RETRY, Handing, Lease, Pending, Turn

_LATE = 2.5  # times R: a node silent for longer is not given anything


def consider(turn: Turn) -> None:
    """Begin what is due to be given on, and go on with what is on its way."""
    state = turn.state
    for camera in [*state.leases]:
        owner = state.mine(camera)
        if owner is None or state.refused:
            continue
        if camera in state.handing:
            _go_on(turn, camera)
        elif is_valid(turn):
            _begin(turn, camera, owner)


def _begin(turn: Turn, camera: str, owner: Owner) -> None:
    state = turn.state
    plan = state.cameras.get(camera)
    if plan is None:
        return
    to, why = _goal(turn, camera, plan, owner)
    if to is None:
        return
    hold = owner.hold if why == "back" and camera not in state.ordered else 0.0
    record = _ready(turn, camera, to)
    if record is None:
        return
    due = state.peers[to].steady + hold
    if turn.now < due:
        state.think = min(state.think, due)
        return
    turn.put_handing(camera, Handing("stopping", to, record.sid, turn.now, why))
    turn.tell(Stop(camera, to))
    if not state.rules.stop_first:  # only to show what the rule is good for
        _send(turn, camera)


def _goal(turn: Turn, camera: str, plan: CameraPlan, owner: Owner) -> tuple[str | None, Why]:
    """Return to whom a camera of this node is to go, and why; None: it stays."""
    state = turn.state
    ordered = camera in state.ordered
    if state.me == plan.primary:
        return (plan.backup, "handover") if ordered else (None, "handover")
    if state.me not in plan.candidates:
        return plan.primary, "moved"
    mine = state.nodes.get(state.me)
    by_itself = (mine is None or mine.autoback) and owner.why != "handover"
    return (plan.primary if ordered or by_itself else None), "back"


def _ready(turn: Turn, camera: str, to: str) -> SessionRecord | None:
    """Return the session of a node that renews in time and reaches the camera, as it says."""
    peer = turn.state.peers.get(to)
    record = peer.record if peer is not None else None
    if peer is None or record is None or record.dead is not None or camera in record.ill:
        return None
    return record if turn.now - peer.heard <= _LATE * record.renew and peer.steady < NEVER else None


def stopped(turn: Turn, camera: str) -> None:
    """The node does not drive the camera any more: now it may be given."""
    handing = turn.state.handing.get(camera)
    if handing is not None and handing.stage == "stopping":
        _send(turn, camera)


def _send(turn: Turn, camera: str) -> None:
    """Write the new owner; one that is no longer ready, or that is another session by now, is given nothing."""
    state = turn.state
    handing, lease = state.handing[camera], state.leases[camera]
    owner, record = state.mine(camera), _ready(turn, camera, handing.to)
    if owner is None:
        return
    if not state.knows_epoch():
        turn.put_handing(camera, replace(handing, stage="doubt", retry=turn.now + RETRY))
        return
    if record is None or record.sid != handing.sid:
        _keep(turn, camera, handing, lease, owner)
        return
    turn.put_handing(camera, replace(handing, stage="sending", retry=turn.now + 4 * RETRY))
    why = handing.why
    case = f"{handing.to}.{handing.sid}.back" if why == "back" else ""
    new = replace(
        owner,
        node=handing.to,
        sid=handing.sid,
        fence=taking.next_fence(turn, camera, owner),
        why=why,
        at=turn.wall,
        switched=turn.wall,
        case=case,
        untold=taking.untold(turn, owner, case),
    )
    taking.change(turn, camera, lease, new, "giving")


def _keep(turn: Turn, camera: str, handing: Handing, lease: Lease, owner: Owner) -> None:
    """Keep the camera after all. Once anything was sent, a new fence must first outrun what may yet be applied."""
    if handing.stage == "stopping" or not turn.state.rules.renew_doubt:
        turn.put_handing(camera, None)
        turn.tell(Own(camera, owner.fence, "resume", turn.now))
        return
    turn.put_handing(camera, replace(handing, stage="doubt", retry=turn.now + 4 * RETRY))
    fence = taking.next_fence(turn, camera, owner)
    taking.change(turn, camera, lease, replace(owner, fence=fence, why="resume", at=turn.wall), "taking")


def gave(turn: Turn, pending: Pending, result: Result) -> None:
    """Go on after an attempt to give: what is not a clear success is read back."""
    camera, new = pending.about
    handing = turn.state.handing.get(camera)
    if isinstance(result, Done):
        taking.settle(turn, camera, Lease(result.rev, new, turn.now))
    elif handing is not None:
        turn.put_handing(camera, replace(handing, stage="doubt", retry=turn.now + RETRY))
        if result != "unavailable":
            taking.read(turn, camera)


def looked(turn: Turn, camera: str, result: Result) -> None:
    """Decide what to do with a camera in doubt, once it was read and is still this node's."""
    handing = turn.state.handing.get(camera)
    if handing is not None and handing.stage == "doubt" and isinstance(result, Found):
        _send(turn, camera)


def _go_on(turn: Turn, camera: str) -> None:
    """Read anew what no answer came for, and let go of a wish to give that cannot be fulfilled."""
    state, handing = turn.state, turn.state.handing[camera]
    if handing.stage == "stopping":
        record = _ready(turn, camera, handing.to)
        if record is None or record.sid != handing.sid:
            owner = state.mine(camera)
            if owner is not None:
                _keep(turn, camera, handing, state.leases[camera], owner)
    elif turn.now >= handing.retry:
        turn.put_handing(camera, replace(handing, stage="doubt", retry=turn.now + 4 * RETRY))
        taking.read(turn, camera)
    state.think = min(state.think, turn.now + RETRY)


def order(turn: Turn, camera: str) -> None:
    """Have a camera of this node handed on; a second order takes the first one back."""
    turn.state.ordered ^= {camera}
    turn.state.think = turn.now
