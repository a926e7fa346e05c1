"""What a site file proposes for its cameras and nodes, while the engine holds no assignment of them."""

from __future__ import annotations

from core.coordination.protocol.records import CameraPlan, NodePlan
from core.site.model.cameras import Camera
from core.site.model.file import SiteFile
from core.site.model.nodes import Node

SLOT = 600  # seconds between two slots, where a schedule does not say


def camera_plans(site: SiteFile) -> dict[str, CameraPlan]:
    """Return the plan of every camera of a site."""
    first = site.node[0].name if site.node else ""
    return {camera.name: _camera(camera, first) for camera in site.camera}


def node_plans(site: SiteFile) -> dict[str, NodePlan]:
    """Return the switches of every node of a site."""
    return {node.name: _node(node) for node in site.node}


def _camera(camera: Camera, first: str) -> CameraPlan:
    shortest = min((one.every.total_seconds() for one in camera.schedule if one.every is not None), default=SLOT)
    return CameraPlan(
        version=0,
        primary=camera.primary or first,
        backup=camera.backup,
        exclusive=camera.exclusive,
        reach=camera.reach,
        slot=max(1, int(shortest)),
        priority=camera.priority,
    )


def _node(node: Node) -> NodePlan:
    switches = node.redundancy
    return NodePlan(
        version=0,
        fast=switches.fast,
        constant=switches.constant,
        mail=switches.mail,
        profile=node.profile,
        autoback=switches.autoback,
        cap=switches.max_cameras,
    )
