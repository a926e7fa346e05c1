"""S1 to S9 and L1 to L5: what must hold in every history, checked at the instants at which it could break."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

from core.coordination.base import Held
from core.coordination.protocol.messages import (
    Action,
    Buried,
    Cut,
    Joined,
    Lost,
    Mail,
    Own,
    Refused,
    Suspected,
    Uncovered,
)
from core.coordination.protocol.records import CameraPlan, Owner, SessionRecord, parse_note, parse_owner, parse_session
from core.coordination.simulator.nodes import SimulatedNode
from core.coordination.simulator.sinks import Hub
from core.coordination.simulator.timeline import Timeline
from core.values import Fence

SAFETY = tuple(f"S{n}" for n in range(1, 10))
LIVENESS = tuple(f"L{n}" for n in range(1, 6))
MEANING = {
    "S1": "the fence of a camera grows with each change of its owner, also across a restore",
    "S2": "one session for each fence of a camera",
    "S3": "no mutable place takes a lower fence after a higher one",
    "S4": "an exclusive camera is never driven by two nodes at one instant",
    "S5": "one record picture for each slot, and it is that of the highest fence",
    "S6": "a session that was ended neither renews nor drives an exclusive camera",
    "S7": "a node drives as an owner only under a session that the camera's record named",
    "S8": "one claim to mail for each failure and each return",
    "S9": "no picture is deleted or overwritten",
    "L1": "a backup owns the cameras of a dead primary within its time",
    "L2": "a primary that is healthy for long enough owns its cameras again",
    "L3": "in constant mode a slot is lost only while both nodes are down",
    "L4": "without the engine a camera that is not exclusive goes on being shot by its owner",
    "L5": "cameras do not flap: returns are H apart, and there are at most two switches for each fault",
}
_STORY = 400  # lines of a history's story that are kept
_TOLD = (Own, Lost, Buried, Cut, Joined, Suspected, Uncovered, Mail, Refused)


class Judge:
    """Watches one history. `violations`: what broke, by invariant; `story`: what happened, in lines."""

    def __init__(self, time: Timeline, cameras: Mapping[str, CameraPlan], hub: Hub) -> None:
        self.nodes: dict[str, SimulatedNode] = {}
        self.violations: list[tuple[str, str]] = []
        self.story: list[str] = []
        self.counts: Counter[str] = Counter()
        self.owners: dict[str, Owner] = {}  # as the engine has them
        self.sessions: dict[str, SessionRecord] = {}
        self.faults = 0
        self.engine_down = self.engine_up = -1e9  # when it went away last, and came back
        self.switches: Counter[str] = Counter()
        self._time = time
        self._cameras = cameras
        self._hub = hub
        self._highest: dict[str, Fence] = {}
        self._holders: dict[tuple[str, Fence], tuple[str, str]] = {}
        self._named: set[tuple[str, str, str]] = set()  # camera, node, session that its record named once
        self._claims: dict[str, list[tuple[str, float]]] = {}
        self._returned: dict[str, float] = {}
        self._last_shot: dict[str, dict[str, int]] = {}  # camera -> who shot its last slot, in which run

    def tell(self, line: str) -> None:
        """Add a line to the story."""
        if len(self.story) < _STORY:
            self.story.append(f"{self._time.now:9.3f} {line}")

    def broke(self, name: str, what: str) -> None:
        """Note a violation."""
        self.violations.append((name, f"at {self._time.now:.3f}: {what}"))
        self.tell(f"*** {name} {what}")

    # --- what the engine commits --------------------------------------------------------------------------------------

    def committed(self, key: str, held: Held, before: Held | None) -> None:
        """Look at a change at the instant at which it is made."""
        kind, _, rest = key.partition(".")
        if kind == "own":
            self._owner_committed(rest, parse_owner(key, held.value))
        elif kind == "sess":
            self._session_committed(rest, parse_session(key, held.value))
        elif kind == "note":
            note = parse_note(key, held.value)
            if note.sent is None:
                self._claims.setdefault(rest, []).append((note.by, self._time.now))
                self._check_claims(rest)

    def restored(self, keys: Mapping[str, Held]) -> None:
        """The store went back to these keys."""
        self.owners = {k.partition(".")[2]: parse_owner(k, h.value) for k, h in keys.items() if k.startswith("own.")}
        self.sessions = {
            k.partition(".")[2]: parse_session(k, h.value) for k, h in keys.items() if k.startswith("sess.")
        }
        notes = {k.partition(".")[2]: parse_note(k, h.value) for k, h in keys.items() if k.startswith("note.")}
        self._claims = {case: [(note.by, -1e9)] for case, note in notes.items()}

    def _owner_committed(self, camera: str, owner: Owner) -> None:
        highest = self._highest.get(camera)
        if highest is not None and owner.fence <= highest:
            self.broke("S1", f"{camera} got {owner.fence} after {highest}")
        self._highest[camera] = max(owner.fence, highest or owner.fence)
        holder = (owner.node, owner.sid)
        if self._holders.setdefault((camera, owner.fence), holder) != holder:
            self.broke("S2", f"{camera}: {owner.fence} is of {holder} and of {self._holders[camera, owner.fence]}")
        self._named.add((camera, *holder))
        before = self.owners.get(camera)
        self.owners[camera] = owner
        self.tell(f"engine: {camera} is {owner.node}'s under {owner.fence} ({owner.why})")
        if before is not None and before.node != owner.node:
            self.counts["failures" if owner.why == "failure" else "returns"] += 1
            self.switches[camera] += 1
            if owner.why == "back":
                self._check_hold(camera, owner)

    def _check_hold(self, camera: str, owner: Owner) -> None:
        last = self._returned.get(camera)
        if last is not None and self._time.now - last < owner.hold * 0.97 - 1:  # its clock may run fast
            self.broke(
                "L5", f"{camera} came back {self._time.now - last:.1f} s after it came back, H is {owner.hold} s"
            )
        self._returned[camera] = self._time.now

    def ordered(self, camera: str) -> None:
        """An operator may have a camera back as often as he likes."""
        self._returned.pop(camera, None)

    def _session_committed(self, node: str, record: SessionRecord) -> None:
        before = self.sessions.get(node)
        self.sessions[node] = record
        if before is not None and before.dead is not None and record.dead is None and before.sid == record.sid:
            self.broke("S6", f"{node} renewed {record.sid}, which {before.dead} had ended")
        if record.dead is None:
            return
        self.tell(f"engine: {record.dead} ended the session {record.sid} of {node}")
        self.counts["burials"] += 1
        there = self.nodes[node]
        runs = there.state is not None and not there.is_paused and there.cut_since is None
        if (
            runs
            and there.line.lost < 0.02
            and there.troubled < self.engine_down
            and self._time.now - self.engine_up < 20
        ):
            self.broke("L4", f"{record.dead} ended the session of {node}, which only waited for the engine")
        for camera, plan in self._cameras.items():
            right = there.right(camera) if plan.exclusive else None
            if right is not None and right.role == "owner" and _sid(there) == record.sid:
                self.broke("S6", f"{node} drives {camera} though {record.dead} has ended its session")

    # --- what nodes do ------------------------------------------------------------------------------------------------

    def acted(self, node: SimulatedNode, action: Action) -> None:
        """Take note of what a node tells or mails."""
        if isinstance(action, _TOLD):
            self.tell(f"{node.name}: {action}")
        if isinstance(action, Mail):
            self.counts["mails"] += 1
            if not any(by == node.name for by, _ in self._claims.get(action.case, ())):
                self.broke("S8", f"{node.name} mails of {action.case} and has no claim")

    def _check_claims(self, case: str) -> None:
        claims = self._claims[case]
        for (one, since), (other, at) in pairwise(claims):
            if one != other and at - since < 100:
                self.broke("S8", f"{one} and {other} both claim {case}, {at - since:.1f} s apart")

    def stepped(self, node: SimulatedNode) -> None:
        """Look at a node that may have come to drive something."""
        for camera, plan in self._cameras.items():
            right = node.right(camera)
            if right is None or right.role != "owner":
                continue
            sid = _sid(node)
            if (camera, node.name, sid) not in self._named:
                self.broke("S7", f"{node.name} drives {camera} as its owner in {sid}, which its record never named")
            if plan.exclusive:
                self._check_alone(camera, node)

    def _check_alone(self, camera: str, node: SimulatedNode) -> None:
        for other in self.nodes.values():
            if other is not node:
                right = other.right(camera)
                if right is not None and right.role == "owner":
                    self.broke("S4", f"{node.name} and {other.name} both drive {camera}")

    # --- slots --------------------------------------------------------------------------------------------------------

    def slot_shot(self, camera: str, by: Mapping[str, str]) -> None:
        """Look at a slot: `by` holds the role of each node that shot it."""
        plan = self._cameras[camera]
        able = [
            node
            for name in plan.candidates
            for node in (self.nodes[name],)
            if node.state is not None and not node.is_paused and camera in node.reaches
        ]
        constant = any(node.state is not None and node.state.mode(camera) == "constant" for node in able)
        if constant and not by:
            self.broke("L3", f"nobody shot {camera}, though {able[0].name} runs and reaches it")
        owner = self.owners.get(camera)
        last = self._last_shot.get(camera, {})
        if not by and last and not plan.exclusive and owner is not None:
            runs = all(any(node.name == name and node.process == of for node in able) for name, of in last.items())
            for node in able if runs else ():
                if node.name == owner.node and _sid(node) == owner.sid:
                    self.broke("L4", f"{node.name} owns {camera}, runs, and nobody shoots it any more")
        self._last_shot[camera] = {name: self.nodes[name].process for name in by}
        self.counts["slots"] += 1
        self.counts["slots lost"] += not by

    # --- the end ------------------------------------------------------------------------------------------------------

    def finish(self, calm: float) -> None:
        """Look at what is left once nothing has been wrong for `calm` seconds."""
        for line in self._hub.stale:
            self.broke("S3", line)
        for line in self._hub.wrong():
            self.broke("S5", line)
        for name in self._hub.missing():
            self.broke("S9", f"{name} was shot and is nowhere")
        for camera, plan in self._cameras.items():
            if plan.backup is not None:
                self._check_owner(camera, plan, calm)
            if self.switches[camera] > 2 * self.faults + 2:
                self.broke("L5", f"{camera} changed hands {self.switches[camera]} times for {self.faults} faults")

    def _check_owner(self, camera: str, plan: CameraPlan, calm: float) -> None:
        owner = self.owners.get(camera)
        if any(node.state is not None and camera in node.state.handing for node in self.nodes.values()):
            return  # it is just being given back
        driving = [name for name, node in self.nodes.items() if _drives(node, camera)]
        if owner is None or driving != [owner.node]:
            self.broke("L1", f"{camera} is of {owner.node if owner else 'nobody'}, and {driving} drive it")
            return
        node = self.nodes[owner.node]
        assert node.state is not None
        session = self.sessions[plan.primary]
        late = calm > owner.hold * 1.03 + 3 * session.deadline and owner.why != "handover"
        if owner.node != plan.primary and late and self._goes_back(owner):
            self.broke("L2", f"{camera} is still of {owner.node} after {calm:.0f} s, H is {owner.hold} s")

    def _goes_back(self, owner: Owner) -> bool:
        state = self.nodes[owner.node].state
        plan = state.nodes.get(owner.node) if state is not None else None
        return plan is None or plan.autoback


def _sid(node: SimulatedNode) -> str:
    return node.state.session.sid if node.state is not None else ""


def _drives(node: SimulatedNode, camera: str) -> bool:
    right = node.right(camera)
    return right is not None and right.role == "owner"
