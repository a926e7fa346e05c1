"""`overlapse run`: the node, in the foreground, until SIGTERM."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
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
    sites, systemd = selection.load_all(), Systemd()
    while _run(sites, systemd):
        log.info("starting again")
        try:
            sites = selection.load_all()
        except ConfigurationError as error:
            log.error("the site files as they were are used again: %s", error)


def _run(sites: Sequence[tuple[Place, Loaded]], systemd: Systemd) -> bool:
    """Run the node until it is to end; return whether it is to run again."""
    queue: SimpleQueue[Event | Stop] = SimpleQueue()
    opened: list[Opened] = []
    try:
        for place, loaded in sites:
            told = _telling(systemd, loaded)
            opened.append(open_site(place, loaded, SystemClock(), queue, _reread(place), progress=told))
            opened[-1].part.desks.errands.resume()
        with interruptible(queue, [one.part for one in opened]):
            return _loop(queue, opened, systemd)
    finally:
        for one in reversed(opened):
            one.close()


def _loop(queue: SimpleQueue[Event | Stop], opened: Sequence[Opened], systemd: Systemd) -> bool:
    interval = systemd.watchdog_interval()
    loop = Loop(SystemClock(), queue, systemd.alive, min(LONGEST_SLEEP, interval or LONGEST_SLEEP))
    names = ",".join(one.part.context.site.site.name for one in opened)
    systemd.ready()
    systemd.status(f"running: {names}")
    log.info("running: sites=%s", names)
    again = loop.run([one.part for one in opened])
    if not again:  # systemd kills what does not end after it said so
        systemd.stopping()
    log.info("stopped")
    return again


def _telling(systemd: Systemd, loaded: Loaded) -> Callable[[str], object]:
    """Return what tells systemd how far the start of a site is."""
    return lambda text: systemd.starting(f"{loaded.site.site.name}: {text}")


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
