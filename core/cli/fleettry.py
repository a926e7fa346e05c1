"""`overlapse fleet try`: a fleet on this machine, to look at and to break."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType

from core.cli.ending import called
from core.clock import SystemClock
from core.coordination.base import CoordinationError
from core.coordination.credentials import Credentials
from core.coordination.founding import found, raise_epoch, state
from core.coordination.nats import NatsCoordination
from core.coordination.rights import OPERATOR, user_of
from core.simulate.voting import VOTERS, Unit, Voting, read_site, units_of, write_site
from core.site.engine import voters_of
from core.site.model.file import SiteFile

LOOK = 1.0  # seconds between two looks at who leads
FOUNDING = 60.0  # seconds that voters have to agree on who leads
Tell = Callable[[str], None]


def run_fleet(folder: Path, units: int, seconds: float | None, tell: Tell) -> None:
    """Run voters and units until SIGINT, SIGTERM or so many seconds; raise CoordinationUnavailable, OSError."""
    clock, said = SystemClock(), SimpleQueue[str | None]()
    file = write_site(folder, units)
    site, program = read_site(file), shlex.quote(called(sys.argv[0]))
    with _interruptible(said), ExitStack() as whole:
        voting = whole.enter_context(Voting(folder, site))
        for name, process in voting.running.items():
            tell(f"{name}: process {process.pid}, log in {folder / name}.log")
        operator = _operator(folder, site, clock)
        whole.callback(operator.close)
        tell(f"the voters agree; epoch {_founded(operator, clock)}")
        for node in units_of(site):
            whole.callback(Unit(site, folder, node, clock, said.put).close)
        tell(f"{VOTERS} voters, {len(site.node)} nodes. Ctrl-C ends it. Meanwhile, in another window:")
        tell(f"  {program} fleet show --site {shlex.quote(str(file))} --node hub")
        tell(f"  kill -9 {next(iter(voting.running.values())).pid}        one voter dies: nobody should notice")
        _watch(operator, voting, said, None if seconds is None else clock.monotonic() + seconds, tell)


def _operator(folder: Path, site: SiteFile, clock: SystemClock) -> NatsCoordination:
    user = user_of(site.site.name, OPERATOR)
    context = Credentials(folder / "fleet" / "operator", user).context()
    return NatsCoordination(voters_of(site.coordination), context, user, clock)


def _founded(operator: NatsCoordination, clock: SystemClock) -> int:
    """Make the store once the voters have chosen who leads; return the epoch."""
    until = clock.monotonic() + FOUNDING
    while True:
        try:
            found(operator, VOTERS)
            return raise_epoch(operator, 0)
        except CoordinationError:
            if clock.monotonic() > until:
                raise


def _watch(
    operator: NatsCoordination, voting: Voting, said: SimpleQueue[str | None], until: float | None, tell: Tell
) -> None:
    """Tell what happens, until somebody ends it."""
    led, alive = "", set(voting.running)
    while until is None or operator.now() < until:
        try:
            line = said.get(timeout=LOOK)
            if line is None:
                return
            tell(line)
            continue
        except Empty:
            pass
        for name in sorted(alive):
            if voting.running[name].poll() is not None:
                alive.discard(name)
                tell(f"{name}: ended")
        leader = _leader(operator)
        if leader != led:
            tell(f"{leader} leads" if leader else "nobody leads: leases are kept, and none changes hands")
            led = leader


def _leader(operator: NatsCoordination) -> str:
    try:
        return str(((state(operator) or {}).get("cluster") or {}).get("leader") or "")
    except CoordinationError:
        return ""


@contextmanager
def _interruptible(said: SimpleQueue[str | None]) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        said.put(None)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
