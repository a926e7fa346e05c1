"""All that a node's protocol knows, and one turn of it: the next state, and the actions that come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, Literal, TypeVar

from core.coordination.base import CoordinationError
from core.coordination.protocol.messages import Action, Call, Cut, Garbled, Joined, Op
from core.coordination.protocol.profiles import CELLULAR, FAST, NORMAL, Profile, Rules
from core.coordination.protocol.records import CameraPlan, NodePlan, Owner, SessionRecord, Why
from core.values import Fence

T = TypeVar("T")
NEVER = float("inf")
RETRY = 2.0  # seconds until something is asked again that was not answered
Phase = Literal["closed", "opening", "open"]
Hand = Literal["stopping", "sending", "doubt"]
Mode = Literal["normal", "fast", "constant"]


@dataclass(frozen=True, slots=True)
class Moment:
    """When a step happens: monotonic seconds, and seconds since the epoch of a wall clock that may jump."""

    mono: float
    wall: float


@dataclass(frozen=True, slots=True)
class Pending:
    """A call that is under way: what it is, when it was asked, and what came to mind with it."""

    op: Op
    key: str
    topic: str
    asked: float
    about: Any = None


@dataclass(frozen=True, slots=True)
class Session:
    """This node's own session. `sent`: renewals whose fate is open or that counted last: n -> (sent at, T)."""

    phase: Phase = "closed"
    sid: str = ""
    rev: int = 0
    n: int = 0  # of the last attempt
    counted: int = -1  # the newest attempt that was applied
    sent: tuple[tuple[int, float, float], ...] = ()
    deadline: float = -NEVER
    due: float = -NEVER  # the next renewal, read-back or attempt to open
    doubt: bool = False  # what became of the last attempt is not known
    opens: int = 0


@dataclass(frozen=True, slots=True)
class Peer:
    """A node that this one watches. `heard`: when its last change was seen; `steady`: since when it is healthy."""

    rev: int = -1  # never read
    record: SessionRecord | None = None
    heard: float = -NEVER
    steady: float = NEVER
    look: float = -NEVER
    asked: float = -NEVER  # when the last look that was answered began
    burying: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """What is known of `own.CAMERA`, and when it was learned. `void`: since when it names a session that is over."""

    rev: int
    owner: Owner | None
    learned: float
    void: float = NEVER


@dataclass(frozen=True, slots=True)
class Handing:
    """A camera on its way from this node to another."""

    stage: Hand
    to: str
    sid: str
    since: float
    why: Why = "back"
    retry: float = NEVER


@dataclass(frozen=True, slots=True)
class Cover:
    """A camera that this node owned, and shoots as a spare until its new owner surely knows that it is one."""

    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Telling:
    """A failure or return that somebody must mail of."""

    cameras: tuple[str, ...]
    due: float
    rev: int = -1
    seen: float = -NEVER  # when the note was first seen as it is
    mine: bool = False
    done: bool = False
    posted: bool = False  # this node sent it
    tentative: bool = False  # it may yet be folded into a later one
    overdue: bool = False  # another node claimed it and did not send
    folded: tuple[str, ...] = ()


@dataclass(slots=True)
class State:
    """A node's protocol. A state is never altered once `step` gave it back; `wake` says when it wants to be woken."""

    me: str
    process: str  # what no other run of this node ever had
    rules: Rules = field(default_factory=Rules)
    mailer: bool = False
    cameras: Mapping[str, CameraPlan] = field(default_factory=dict)
    nodes: Mapping[str, NodePlan] = field(default_factory=dict)
    plan_revs: Mapping[str, int] = field(default_factory=dict)  # key -> revision, of what the engine holds
    epoch: int = -1  # not read yet
    epoch_read: float = -NEVER  # when it was read last; no answer is older than a call may take
    epoch_since: float = -NEVER  # what was asked before then may tell of another store
    known: Mapping[str, Fence] = field(default_factory=dict)  # the highest fence ever seen of each camera
    session: Session = field(default_factory=Session)
    leases: Mapping[str, Lease] = field(default_factory=dict)
    peers: Mapping[str, Peer] = field(default_factory=dict)
    beacons: Mapping[str, float] = field(default_factory=dict)
    calls: Mapping[int, Pending] = field(default_factory=dict)
    handing: Mapping[str, Handing] = field(default_factory=dict)
    cover: Mapping[str, Cover] = field(default_factory=dict)
    acquired: Mapping[str, float] = field(default_factory=dict)  # cameras that this node came to own, and when
    ordered: frozenset[str] = frozenset()  # cameras that an operator wants to be handed on
    tellings: Mapping[str, Telling] = field(default_factory=dict)
    ill: frozenset[str] = frozenset()
    st: str = ""
    next_call: int = 1
    begun: float = 0.0
    answered: float = -NEVER  # when the engine answered last
    failed: bool = False  # the last call was not answered
    cut: float | None = None  # told as cut off since
    regained: float = -NEVER  # when it answered again after an outage
    outage: float = 0.0  # how long that was
    owners_asked: float = -NEVER  # when the last list of owners that was answered was asked for
    list_due: float = -NEVER
    own_due: float = -NEVER
    think: float = NEVER  # when owners and plans are to be looked at again without anything new
    listed: bool = False
    refused: str = ""
    wake: float = -NEVER

    def profile(self, node: str | None = None) -> Profile:
        """Return the pace of a node, by default of this one."""
        plan = self.nodes.get(node or self.me, _PLAIN)
        return CELLULAR if plan.profile == "cellular" else FAST if plan.fast else NORMAL

    def knows_epoch(self) -> bool:
        """Return whether the store is known to be the one that it was: read anew after each outage.

        A store that was restored meanwhile has revisions again that this node remembers, and would take its changes.
        """
        return self.epoch >= 0 and self.epoch_read >= self.regained

    def mode(self, camera: str) -> Mode:
        """Return a camera's mode, derived from the switches of its two nodes (seed 002)."""
        plan = self.cameras.get(camera)
        return "normal" if plan is None else mode_of(plan, self.nodes)

    def mine(self, camera: str) -> Owner | None:
        """Return the ownership record when it names this node's session that runs now."""
        lease = self.leases.get(camera)
        if lease is None or lease.owner is None or lease.owner.node != self.me:
            return None
        if self.rules.own_session and (self.session.phase != "open" or lease.owner.sid != self.session.sid):
            return None
        return lease.owner


