"""R1 to R3: open a session, renew it, and read back what became of a renewal in doubt."""

from __future__ import annotations

from dataclasses import replace

from core.coordination.base import Held
from core.coordination.protocol.covering import SHOWN, cover
from core.coordination.protocol.messages import Buried, Done, Found, Lost, Refused, Result
from core.coordination.protocol.records import EPOCH, SessionRecord, encode, parse_epoch, parse_session, session_key
from core.coordination.protocol.state import NEVER, RETRY, Pending, Session, Turn

RIVAL_WAIT = 30.0  # seconds before a name that another process took is taken back


def is_needed(turn: Turn) -> bool:
    """Return whether this node shares a camera with another one, or may be asked to: else it needs no session at all.

    It may be where a camera's `reach` names it.
    """
    state = turn.state
    if any(state.me in plan.reach for plan in state.cameras.values()):
        return True
    if any(plan.backup is not None and state.me in plan.candidates for plan in state.cameras.values()):
        return True
    owned = ((camera, one.owner.node) for camera, one in state.leases.items() if one.owner is not None)
    primaries = {camera: plan.primary for camera, plan in state.cameras.items()}
    return any(camera in primaries and (node == state.me) != (primaries[camera] == state.me) for camera, node in owned)


def is_valid(turn: Turn) -> bool:
    """Return whether this node's session is open and cannot have been ended by anybody yet."""
    session = turn.state.session
    return session.phase == "open" and turn.now < session.deadline


def keep(turn: Turn) -> None:
    """Open the session, renew it or read it back, when that is due."""
    session = turn.state.session
    if turn.now < session.due or turn.busy(session_key(turn.state.me)):
        return
    if turn.state.refused or turn.state.epoch < 0 or not is_needed(turn):
        turn.state.session = replace(session, due=turn.now + turn.state.profile().renew)
    elif session.phase == "open" and not session.doubt:
        _send(turn)
    else:
        turn.call("session", "read", session_key(turn.state.me))


def read(turn: Turn, result: Result) -> None:
    """Go on with what the session's key holds."""
    if not isinstance(result, Found):
        _later(turn)
        return
    if turn.state.session.phase == "closed":
        _open(turn, result.held)
    else:
        _compare(turn, result.held)


def sent(turn: Turn, pending: Pending, result: Result) -> None:
    """Go on after an attempt to open or to renew. R3: in doubt it is read back, never sent again blindly."""
    session = turn.state.session
    sid, n = pending.about
    if sid != session.sid:  # of a session that was given up meanwhile
        turn.state.session = replace(session, due=min(session.due, turn.now))
    elif isinstance(result, Done):
        if n > session.counted:
            _count(turn, n, result.rev)
    elif result == "unavailable":
        turn.state.session = replace(session, sent=tuple(one for one in session.sent if one[0] != n))
        _later(turn)
    else:
        turn.state.session = replace(session, doubt=True)
        turn.call("session", "read", session_key(turn.state.me))


def _later(turn: Turn) -> None:
    turn.state.session = replace(turn.state.session, due=turn.now + min(RETRY, turn.state.profile().renew / 3))


def _open(turn: Turn, held: Held | None) -> None:
    """R1: a new session takes the place of whatever was there; nothing that an older one owned is valid."""
    session = turn.state.session
    opens = session.opens + 1
    sid = f"{turn.state.process}-{opens}"
    turn.state.session = Session("opening", sid, held.rev if held else 0, opens=opens)
    turn.state.list_due = turn.state.own_due = turn.now
    _send(turn)


def _send(turn: Turn) -> None:
    """R2: the moment is taken before the sending; each attempt has a number of its own."""
    state, session, profile = turn.state, turn.state.session, turn.state.profile()
    n = session.n + 1
    record = SessionRecord(
        session.sid,
        n,
        profile.renew,
        profile.deadline,
        ill=tuple(sorted(state.ill)),
        own=tuple(sorted(camera for camera, at in state.acquired.items() if turn.now - at < SHOWN)),
        st=state.st,
    )
    state.session = replace(
        session, n=n, sent=(*session.sent, (n, turn.now, profile.deadline)), due=turn.now + profile.renew, doubt=False
    )
    turn.call("renewal", "cas", session_key(state.me), session.rev, encode(record), (session.sid, n))


