"""What is known of the nodes that may back up a camera, and what that says of an assignment. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from core.capture.reach import SECONDS
from core.coordination.assignments import Candidate, Verdict, check_assignment, check_switches
from core.coordination.base import Coordination, CoordinationError, Held
from core.coordination.protocol.records import (
    CameraPlan,
    NodePlan,
    Owner,
    SessionRecord,
    parse_owner,
    parse_session,
)
from core.coordination.protocol.state import mode_of
from core.coordination.staging import Plans, read_plans
from core.node.fleet.plans import camera_plans, node_plans
from core.planner.load import Cost, Machine, NodeLoad, Served, loads
from core.site.model.file import SiteFile
from core.status.vitals import read_vitals
from core.units import show_duration

Json = dict[str, Any]
STALE = 120.0  # seconds: vitals are made anew each minute
PROBED = 2 * SECONDS  # seconds of a session after which its node has tried the cameras it stands by for


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the engine holds: plans, sessions and owners, as one look found them."""

    plans: Plans
    sessions: Mapping[str, SessionRecord] = field(default_factory=dict)
    owners: Mapping[str, Owner] = field(default_factory=dict)


def look(store: Coordination) -> Snapshot:
    """Read plans, sessions and owners; raise CoordinationError. A session or owner that makes no sense is left out."""
    return Snapshot(read_plans(store), _each(store, "sess.", parse_session), _each(store, "own.", parse_owner))


def _each(store: Coordination, prefix: str, parse: Any) -> dict[str, Any]:
    found = {}
    for key, held in store.list(prefix).items():
        parsed = _parsed(key, held, parse)
        if parsed is not None:
            found[key.removeprefix(prefix)] = parsed
    return found


def _parsed(key: str, held: Held, parse: Any) -> Any:
    try:
        return parse(key, held.value)
    except CoordinationError:
        return None


def silence(session: SessionRecord, now: float) -> str:
    """Return why a node counts as silent, "": it does not. `now`: seconds since the epoch."""
    if session.dead is not None:
        return f"{session.dead} ended its session"
    said = (read_vitals(session.st) or {}).get("a")
    age = 0.0 if said is None else now - said
    return f"nothing was heard of it for {show_duration(age)}" if age > STALE + 2.5 * session.renew else ""


@dataclass(frozen=True)
class Survey:
    """All that one node knows when it judges assignments. `documents`: what each node said of itself last.

    What follows from it alone is reckoned once: a site has a thousand cameras, and the deciding thread waits for this.
    """

    site: SiteFile
    version: str
    snapshot: Snapshot
    documents: Mapping[str, Mapping[str, Any]]
    now: float  # seconds since the epoch

    @cached_property
    def held(self) -> Plans:
        """The plans that count now: those of the engine, and of the site file where the engine has none."""
        plans = self.snapshot.plans
        return Plans({**self._proposed, **plans.cameras}, {**node_plans(self.site), **plans.nodes})

    @cached_property
    def _proposed(self) -> Mapping[str, CameraPlan]:
        return camera_plans(self.site)

    @cached_property
    def _costs(self) -> Mapping[str, Mapping[str, Cost]]:
        """What a shot of each camera costs each node that ever shot it."""
        found: dict[str, dict[str, Cost]] = {}
        for node, said in self.documents.items():
            for camera, cost in costs_of(said).items():
                found.setdefault(camera, {})[node] = cost
        return found

    def version_of(self, node: str) -> str | None:
        """Return the version that a node runs, as it said last."""
        return self.said(node, "overlapse", "v")

    def site_of(self, node: str) -> str | None:
        """Return the digest of the site file that a node runs, as it said last."""
        return self.said(node, "site_digest", "g")

    def said(self, node: str, key: str, letter: str) -> str | None:
        """Return what a node says of itself in its session, or else in its last document."""
        session = self.snapshot.sessions.get(node)
        vitals = read_vitals(session.st) if session is not None else None
        value = (vitals or {}).get(letter) or self.documents.get(node, {}).get(key)
        return value if isinstance(value, str) else None

    def reaches(self, node: str, camera: str, plan: CameraPlan) -> bool | None:
        """Return what a node's own probe of a camera said; None: it has not probed it, or is silent."""
        session = self.snapshot.sessions.get(node)
        tries = {*plan.reach, *self._candidates(camera)}
        if session is None or silence(session, self.now) or node not in tries:
            return None
        if camera in session.ill:
            return False
        return True if session.n * session.renew >= PROBED else None

    def _candidates(self, camera: str) -> tuple[str, ...]:
        """Return the nodes that try a camera now: those of its plan, and of the site file."""
        held, proposed = self.snapshot.plans.cameras.get(camera), self._proposed.get(camera)
        named = () if proposed is None else (*proposed.reach, *proposed.candidates)
        return named if held is None else (*held.candidates, *named)

    def loads(self, plans: Plans) -> list[NodeLoad]:
        """Return what every node carries under these plans, in normal operation and in its worst single failure."""
        return loads([self.machine(one, plans) for one in plans.nodes], self.served(plans))

    def served(self, plans: Plans) -> list[Served]:
        """Return the cameras as they are reckoned under these plans."""
        return [_served(name, plan, plans, self._costs.get(name, {})) for name, plan in plans.cameras.items()]

    def machine(self, node: str, plans: Plans) -> Machine:
        """Return what a node has, and what it is entitled to under these plans."""
        said = self.documents.get(node, {})
        part, known = said.get("costs"), plans.nodes.get(node)
        processors = part.get("processors", 1) if isinstance(part, Mapping) else 1
        return Machine(node, max(1, int(processors)), uplink_of(said), known.cap if known is not None else None)