_PLAIN = NodePlan()
_ALL = attrgetter(*(one.name for one in fields(State)))


def mode_of(plan: CameraPlan, nodes: Mapping[str, NodePlan]) -> Mode:
    """Return the mode of a camera: constant by its backup, else fast by its primary, else normal.

    An exclusive camera takes one connection at a time and is never shot by both: constant is refused for it when it is
    assigned, and not heeded where it came to be all the same.
    """
    if plan.backup is not None and nodes.get(plan.backup, _PLAIN).constant and not plan.exclusive:
        return "constant"
    return "fast" if nodes.get(plan.primary, _PLAIN).fast else "normal"


class Turn:
    """One step under way: `state` is a copy that may still be altered."""

    __slots__ = ("actions", "now", "state", "wall")

    def __init__(self, state: State, at: Moment) -> None:
        self.state = State(*_ALL(state))
        self.now = at.mono
        self.wall = int(at.wall)
        self.actions: list[Action] = []

    def tell(self, action: Action) -> None:
        """Give the node something to do or to know."""
        self.actions.append(action)

    def call(self, topic: str, op: Op, key: str, rev: int = 0, value: bytes = b"", about: Any = None) -> None:
        """Ask the engine, unless it is being asked of this key already."""
        state = self.state
        if self.busy(key):
            return
        number = state.next_call
        state.next_call = number + 1
        state.calls = {**state.calls, number: Pending(op, key, topic, self.now, about)}
        self.actions.append(Call(number, op, key, rev, value))

    def busy(self, key: str) -> bool:
        """Return whether a call for this key is under way."""
        for one in self.state.calls.values():  # noqa: SIM110 - it is asked a great many times
            if one.key == key:
                return True
        return False

    def take(self, number: int) -> Pending | None:
        """Return the call that was answered, once."""
        calls = dict(self.state.calls)
        pending = calls.pop(number, None)
        if pending is not None:
            self.state.calls = calls
        return pending

    def heard(self, answered: bool) -> None:
        """Note that the engine answered, or did not."""
        state = self.state
        state.failed = not answered
        if not answered:
            return
        profile = state.profile()
        silent = self.now - max(state.answered, state.begun)
        if silent > profile.renew + 2 * profile.timeout:
            state.regained, state.outage = self.now, silent
            state.list_due = state.own_due = self.now
        if state.cut is not None:
            self.tell(Joined(self.now - state.cut))
            state.cut = None
        state.answered = self.now

    def check_cut(self) -> None:
        """Tell once when the engine has not answered for as long as the deadline."""
        state = self.state
        since = max(state.answered, state.begun)
        if state.cut is None and state.failed and self.now - since >= state.profile().deadline:
            state.cut = since
            self.tell(Cut(since))

    def parsed(self, key: str, value: bytes, parse: Callable[[str, bytes], T]) -> T | None:
        """Return what a key holds, None (and told) when it is garbled."""
        try:
            return parse(key, value)
        except CoordinationError as error:
            self.tell(Garbled(key, str(error)))
            return None

    def put_lease(self, camera: str, lease: Lease) -> None:
        self.state.leases = {**self.state.leases, camera: lease}

    def put_peer(self, node: str, peer: Peer) -> None:
        self.state.peers = {**self.state.peers, node: peer}

    def put_handing(self, camera: str, handing: Handing | None) -> None:
        others = {name: one for name, one in self.state.handing.items() if name != camera}
        self.state.handing = others if handing is None else {**others, camera: handing}

    def put_telling(self, case: str, telling: Telling) -> None:
        self.state.tellings = {**self.state.tellings, case: telling}
