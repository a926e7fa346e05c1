"""Judging: what the pictures of each camera show, by the camera's own history, which the catalogue keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.catalogue import states
from core.node.context import Context
from core.processing.view import NOT_ANALYSED, Seen, hour_of, judge, near, row
from core.values import PictureName, utc

Json = dict[str, Any]
UNKNOWN_INTERVAL = 600.0  # seconds, of a camera whose schedule says none


@dataclass
class Judging:
    """Judges each picture of the cameras that this node drives, when it was looked at.

    `is_spare` says of a picture that another node owns its camera: it is not analysed, and the status document says so.
    Each epoch of a camera's fence is another owner: what the view was before does not count then.
    `interval` gives the seconds between two slots of a camera at an instant.
    """

    context: Context
    is_spare: Callable[[PictureName], bool] = lambda name: False
    interval: Callable[[str, float], float | None] = lambda camera, at: None

    def seen(self, name: PictureName, broken: bool, why: str, stats: Json) -> None:
        """Judge a picture, within the transaction that keeps its look."""
        if all(camera.name != name.camera for camera in self.context.cameras()):
            return
        catalogue, at = self.context.catalogue, name.at.timestamp()
        if self.is_spare(name):
            states.put(catalogue, _key(name.camera), {**self._standing(name.camera), **NOT_ANALYSED})
            return
        cells = {hour: states.get(catalogue, _cell(name.camera, hour), {}) for hour in near(hour_of(at))}
        every = self.interval(name.camera, at) or UNKNOWN_INTERVAL
        before = self._standing(name.camera)
        found = judge(before, cells, Seen(at, f"{name.node} {name.fence.epoch}", broken, stats, why), every)
        states.put(catalogue, _key(name.camera), found.standing)
        if found.cell is not None:
            states.put(catalogue, _cell(name.camera, hour_of(at)), found.cell)
        self._tell(name.camera, before.get("verdict", "ok"), found.standing)

    def row(self, camera: str) -> Json | None:
        """Return what the status document says of a camera's view."""
        return row(self._standing(camera))

    def _standing(self, camera: str) -> Json:
        found: Json = states.get(self.context.catalogue, _key(camera), {})
        return found

    def _tell(self, camera: str, before: str, standing: Json) -> None:
        verdict = standing.get("verdict", "ok")
        if verdict == before or {verdict, before} <= {"ok", NOT_ANALYSED["verdict"]}:
            return
        if verdict == "ok":
            self.context.tell("view well again", camera, f"no longer {before}")
        elif verdict != "broken":  # each of those is told by itself
            since = utc(standing["since"])
            self.context.tell("view", camera, f"{verdict} since {since:%Y-%m-%d %H:%M} UTC: {standing.get('text', '')}")


def _key(camera: str) -> str:
    return f"view/{camera}"


def _cell(camera: str, hour: int) -> str:
    return f"view/{camera}/{hour:02}"