class Prospect:
    """What every node would carry under some plans: the cameras are reckoned once, and each node once."""

    def __init__(self, survey: Survey, plans: Plans) -> None:
        self.survey, self.plans = survey, plans
        self._served = survey.served(plans)
        self._loads: dict[str, NodeLoad] = {}

    def load(self, node: str) -> NodeLoad | None:
        """Return what one node carries; None: the plans have no such node."""
        if node in self.plans.nodes and node not in self._loads:
            (self._loads[node],) = loads([self.survey.machine(node, self.plans)], self._served)
        return self._loads.get(node)


def _served(name: str, plan: CameraPlan, plans: Plans, known: Mapping[str, Cost]) -> Served:
    """Return a camera as it is reckoned; a node that never shot it is taken to need what the dearest other did."""
    if known:
        dearest = max(known.values(), key=lambda one: one.cpu)
        known = {**dict.fromkeys(plan.candidates, dearest), **known}
    constant = mode_of(plan, plans.nodes) == "constant"
    return Served(name, plan.primary, plan.backup, float(plan.slot), known, constant)


def costs_of(document: Mapping[str, Any]) -> dict[str, Cost]:
    """Return what a shot of each camera costs a node, as its document says; what makes no sense is left out."""
    part = document.get("costs")
    rows = part.get("cameras") if isinstance(part, Mapping) else None
    found: dict[str, Cost] = {}
    for name, row in rows.items() if isinstance(rows, Mapping) else ():
        if isinstance(row, list) and len(row) == 3 and all(type(one) in (int, float) and one >= 0 for one in row):
            found[str(name)] = Cost(float(row[0]), int(row[1]), int(row[2]))
    return found


def uplink_of(document: Mapping[str, Any]) -> float | None:
    """Return the bytes a second that a node's links carried of late; None where it sends by none, or it is not known.

    Places beside the node take no link, and so no share of it: a node that has any is not held to its links.
    """
    places, links = document.get("destinations", []), document.get("links", [])
    if not links or any("link" not in place for place in places):
        return None
    rates = [link["goodput"]["p50"] for link in links if isinstance(link.get("goodput"), Mapping)]
    return float(sum(rates)) if len(rates) == len(links) else None


# --- what it says of edits --------------------------------------------------------------------------------------------


def judge(prospect: Prospect, cameras: Iterable[str], nodes: Iterable[str], force: bool) -> Verdict:
    """Return what is against giving these cameras and nodes what they are to have, all together, and the warnings."""
    found = [_camera(prospect, name) for name in cameras]
    found += [_switches(prospect, name, force) for name in nodes]
    refused = tuple(dict.fromkeys(one for verdict in found for one in verdict.refused))
    return Verdict(refused, tuple(dict.fromkeys(one for verdict in found for one in verdict.warnings)))


