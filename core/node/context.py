"""What all desks of one site share: who we are, where things are kept, who does the work."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from core.capture.shot import Op, seconds_for
from core.catalogue import events
from core.catalogue.store import Catalogue
from core.clock import Clock, Trust
from core.errors import CatalogueError, StorageError
from core.intake.durable import Keeper
from core.node.engine import Engine
from core.node.jobs import Hands
from core.node.leases import Alone, Leases
from core.node.sending.traffic import carried
from core.site.digest import digest
from core.site.model.cameras import Camera
from core.site.model.file import SiteFile
from core.site.model.links import Link
from core.site.model.nodes import Node
from core.site.place import Folders
from core.status.document import Document, write
from core.text import safe
from core.values import Fence, milliseconds_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between what is done again and again; a simulated year takes longer steps."""

    judge: float = 60.0  # the clock, the links
    reckon: float = 600.0  # what the links need
    plan: float = 60.0  # what leaves the buffer, when nothing presses
    plan_soon: float = 5.0  # after something came or went
    report: float = 60.0  # the status document, when nothing changes
    report_soon: float = 1.0  # when much changes
    drop: float = 5.0  # looks into an inbox in which nothing comes
    probe: float = float("inf")  # machine, drives and mounts; a node that runs says how often


@dataclass
class Context:
    """One site as this node runs it. The desks read it; only the part that owns them replaces `file`.

    `site` is what the file says, with the primary and backup of each camera as the nodes agreed upon them.
    """

    site: SiteFile
    base: Path  # the folder of site.toml: what its relative paths are relative to
    node: Node
    folders: Folders
    clock: Clock
    catalogue: Catalogue
    keeper: Keeper
    hands: Hands
    fence: Fence  # of this start of the node
    file: SiteFile = field(init=False)  # as it was read
    leases: Leases = field(init=False)
    engine: Engine | None = None  # what nodes share, where this one shares anything
    run: str = ""  # 16 hexadecimal digits that no other run of this node ever had
    trust: Trust = field(default_factory=lambda: Trust(False, "not judged yet"))
    on_event: Callable[[str, str, str], None] = lambda kind, subject, text: None
    pace: Pace = Pace()
    seconds_for: Callable[[Op, Camera], float] = seconds_for  # deadlines of what the cameras' children are asked
    jitter: Callable[[], float] = random.random  # 0 to 1: spreads tries
    traffic: Callable[[Link], int | None] = carried  # bytes that a link's counter has seen, None where none is read
    evaluate: Callable[[Document, float], list[dict[str, Any]]] = lambda document, now: []  # its verdicts
    publish: Callable[[Path, Document], object] = write  # puts the status document in place

    _digest: tuple[SiteFile, str] | None = None

    def __post_init__(self) -> None:
        self.file = self.site
        self.leases = Alone(self.node.name, self.fence)

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.site.site.zone)

    @property
    def site_digest(self) -> str:
        """Which version of the site file this node runs; reckoned once for each."""
        if self._digest is None or self._digest[0] is not self.file:
            self._digest = self.file, digest(self.file)
        return self._digest[1]

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return self.clock.now()

    def now_ms(self) -> int:
        """The wall clock in milliseconds since the epoch."""
        return milliseconds_of(self.clock.now())

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return self.clock.monotonic()

    def lapsed(self) -> float:
        """Seconds that never jump, those among them in which the machine was suspended."""
        return self.clock.lapsed()

    def camera(self, name: str) -> Camera | None:
        """The camera of this name, whoever drives it."""
        return next((camera for camera in self.site.camera if camera.name == name), None)

    def cameras(self) -> list[Camera]:
        """The cameras that this node may shoot now."""
        return [camera for camera in self.site.camera if self.leases.right(camera) is not None]

    def own_cameras(self) -> list[Camera]:
        """The cameras whose primary this node is: it owes their slots."""
        return [camera for camera in self.site.camera if camera.primary in (None, self.node.name)]

    def fence_of(self, camera: str) -> Fence:
        """The fence under which this node shoots a camera: of its lease, or of this start of the node."""
        configured = self.camera(camera)
        right = self.leases.right(configured) if configured is not None else None
        return self.fence if right is None else right.fence

    def tell(self, kind: str, subject: str, text: str, **data: Any) -> None:
        """Record an event: one line in the log, and one row in the catalogue when that takes it."""
        said = safe(text, 500)
        log.info("%s: subject=%s %s", kind, subject, said)
        try:
            events.add(self.catalogue, self.now_ms(), kind, subject, said, data)
        except (StorageError, CatalogueError) as error:  # a full disk is the first, though SQLite says it
            log.error("event not catalogued: kind=%s error=%s", kind, error)
        self.on_event(kind, subject, said)
