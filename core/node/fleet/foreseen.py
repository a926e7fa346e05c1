"""What assignments would come to: who may stand by for cameras, and for how long they are dark in a failure. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from core.coordination.protocol.profiles import CELLULAR, FAST, NORMAL
from core.coordination.protocol.records import CameraPlan, NodePlan
from core.coordination.protocol.state import mode_of
from core.coordination.staging import Plans
from core.node.fleet.candidates import Prospect, Survey, judge
from core.planner.load import to_json
from core.units import show_duration

Json = dict[str, Any]
MOST = 40  # nodes that are judged for one list; each is reckoned with all cameras
REASONS = 6  # that are told of one node


def choices(survey: Survey, plans: Plans, cameras: Sequence[str]) -> list[Json]:
    """Return the nodes that might back up these cameras, the fit ones first.

    Each: `node`, `kind`, `fit`, `refused` (why it is not), `warnings`, `now` (for how many of them it stands by
    already) and `load`, what it would carry then.
    """
    rows = [_choice(survey, plans, cameras, node) for node in _nodes(survey, plans, cameras)]
    return sorted(rows, key=lambda row: (not row["fit"], -row["now"], len(row["refused"]), row["node"]))


def _nodes(survey: Survey, plans: Plans, cameras: Sequence[str]) -> list[str]:
    """Return those that are judged: of many, those that may reach the cameras, then servers before units."""
    named = {one.name: set(one.reach) for one in survey.site.camera}
    kinds = {one.name: one.kind for one in survey.site.node}
    reach = {node for name in cameras for node in {*named.get(name, ()), *plans.cameras[name].reach}}
    order = sorted(plans.nodes, key=lambda node: (node not in reach, kinds.get(node, "unit") == "unit", node))
    return order[:MOST]


def _choice(survey: Survey, plans: Plans, cameras: Sequence[str], node: str) -> Json:
    kinds = {one.name: one.kind for one in survey.site.node}
    now = sum(plans.cameras[name].backup == node for name in cameras)
    row: Json = {"node": node, "kind": kinds.get(node, "?"), "now": now}
    own = [name for name in cameras if plans.cameras[name].primary == node]
    if own:  # no record can say so
        return row | {"fit": False, "refused": [f"it is the primary of {', '.join(own[:5])}"], "warnings": []}
    wanted = Plans(
        {**plans.cameras, **{name: replace(plans.cameras[name], backup=node) for name in cameras}}, plans.nodes
    )
    prospect = Prospect(survey, wanted)
    verdict, load = judge(prospect, cameras, (), False), prospect.load(node)
    row |= {"fit": not verdict.refused, "refused": [*verdict.refused[:REASONS]], "warnings": [*verdict.warnings]}
    return row if load is None else row | {"load": to_json([load])[0]}


def dark(plans: Plans, cameras: Iterable[str]) -> list[str]:
    """Return for each camera how long nobody shoots it when its primary node dies, and how many slots that is."""
    return [f"{name}: {_dark(plans.cameras[name], plans)}" for name in cameras]


def _dark(plan: CameraPlan, plans: Plans) -> str:
    if plan.backup is None:
        return f"when {plan.primary} fails, dark until somebody comes"
    if mode_of(plan, plans.nodes) == "constant":
        return f"when {plan.primary} fails, not dark: {plan.backup} shoots it all the time"
    seconds = waits(plans.nodes.get(plan.primary, NodePlan()))
    slots = int(seconds // plan.slot) + 1
    late = "1 slot is" if slots == 1 else f"{slots} slots are"
    return f"when {plan.primary} fails, dark for {show_duration(seconds)}; at most {late} late or missed"


def waits(node: NodePlan) -> float:
    """Return the seconds of silence after which a node counts as dead."""
    return (CELLULAR if node.profile == "cellular" else FAST if node.fast else NORMAL).wait
