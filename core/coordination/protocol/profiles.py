"""How fast nodes renew, suspect and give back; and the safeguards of the protocol, each by its name."""

from __future__ import annotations

from dataclasses import dataclass

DRIFT = 0.01  # the most by which a node's clock may run fast or slow
HOLD_MOST = 3600.0  # seconds: however often a node fell, it is believed again after this
HOLD_MEMORY = 3600  # seconds of the wall clock within which a further switch doubles the hold


@dataclass(frozen=True, slots=True)
class Profile:
    """Seconds of one pace. `wait` (D) must be at least `deadline` (T) times 1 + 2 DRIFT; T at least 2 R + `timeout`."""

    name: str
    renew: float  # R: between two renewals of a session
    deadline: float  # T: after the sending of the last renewal that counted, an exclusive camera is let go
    wait: float  # D: an observer takes a node for dead that changed nothing for so long
    hold: float  # H: for so long a primary must be healthy before it is given its cameras back
    timeout: float  # of one call to the engine
    refresh: float  # between two lists of everything, in case a hint was lost


NORMAL = Profile("normal", 10.0, 30.0, 35.0, 60.0, 5.0, 60.0)
FAST = Profile("fast", 3.0, 9.0, 11.0, 30.0, 2.0, 60.0)
CELLULAR = Profile("cellular", 30.0, 90.0, 100.0, 180.0, 5.0, 900.0)
PROFILES = {one.name: one for one in (NORMAL, FAST, CELLULAR)}
_WAITS = {(one.renew, one.deadline): one.wait for one in PROFILES.values()}


@dataclass(frozen=True, slots=True)
class Rules:
    """The safeguards of the protocol, all of them on. The simulator switches them off to show what each is good for."""

    bury: bool = True  # R5: a session is ended before what it owned is taken
    from_sending: bool = True  # R2: the deadline counts from before the sending, not from the answer
    read_back: bool = True  # R3: a change in doubt is read back, and what is found is believed
    margin: bool = True  # R4: D is longer than T
    own_session: bool = True  # R7, R8: only what names the session that runs now is driven
    deadline: bool = True  # R7, R10: an exclusive camera is let go at the deadline
    stop_first: bool = True  # R9: the owner stops before it gives back
    renew_doubt: bool = True  # R9: an owner that goes on after a hand-back in doubt takes a new fence first
    grow: bool = True  # S1: each new owner takes a higher token
    epoch: bool = True  # a store that went back is not used before its epoch was raised
    claim: bool = True  # R12: only who claimed the note mails
    outage: bool = True  # silence during an outage of the engine is not held against a peer
    double: bool = True  # R9: each switch within an hour doubles the hold


def wait_for(renew: float, deadline: float, rules: Rules) -> float:
    """Return D for a session that announces these R and T."""
    if not rules.margin:
        return deadline
    known = _WAITS.get((renew, deadline))
    return known if known is not None else deadline * (1 + 2 * DRIFT) + max(1.0, renew / 4)
