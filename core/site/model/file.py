"""A whole site.toml."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from core.site.model.cameras import Camera
from core.site.model.health import Checks, Monitoring, Notifications, Watch
from core.site.model.nodes import Engine, Node, Roles, SiteHead
from core.site.model.places import Destination, Page, Route
from core.site.model.recipes import Recipe
from core.site.model.words import OneOf, table


@table
class SiteFile:
    """A whole site.toml."""

    version: Literal[1]
    site: SiteHead
    roles: Roles = field(default_factory=Roles)
    checks: Checks = field(default_factory=Checks)
    coordination: Engine = field(default_factory=Engine)
    node: tuple[Node, ...]
    camera: tuple[Camera, ...] = ()
    recipe: tuple[Recipe, ...] = ()
    destination: tuple[Destination, ...] = ()
    page: tuple[Page, ...] = ()
    route: tuple[Route, ...] = ()
    watch: tuple[Annotated[Watch, OneOf("kind")], ...] = ()
    notifications: Notifications = field(default_factory=Notifications)
    monitoring: tuple[Monitoring, ...] = ()
