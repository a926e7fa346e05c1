"""A camera goes to its other node and back because a person says so; a rehearsal is both, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from core.catalogue import states
from core.control.peer import Who
from core.control.request import Request
from core.control.verbs import Role
from core.coordination.base import CoordinationError, Held
from core.coordination.protocol import messages
from core.coordination.protocol.records import CameraPlan, Owner, owner_key, parse_owner, parse_session, session_key
from core.errors import ConfigurationError, Forbidden, NoSuchThing, OverlapseError
from core.node.context import Context
from core.node.fleet.candidates import silence
from core.node.fleet.owning import Owning
from core.units import show_duration

Json = dict[str, Any]
Act = Literal["handover", "handback"]
REHEARSAL = "redundancy/rehearsal"
LOOK = 2.0  # seconds between two looks at who owns a camera that is rehearsed
PATIENCE = 300.0  # seconds for each way of a rehearsal
LEAST = 60.0  # seconds for which the backup shoots in a rehearsal, or two slots
NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One that is under way. `since`: seconds since the epoch, of this step; `who`: by whose word."""

    camera: str
    primary: str
    backup: str
    slot: int
    since: float
    step: Literal["going", "standing", "returning"] = "going"
    who: str = ""
    uid: int = 0
    role: int = 2


@dataclass
class ByHand:
    """Hands cameras on by hand. `order`: gives an order to another node, and raises what stands against it."""

    context: Context
    owning: Owning
    order: Callable[[Request], Json]
    _now: Rehearsal | None = None
    _due: float = 0.0
    _under_way: bool = False

    def begin(self) -> None:
        """Go on with the rehearsal that a stop interrupted."""
        said = states.get(self.context.catalogue, REHEARSAL)
        self._now = None if said is None else Rehearsal(**said)

    def handover(self, request: Request) -> None:
        """Give a camera to its backup, where it stays until it is handed back."""
        self._asked(request, "handover")

    def handback(self, request: Request) -> None:
        """Give a camera back to its primary now, whatever `autoback` and hold say."""
        self._asked(request, "handback")

    def rehearse(self, request: Request) -> None:
        """Have the backup shoot for two slots and give the camera back; refused without a ready backup."""
        camera = request.args["camera"]
        plan, owner = self._known(camera)
        if self._now is not None:
            raise Forbidden(f"{self._now.camera} is being rehearsed; one at a time")
        if owner.node != plan.primary:
            raise Forbidden(f"{camera} is with {owner.node} now: hand it back first")
        assert plan.backup is not None
        self._when_ready(request, plan.backup, lambda: self._rehearse(request, plan))

    def _rehearse(self, request: Request, plan: CameraPlan) -> Json:
        camera, who, lasts = request.args["camera"], request.who, max(LEAST, 2.0 * plan.slot)
        told = f"{plan.backup} shoots {camera} for {show_duration(lasts)}, then {plan.primary} has it back"
        if plan.backup != self.context.node.name:  # it must be able to give it back by this node's word
            self._ordered(who, "handback", camera, str(plan.backup), dry_run=True)
        dry_run = bool(request.args.get("dry_run"))
        given = self._give(request, "handover", plan.primary, dry_run)
        if not dry_run:
            now, role = self.context.now().timestamp(), int(who.role)
            self._keep(
                Rehearsal(camera, plan.primary, str(plan.backup), plan.slot, now, "going", who.user, who.uid, role)
            )
            self.context.tell("rehearsal", camera, f"begun by {who.user}: {told}")
        return {"effect": told, "way": given["way"]}

    def row(self) -> Json | None:
        """Return the rehearsal that is under way, for those who look."""
        if self._now is None:
            return None
        return {"camera": self._now.camera, "step": self._now.step, "since": self._now.since}

    # Handing on.

    def _asked(self, request: Request, act: Act) -> None:
        camera = request.args["camera"]
        plan, owner = self._known(camera)
        if act == "handover" and owner.node != plan.primary:
            raise Forbidden(f"{camera} is with {owner.node} already")
        if act == "handback" and owner.node == plan.primary:
            raise Forbidden(f"{camera} is with {plan.primary}, its primary, already")
        dry_run, to = bool(request.args.get("dry_run")), plan.backup if act == "handover" else plan.primary
        self._when_ready(request, str(to), lambda: self._give(request, act, owner.node, dry_run))

    def _when_ready(self, request: Request, to: str, then: Callable[[], Json]) -> None:
        """Answer with what `then` does, once the node that is to get a camera was found ready."""
        assert self.context.engine is not None

        def looked(answer: Held | CoordinationError | None) -> None:
            try:
                self._need_ready(request.args["camera"], to, answer)
                request.done(then())
            except OverlapseError as error:
                request.refuse(error)

        key = session_key(to)
        self.context.engine.ask(lambda store: store.read(key), looked, "assigning")

    def _give(self, request: Request, act: Act, owner: str, dry_run: bool) -> Json:
        """Have the owner of a camera give it on; another node is ordered to."""
        camera = request.args["camera"]
        plan, _ = self._known(camera)
        to = plan.backup if act == "handover" else plan.primary
        effect = f"{camera}: {owner} stops at a slot boundary, then {to} shoots it; no slot is lost"
        effect += "" if act == "handback" else "; it stays there until `overlapse redundancy handback`"
        if owner != self.context.node.name:
            if request.who.node is not None:
                raise Forbidden(f"{camera} is with {owner}, not here")
            given = self._ordered(request.who, act, camera, owner, dry_run)
            return {"effect": effect, "way": given["way"], "order": given["order"]}
        if not dry_run:
            if camera in self.owning.state.ordered or camera in self.owning.state.handing:
                raise Forbidden(f"{camera} is on its way to {to} already")
            self.owning.hear(messages.Order(camera))
            self.context.tell("handing on", camera, f"from {owner} to {to}, by {request.who.user}")
        return {"effect": effect, "way": "here"}

    def _ordered(self, who: Who, act: Act, camera: str, node: str, dry_run: bool) -> Json:
        args: Json = {"node": node, "verb": f"redundancy-{act}", "args": {"camera": camera}}
        if dry_run:
            args["dry_run"] = True
        return self.order(Request("order", args, who, lambda answer: None))

    def _known(self, camera: str) -> tuple[CameraPlan, Owner]:
        if self.context.engine is None:
            raise ConfigurationError("this node shares no cameras (docs/fleet.md)")
        state = self.owning.state
        plan, lease = state.cameras.get(camera), state.leases.get(camera)
        if plan is None:
            raise NoSuchThing(f"there is no camera {camera}; there are: {', '.join(sorted(state.cameras)) or 'none'}")
        if plan.backup is None:
            raise Forbidden(f"{camera} has no backup: `overlapse redundancy assign {camera} --backup NODE`")
        if lease is None or lease.owner is None:
            raise Forbidden(f"nobody is known to own {camera} yet")
        return plan, lease.owner

    def _need_ready(self, camera: str, to: str, answer: Held | CoordinationError | None) -> None:
        """Raise unless the node that is to get a camera renews its session and reaches the camera."""
        if isinstance(answer, CoordinationError):
            raise answer
        record = None if answer is None else parse_session(session_key(to), answer.value)
        silent = "it never opened a session" if record is None else silence(record, self.context.now().timestamp())
        if record is None or silent:
            raise Forbidden(f"{to} is not ready: {silent}")
        if camera in record.ill:
            raise Forbidden(f"{to} is not ready: it does not reach {camera}, as it found itself")

    # The rehearsal.

    def tick(self) -> None:
        """Look where the camera that is rehearsed is, and do the next step."""
        if self._now is None or self._under_way or self.context.monotonic() < self._due:
            return
        assert self.context.engine is not None
        self._under_way, key = True, owner_key(self._now.camera)
        self.context.engine.ask(lambda store: store.read(key), self._looked, "assigning")

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        return NEVER if self._now is None or self._under_way else self._due

    def _looked(self, answer: Held | CoordinationError | None) -> None:
        self._under_way, self._due = False, self.context.monotonic() + LOOK
        one, now = self._now, self.context.now().timestamp()
        if one is None:
            return
        age = now - one.since
        owner = _owner(one.camera, answer)
        if one.step == "going" and owner == one.backup:
            self._keep(replace(one, step="standing", since=now))
        elif one.step == "standing" and age >= max(LEAST, 2.0 * one.slot):
            self._return(one)
        elif one.step == "returning" and owner == one.primary:
            self._end(one, f"done: {one.backup} took it, shot it, and gave it back")
        elif one.step != "standing" and age > PATIENCE:
            self._end(one, f"failed: {one.camera} is with {owner or 'nobody that answered'} after {PATIENCE:.0f} s")

    def _return(self, one: Rehearsal) -> None:
        self._keep(replace(one, step="returning", since=self.context.now().timestamp()))
        who = Who(one.uid, one.who, Role(one.role), 0)
        request = Request("redundancy-handback", {"camera": one.camera}, who, lambda answer: None)
        try:
            self._give(request, "handback", one.backup, dry_run=False)
        except OverlapseError as error:
            self._end(one, f"failed: {one.camera} stays with {one.backup}: {error}")

    def _keep(self, one: Rehearsal) -> None:
        self._now, self._due = one, 0.0
        states.put(self.context.catalogue, REHEARSAL, asdict(one))

    def _end(self, one: Rehearsal, text: str) -> None:
        self._now = None
        if one.camera in self.owning.state.ordered:  # it waits for a node that is not ready: it stays where it is
            self.owning.hear(messages.Order(one.camera))
        states.forget(self.context.catalogue, REHEARSAL)
        self.context.tell("rehearsal", one.camera, text)


def _owner(camera: str, answer: Held | CoordinationError | None) -> str | None:
    if not isinstance(answer, Held):
        return None
    try:
        return parse_owner(owner_key(camera), answer.value).node
    except CoordinationError:
        return None