def _camera(prospect: Prospect, name: str) -> Verdict:
    survey, plans = prospect.survey, prospect.plans
    plan = plans.cameras[name]
    primary, fleet = plans.nodes.get(plan.primary, NodePlan()), survey.site.site.name
    candidate = None if plan.backup is None else _candidate(prospect, name, plan, plan.backup)
    verdict = check_assignment(
        name, plan, candidate, fleet, survey.version, primary.fast, primary.profile == "cellular"
    )
    if plan.backup is not None and plan.primary not in survey.snapshot.sessions:
        why = f"{plan.primary}, the primary of {name}, shares nothing yet: give {name} a backup in its site.toml"
        verdict = replace(verdict, refused=(*verdict.refused, why))
    if plan.backup is not None and _differs(survey, plan.primary, plan.backup):
        why = f"{plan.primary} and {plan.backup} run different versions of site.toml"
        verdict = replace(verdict, warnings=(*verdict.warnings, why))
    return verdict


def _differs(survey: Survey, one: str, other: str) -> bool:
    digests = survey.site_of(one), survey.site_of(other)
    return None not in digests and digests[0] != digests[1]


def _candidate(prospect: Prospect, camera: str, plan: CameraPlan, name: str) -> Candidate:
    survey = prospect.survey
    node, session = prospect.plans.nodes.get(name), survey.snapshot.sessions.get(name)
    load = prospect.load(name)
    switches = node or NodePlan()
    silent = silence(session, survey.now) if session is not None else ""
    problems = (f"{name} is silent: {silent}",) if silent else ()
    return Candidate(
        name=name,
        fleet=survey.site.site.name if any(one.name == name for one in survey.site.node) else "",
        reported=session is not None,
        version=survey.version_of(name),
        reaches=survey.reaches(name, camera, plan),
        cap=switches.cap,
        served=load.worst.cameras if load is not None else 1,
        problems=(*problems, *(load.problems() if load is not None else ())),
        constant=switches.constant,
        mail=switches.mail,
        mail_is_set_up=survey.site.notifications.smtp is not None,
    )


def _switches(prospect: Prospect, name: str, force: bool) -> Verdict:
    survey, plans = prospect.survey, prospect.plans
    stands_by = any(one.backup == name for one in plans.cameras.values())
    smtp = survey.site.notifications.smtp is not None
    verdict = check_switches(name, plans.nodes[name], smtp, stands_by, force)
    exclusive = [camera for camera, one in plans.cameras.items() if one.backup == name and one.exclusive]
    if plans.nodes[name].constant and exclusive:
        names = ", ".join(exclusive)
        why = f"{names}: exclusive, takes one connection at a time; {name} cannot shoot all the time (constant)"
        verdict = replace(verdict, refused=(*verdict.refused, why))
    load = prospect.load(name)
    if load is not None and plans.nodes[name].constant:
        verdict = replace(verdict, refused=(*verdict.refused, *load.problems()))
    return verdict


def effects(before: Plans, after: Plans) -> list[str]:
    """Return what changes from one set of plans to another, in words, a line for each camera and node."""
    lines = []
    for name, plan in sorted(after.cameras.items()):
        old = before.cameras.get(name)
        was, now = ("" if old is None else mode_of(old, before.nodes)), mode_of(plan, after.nodes)
        said = []
        if old is None or old.backup != plan.backup:
            said.append(f"backup {(old and old.backup) or 'none'} -> {plan.backup or 'none'}")
        if old is not None and was != now:
            said.append(f"mode {was} -> {now}")
        if old is not None and replace(old, version=0, backup=None) != replace(plan, version=0, backup=None):
            said.append(f"primary {plan.primary}, exclusive {_word(plan.exclusive)}, priority {plan.priority}")
        if said:
            lines.append(f"{name}: {'; '.join(said)}")
    for name, node in sorted(after.nodes.items()):
        other = before.nodes.get(name, NodePlan())
        said = [
            f"{key} {_word(getattr(other, key))} -> {_word(getattr(node, key))}"
            for key in ("fast", "constant", "mail", "autoback", "profile", "cap", "hold")
            if getattr(other, key) != getattr(node, key)
        ]
        if said:
            lines.append(f"{name}: {'; '.join(said)}")
    return lines


def _word(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
