"""R12: one mail for each failure and each return, by whoever holds its note; what comes too fast is told as one."""

from __future__ import annotations

from dataclasses import replace

from core.coordination.protocol.messages import Done, Found, Mail, Result, What, Withdraw
from core.coordination.protocol.records import Note, Owner, encode, note_key, parse_note
from core.coordination.protocol.state import NEVER, RETRY, Pending, State, Telling, Turn
from core.coordination.protocol.taking import base_hold

SETTLE = 15.0  # seconds in which all cameras of a failure change hands
PATIENCE = 120.0  # seconds after which a claim that was not sent is another's
QUIET = 600.0  # seconds without another switch after which flapping is told
FLAPPING = 4  # times H: so long a hold has grown by the third failure within the hour


def consider(turn: Turn) -> None:
    """Note which failures and returns there are to be told of."""
    state = turn.state
    if not state.mailer:
        return
    for camera, lease in state.leases.items():
        if lease.owner is None or camera not in state.cameras:
            continue
        for case in (lease.owner.case, *lease.owner.untold):
            if case and _what(case) is not None:
                _notice(turn, camera, case, lease.owner)
    _forget(turn)


def _what(case: str) -> What | None:
    what = case.rpartition(".")[2]
    return "down" if what == "down" else "back" if what == "back" else None


def is_wanted(state: State, camera: str) -> bool:
    """Return whether a camera's switches are mailed: its backup says so, and it is not shot by both all the time."""
    plan = state.cameras[camera]
    backup = state.nodes.get(plan.backup) if plan.backup is not None else None
    return backup is not None and backup.mail and state.mode(camera) != "constant"


def _notice(turn: Turn, camera: str, case: str, owner: Owner) -> None:
    state = turn.state
    telling = state.tellings.get(case)
    if telling is not None:
        if camera not in telling.cameras and is_wanted(state, camera):
            turn.put_telling(case, replace(telling, cameras=tuple(sorted((*telling.cameras, camera)))))
        return
    if not is_wanted(state, camera):
        return
    is_author = state.me == (owner.node if _what(case) == "down" else state.cameras[camera].backup)
    flapping = case == owner.case and owner.hold >= FLAPPING * base_hold(turn, camera)
    folded: tuple[str, ...] = ()
    for older, one in state.tellings.items():
        if flapping and one.tentative and not (one.done or one.mine) and camera in one.cameras:
            turn.put_telling(older, replace(one, done=True, due=NEVER))
            folded = (*folded, *one.folded, older)
    due = turn.now + (SETTLE if is_author else PATIENCE) + (QUIET if flapping else 0.0)
    turn.put_telling(case, Telling((camera,), due, tentative=flapping, folded=folded))


def _forget(turn: Turn) -> None:
    """Forget what is told and nowhere named any more."""
    state = turn.state
    if not any(one.done for one in state.tellings.values()):
        return
    named: set[str] = set()
    for lease in state.leases.values():
        if lease.owner is not None:
            named |= {lease.owner.case, *lease.owner.untold}
    state.tellings = {case: one for case, one in state.tellings.items() if not one.done or case in named}


def keep(turn: Turn) -> None:
    """Look at the notes that are due; the claim is what makes one node mail and no other."""
    for case, telling in turn.state.tellings.items():
        if telling.done or turn.now < telling.due:
            continue
        if turn.state.rules.claim:
            turn.put_telling(case, replace(telling, due=turn.now + 4 * RETRY))
            turn.call("note", "read", note_key(case), about=case)
        else:  # only to show what the rule is good for
            _mail(turn, case, telling, telling.rev)


def read(turn: Turn, pending: Pending, result: Result) -> None:
    """Claim a note that nobody holds, or that was held for too long without a mail."""
    case: str = pending.about
    telling = turn.state.tellings.get(case)
    if telling is None or not isinstance(result, Found):
        return  # it is read again when it is due
    if result.held is None:
        _claim(turn, case, 0)
        return
    note, rev = turn.parsed(note_key(case), result.held.value, parse_note), result.held.rev
    if note is None or note.sent is not None:
        turn.put_telling(case, replace(telling, done=True, due=NEVER))
    elif note.by == turn.state.me and telling.posted:
        _note_sent(turn, case, rev)
    elif note.by == turn.state.me:
        if not telling.mine:
            _mail(turn, case, telling, rev)
        else:
            turn.put_telling(case, replace(telling, rev=rev, due=turn.now + PATIENCE / 2))
    else:
        _of_another(turn, case, telling, rev)


def _of_another(turn: Turn, case: str, telling: Telling, rev: int) -> None:
    if telling.mine:
        turn.tell(Withdraw(case))
        telling = replace(telling, mine=False)
    if rev != telling.rev:
        turn.put_telling(case, replace(telling, rev=rev, seen=turn.now, due=turn.now + PATIENCE))
    elif turn.now - telling.seen >= PATIENCE:
        turn.put_telling(case, replace(telling, overdue=True))
        _claim(turn, case, rev)
    else:
        turn.put_telling(case, replace(telling, due=telling.seen + PATIENCE))


def _claim(turn: Turn, case: str, rev: int) -> None:
    turn.call("claim", "cas", note_key(case), rev, encode(Note(turn.state.me)), case)


def _note_sent(turn: Turn, case: str, rev: int) -> None:
    turn.call("sent", "cas", note_key(case), rev, encode(Note(turn.state.me, turn.wall)), case)


def claimed(turn: Turn, pending: Pending, result: Result) -> None:
    """Mail when the claim is this node's without a doubt; else the note is read again."""
    case: str = pending.about
    telling = turn.state.tellings.get(case)
    if telling is None:
        return
    if isinstance(result, Done):
        _mail(turn, case, telling, result.rev)
    else:
        turn.put_telling(case, replace(telling, due=turn.now + (RETRY if result == "unavailable" else 0.0)))


def _mail(turn: Turn, case: str, telling: Telling, rev: int) -> None:
    done = not turn.state.rules.claim
    due = NEVER if done else turn.now + PATIENCE / 2
    turn.put_telling(case, replace(telling, mine=True, rev=rev, due=due, done=done))
    what = _what(case)
    assert what is not None
    turn.tell(Mail(case, what, case.partition(".")[0], telling.cameras, telling.folded, telling.overdue))


def posted(turn: Turn, case: str) -> None:
    """The mail is out: write that into the note."""
    telling = turn.state.tellings.get(case)
    if telling is not None and telling.mine and not telling.done:
        turn.put_telling(case, replace(telling, posted=True, due=turn.now + 4 * RETRY))
        _note_sent(turn, case, telling.rev)


def settled(turn: Turn, pending: Pending, result: Result) -> None:
    """Go on after writing that it was sent: only a clear success ends it without another look."""
    case: str = pending.about
    telling = turn.state.tellings.get(case)
    if telling is not None:
        done = isinstance(result, Done)
        turn.put_telling(case, replace(telling, done=done, due=NEVER if done else turn.now + RETRY))


def next_due(turn: Turn) -> float:
    """Return when `keep` is to be called again."""
    return min((one.due for one in turn.state.tellings.values() if not one.done), default=NEVER)
