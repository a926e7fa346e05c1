"""`overlapse capture CAMERA`: one shot now, through the whole path, whether the node runs or not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import click

from core.catalogue import deliveries
from core.cli.elsewhere import elsewhere
from core.cli.ending import Interrupted
from core.cli.options import Selection, json_option, site_options
from core.cli.run import interruptible
from core.cli.sites import read_sites
from core.clock import SystemClock
from core.control.client import ask
from core.errors import AlreadyRunning, NodeUnreachable, OverlapseError, from_wire
from core.node.loop import Event, Loop, Stop
from core.node.part import SitePart
from core.node.start import open_site
from core.site.place import Place
from core.text import safe

ORDER = "by-hand"
SHOT_SECONDS = 300.0  # that a shot may take with all its attempts
DELIVERY_SECONDS = 600.0  # that its deliveries may take
LOOK = 0.3  # seconds

Made = dict[str, Any]


@click.command()
@click.argument("camera")
@site_options
@json_option
def capture(selection: Selection, camera: str, as_json: bool) -> None:
    """Take one shot of CAMERA now, through the whole path; print what it made.

    With --node of another machine that node is ordered to, by the one that runs here; it obeys when it checks in.
    """
    there = elsewhere(selection)
    if there is not None:
        ended = there.carried_out("capture", {"camera": camera})
        shot = {"pictures": ended["result"]["pictures"], "waiting": [], "running": True}
        click.echo(json.dumps(shot) if as_json else _told(shot))
        return
    place = selection.place()
    try:
        order = ask(place.folders.control, "capture", {"camera": camera})["order"]
    except NodeUnreachable as error:
        try:
            made = _alone(place, camera)
        except AlreadyRunning:
            raise error from None  # it holds its data folder and does not answer
    else:
        made = _wait(place, order)
    click.echo(json.dumps(made) if as_json else _told(made))
    if made["waiting"] and not made["running"]:
        raise OverlapseError("it is safe here, but not yet delivered: the next run goes on with it")


def _wait(place: Place, order: str) -> Made:
    """Wait until the running node has kept the shot; raise the error that it ended with."""
    end = time.monotonic() + SHOT_SECONDS
    while time.monotonic() < end:
        for event in ask(place.folders.control, "events", {"limit": 50})["events"]:
            if event["data"].get("order") == order:
                if "error" in event["data"]:
                    raise from_wire(event["data"])
                return {"pictures": event["data"]["pictures"], "waiting": [], "running": True}
        time.sleep(LOOK)
    raise OverlapseError(f"the node has not ended the shot within {SHOT_SECONDS:.0f} s: see `overlapse events`")


def _alone(place: Place, camera: str) -> Made:
    """Be the node for one shot: take it, see it, deliver it, end."""
    queue: SimpleQueue[Event | Stop] = SimpleQueue()
    place, loaded = read_sites([place.file], place.node)[0]
    opened = open_site(place, loaded, SystemClock(), queue, lambda: loaded, listen=False)
    try:
        one = OneShot(opened.part, queue)
        opened.part.desks.shooting.scheduled = False
        opened.part.desks.shooting.capture(camera, ORDER)
        with interruptible(queue):
            Loop(SystemClock(), queue).run([one])
        return one.made()
    finally:
        opened.close()


@dataclass
class OneShot:
    """The site's part, ended as soon as the one shot is home, or cannot get there now."""

    part: SitePart
    queue: SimpleQueue[Event | Stop]
    _pictures: list[str] | None = None
    _error: OverlapseError | None = None
    _waiting: list[str] = field(default_factory=list)
    _end: float = 0.0
    _others: Callable[[str, list[str], OverlapseError | None], None] = lambda order, pictures, error: None

    def __post_init__(self) -> None:
        self._end = self.part.context.monotonic() + SHOT_SECONDS + DELIVERY_SECONDS
        self._others = self.part.desks.shooting.on_order
        self.part.desks.shooting.on_order = self._hear

    def made(self) -> Made:
        """Return what came of it; raise the error that the shot ended with."""
        if self._error is not None:
            raise self._error
        if self._pictures is None:
            raise Interrupted("interrupted before the shot was kept")
        return {"pictures": self._pictures, "waiting": self._waiting, "running": False}

    def handle(self, event: object) -> None:
        """Hand on to the site."""
        self.part.handle(event)

    def tick(self) -> None:
        """Let the site work; see whether it is done."""
        self.part.tick()
        if self._error is not None or (self._pictures is not None and self._is_home()):
            self.queue.put(Stop())

    def wake(self) -> float:
        """Return when to look again."""
        return min(self.part.wake(), self.part.context.monotonic() + LOOK)

    def stop(self) -> None:
        """End in order."""
        self.part.stop()

    def finished(self) -> bool:
        """Return whether nothing is in hand."""
        return self.part.finished()

    def close(self) -> None:
        """Note what is still to be delivered, then let go."""
        self._waiting = [str(one.name) for one in self._open()]
        self.part.close()

    def _hear(self, order: str, pictures: list[str], error: OverlapseError | None) -> None:
        if order != ORDER:  # that of another node
            self._others(order, pictures, error)
            return
        self._pictures, self._error = (pictures, None) if error is None else (None, error)

    def _open(self) -> list[deliveries.Delivery]:
        """Return the deliveries of the new pictures that are not proven."""
        names = set(self._pictures or [])
        places = self.part.desks.delivering.stations
        found = [one for name in places for one in deliveries.queue(self.part.context.catalogue, name, 1000)]
        return [one for one in found if str(one.name) in names]

    def _is_home(self) -> bool:
        """Return whether all is seen and proven, or what is left cannot go now."""
        if not self.part.desks.idle():
            return self.part.context.monotonic() >= self._end
        stuck = {name for name, station in self.part.desks.delivering.stations.items() if station.trouble is not None}
        return all(one.destination in stuck or one.attempts > 0 for one in self._open())


def _told(made: Made) -> str:
    lines = [safe(name) for name in made["pictures"]]
    if made["running"]:
        lines.append("taken by the running node, which delivers it: see `overlapse queue`")
    elif not made["waiting"]:
        lines.append("delivered and proven wherever its routes say")
    return "\n".join(lines)
