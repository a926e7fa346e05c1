"""What a shot of each camera costs this node, as measured: seconds of processor of children, bytes kept and sent."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from core.catalogue import costs, states
from core.catalogue.deliveries import Delivery
from core.catalogue.pictures import Picture
from core.node.context import Context
from core.node.jobs import Done, Report

KEY = "redundancy/costs"
FEW = 200  # shots; older ones count half
FRESH = 300.0  # seconds for which what was weighed is shown: a day's pictures are counted for it
SAVED = 20  # shots between two savings
DAY = 86_400


@dataclass
class Costing:
    """Adds up the processor time that children took for each camera."""

    context: Context
    _cpu: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))  # camera -> seconds
    _shots: Counter[str] = field(default_factory=Counter)
    _unsaved: int = 0
    _row: dict[str, Any] | None = None
    _row_at: float = float("-inf")  # monotonic

    def begin(self) -> None:
        """Take up what was measured before a stop."""
        for camera, (cpu, shots) in states.get(self.context.catalogue, KEY, {}).items():
            self._cpu[camera], self._shots[camera] = cpu, shots

    def take(self, report: Report) -> None:
        """Count what a job took."""
        if not isinstance(report, Done):
            return
        camera = _camera(report)
        if camera is None:
            return
        self._cpu[camera] += report.cpu
        if report.job.worker.kind == "camera" and report.job.op == "shoot":
            self._shots[camera] += 1
            self._unsaved += 1
            if self._shots[camera] > FEW:
                self._cpu[camera] /= 2
                self._shots[camera] //= 2
            if self._unsaved >= SAVED:
                self._save()

    def row(self) -> dict[str, Any] | None:
        """Return {"processors", "cameras": {camera: [seconds of processor, bytes kept, bytes sent] a shot}}."""
        if self.context.monotonic() < self._row_at + FRESH:
            return self._row
        self._row_at, self._row = self.context.monotonic(), self._weighed()
        return self._row

    def _weighed(self) -> dict[str, Any] | None:
        since = int(self.context.now().timestamp()) - DAY
        found: dict[str, list[float]] = {}
        for camera, shots in self._shots.items():
            if shots and self.context.camera(camera) is not None:
                kept, sent = costs.per_shot(self.context.catalogue, camera, self.context.node.name, since)
                found[camera] = [round(self._cpu[camera] / shots, 3), kept, sent]
        return {"processors": os.cpu_count() or 1, "cameras": found} if found else None

    def _save(self) -> None:
        self._unsaved = 0
        kept = {camera: [round(self._cpu[camera], 3), shots] for camera, shots in self._shots.items()}
        states.put(self.context.catalogue, KEY, kept)


def _camera(report: Done) -> str | None:
    """Return the camera for which a job was done."""
    job = report.job
    if job.worker.kind == "camera":
        return job.worker.name
    return job.about.name.camera if isinstance(job.about, Picture | Delivery) else None
