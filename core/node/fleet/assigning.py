"""Assignments by hand: staged in this node, checked against what it knows of the others, applied together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.catalogue import states
from core.control.request import Request
from core.coordination.assignments import Verdict
from core.coordination.base import CoordinationError
from core.coordination.protocol.records import CameraPlan, NodePlan, camera_key, node_key
from core.coordination.protocol.state import mode_of
from core.coordination.staging import Plans, StaleEdit, apply, export, parse, stage
from core.errors import AssignmentRefused, BadRequest, ConfigurationError, NoSuchThing, OverlapseError
from core.node.context import Context
from core.node.fleet.candidates import Prospect, Snapshot, Survey, effects, judge, look, silence
from core.node.fleet.foreseen import choices, dark
from core.node.fleet.staged import Staged
from core.planner.load import NodeLoad, to_json

Json = dict[str, Any]
STAGED = "redundancy/staged"
KEPT = 3600.0  # seconds for which what was staged is offered again
SWITCHES = ("fast", "constant", "mail", "autoback")


@dataclass
class Assigning:
    """Answers what people ask of assignments. `documents`: what is known of every node, this one among them."""

    context: Context
    documents: Callable[[], Mapping[str, Mapping[str, Any]]]
    version: str
    more: Callable[[], Json] = dict  # what `show` has beside: periods, the engine, a rehearsal

    def show(self, request: Request) -> None:
        """Give cameras, nodes, what is staged, and what every node carries."""
        self._survey(request, self._shown)

    def export(self, request: Request) -> None:
        """Give all plans as text."""
        self._survey(request, lambda survey: {"text": export(survey.held)})

    def load(self, request: Request) -> None:
        """Give what every node carries in normal operation and in its worst single failure."""
        self._survey(request, lambda survey: {"nodes": to_json(survey.loads(survey.held))})

    def candidates(self, request: Request) -> None:
        """Give which nodes may stand by for some cameras, with what is staged already, and why others may not."""
        names = request.args["cameras"]

        def judged(survey: Survey) -> Json:
            plans = self._planned(survey)
            for name in names:
                _need(name, plans.cameras, "camera")
            return {"cameras": names, "nodes": choices(survey, plans, names)}

        self._survey(request, judged)

    def assign(self, request: Request) -> None:
        """Stage another backup for cameras: some, or all of which a node is the primary."""
        args = request.args
        if ("cameras" in args) == ("of" in args):
            raise BadRequest("say either which cameras, or of which node")
        self._survey(request, lambda survey: self._stage(request, survey, self._assigned(survey, args)))

    def mode(self, request: Request) -> None:
        """Stage other switches of a node."""
        wanted: dict[str, Any] = {key: request.args[key] for key in SWITCHES if key in request.args}
        if not wanted:
            raise BadRequest(f"say which switch: {', '.join(SWITCHES)}")
        self._survey(request, lambda survey: self._stage(request, survey, self._switched(survey, request, wanted)))

    def import_(self, request: Request) -> None:
        """Stage what an export says."""
        wanted = parse(request.args["text"])
        self._survey(request, lambda survey: self._stage(request, survey, wanted))

    def drop(self, request: Request) -> Json:
        """Forget what is staged."""
        staged = self.staged()
        if not request.args.get("dry_run"):
            states.forget(self.context.catalogue, STAGED)
        return {"dropped": [] if staged is None else [edit.key for edit in staged.edits]}

    def apply(self, request: Request) -> None:
        """Check once more all that is staged, and apply it together by compare-and-set; with a digest only that set."""
        staged = self.staged()
        if staged is None:
            raise NoSuchThing("nothing is staged: `overlapse redundancy assign` or `mode` comes first")
        if request.args.get("digest", staged.digest) != staged.digest:
            raise StaleEdit(f"{staged.by} staged something else meanwhile: look again before you apply")

        def checked(survey: Survey) -> Json | None:
            told = self._told(survey, staged)
            if request.args.get("dry_run"):
                return told
            self._apply(request, staged, told)
            return None

        self._survey(request, checked)

    def staged(self) -> Staged | None:
        """Return what is staged, None: nothing, or it was too long ago."""
        said = states.get(self.context.catalogue, STAGED)
        if said is None:
            return None
        staged = Staged.from_json(said)
        age = self.context.now().timestamp() - staged.at
        return staged if abs(age) <= KEPT and staged.edits else None

    # What is wanted.

    def _assigned(self, survey: Survey, args: Mapping[str, Any]) -> Plans:
        plans = self._planned(survey)
        names = args.get("cameras")
        if names is None:
            _need(args["of"], plans.nodes, "node")
            names = sorted(name for name, plan in plans.cameras.items() if plan.primary == args["of"])
            if not names:
                raise NoSuchThing(f"{args['of']} is the primary of no camera")
        for name in names:
            _need(name, plans.cameras, "camera")
        backup = args.get("backup")
        itself = [name for name in names if backup is not None and plans.cameras[name].primary == backup]
        if itself:  # no record can say so, so it is refused before one is made
            raise AssignmentRefused(f"{backup} is the primary of {', '.join(itself)}; a backup is another node")
        return Plans({name: replace(plans.cameras[name], backup=backup) for name in names}, {})

    def _switched(self, survey: Survey, request: Request, wanted: Mapping[str, Any]) -> Plans:
        plans, name = self._planned(survey), request.args["node"]
        _need(name, plans.nodes, "node")
        return Plans({}, {name: replace(plans.nodes[name], **wanted)})

    def _planned(self, survey: Survey) -> Plans:
        """Return the plans as they would be with what is staged already."""
        staged = self.staged()
        return survey.held if staged is None else staged.over(survey.held)

    def _stage(self, request: Request, survey: Survey, wanted: Plans) -> Json:
        """Stage what is wanted beside what is staged already, unless there is a reason against it."""
        held = survey.snapshot.plans
        before = self.staged()
        keys = {camera_key(one) for one in wanted.cameras} | {node_key(one) for one in wanted.nodes}
        kept = [edit for edit in (before.edits if before is not None else ()) if edit.key not in keys]
        force = bool(request.args.get("force")) or (before is not None and before.force)
        edits = (*kept, *stage(held, wanted))
        staged = Staged(round(self.context.now().timestamp(), 3), request.who.user, edits, force)
        told = self._told(survey, staged)
        if not request.args.get("dry_run"):
            states.put(self.context.catalogue, STAGED, staged.to_json())
        return told | {"staged": not request.args.get("dry_run")}

    def _told(self, survey: Survey, staged: Staged) -> Json:
        """Return the effect of what is staged; raise AssignmentRefused with every reason against it."""
        told, verdict = _foreseen(survey, staged)
        if verdict.refused:
            raise AssignmentRefused("; ".join(verdict.refused))
        return told

    def _apply(self, request: Request, staged: Staged, told: Json) -> None:
        assert self.context.engine is not None

        def applied(answer: list[str] | CoordinationError) -> None:
            if isinstance(answer, CoordinationError):
                request.refuse(answer)
                return
            self._forget(staged)
            for line in told["effects"]:
                self.context.tell("assignment", line.partition(":")[0], f"{line}, by {request.who.user}")
            request.done(told | {"applied": answer})

        self.context.engine.ask(lambda store: apply(store, staged.edits), applied, "assigning")

    def _forget(self, applied: Staged) -> None:
        """Forget what was applied, and nothing that somebody staged while the engine was at it."""
        now = self.staged()
        if now is not None and (left := now.without(applied.edits)).edits:
            states.put(self.context.catalogue, STAGED, left.to_json())
        else:
            states.forget(self.context.catalogue, STAGED)

    # What is shown.

    def _shown(self, survey: Survey) -> Json:
        plans, staged = survey.held, self.staged()
        found = {one.machine.name: one for one in survey.loads(plans)}
        digests = {name: survey.site_of(name) for name in plans.nodes}
        said: Json = {
            "cameras": [_camera_row(survey, plans, name) for name in sorted(plans.cameras)],
            "nodes": [_node_row(survey, plans, name, found.get(name)) for name in sorted(plans.nodes)],
            "differ": len({one for one in digests.values() if one is not None}) > 1,
        }
        if staged is not None:
            told, verdict = _foreseen(survey, staged)
            changed = _changed(staged, staged.over(plans))
            said["staged"] = {"by": staged.by, "at": staged.at, "until": staged.at + KEPT}
            said["staged"] |= told | changed | {"refused": [*verdict.refused]}
        return said | self.more()

    def _survey(self, request: Request, then: Callable[[Survey], Json | None]) -> None:
        """Look at the engine, and answer with what `then` makes of it."""
        if self.context.engine is None:
            raise ConfigurationError(
                "this node shares no cameras: no camera has a backup, or [coordination] is missing (docs/fleet.md)"
            )

        def looked(answer: Snapshot | CoordinationError) -> None:
            if isinstance(answer, CoordinationError):
                request.refuse(answer)
                return
            try:
                said = then(
                    Survey(self.context.file, self.version, answer, self.documents(), self.context.now().timestamp())
                )
            except OverlapseError as error:
                request.refuse(error)
                return
            if said is not None:
                request.done(said)

        self.context.engine.ask(look, looked, "assigning")


def _foreseen(survey: Survey, staged: Staged) -> tuple[Json, Verdict]:
    """Return what staged edits come to, in words and loads, and what speaks against them."""
    after = staged.over(survey.held)
    prospect = Prospect(survey, after)
    cameras, nodes = staged.named(CameraPlan), staged.named(NodePlan)
    verdict = judge(prospect, cameras, nodes, staged.force)
    served = {name for name, plan in after.cameras.items() if {*nodes} & {*plan.candidates}}
    told = {
        "effects": effects(survey.held, after),
        "warnings": [*verdict.warnings],
        "dark": dark(after, sorted({*cameras, *served})),
        "load": to_json(_touched(prospect, staged)),
        "digest": staged.digest,
    }
    return told, verdict


def _changed(staged: Staged, plans: Plans) -> Json:
    """Return what the cameras and nodes that it changes would have."""
    cameras = {name: plans.cameras[name] for name in staged.named(CameraPlan)}
    nodes = {name: plans.nodes[name] for name in staged.named(NodePlan)}
    return {
        "cameras": {name: {"backup": one.backup, "mode": mode_of(one, plans.nodes)} for name, one in cameras.items()},
        "nodes": {name: {key: getattr(one, key) for key in SWITCHES} for name, one in nodes.items()},
    }


def _touched(prospect: Prospect, staged: Staged) -> list[NodeLoad]:
    """Return the loads of the nodes that staged edits are about."""
    names = {*staged.named(NodePlan)}
    for camera in staged.named(CameraPlan):
        names |= {*prospect.plans.cameras[camera].candidates}
    return [load for name in prospect.plans.nodes if name in names and (load := prospect.load(name)) is not None]


def _camera_row(survey: Survey, plans: Plans, name: str) -> Json:
    plan, owner = plans.cameras[name], survey.snapshot.owners.get(name)
    row: Json = {"name": name, "mode": mode_of(plan, plans.nodes), "primary": plan.primary, "backup": plan.backup}
    row |= {"exclusive": plan.exclusive, "priority": plan.priority, "version": plan.version}
    if owner is not None:
        row |= {"owner": owner.node, "fence": str(owner.fence), "since": owner.at, "why": owner.why}
    if plan.backup is not None:
        row["ready"] = survey.reaches(plan.backup, name, plan)
    return row


def _node_row(survey: Survey, plans: Plans, name: str, load: NodeLoad | None) -> Json:
    plan, session = plans.nodes[name], survey.snapshot.sessions.get(name)
    row: Json = {"name": name, **{key: getattr(plan, key) for key in SWITCHES}, "profile": plan.profile}
    row |= {"cap": plan.cap, "version": plan.version}
    row["session"] = "never" if session is None else silence(session, survey.now) or "alive"
    row |= {"overlapse": survey.version_of(name), "site": survey.site_of(name)}
    return row if load is None else row | {"load": to_json([load])[0]}


def _need(name: str, known: Mapping[str, object], what: str) -> None:
    if name not in known:
        raise NoSuchThing(f"there is no {what} {name}; there are: {', '.join(sorted(known)) or 'none'}")
