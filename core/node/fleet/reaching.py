"""Whether this node reaches the cameras that it would take over: a backup that does not, says so in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core.capture.reach import SECONDS
from core.capture.wire import camera_to_json
from core.coordination.protocol.records import CameraPlan
from core.node.cameras.shooting import Shooting
from core.node.context import Context
from core.node.jobs import Done, Failed, Job, Report, Worker
from core.site.model.cameras import Camera
from core.text import safe

WORKER = Worker("reach")
EVERY = 60.0  # seconds; where a unit's link is thin, five times as long
NEVER = float("inf")
LOST = ("CameraGone", "CameraTimeout", "CameraRefused", "ChildTimeout")  # what says that a camera is out of reach


@dataclass
class Reaching:
    """Tries the cameras that this node stands by for. `ill`: those out of reach, and why."""

    context: Context
    shooting: Shooting
    plans: Callable[[], Mapping[str, CameraPlan]] = dict  # as the engine has them
    ill: dict[str, str] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)  # camera -> monotonic
    _under_way: set[str] = field(default_factory=set)

    def tick(self) -> None:
        """Try those that are due."""
        now = self.context.monotonic()
        standing_by = {camera.name: camera for camera in self._standing_by()}
        self._due = {name: self._due.get(name, now) for name in standing_by}
        for name, camera in standing_by.items():
            if now >= self._due[name] and name not in self._under_way:
                self._under_way.add(name)
                self._due[name] = now + self._every()
                args = {"camera": camera_to_json(camera)}
                self.context.hands.give(Job(WORKER, "reach", args, 2 * SECONDS, about=name))

    def wake(self) -> float:
        """Return the monotonic time at which one is due."""
        return min((at for name, at in self._due.items() if name not in self._under_way), default=NEVER)

    def handle(self, report: Report) -> None:
        """Take note of what was reached."""
        name = report.job.about
        if not isinstance(report, Done | Failed):
            return
        self._under_way.discard(name)
        why = safe(str(report.error), 150) if isinstance(report, Failed) else None
        if why is not None and name not in self.ill:
            self.context.tell("backup not ready", name, f"this node does not reach the camera: {why}")
        elif why is None and name in self.ill:
            self.context.tell("backup ready", name, "this node reaches the camera again")
        self.ill = {**self.ill, name: why} if why is not None else {k: v for k, v in self.ill.items() if k != name}

    def out_of_reach(self) -> dict[str, str]:
        """Return the cameras that this node can not shoot now, those that it drives among them, and why."""
        posts = self.shooting.posts
        failing = {name: post.error for name, post in posts.items() if post.error and post.ladder.error in LOST}
        return failing | {name: why for name, why in self.ill.items() if name not in posts}

    def _standing_by(self) -> list[Camera]:
        if self.context.engine is None:
            return []
        cameras = (camera for camera in self.context.file.camera if camera.name not in self.shooting.posts)
        return [camera for camera in cameras if self._may_shoot(camera)]

    def _may_shoot(self, camera: Camera) -> bool:
        """Return whether this node is, or may become, one of the two of a camera."""
        node, plan = self.context.node.name, self.plans().get(camera.name)
        backed = camera.backup is not None and node in (camera.primary, camera.backup)
        assigned = plan is not None and plan.backup is not None and node in plan.candidates
        return backed or assigned or node in camera.reach

    def _every(self) -> float:
        return 5 * EVERY if self.context.node.profile == "cellular" else EVERY
