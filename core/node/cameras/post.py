"""One camera as this node drives it: its timetable, its rhythm, its recovery, and the shot in hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.capture.ladder import State
from core.capture.shot import seconds_for
from core.capture.wire import camera_to_json
from core.ledger.rhythm import Rhythm
from core.node.context import Context
from core.node.jobs import Job, Json, Setting, Worker
from core.schedule.slots import Slot, Timetable
from core.site.model.cameras import Camera, FtpSource, GphotoSource, HttpSource, RtspSource
from core.site.secrets import read_secret

OPEN_EARLY = 5.0  # seconds before a slot at which its camera is opened, so that the shutter is in time
OPEN_FOR = 8.0  # seconds without work after which a camera with a long interval is closed
JUDGE = "core.processing.whole:judge"  # tells a whole picture from a part, for cameras that push
HOOK_EXTRA = 10.0  # seconds that the child gives a hook to end


@dataclass
class InHand:
    """A shot from its slot (None: an extra) until it is kept or given up."""

    at: datetime  # what its picture is named after
    slot: Slot | None
    order: str | None = None  # under which somebody asked for it by hand
    attempts: int = 1
    spare: bool = False  # another node owns the camera: its pictures count where none of the owner does
    again_at: float | None = None  # monotonic: the next attempt


@dataclass
class Post:
    """One camera."""

    camera: Camera
    timetable: Timetable
    rhythm: Rhythm
    ladder: State = field(default_factory=State)
    in_hand: InHand | None = None
    by_hand: list[str] = field(default_factory=list)  # orders that wait until the camera is free
    wake: float | None = 0.0  # monotonic: when the rhythm is to be asked again
    opened_for: float | None = None  # the wake for which it was opened early
    plain: bool = False  # opened without its settings, because it crashed while they were written
    drift: Json = field(default_factory=dict)  # settings that are not what they should be
    error: str | None = None  # of the last shot; None: it was good
    told: str | None = None  # what was told of the last slot that was given up; None: a good shot came since
    telemetry_at: float = 0.0  # monotonic: when it is to be read next

    @property
    def worker(self) -> Worker:
        """Its child."""
        return Worker("camera", self.camera.name)

    def is_spare(self, context: Context) -> bool:
        """Return whether this node shoots it beside, or in place of, its owner: then its settings are not written."""
        right = context.leases.right(self.camera)
        return right is not None and right.role != "owner"

    def setting(self, context: Context) -> Setting:
        """Return how its child is opened; raise ConfigurationError for a secret that cannot be read."""
        source, secrets = self.camera.source, {}
        if isinstance(source, HttpSource | RtspSource) and source.password_file is not None:
            secrets["password"] = read_secret(context.base / source.password_file)
        opening = {
            "camera": _resolved(camera_to_json(self.camera), context),
            "spool": str(context.folders.spool),
            "secrets": secrets,
            "plain": self.plain or self.is_spare(context),
            "fence": str(context.fence_of(self.camera.name)),
        }
        if isinstance(source, FtpSource):
            opening["judge"] = JUDGE
        idle = OPEN_FOR if self._interval_is_long() else None
        return Setting(opening=opening, opening_deadline=context.seconds_for("open", self.camera), idle=idle)

    def shot(self, context: Context, in_hand: InHand) -> Job:
        """Return the job of one attempt."""
        args = {**self._identity(context), "at": int(in_hand.at.timestamp())}
        return Job(self.worker, "shoot", args, context.seconds_for("shoot", self.camera), about=in_hand)

    def collect(self, context: Context) -> Job:
        """Return the job that takes in what a camera pushed beside its shots."""
        return self.job("collect", self._identity(context), about=self)

    def _identity(self, context: Context) -> Json:
        return {"camera": self.camera.name, "node": context.node.name, "fence": str(context.fence_of(self.camera.name))}

    def job(self, op: str, args: Json | None = None, about: Any = None) -> Job:
        """Return another request to the camera."""
        return Job(self.worker, op, args or {}, seconds_for(op, self.camera), about=about)  # type: ignore[arg-type]

    def shut(self) -> Job:
        """Return the job that lets go of the camera; one that is not open is not opened for it."""
        return Job(self.worker, "close", {}, seconds_for("close", self.camera), cold=True)

    def usb_reset(self) -> Job:
        """Return the job that resets its USB device, for a camera that cannot be opened above all."""
        source = self.camera.source
        serial = source.serial if isinstance(source, GphotoSource) else None
        return Job(self.worker, "reset", {"serial": serial}, seconds_for("reset", self.camera), cold=True)

    def hook(self) -> Job:
        """Return the job that runs the operator's command for its power."""
        wait = self.camera.recovery.hook_wait.total_seconds()
        args = {"argv": list(self.camera.recovery.hook), "seconds": wait}
        return Job(Worker("hook", self.camera.name), "run", args, wait + HOOK_EXTRA, about="hook")

    def open_at(self) -> float | None:
        """Return the monotonic time at which to open the camera for its next slot; None: it was done."""
        if self.wake is None or self.opened_for == self.wake:
            return None
        return self.wake - OPEN_EARLY

    def _interval_is_long(self) -> bool:
        shortest = min((entry.every for entry in self.camera.schedule if entry.every is not None), default=None)
        return shortest is None or shortest > self.camera.keep_open


def _resolved(camera: Json, context: Context) -> Json:
    """Return the camera with the paths that its child opens made absolute."""
    source = camera["source"]
    for key in ("path", "virtual", "ca_file"):
        if source.get(key) is not None:
            source[key] = str(context.base / source[key])
    if source["kind"] == "ftp" and source["zone"] is None:
        source["zone"] = context.site.site.zone
    return camera
