"""Assignments that are staged, applied together by compare-and-set, and moved as text from one fleet to another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from core.coordination.base import Conflict, Coordination, CoordinationError, Unknown
from core.coordination.protocol.records import (
    CameraPlan,
    NodePlan,
    RecordError,
    camera_key,
    encode,
    node_key,
    parse_camera,
    parse_node,
)
from core.text import safe

FORMAT = "overlapse-assignments-1"
_CAMERAS, _NODES = "cfg.cam.", "cfg.node."


@dataclass(frozen=True, slots=True)
class Plans:
    """All plans of a site, as the engine holds them or as a site file proposes them."""

    cameras: Mapping[str, CameraPlan]
    nodes: Mapping[str, NodePlan]


@dataclass(frozen=True, slots=True)
class Edit:
    """One change that waits to be applied. `seen`: the version (g) that it was made on, 0: there was none."""

    key: str
    plan: CameraPlan | NodePlan
    seen: int


class StaleEdit(CoordinationError):
    """Somebody else changed the same assignment meanwhile: look again before you apply."""


class HalfApplied(CoordinationError):
    """Some edits were applied and could not be put back: look, and apply again."""


def read_plans(coordination: Coordination) -> Plans:
    """Return the plans that the engine holds; raise CoordinationUnavailable or RecordError."""
    cameras, nodes = {}, {}
    for key, held in coordination.list("cfg.").items():
        if key.startswith(_CAMERAS):
            cameras[key.removeprefix(_CAMERAS)] = parse_camera(key, held.value)
        elif key.startswith(_NODES):
            nodes[key.removeprefix(_NODES)] = parse_node(key, held.value)
    return Plans(cameras, nodes)


def stage(held: Plans, wanted: Plans) -> list[Edit]:
    """Return the edits that make what is held what is wanted; what is not named stays."""
    edits: list[Edit] = []
    for name, camera in sorted(wanted.cameras.items()):
        before = held.cameras.get(name)
        if before is None or replace(camera, version=before.version) != before:
            edits.append(_edit(camera_key(name), camera, before))
    for name, node in sorted(wanted.nodes.items()):
        switches = held.nodes.get(name)
        if switches is None or replace(node, version=switches.version) != switches:
            edits.append(_edit(node_key(name), node, switches))
    return edits


def _edit(key: str, plan: CameraPlan | NodePlan, before: CameraPlan | NodePlan | None) -> Edit:
    seen = before.version if before is not None else 0
    return Edit(key, replace(plan, version=seen + 1), seen)


def apply(coordination: Coordination, edits: Sequence[Edit]) -> list[str]:
    """Apply staged edits together; return the keys that were changed.

    All versions are compared before the first is written, each write is a compare-and-set, and what was written is put
    back when a later one fails. Raise StaleEdit or CoordinationUnavailable: nothing stays changed; raise HalfApplied
    when not all could be put back.
    """
    held = coordination.list("cfg.")
    versions = {edit.key: _version(edit.key, held[edit.key].value if edit.key in held else None) for edit in edits}
    stale = [edit.key for edit in edits if versions[edit.key] != edit.seen]
    if stale:
        raise StaleEdit(f"changed by somebody else meanwhile: {', '.join(stale)}")
    written: list[tuple[str, int, bytes | None]] = []
    for edit in sorted(edits, key=lambda one: one.seen == 0):  # what cannot be put back comes last
        before = held.get(edit.key)
        try:
            rev = _write(coordination, edit.key, before.rev if before is not None else 0, encode(edit.plan))
        except CoordinationError as error:
            left = _put_back(coordination, written)
            if left:
                raise HalfApplied(f"{error}; these stay as they were applied: {', '.join(left)}") from error
            raise
        written.append((edit.key, rev, before.value if before is not None else None))
    return [edit.key for edit in edits]


def _version(key: str, value: bytes | None) -> int:
    if value is None:
        return 0
    return (parse_camera(key, value) if key.startswith(_CAMERAS) else parse_node(key, value)).version


def _write(coordination: Coordination, key: str, rev: int, value: bytes) -> int:
    """Change a key; a change in doubt is read back."""
    try:
        return coordination.cas(key, rev, value)
    except Unknown:
        now = coordination.read(key)
        if now is not None and now.value == value:
            return now.rev
        raise StaleEdit(f"{key} was not changed") from None
    except Conflict as error:
        raise StaleEdit(f"changed by somebody else meanwhile: {key}") from error


def _put_back(coordination: Coordination, written: Sequence[tuple[str, int, bytes | None]]) -> list[str]:
    """Undo what was written, and return what stays: first assignments, and what somebody changed again since."""
    left: list[str] = []
    for key, rev, value in reversed(written):
        if value is None:
            left.append(key)
            continue
        plan = parse_camera(key, value) if key.startswith(_CAMERAS) else parse_node(key, value)
        try:
            _write(coordination, key, rev, encode(replace(plan, version=plan.version + 2)))  # it never goes back
        except CoordinationError:
            left.append(key)
    return left


# --- as text ----------------------------------------------------------------------------------------------------------


def export(plans: Plans) -> str:
    """Return all plans as text, for another fleet or for safe keeping."""
    body = {
        "format": FORMAT,
        "cameras": {name: _shown(plan) for name, plan in sorted(plans.cameras.items())},
        "nodes": {name: _shown(plan) for name, plan in sorted(plans.nodes.items())},
    }
    return json.dumps(body, indent=2) + "\n"


def _shown(plan: CameraPlan | NodePlan) -> dict[str, Any]:
    return {key: value for key, value in asdict(plan).items() if key != "version"}


def parse(text: str) -> Plans:
    """Return the plans that `export` wrote; raise RecordError for anything else."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"not assignments: {safe(error, 80)}") from error
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise RecordError(f'not assignments: "format" must be "{FORMAT}"')
    cameras, nodes = body.get("cameras", {}), body.get("nodes", {})
    if not isinstance(cameras, dict) or not isinstance(nodes, dict):
        raise RecordError('not assignments: "cameras" and "nodes" must be objects')
    return Plans(
        {str(name): _camera(camera_key(str(name)), said) for name, said in cameras.items()},
        {str(name): _node(node_key(str(name)), said) for name, said in nodes.items()},
    )


_CAMERA_WORDS = {"primary": "primary", "backup": "backup", "exclusive": "excl", "reach": "reach"} | {
    "slot": "slot_s",
    "priority": "prio",
}
_NODE_WORDS = {word: word for word in ("fast", "constant", "mail", "profile", "autoback", "cap")} | {"hold": "H"}


def _camera(key: str, said: object) -> CameraPlan:
    return parse_camera(key, _wire(key, said, _CAMERA_WORDS))


def _node(key: str, said: object) -> NodePlan:
    return parse_node(key, _wire(key, said, _NODE_WORDS))


def _wire(key: str, said: object, words: Mapping[str, str]) -> bytes:
    if not isinstance(said, dict):
        raise RecordError(f"{safe(key)}: not an object")
    unknown = [safe(word, 40) for word in said if word not in words]
    if unknown:
        raise RecordError(f"{safe(key)}: unknown keys: {', '.join(unknown)}; there are: {', '.join(words)}")
    return json.dumps({"g": 0} | {words[word]: value for word, value in said.items()}).encode()
