"""Edits of assignments that wait to be applied together, and the digits by which what was seen of them is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from core.coordination.protocol.records import CameraPlan, NodePlan, camera_key, encode, parse_camera, parse_node
from core.coordination.staging import Edit, Plans

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Staged:
    """What waits to be applied. `at`: seconds since the epoch, of the last change; `force`: fast on any link."""

    at: float
    by: str
    edits: tuple[Edit, ...] = ()
    force: bool = False

    def over(self, plans: Plans) -> Plans:
        """Return the plans as they would be."""
        cameras, nodes = dict(plans.cameras), dict(plans.nodes)
        for edit in self.edits:
            name = edit.key.rpartition(".")[2]
            if isinstance(edit.plan, CameraPlan):
                cameras[name] = edit.plan
            else:
                nodes[name] = edit.plan
        return Plans(cameras, nodes)

    def named(self, kind: type[CameraPlan] | type[NodePlan]) -> list[str]:
        """Return the cameras, or the nodes, that it changes."""
        return [edit.key.rpartition(".")[2] for edit in self.edits if isinstance(edit.plan, kind)]

    @property
    def digest(self) -> str:
        """Return 16 digits that differ when the edits do, or what they were made on; not when, nor by whom."""
        text = "\n".join(f"{edit.key} {edit.seen} {encode(edit.plan).decode()}" for edit in self.edits)
        return sha256(f"{text}\n{self.force}".encode()).hexdigest()[:16]

    def without(self, edits: Sequence[Edit]) -> Staged:
        """Return what is left when these edits are done."""
        return replace(self, edits=tuple(edit for edit in self.edits if edit not in edits))

    def to_json(self) -> Json:
        """Return it as it is kept."""
        edits = [[edit.key, encode(edit.plan).decode(), edit.seen] for edit in self.edits]
        return {"at": self.at, "by": self.by, "edits": edits, "force": self.force}

    @classmethod
    def from_json(cls, said: Json) -> Staged:
        """Return what `to_json` wrote."""
        return cls(said["at"], said["by"], tuple(_edit(*one) for one in said["edits"]), said["force"])


def _edit(key: str, plan: str, seen: int) -> Edit:
    is_camera = key.startswith(camera_key(""))
    return Edit(key, (parse_camera if is_camera else parse_node)(key, plan.encode()), seen)
