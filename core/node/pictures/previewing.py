"""A picture for a terminal, when somebody asks for one: made by the image child, one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.catalogue import pictures
from core.catalogue.pictures import Picture
from core.control.request import Request
from core.errors import CameraBusy, NoSuchThing
from core.node.context import Context
from core.node.jobs import Done, Failed, Job, Report
from core.node.pictures.viewing import DEADLINE, IMAGES

AMONG = 20  # of the last pictures, those that are here
KEYS = ("columns", "rows", "colours", "most")


@dataclass
class Previewing:
    """Answers with what the child made; the last one is kept, for whoever asked and did not wait."""

    context: Context
    _job: Job | None = None
    _kept: tuple[object, dict[str, Any]] | None = None

    def show(self, request: Request) -> None:
        """Give a camera's newest picture, or one of its last by name; raise NoSuchThing, CameraBusy."""
        picture = self._picture(request.args["camera"], request.args.get("picture"))
        wanted = {key: request.args[key] for key in KEYS}
        key = (picture.name, *wanted.values())
        if self._kept is not None and self._kept[0] == key:
            request.done(self._kept[1])
            return
        if self._job is not None:
            raise CameraBusy("another preview is being made: ask again in a moment")
        path = str(self.context.folders.pictures / picture.name.path)
        args = {"path": path, "kind": picture.kind, **wanted}
        self._job = Job(IMAGES, "preview", args, DEADLINE, about=(request, picture, key))
        self.context.hands.give(self._job)

    def handle(self, report: Report) -> None:
        """Answer with what the child says."""
        if report.job is not self._job or not isinstance(report, Done | Failed):
            return
        request, picture, key = report.job.about
        self._job = None
        if isinstance(report, Failed):
            request.refuse(report.error)
            return
        said = {**report.result, "name": str(picture.name), "at": int(picture.name.at.timestamp())}
        self._kept = (key, said)
        request.done(said)

    def _picture(self, camera: str, name: str | None) -> Picture:
        found = [one for one in pictures.last(self.context.catalogue, camera, AMONG) if not one.gone]
        if name is not None:
            found = [one for one in found if str(one.name) == name]
        if not found:
            raise NoSuchThing(f"no {'such ' if name else ''}picture of {camera} is here")
        return next((one for one in found if one.kind == "jpeg"), found[0])
