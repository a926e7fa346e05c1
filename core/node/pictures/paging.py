"""Paging: the web pages of live pictures, made of what their destination is known to hold, when it holds it.

So a page never tells of a picture that is not there yet, whatever fails on the way, and what is told is as true after
a stop, an outage or a rebuild: it is the catalogue's answer, and the page is made anew when that is another one.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from core.catalogue import deliveries, live, pictures, renditions, sizes, states
from core.catalogue.deliveries import Delivery, NewDelivery, Priority
from core.errors import OverlapseError
from core.node.context import Context
from core.node.jobs import Done, Failed, Job, Json, Report
from core.node.pictures.shot import PROGRAM
from core.node.pictures.viewing import IMAGES
from core.schedule.slots import Timetable
from core.site.model.places import Page
from core.site.published import day_strip
from core.transfer.base import Level
from core.transfer.routes import Wanted, shown_at
from core.values import seconds_of

log = logging.getLogger(__name__)

SETTLE = 1.5  # seconds from the end of a transfer until its receipt is surely catalogued
BUSY = 5.0  # seconds between two looks while pictures of a page are on their way
PATIENCE = 60.0  # seconds for which a page waits for them
AGAIN = 60.0  # seconds after which a page that could not be made is tried again
DEADLINE = 60.0
FRESH = (
    86_400_000  # milliseconds for which a file that does not change is taken to be there: a day's page costs it once
)
CELL, CELLS = 600, 8  # seconds of the narrowest stretch of a day; the fewest stretches that make a strip
NEVER = float("inf")


class Showing(NamedTuple):
    """What a page shows of one camera: the same picture in one or more sizes, the largest first."""

    camera: str
    copies: Sequence[tuple[str, Delivery]]  # "jpeg" or the recipe, and what brought it

    @property
    def newest(self) -> Delivery | None:
        """One of the copies."""
        return self.copies[0][1] if self.copies else None


@dataclass(frozen=True)
class Spot:
    """One page at one destination."""

    page: Page
    destination: str
    folder: str
    level: int
    cameras: Mapping[str, Sequence[tuple[str, Wanted]]]  # in the order of the page

    @property
    def key(self) -> str:
        """Under which the catalogue keeps what the page tells."""
        return f"page/{self.page.name}/{self.destination}"

    def remote(self, file: str) -> str:
        """Return the name of one of its files at the destination."""
        return f"{self.folder}/{file}" if self.folder else file


@dataclass
class Paging:
    """Has pages made and queues their files; `on_made` hears who can be sent more."""

    context: Context
    on_made: Callable[[set[str]], None]
    _spots: list[Spot] = field(default_factory=list)
    _timetables: dict[str, Timetable] = field(default_factory=dict)
    _making: Job | None = None
    _at: float = NEVER  # monotonic: the next look
    _heard: float = float("-inf")  # monotonic: when something came last
    _waits: dict[str, float] = field(default_factory=dict)  # by spot: since when it has something new to tell
    _told: str = ""  # why a page was not made
    _last: int = 0  # the number of the last page made
    _stopping: bool = False

    def apply(self) -> None:
        """Take over the pages of the site as it is configured now, and look whether they are as they should be."""
        where = self.context.site.site
        self._timetables = {
            camera.name: Timetable(camera, where.zone, where.latitude, where.longitude)
            for camera in self.context.site.camera
        }
        self._spots = [spot for page in self.context.site.page for spot in self._spots_of(page)]
        self.look()

    def look(self) -> None:
        """Look soon: something came to a destination."""
        if self._spots:
            self._heard = self.context.monotonic()
            self._at = min(self._at, self._heard + SETTLE)

    def tick(self) -> None:
        """Have the next page made when it is time; raise CatalogueError."""
        now = self.context.monotonic()
        if self._making is not None or self._stopping or now < self._at:
            return
        self._at = self._heard + SETTLE if self._heard + SETTLE > now else NEVER  # its receipt may not be there yet
        for spot in self._spots:
            shown = self._shown(spot)
            news = _digest(spot, shown) if any(one.copies for one in shown) else None
            if news is None or news == states.get(self.context.catalogue, spot.key):
                self._waits.pop(spot.key, None)
            elif self._is_settled(spot):
                self._make(spot, shown)
                return

    def wake(self) -> float:
        """Return the monotonic time of the next look."""
        return NEVER if self._making is not None or self._stopping else self._at

    def stop(self) -> None:
        """Begin nothing new."""
        self._stopping = True

    def finished(self) -> bool:
        """Return whether no page is being made."""
        return self._making is None

    def idle(self) -> bool:
        """Return whether every page tells what it can."""
        return self._making is None and self._at == NEVER

    def handle(self, report: Report) -> None:
        """Take in what the image child reports of a page."""
        if report.job is not self._making or not isinstance(report, Done | Failed):
            return
        self._making = None
        if isinstance(report, Failed):
            self._failed(report.job.about[0], report.error)
            return
        self._told, self._at = "", self.context.monotonic()  # there may be more to make
        self._queue(report.result["files"], *report.job.about)

    def _failed(self, spot: Spot, error: OverlapseError) -> None:
        self._at = self.context.monotonic() + AGAIN
        if self._told != str(error):
            self._told = str(error)
            self.context.tell("page not made", spot.page.name, f"the last one stays: {error}")

    def _spots_of(self, page: Page) -> Iterator[Spot]:
        """Yield a page at each of its destinations."""
        named = [one.name for one in page.camera]
        cameras = sorted((one.name for one in self.context.site.camera), key=lambda name: _order(name, named))
        found = {name: shown_at(self.context.site, name, self.context.node.name, page.name) for name in cameras}
        first = {wanted.destination: wanted for some in found.values() for _, wanted in some}
        for destination, wanted in first.items():
            there = {name: [one for one in some if one[1].destination == destination] for name, some in found.items()}
            folder, level = wanted.name.rpartition("/")[0], int(Level.named(wanted.level))
            yield Spot(page, destination, folder, level, {name: some for name, some in there.items() if some})

    def _shown(self, spot: Spot) -> list[Showing]:
        """Return what the destination holds; a camera of another node only once this node has sent its pictures."""
        ours = {camera.name for camera in self.context.cameras()}
        found = [self._copies(spot, camera) for camera in spot.cameras]
        return [one for one in found if one.copies or one.camera in ours]

    def _copies(self, spot: Spot, camera: str) -> Showing:
        """Return the copies of the newest picture of a camera; a size that still shows an older one is left out."""
        there = [
            (what, held)
            for what, wanted in spot.cameras[camera]
            if (held := deliveries.showing(self.context.catalogue, spot.destination, wanted.name)) is not None
        ]
        newest = max((held.picture for _, held in there if held.at == max(one.at for _, one in there)), default=0)
        copies = [(what, held) for what, held in there if held.picture == newest]
        return Showing(camera, sorted(copies, key=lambda one: -self._width(camera, one[0])))

    def _width(self, camera: str, what: str) -> int:
        size = sizes.of(self.context.catalogue, camera, what)
        return 0 if size is None else size[0]

    def _is_settled(self, spot: Spot) -> bool:
        """Return whether no picture of the page is about to come; else look again, for a while."""
        now = self.context.monotonic()
        since = self._waits.setdefault(spot.key, now)
        remotes = [wanted.name for some in spot.cameras.values() for _, wanted in some]
        if now - since < PATIENCE and any(
            live.is_coming(self.context.catalogue, spot.destination, remote) for remote in remotes
        ):
            self._at = min(self._at, now + BUSY)
            return False
        return True

    def _make(self, spot: Spot, shown: Sequence[Showing]) -> None:
        newest = max((one.newest for one in shown if one.newest is not None), key=lambda one: (one.at, one.id))
        self._last = max(self.context.now_ms(), self._last + 1)
        rendition = f"{spot.page.name}.{self._last}"
        args = {
            "title": spot.page.title,
            "text": spot.page.text or "",
            "language": spot.page.language,
            "zone": self.context.site.site.zone,
            "cameras": [self._camera(spot, one) for one in shown],
            "out": str(self.context.folders.renditions / newest.name.folder),
            "stem": newest.name.stem,
            "rendition": rendition,
        }
        self._making = Job(IMAGES, "page", args, DEADLINE, about=(spot, newest, rendition, _digest(spot, shown)))
        self.context.hands.give(self._making)

    def _camera(self, spot: Spot, shown: Showing) -> Json:
        caption = next((one.caption for one in spot.page.camera if one.name == shown.camera), shown.camera)
        coming = self._timetables[shown.camera].next(self.context.now())
        newest, interval = shown.newest, None if coming is None else int(coming.interval.total_seconds())
        return {
            "name": shown.camera,
            "caption": caption,
            "time": None if newest is None else newest.at,
            "next": None if coming is None else seconds_of(coming.at),
            "interval": interval,
            "pictures": [self._picture(shown.camera, what, held) for what, held in shown.copies],
            "day": None if newest is None else self._day(shown.camera, newest.name.at, interval or CELL),
        }

    def _picture(self, camera: str, what: str, held: Delivery) -> Json:
        width, height = sizes.of(self.context.catalogue, camera, what) or (None, None)
        return {"file": held.remote.rpartition("/")[2], "width": width, "height": height}

    def _day(self, camera: str, at: datetime, interval: int) -> Json | None:
        """Return what the strip of a local day is made of; None where a day has too few pictures for one."""
        midnight = at.astimezone(self.context.zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        begin, end = seconds_of(midnight), seconds_of(midnight + timedelta(days=1))
        cell = max(CELL, interval)
        cells = -(-(end - begin) // cell)
        if cells < CELLS:
            return None
        found = pictures.columns(self.context.catalogue, camera, begin, end, cell)
        return {
            "file": day_strip(camera),
            "begin": begin,
            "cell": cell,
            "cells": cells,
            "n": sum(n for _, n, _ in found),
            "columns": [(number, colors) for number, _, colors in found],
        }

    def _queue(self, made: Sequence[Json], spot: Spot, newest: Delivery, rendition: str, digest: str) -> None:
        """Queue the files that are not there already, the page itself last."""
        catalogue, folder = self.context.catalogue, Path("renditions") / newest.name.folder
        since = self.context.now_ms() - FRESH
        with catalogue.transaction():
            for file in reversed(made):
                path, remote = str(folder / file["name"]), spot.remote(file["file"])
                if live.has_content(catalogue, spot.destination, remote, file["sha256"], since):
                    renditions.leave(catalogue, path)
                    continue
                wanted = NewDelivery(
                    destination=spot.destination,
                    remote=remote,
                    priority=Priority.LIVE,
                    level=spot.level,
                    rendition=f"{rendition}.{file['file'].removesuffix('.jpg')}",
                    required=False,
                )
                deliveries.enqueue(catalogue, newest.picture, [wanted])
                if not deliveries.made(catalogue, newest.picture, wanted.rendition, path, file["size"], file["sha256"]):
                    renditions.leave(catalogue, path)
            states.put(catalogue, spot.key, digest)
        self._waits.pop(spot.key, None)
        self.on_made({spot.destination})


def _order(name: str, named: Sequence[str]) -> int:
    return named.index(name) if name in named else len(named)


def _digest(spot: Spot, shown: Sequence[Showing]) -> str:
    """Return what a page tells, in a word: it is made anew when that is another one, or when the program is."""
    told = [(one.camera, [(held.remote, str(held.name), held.size) for _, held in one.copies]) for one in shown]
    text = json.dumps([told, repr(spot.page), PROGRAM])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
