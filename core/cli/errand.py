"""Have a node do what takes long, whether it runs or not, and tell how far it has come until it has ended."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import Any

import click

from core.cli.ending import Interrupted
from core.cli.progress import progress
from core.cli.run import interruptible
from core.cli.sites import read_sites
from core.clock import SystemClock
from core.control.client import ask
from core.control.verbs import VERBS
from core.errors import AlreadyRunning, NodeUnreachable, OverlapseError, from_wire
from core.node.loop import Event, Loop, Stop
from core.node.part import SitePart
from core.node.start import open_site
from core.site.place import Place

LOOK = 0.3  # seconds between two looks at a running node
AWAY = 60.0  # seconds for which a running node may not answer: it is started again

Json = dict[str, Any]
Tell = Callable[[Json], str]


@dataclass(frozen=True)
class Wish:
    """What a command wants done.

    `line`: how its progress is told on one line; `plan`, `text`: what would be done, and what was, for a person.
    `question`: what a person is asked before; `undone`: what is told when the answer is no.
    """

    verb: str
    args: Json
    line: Tell
    plan: Tell
    text: Tell
    question: str
    undone: str


def carry_out(place: Place, wish: Wish, *, as_json: bool, dry_run: bool, yes: bool) -> None:
    """Ask a person, have it done, and print what came of it; with `dry_run` what would be done.

    Raise BadRequest for what the running node would refuse, too, and the error with which it ended.
    """
    VERBS[wish.verb].parse(wish.args)
    if dry_run:
        wish = _looked_at(wish)
    elif not as_json and not confirmed(place, wish, yes):
        click.echo(wish.undone)
        return
    try:
        state = done(place, wish, as_json)
    except Ended as ended:
        click.echo(json.dumps(ended.state) if as_json else wish.text(ended.state))
        raise
    click.echo(json.dumps(state) if as_json else wish.plan(state) if dry_run else wish.text(state))


def _looked_at(wish: Wish) -> Wish:
    return replace(wish, args={**wish.args, "dry_run": True})


def done(place: Place, wish: Wish, quiet: bool) -> Json:
    """Have it done and return the last state; raise the error that it ended with, or Interrupted.

    A node that runs does it, and goes on with it when this is interrupted; else this is the node meanwhile. `quiet`:
    tell of no progress.
    """
    try:
        order = ask(place.folders.control, wish.verb, wish.args)
    except NodeUnreachable as error:
        try:
            state = _alone(place, wish, quiet)
        except AlreadyRunning:
            raise error from None  # it holds its data folder and does not answer
    else:
        state = _followed(place, wish, order["order"], quiet)
    if state.get("error") is not None:
        raise Ended(state)
    return state


class Ended(OverlapseError):
    """It ended before its work was done; `state` tells how far it had come."""

    def __init__(self, state: Json) -> None:
        self.state = state
        error = from_wire(state["error"])
        self.exit_status = error.exit_status  # type: ignore[misc]
        super().__init__(str(error))


def confirmed(place: Place, wish: Wish, yes: bool) -> bool:
    """Show a person what would be done, and return whether to do it; where nobody can be asked, it is done."""
    if yes or sys.stdin is None or not sys.stdin.isatty():
        return True
    click.echo(wish.plan(done(place, _looked_at(wish), quiet=False)))
    return click.confirm(wish.question)


def _followed(place: Place, wish: Wish, order: str, quiet: bool) -> Json:
    """Tell of the running node's errand until it has ended."""
    seen, planned = time.monotonic(), quiet
    with progress() as tell:
        try:
            while True:
                try:
                    state = ask(place.folders.control, "errand", {})
                    seen = time.monotonic()
                except NodeUnreachable:
                    if time.monotonic() - seen > AWAY:
                        raise
                    state = {}
                if state and state["order"] != order:
                    raise OverlapseError("the node does something else by now: see `overlapse events`")
                if state and not quiet:
                    planned = _tell(wish, state, planned, tell)
                if state.get("ended"):
                    break
                time.sleep(LOOK)
        except KeyboardInterrupt:
            raise Interrupted(f"the node goes on with it by itself; `overlapse {wish.verb} --stop` ends it") from None
    if state["stopped"] and state["error"] is None:
        raise Interrupted(f"it was stopped; the same command goes on with it: {wish.line(state)}")
    return state


def _tell(wish: Wish, state: Json, planned: bool, tell: Callable[[str], None]) -> bool:
    """Tell the plan once, on lines of its own, and then the progress; return whether the plan was told."""
    if state["error"] is not None:  # told at the end; before that there was no plan
        return planned
    if not planned and state["phase"] != "survey" and not wish.args.get("dry_run"):
        click.echo(wish.plan(state), err=True)
        planned = True
    tell(wish.line(state))
    return planned


def _alone(place: Place, wish: Wish, quiet: bool) -> Json:
    """Be the node until it is done: take in, look; deliver nothing, the next run does."""
    queue: SimpleQueue[Event | Stop] = SimpleQueue()
    place, loaded = read_sites([place.file], place.node)[0]
    opened = open_site(place, loaded, SystemClock(), queue, lambda: loaded, listen=False)
    try:
        part = opened.part
        part.desks.shooting.scheduled = False
        part.desks.delivering.stop()
        part.desks.errands.order(wish.verb, wish.args, "the command line", remember=False)
        with progress() as tell:
            one = OneErrand(part, queue, wish, tell, quiet)
            with interruptible(queue):
                Loop(SystemClock(), queue).run([one])
        state = part.desks.errands.state()
    finally:
        opened.close()
    if not one.is_done:
        raise Interrupted(f"interrupted; the same command goes on with it: {wish.line(state)}")
    return state


@dataclass
class OneErrand:
    """The site's part, ended as soon as its one errand has."""

    part: SitePart
    queue: SimpleQueue[Event | Stop]
    wish: Wish
    show: Callable[[str], None]
    quiet: bool
    is_done: bool = False
    _planned: bool = field(default=False)

    def handle(self, event: object) -> None:
        """Hand on to the site."""
        self.part.handle(event)

    def tick(self) -> None:
        """Let the site work; see whether it is done."""
        self.part.tick()
        if not self.quiet:
            state = self.part.desks.errands.state()
            self._planned = _tell(self.wish, state, self._planned, self.show)
        if self.part.desks.errands.idle() and not self.is_done:
            self.is_done = True
            self.queue.put(Stop())

    def wake(self) -> float:
        """Return when to look again."""
        return min(self.part.wake(), self.part.context.monotonic() + 1.0)

    def stop(self) -> None:
        """End in order."""
        self.part.stop()

    def finished(self) -> bool:
        """Return whether nothing is in hand."""
        return self.part.finished()

    def close(self) -> None:
        """Let go."""
        self.part.close()
