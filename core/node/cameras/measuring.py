"""What the cameras say of themselves, read after a shot now and then; and their clocks, set when ours is trusted."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.catalogue import states
from core.node.cameras.post import Post
from core.node.context import Context
from core.node.jobs import Done, Json, Report
from core.text import safe

EVERY = 600.0  # seconds between two readings of a camera
CLOCK_TOLERANCE = 2.0  # seconds that a camera's clock may be off


@dataclass
class Measuring:
    """Reads telemetry of a camera that has just been used, so that no battery is spent on it."""

    context: Context
    _next: dict[str, float] = field(default_factory=dict)  # monotonic, by camera
    _said: dict[str, tuple[datetime, float]] = field(default_factory=dict)  # (its clock, read at monotonic)

    def after_shot(self, post: Post) -> None:
        """Ask the camera for its readings when the last ones are old."""
        now = self.context.monotonic()
        if now >= self._next.get(post.camera.name, 0.0):
            self._next[post.camera.name] = now + EVERY
            self.context.hands.give(post.job("telemetry", about=post))

    def handle(self, report: Report) -> None:
        """Keep the readings; a camera that cannot give them now is asked again later."""
        post = report.job.about
        if not isinstance(report, Done) or not isinstance(post, Post):
            return
        readings = _sound(report.result)
        if report.job.op == "set_clock":
            text = f"the camera's clock was set; it is now off by {readings.get('clock_drift', 'unknown')} s"
            self.context.tell("camera clock", post.camera.name, text)
        key = telemetry_key(post.camera.name)
        known = states.get(self.context.catalogue, key, {})
        states.put(self.context.catalogue, key, {**known, **readings, "at": self.context.now_ms()})
        if "clock_drift" in readings:
            self._clock(post, float(readings["clock_drift"]), report.job.op)

    def witnesses(self) -> dict[str, datetime]:
        """Return what the clocks of cameras that were read lately say that the time is now."""
        monotonic = self.context.monotonic()
        return {
            f"camera {name}": said + timedelta(seconds=monotonic - read_at)
            for name, (said, read_at) in self._said.items()
            if monotonic - read_at < 2 * EVERY
        }

    def _clock(self, post: Post, drift: float, op: str) -> None:
        self._said[post.camera.name] = (self.context.now() + timedelta(seconds=drift), self.context.monotonic())
        wanted = post.camera.set_clock and self.context.trust.trusted
        if wanted and op == "telemetry" and abs(drift) > CLOCK_TOLERANCE:
            self.context.hands.give(post.job("set_clock", about=post))


def telemetry_key(camera: str) -> str:
    """Return under which key the catalogue keeps a camera's readings."""
    return f"telemetry/{camera}"


def _sound(readings: Json) -> Json:
    """Return the readings with their texts made safe."""
    return {
        key: safe(value, 100) if isinstance(value, str) else value
        for key, value in readings.items()
        if isinstance(value, str | int | float)
    }
