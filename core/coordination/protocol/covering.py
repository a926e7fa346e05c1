"""No slot is lost on the way from one owner to the next: the old one shoots spares until the new one says so."""

from __future__ import annotations

from core.coordination.protocol.state import RETRY, Cover, Lease, Turn

SHOWN = 180.0  # seconds for which a session names a camera that its node came to own
_LONGEST = SHOWN + 120.0  # after which an owner that renews and says nothing is trusted to shoot


def cover(turn: Turn, camera: str) -> None:
    """Begin to cover a camera that is not this node's any more. Exclusive ones cannot be."""
    state = turn.state
    plan = state.cameras.get(camera)
    if plan is not None and not plan.exclusive and camera not in state.cover:
        state.cover = {**state.cover, camera: Cover(turn.now, turn.now + _LONGEST)}
        state.think = min(state.think, turn.now + RETRY)


def consider(turn: Turn) -> None:
    """Stop covering what this node owns again, or what its new owner says that it drives."""
    state = turn.state
    for camera, covered in state.cover.items():
        if state.mine(camera) is not None or _is_driven(turn, camera, state.leases.get(camera), covered):
            state.cover = {name: one for name, one in state.cover.items() if name != camera}
        else:
            state.think = min(state.think, turn.now + RETRY)


def _is_driven(turn: Turn, camera: str, lease: Lease | None, covered: Cover) -> bool:
    state = turn.state
    if lease is None or lease.owner is None or lease.owner.node == state.me:
        return False
    peer = state.peers.get(lease.owner.node)
    if peer is None:  # a camera that is no longer this node's to take
        return turn.now >= covered.until
    if peer.record is None or peer.record.dead is not None or peer.record.sid != lease.owner.sid:
        return False
    renews = peer.heard > max(covered.since, peer.steady)  # a record that was only read may be of long ago
    return renews and (camera in peer.record.own or turn.now >= covered.until)
