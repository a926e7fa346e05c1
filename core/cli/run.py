"""`overlapse run`: the node, in the foreground, until SIGTERM."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

import click

from core.cli.options import Selection, site_options
from core.cli.sites import read_sites
from core.clock import SystemClock
from core.errors import ConfigurationError
from core.node.loop import LONGEST_SLEEP, Event, Loop, Stop
from core.node.part import SitePart
from core.node.reload import Reload
from core.node.start import Opened, Reread, open_site
from core.node.systemd import Systemd
from core.site.load import Loaded
from core.site.place import Place

log = logging.getLogger(__name__)


@click.command()
@site_options
@click.option("-v", "--verbose", is_flag=True, help="Log the conversation, too.")
def run(selection: Selection, verbose: bool) -> None:
    """Run the node, in the foreground, until SIGTERM."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    sites = selection.load_all()
    while _run(sites):
        log.info("starting again")
        try:
            sites = selection.load_all()
        except ConfigurationError as error:
            log.error("the site files as they were are used again: %s", error)


def _run(sites: Sequence[tuple[Place, Loaded]]) -> bool:
    """Run the node until it is to end; return whether it is to run again."""
    queue: SimpleQueue[Event | Stop] = SimpleQueue()
    opened: list[Opened] = []
    try:
        for place, loaded in sites:
            opened.append(open_site(place, loaded, SystemClock(), queue, _reread(place)))
        with interruptible(queue, [one.part for one in opened]):
            return _loop(queue, opened)
    finally:
        for one in reversed(opened):
            one.close()


def _loop(queue: SimpleQueue[Event | Stop], opened: Sequence[Opened]) -> bool:
    systemd = Systemd()
    interval = systemd.watchdog_interval()
    loop = Loop(SystemClock(), queue, systemd.alive, min(LONGEST_SLEEP, interval or LONGEST_SLEEP))
    systemd.ready()
    log.info("running: sites=%s", ",".join(one.part.context.site.site.name for one in opened))
    again = loop.run([one.part for one in opened])
    systemd.stopping()
    log.info("stopped")
    return again


def _reread(place: Place) -> Reread:
    def reread() -> Loaded:
        return read_sites([place.file], place.node)[0][1]

    return reread


@contextmanager
def interruptible(queue: SimpleQueue[Event | Stop], parts: Sequence[SitePart] = ()) -> Iterator[None]:
    """End in order on SIGTERM and SIGINT, read the site files again on SIGHUP."""

    def stop(number: int, frame: FrameType | None) -> None:
        queue.put(Stop())

    def reload(number: int, frame: FrameType | None) -> None:
        for part in parts:
            queue.put(Event(part, Reload()))

    handlers = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: reload}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
