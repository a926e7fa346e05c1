"""No slot is lost on the way from one owner to the next: the old one shoots spares until the new one surely knows."""

from __future__ import annotations

from core.coordination.protocol.state import RETRY, Cover, Lease, Turn

_KNOWN = 2.0  # times R: within that a node that renews has read what it owns


def cover(turn: Turn, camera: str, longer: float = 0.0) -> None:
    """Begin to cover a camera that is not this node's any more, for so long at least. Exclusive ones cannot be."""
    state = turn.state
    plan = state.cameras.get(camera)
    if plan is None or plan.exclusive or (camera in state.cover and not longer):
        return
    profile = state.profile()
    until = turn.now + _KNOWN * profile.renew + 2 * profile.timeout + longer
    state.cover = {**state.cover, camera: Cover(turn.now, until)}
    state.think = min(state.think, until)


def consider(turn: Turn) -> None:
    """Stop covering what this node owns again, or what a new owner drives that has renewed since."""
    state = turn.state
    for camera, covered in state.cover.items():
        lease = state.leases.get(camera)
        if state.mine(camera) is not None or (turn.now >= covered.until and _is_driven(turn, lease, covered)):
            state.cover = {name: one for name, one in state.cover.items() if name != camera}
        else:
            state.think = min(state.think, max(covered.until, turn.now + RETRY))


def _is_driven(turn: Turn, lease: Lease | None, covered: Cover) -> bool:
    state = turn.state
    if lease is None or lease.owner is None or lease.owner.node == state.me:
        return False
    node = lease.owner.node
    peer = state.peers.get(node)
    if peer is None:  # a camera that is no longer this node's to take
        return True
    alive = peer.record is not None and peer.record.dead is None and peer.record.sid == lease.owner.sid
    return alive and peer.heard >= max(covered.since, lease.learned) + state.profile(node).renew
