"""R4 and R5: watch the nodes whose cameras this one may have to take, and end the session of one that is dead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from core.coordination.base import Held
from core.coordination.protocol.messages import Done, Found, Result, Suspected
from core.coordination.protocol.profiles import NORMAL, wait_for
from core.coordination.protocol.records import CameraPlan, SessionRecord, encode, parse_session, session_key
from core.coordination.protocol.session import is_valid
from core.coordination.protocol.state import NEVER, RETRY, Lease, Peer, Pending, Turn

_SLACK = 1.25  # a renewal may be so much later than R before it is looked for without a hint
_STEADY = 2.5  # times R between two changes: a node that was silent for longer was not healthy


def watched(turn: Turn) -> set[str]:
    """Return the nodes that matter to this one: owners of what it may take, primaries of what it keeps for them."""
    state = turn.state
    found: set[str] = set()
    for camera, plan in state.cameras.items():
        lease = state.leases.get(camera)
        owner = plan.primary if lease is None or lease.owner is None else lease.owner.node
        mine_to_take = state.me in plan.candidates and plan.backup is not None
        if owner != state.me and (mine_to_take or camera in state.cover):
            found.add(owner)
        elif owner == state.me and plan.primary != state.me:
            found.add(plan.primary)
        elif owner == state.me and camera in state.ordered and plan.backup is not None:
            found.add(plan.backup)
    return found


def review(turn: Turn) -> None:
    """Begin to watch who matters now, and stop watching who does not."""
    state, wanted = turn.state, watched(turn)
    if wanted != state.peers.keys():
        state.peers = {node: state.peers.get(node) or Peer(look=turn.now) for node in sorted(wanted)}


def keep(turn: Turn) -> None:
    """Look at the peers that are due."""
    for node, peer in turn.state.peers.items():
        if turn.now >= peer.look:
            look(turn, node)


def look(turn: Turn, node: str) -> None:
    """Read the session of a peer, unless that is under way."""
    turn.call("peer", "read", session_key(node), about=node)


def saw(turn: Turn, pending: Pending, result: Result) -> bool:
    """Take note of a peer's session; return whether something about it is news."""
    node: str = pending.about
    peer = turn.state.peers.get(node)
    if peer is None:
        return False
    if not isinstance(result, Found):
        turn.put_peer(node, replace(peer, look=turn.now + RETRY))
        return False
    rev = result.held.rev if result.held is not None else 0
    peer = replace(peer, asked=pending.asked)
    if rev != peer.rev:
        _changed(turn, node, peer, result.held)
        return True
    if peer.record is None or peer.record.dead is None:
        _unchanged(turn, node, peer, pending.asked)
    else:
        turn.put_peer(node, replace(peer, look=turn.now + turn.state.profile(node).renew))
    return False


def _changed(turn: Turn, node: str, peer: Peer, held: Held | None) -> None:
    """Note what a peer renewed, and since when it has been one session that renews in time."""
    record = None if held is None else turn.parsed(session_key(node), held.value, parse_session)
    renew = record.renew if record is not None else NORMAL.renew
    before = peer.record
    same = before is not None and record is not None and before.sid == record.sid and before.dead is None
    steady = peer.steady if same and turn.now - peer.heard <= _STEADY * renew else turn.now
    if record is None or record.dead is not None:
        steady = NEVER
    rev = held.rev if held is not None else 0
    turn.put_peer(node, Peer(rev, record, turn.now, steady, turn.now + _SLACK * renew, peer.asked))
    if record is not None and (before is None or before.sid != record.sid or before.dead != record.dead):
        turn.state.think = turn.now


def _unchanged(turn: Turn, node: str, peer: Peer, asked: float) -> None:
    """R4: a peer is suspected when it was silent for D, and a look that was begun after that finds it unchanged."""
    since, wait = silent_since(turn, peer), wait_of(turn, peer)
    if asked - since > wait and not peer.burying and turn.state.rules.bury and may_gain(turn, node):
        _bury(turn, node, peer)
        return
    again = turn.now + (peer.record.renew if peer.record is not None else NORMAL.renew) / 2
    if asked - since <= wait:
        again = min(again, since + wait + 0.001)
    turn.put_peer(node, replace(peer, look=max(again, turn.now + 0.01)))
    if not turn.state.rules.bury:
        turn.state.think = turn.now


def silent_since(turn: Turn, peer: Peer) -> float:
    """Return since when a peer's silence counts: not before the engine could be asked again after an outage."""
    return max(peer.heard, turn.state.regained) if turn.state.rules.outage else peer.heard


def wait_of(turn: Turn, peer: Peer) -> float:
    """Return D of a peer, by what its session announces."""
    record = peer.record
    if record is None:
        return NORMAL.wait
    return wait_for(record.renew, record.deadline, turn.state.rules)


def is_silent(turn: Turn, peer: Peer) -> bool:
    """Return whether a peer has been silent for D."""
    return turn.now - silent_since(turn, peer) > wait_of(turn, peer)


def may_gain(turn: Turn, node: str) -> bool:
    """Return whether there is a camera of a dead `node` that this one may take, with a session that is valid."""
    return (
        is_valid(turn)
        and turn.state.knows_epoch()
        and not turn.state.refused
        and any(True for _ in of_node(turn, node))
    )


def of_node(turn: Turn, node: str) -> Iterator[tuple[str, CameraPlan, Lease]]:
    """Yield the cameras that `node` owns, or was to own, and that this node may take."""
    state = turn.state
    for camera, plan in state.cameras.items():
        lease = state.leases.get(camera)
        if lease is None or state.me not in plan.candidates or state.me == node:
            continue
        if node == (plan.primary if lease.owner is None else lease.owner.node):
            yield camera, plan, lease


def _bury(turn: Turn, node: str, peer: Peer) -> None:
    """R5: end the session by the revision that was seen; a node without one gets one that is ended."""
    record = peer.record or SessionRecord("none", 0, NORMAL.renew, NORMAL.deadline)
    turn.tell(Suspected(node, turn.now - peer.heard))
    turn.put_peer(node, replace(peer, burying=True, look=turn.now + RETRY))
    value = encode(replace(record, dead=turn.state.me))
    turn.call("burial", "cas", session_key(node), max(0, peer.rev), value, node)


def buried(turn: Turn, pending: Pending, result: Result) -> None:
    """Go on after a burial: it is read back whatever is said of it, but for a clear success."""
    node: str = pending.about
    peer = turn.state.peers.get(node)
    if peer is None:
        return
    peer = replace(peer, burying=False)
    if isinstance(result, Done):
        record = peer.record or SessionRecord("none", 0, NORMAL.renew, NORMAL.deadline)
        record = replace(record, dead=turn.state.me)
        peer = replace(peer, rev=result.rev, record=record, steady=NEVER, look=turn.now + record.renew)
        turn.put_peer(node, peer)
        turn.state.think = turn.now
    else:
        turn.put_peer(node, peer)
        if result != "unavailable":
            look(turn, node)


def next_due(turn: Turn) -> float:
    """Return when `keep` is to be called again."""
    return min((one.look for node, one in turn.state.peers.items() if not turn.busy(session_key(node))), default=NEVER)