def _count(turn: Turn, n: int, rev: int) -> None:
    """Note that attempt `n` was applied: the deadline counts from before it was sent, however late that is known."""
    state, session = turn.state, turn.state.session
    at, deadline = next((at, deadline) for number, at, deadline in session.sent if number == n)
    if not state.rules.from_sending:
        at = turn.now
    opened = session.phase == "opening"
    state.session = replace(
        session,
        phase="open",
        rev=rev,
        counted=n,
        sent=tuple(one for one in session.sent if one[0] >= n),
        deadline=max(session.deadline, at + deadline),
        doubt=False,
    )
    if opened:
        state.think = turn.now


def _compare(turn: Turn, held: Held | None) -> None:
    """R3: tell from what is there which attempt was applied, or whether the session was ended."""
    state, session = turn.state, turn.state.session
    if held is not None and held.rev < session.rev and session.counted >= 0:
        _went_back(turn, "the session of this node is older than its last renewal")
        return
    if held is None:
        if session.counted >= 0:
            _went_back(turn, "the session of this node is gone")
        else:
            _again(turn, 0)
        return
    record = turn.parsed(session_key(state.me), held.value, parse_session)
    if not state.rules.read_back:  # only to show what the rule is good for
        _again(turn, held.rev)
    elif record is not None and record.sid == session.sid and record.dead is None and _is_sent(session, record.n):
        if record.n > session.counted:
            _count(turn, record.n, held.rev)
        state.session = replace(state.session, rev=held.rev, doubt=False)
        if record.n < session.n:  # the last attempt is lost, or comes too late to be applied
            state.session = replace(state.session, due=turn.now)
            keep(turn)
    elif session.phase == "opening" and (record is None or record.sid != session.sid):
        _again(turn, held.rev)
    else:
        by = record.dead if record is not None and record.sid == session.sid else None
        close(turn, by, rival=record is None or record.sid != session.sid)


def _is_sent(session: Session, n: int) -> bool:
    return any(number == n for number, _, _ in session.sent)


def _again(turn: Turn, rev: int) -> None:
    turn.state.session = replace(turn.state.session, rev=rev, doubt=False)
    _send(turn)


def close(turn: Turn, by: str | None, rival: bool = False) -> None:
    """Give up the session that another ended, and all that it owned; a new one is opened at once.

    One that another process of this node's name ended waits: two that take it from each other would never end.
    """
    state, session = turn.state, turn.state.session
    lost = [camera for camera in state.leases if state.mine(camera) is not None]
    state.session = Session(due=turn.now + (RIVAL_WAIT if rival else 0.0), opens=session.opens)
    state.handing, state.acquired = {}, {}
    turn.tell(Buried(by))
    for camera in lost:
        cover(turn, camera)
        turn.tell(Lost(camera, None))
    keep(turn)


def _went_back(turn: Turn, why: str) -> None:
    """Ask for the epoch: only when it grew, a store that went back is believed."""
    refuse(turn, why)
    turn.call("epoch", "read", EPOCH)


def refuse(turn: Turn, why: str) -> None:
    """Take nothing more from a store that went back; what is owned and not exclusive goes on being shot."""
    if turn.state.rules.epoch and not turn.state.refused:
        turn.state.refused = why
        turn.state.list_due = turn.now
        turn.tell(Refused(why))
    elif not turn.state.rules.epoch:
        close(turn, None)


def learn_epoch(turn: Turn, held: Held | None) -> None:
    """Note the store's epoch; one that grew makes a store that went back good again, and all begin anew."""
    state = turn.state
    epoch = 0 if held is None else turn.parsed(EPOCH, held.value, parse_epoch)
    if epoch is None or epoch == state.epoch:
        return
    if epoch < state.epoch:
        refuse(turn, f"the store's epoch is {epoch} and was {state.epoch}")
        return
    first = state.epoch < 0
    state.epoch, state.epoch_since = epoch, turn.now
    state.refused = ""
    if first:
        state.session = replace(state.session, due=turn.now)
        return
    if state.session.phase != "closed":
        close(turn, None)
    state.leases, state.peers, state.plan_revs = {}, {}, {}  # revisions of another store
    state.list_due = state.own_due = turn.now


def next_due(turn: Turn) -> float:
    """Return when `keep` is to be called again."""
    return NEVER if turn.busy(session_key(turn.state.me)) else turn.state.session.due
