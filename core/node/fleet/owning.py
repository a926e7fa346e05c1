"""Who shoots which camera: the lease protocol, driven by the deciding thread, and what it lets this node do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from core.catalogue import states
from core.catalogue.pictures import highest_fence
from core.coordination.base import CoordinationError
from core.coordination.protocol.driving import Right, right
from core.coordination.protocol.messages import (
    Action,
    Answer,
    Buried,
    Call,
    Cut,
    Event,
    Garbled,
    Hint,
    Joined,
    Lost,
    Mail,
    Own,
    Refused,
    Result,
    Sent,
    Stop,
    Stopped,
    Suspected,
    Uncovered,
    Vitals,
    Wake,
    Withdraw,
)
from core.coordination.protocol.records import CameraPlan, session_key
from core.coordination.protocol.state import Moment, State
from core.coordination.protocol.step import Start, begin, step
from core.node.context import Context
from core.node.engine import Engine
from core.node.fleet.assigned import as_assigned, proposed_beside, recalled
from core.node.fleet.calls import do, result_of
from core.site.model.cameras import Camera
from core.text import safe
from core.units import show_duration
from core.values import Fence

log = logging.getLogger(__name__)

KNOWN = "lease/"  # before a camera: the highest fence that was seen of it
LOOK = 1.0  # seconds between two looks at rights that end by themselves
NEVER = float("inf")


@dataclass
class Owning:
    """Drives the protocol, where the node shares an engine; without one it does nothing.

    Its seconds go on while the machine is suspended, since those of the other nodes do (`Context.lapsed`).

    `on_rights` hears that what this node may shoot is another; `on_taken` of a camera whose dead owner was heard last
    at an instant; `on_mail` of mail that is this node's. `is_busy`: whether a shot of a camera is under way; `ill`:
    cameras that this node cannot reach now, and why; `vitals`: at most 300 bytes that go with a renewal.
    """

    context: Context
    on_rights: Callable[[], None]
    on_taken: Callable[[str, float], None]
    is_busy: Callable[[str], bool]
    ill: Callable[[], Mapping[str, str]] = dict
    vitals: Callable[[], str] = lambda: ""
    on_mail: Callable[[Mail | Withdraw], None] = lambda order: None
    _state: State | None = None
    _rights: dict[str, tuple[str, Fence]] = field(default_factory=dict)  # camera -> role and fence, as told last
    _stopping: dict[str, str] = field(default_factory=dict)  # camera -> who gets it
    _since: dict[str, float] = field(default_factory=dict)  # camera -> when its owner was heard last
    _silent: dict[str, float] = field(default_factory=dict)  # peer -> seconds of its silence
    _uncovered: dict[str, str] = field(default_factory=dict)  # cameras whose owner is dead, and why nobody takes them
    _listening: set[str] = field(default_factory=set)  # keys of whose changes it hears soon
    _why: str = ""  # what was said of the last call that failed
    _said_at: float = 0.0

    @property
    def state(self) -> State:
        """Where the protocol stands."""
        assert self._state is not None, "begin() was not called"
        return self._state

    @property
    def _engine(self) -> Engine:
        assert self.context.engine is not None
        return self.context.engine

    def begin(self) -> None:
        """Start, from what the site file proposes and what was seen before."""
        if self.context.engine is None:
            return
        self.context.leases = self
        last = recalled(self.context.catalogue)
        plans = proposed_beside(self.context.file, last.cameras, last.nodes)
        self.context.site = as_assigned(self.context.file, plans.cameras)
        known = {camera.name: _fence(self.context, camera) for camera in self.context.site.camera}
        start = Start(
            me=self.context.node.name,
            process=self.context.run,
            cameras=plans.cameras,
            nodes=plans.nodes,
            known={camera: fence for camera, fence in known.items() if fence is not None},
            mailer=self.context.node.kind != "unit",
        )
        self._state = begin(start, self._moment())
        self._listen()
        self.hear(Wake())

    def apply(self) -> None:
        """Take over what a new site file proposes for cameras and nodes of which the engine holds nothing."""
        if self._state is None:
            return
        plans = proposed_beside(self.context.file, self.state.cameras, self.state.nodes)
        self.context.site = as_assigned(self.context.file, plans.cameras)
        self._state = replace(self.state, cameras=plans.cameras, nodes=plans.nodes)
        self.hear(Wake())

    # What this node may do.

    def known(self) -> State | None:
        """Return where the protocol stands, None: this node shares nothing."""
        return self._state

    def plans(self) -> Mapping[str, CameraPlan]:
        """Return who is to shoot each camera, as the engine has it and else the site file."""
        return {} if self._state is None else self._state.cameras

    def right(self, camera: Camera, shot: float = 0.0) -> Right | None:
        """Return the right to begin a shot of at most `shot` seconds now; None: another node shoots it."""
        if camera.name not in self.state.cameras:  # it came with a new site file, and shares nothing yet
            return Right("owner", self.context.fence) if camera.primary == self.context.node.name else None
        found = right(self.state, camera.name, self.context.lapsed(), shot)
        if found is None or found.fence != Fence(0, 0):
            return found
        return Right(found.role, self.context.fence, found.until)

    def since(self, camera: str) -> float:
        """Return from when on slots are this node's, seconds since the epoch: when the dead owner was heard last."""
        return self._since.get(camera, 0.0)

    def document(self) -> dict[str, Any] | None:
        """Return the part `redundancy` of the status document; None: this node shares nothing."""
        if self._state is None:
            return None
        cameras = [self._row(name, plan) for name, plan in self.state.cameras.items() if plan.backup is not None]
        return {"engine": self._engine_row(), "cameras": cameras}

    def _engine_row(self) -> dict[str, Any]:
        state, now = self.state, self._moment()
        if state.refused:
            return {"state": "refused", "since": round(now.wall), "why": state.refused}
        if state.cut is not None:
            since = round(now.wall - (now.mono - state.cut))
            return {"state": "unreachable", "since": since, "why": safe(self._why, 150)}
        return {"state": "ok"}

    def _row(self, name: str, plan: CameraPlan) -> dict[str, Any]:
        lease, state = self.state.leases.get(name), self.state
        owner, why = (lease.owner if lease is not None else None), self.ill().get(name)
        row: dict[str, Any] = {"name": name, "mode": state.mode(name), "primary": plan.primary, "backup": plan.backup}
        if owner is not None:
            row |= {"owner": owner.node, "fence": str(owner.fence), "since": owner.at}
        if name in self._rights:
            row["role"] = self._rights[name][0]
        if state.me == plan.backup:
            row["ready"] = why is None and state.cut is None
        return row if why is None else row | {"why": why}

    # The loop's side.

    def hear(self, event: Event) -> None:
        """Take the protocol a step on, and do what it says."""
        self._state, actions = step(self.state, event, self._moment())
        for action in actions:
            self._act(action)
        self._listen()

    def tick(self) -> None:
        """Do what is due."""
        if self._state is None:
            return
        self._renew_vitals()
        if self.context.lapsed() >= self.state.wake:
            self.hear(Wake())
        for camera in [name for name in self._stopping if not self.is_busy(name)]:
            del self._stopping[camera]
            self.hear(Stopped(camera))
        self._look()

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        if self._state is None:
            return NEVER
        wait = max(0.0, self.state.wake - self.context.lapsed())
        if self._stopping or self.state.cover or self.state.failed:
            wait = min(wait, LOOK)
        return self.context.monotonic() + wait

    def sent(self, case: str) -> None:
        """The mail of a case is with a mail server."""
        self.hear(Sent(case))

    def close(self) -> None:
        """Ask the engine nothing more."""
        if self.context.engine is not None:
            self.context.engine.close()

    def _ask(self, call: Call) -> None:
        """Have a call done; the renewals of this node's session wait for no other."""
        line = "session" if call.key == session_key(self.state.me) else "leases"
        self._engine.ask(lambda store: do(store, call), lambda answer: self._answered(call, answer), line)

    def _answered(self, call: Call, answer: Result | CoordinationError) -> None:
        if isinstance(answer, CoordinationError) and str(answer) != self._why:  # said once, and not with every call
            log.warning("the shared store: op=%s key=%s %s", call.op, call.key, answer)
            self._why = str(answer)
        self.hear(Answer(call.id, result_of(answer)))
        self._look()

    def _hinted(self, key: str) -> None:
        self.hear(Hint(key))
        self._look()

    def _moment(self) -> Moment:
        return Moment(self.context.lapsed(), self.context.now().timestamp())

    def _listen(self) -> None:
        state = self.state
        ours = [camera for camera, plan in state.cameras.items() if state.me in plan.candidates and plan.backup]
        wanted = {
            *(f"own.{one}" for one in ours),
            *(f"cfg.cam.{one}" for one in ours),
            *(f"sess.{one}" for one in state.peers),
        }
        for key in wanted - self._listening:
            self._listening.add(key)
            self._engine.hint(key, partial(self._hinted, key))

    def _renew_vitals(self) -> None:
        """Have the next renewal carry how this node is."""
        now, ill = self.context.lapsed(), frozenset(self.ill())
        if now >= self._said_at or ill != self.state.ill:
            self._said_at = now + self.state.profile().renew
            self.hear(Vitals(ill, self.vitals()))

    def _look(self) -> None:
        """Tell when what this node may shoot, or under which fence, is another than before."""
        found: dict[str, tuple[str, Fence]] = {}
        for camera in self.context.site.camera:
            may = self.right(camera)
            if may is not None:
                found[camera.name] = (may.role, may.fence)
        if found != self._rights:
            self._rights = found
            self.on_rights()

    # What the protocol says.

    def _act(self, action: Action) -> None:
        match action:
            case Call():
                self._ask(action)
            case Mail() | Withdraw():
                self.on_mail(action)
            case Stop(camera, to):
                self._stopping[camera] = to
            case Own(camera, fence, why, _):
                self._own(camera, fence, why)
            case Lost(camera, to):
                self.context.tell("ownership lost", camera, f"{to} owns it" if to else "its session is over")
            case Suspected(peer, silent):
                self._silent[peer] = silent
                self.context.tell("node silent", peer, f"for {show_duration(silent)}: its session is ended")
            case Uncovered(camera, why):
                self._tell_uncovered(camera, why)
            case Buried(by):
                told = "another process runs under this node's name" if by is None else f"by {by}, which heard nothing"
                self.context.tell("session ended", self.context.node.name, told)
            case Cut(since):
                lasted = show_duration(self.context.lapsed() - since)
                told = f"nothing was answered for {lasted}; own cameras go on: {self._why}"
                self.context.tell("coordination lost", self.context.node.name, told)
            case Joined(after):
                self.context.tell("coordination back", self.context.node.name, f"after {show_duration(after)}")
            case Refused(why):
                self.context.tell("coordination refused", self.context.node.name, why)
            case Garbled(key, problem):
                log.error("coordination: key=%s %s", key, problem)

    def _tell_uncovered(self, camera: str, why: str) -> None:
        """Tell once that a camera whose owner is dead is not taken."""
        if self._uncovered.get(camera) != why:
            self._uncovered[camera] = why
            self.context.tell("camera uncovered", camera, why)

    def _own(self, camera: str, fence: Fence, why: str) -> None:
        self._uncovered.pop(camera, None)
        states.put(self.context.catalogue, f"{KNOWN}{camera}", str(fence))
        if why == "failure":
            silent = max(self._silent.values(), default=0.0)
            self._since[camera] = self.context.now().timestamp() - silent
        else:
            self._since.pop(camera, None)
        self.context.tell("ownership", camera, f"this node owns it under {fence}: {why}")
        if why == "failure":
            self.on_taken(camera, self._since[camera])


def _fence(context: Context, camera: Camera) -> Fence | None:
    """Return the highest fence that was seen of a camera; its primary shoots under that of its start at least."""
    found = states.get(context.catalogue, f"{KNOWN}{camera.name}")
    seen = (
        None if found is None else Fence.parse(found),
        context.fence if camera.primary == context.node.name else None,
        highest_fence(context.catalogue, camera.name),
    )
    return max((one for one in seen if one is not None), default=None)
