"""The site as it is assigned: site.toml proposes who shoots each camera; what the nodes agreed upon comes before it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from core.catalogue import states
from core.catalogue.store import Catalogue
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
from core.coordination.protocol.state import State
from core.coordination.staging import Plans
from core.node.fleet.plans import camera_plans, node_plans
from core.site.model.cameras import Camera
from core.site.model.file import SiteFile

log = logging.getLogger(__name__)


def as_assigned(file: SiteFile, plans: Mapping[str, CameraPlan]) -> SiteFile:
    """Return the site of a file with the primary and the backup of each camera as they are agreed upon."""
    cameras = tuple(_agreed(camera, plans.get(camera.name)) for camera in file.camera)
    return file if cameras == file.camera else replace(file, camera=cameras)


def _agreed(camera: Camera, plan: CameraPlan | None) -> Camera:
    if plan is None or plan.version == 0 or (camera.primary, camera.backup) == (plan.primary, plan.backup):
        return camera
    return replace(camera, primary=plan.primary, backup=plan.backup)


def proposed_beside(file: SiteFile, cameras: Mapping[str, CameraPlan], nodes: Mapping[str, NodePlan]) -> Plans:
    """Return what is agreed upon (a version above 0), and what a file proposes for all else."""
    return Plans(
        {**camera_plans(file), **{name: plan for name, plan in cameras.items() if plan.version > 0}},
        {**node_plans(file), **{name: plan for name, plan in nodes.items() if plan.version > 0}},
    )


def remember(catalogue: Catalogue, state: State) -> None:
    """Keep what was agreed upon (a version above 0): a node that starts while it is cut off goes on by that."""
    plans: dict[str, CameraPlan | NodePlan] = {camera_key(name): plan for name, plan in state.cameras.items()}
    plans |= {node_key(name): plan for name, plan in state.nodes.items()}
    held = {key: encode(plan).decode() for key, plan in plans.items() if plan.version > 0}
    if held != states.get(catalogue, states.ASSIGNED):
        states.put(catalogue, states.ASSIGNED, held)


def recalled(catalogue: Catalogue) -> Plans:
    """Return what `remember` kept; what cannot be read is left out."""
    cameras: dict[str, CameraPlan] = {}
    nodes: dict[str, NodePlan] = {}
    for key, text in states.get(catalogue, states.ASSIGNED, {}).items():
        name = key.rpartition(".")[2]
        try:
            if key == camera_key(name):
                cameras[name] = parse_camera(key, text.encode())
            else:
                nodes[name] = parse_node(key, text.encode())
        except RecordError as error:
            log.warning("not remembered: %s", error)
    return Plans(cameras, nodes)
