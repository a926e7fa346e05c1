"""What a node's protocol hears, and what it asks for: plain values, so that a history of them can be played again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.coordination.base import Held
from core.coordination.protocol.records import Why
from core.values import Fence

Refusal = Literal["conflict", "unknown", "unavailable"]
Op = Literal["read", "cas", "list"]
What = Literal["down", "back"]


@dataclass(frozen=True, slots=True)
class Done:
    """A change was made; the key has this revision now."""

    rev: int


@dataclass(frozen=True, slots=True)
class Found:
    """A key was read; None: it does not exist."""

    held: Held | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A list was read."""

    held: Mapping[str, Held]


Result = Done | Found | Listed | Refusal


# --- events -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a call. Each call gets one; what comes twice, or too late, is passed over."""

    call: int
    result: Result


@dataclass(frozen=True, slots=True)
class Wake:
    """The time that the state asked to be woken at has come; earlier or later does no harm."""


@dataclass(frozen=True, slots=True)
class Hint:
    """A key may have changed."""

    key: str


@dataclass(frozen=True, slots=True)
class Beacon:
    """Another node was heard on the local network; it is believed only to keep this one from shooting needlessly."""

    node: str


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the next renewal carries: cameras that this node cannot reach now, and at most 300 bytes of vitals."""

    ill: frozenset[str] = frozenset()
    st: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The node no longer drives a camera as its owner, as `Stop` asked; no shot of it is under way."""

    camera: str


@dataclass(frozen=True, slots=True)
class Order:
    """An operator wants a camera to go from its owner, which is this node, to the other one of the two."""

    camera: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The mail of a case was handed over to a mail server."""

    case: str


Event = Answer | Wake | Hint | Beacon | Vitals | Stopped | Order | Sent


# --- actions ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Call:
    """Ask the engine; calls of one state for one key never overlap. `key` is the prefix of a list."""

    id: int
    op: Op
    key: str
    rev: int = 0
    value: bytes = b""


@dataclass(frozen=True, slots=True)
class Own:
    """This node owns a camera now, under this fence."""

    camera: str
    fence: Fence
    why: Why
    since: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop driving a camera as its owner at the next slot boundary, and answer with Stopped. `to`: who gets it."""

    camera: str
    to: str


@dataclass(frozen=True, slots=True)
class Lost:
    """This node does not own a camera any more. `to`: who does, None when that is not known."""

    camera: str
    to: str | None


@dataclass(frozen=True, slots=True)
class Buried:
    """This node's session was ended: `by` another node, or by another process of this name (None)."""

    by: str | None


@dataclass(frozen=True, slots=True)
class Cut:
    """The engine has not answered since; exclusive cameras stop at the deadline."""

    since: float


@dataclass(frozen=True, slots=True)
class Joined:
    """The engine answers again, after so many seconds."""

    after: float


@dataclass(frozen=True, slots=True)
class Suspected:
    """A peer has been silent for so many seconds, and its session is being ended."""

    peer: str
    silent: float


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A camera whose owner is dead is not taken, and why."""

    camera: str
    why: str


@dataclass(frozen=True, slots=True)
class Mail:
    """This node holds the claim to mail of a case: send it under a Message-ID made of it, and answer with Sent.

    `what`: NODE fell silent and its cameras were taken over, or it has them back. `folded`: earlier cases that this
    mail tells as well, since they came too fast after each other. `overdue`: another node claimed it and did not send.
    """

    case: str
    what: What
    node: str
    cameras: tuple[str, ...]
    folded: tuple[str, ...] = ()
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Another node took the claim over: a mail of this case that is not out yet is not to be sent."""

    case: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The engine's store went back, and its epoch was not raised: nothing is taken from it until that is done."""

    why: str


@dataclass(frozen=True, slots=True)
class Garbled:
    """A key holds something that it must not hold; it is passed over."""

    key: str
    problem: str = field(compare=False)


Action = Call | Own | Stop | Lost | Buried | Cut | Joined | Suspected | Uncovered | Mail | Withdraw | Refused | Garbled
