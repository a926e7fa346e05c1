"""`overlapse verify --theft DESTINATION`: try with this node's own keys what a thief could do there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from core.child import Child
from core.cli.checking import SECONDS
from core.cli.reconciling import FINER, lay
from core.clock import SystemClock
from core.errors import NoSuchThing
from core.node.sending.station import opening
from core.site.load import Loaded
from core.site.model.places import Destination
from core.text import safe
from core.transfer import drops
from core.units import show_duration

TAKEN_OVER = timedelta(seconds=90)  # within which a server's job of once a minute has run
LOOK = 1.0  # seconds between two looks whether a node has taken in what was left for it
BY_A_JOB = ("sftp", "ftp", "ftps")  # where a job of the server protects what has arrived


@dataclass(frozen=True)
class Tried:
    """What came of it. `left`: the name of what was made for it and is still there."""

    destination: str
    scheme: str
    overwritten: bool
    deleted: bool
    left: str | None
    declared: bool  # as protected, in site.toml

    @property
    def holds(self) -> bool:
        """Whether what has arrived is safe, as far as it can be told from here."""
        return not self.deleted and (not self.overwritten or self.scheme.startswith("s3"))

    def text(self) -> str:
        """Return it for a person."""
        lines = [
            f"{self.destination}: overwrite {'SUCCEEDED' if self.overwritten else 'refused'}, "
            f"delete {'SUCCEEDED' if self.deleted else 'refused'}"
        ]
        if self.holds and self.overwritten:
            lines.append("the first version stays if versioning is on, which this key cannot see: look at the bucket")
        if not self.holds:
            lines.append("who steals this box can do the same to pictures: docs/destinations/theft.md")
        elif not self.declared:
            lines.append("write protected = true for it in site.toml")
        if self.left is not None:
            lines.append(f"{safe(self.left)} stays there; whoever may can delete it")
        return "\n".join(lines)


@dataclass(frozen=True)
class Emptied:
    """Whether the node behind a drop took what was left there. `seconds`: after how long it was gone; None: it was not.

    What stands in a drop can be overwritten, whatever its server allows; what is taken in cannot.
    """

    destination: str
    node: str
    waited: float
    seconds: float | None

    @property
    def holds(self) -> bool:
        """Whether what has arrived is safe."""
        return self.seconds is not None

    def text(self) -> str:
        """Return it for a person."""
        if self.seconds is not None:
            after = show_duration(self.seconds)
            return f"{self.destination}: taken in by {self.node} after {after}, out of reach of this node's keys"
        waited = show_duration(self.waited)
        return (
            f"{self.destination}: {self.node} has not taken in what was left for it, within {waited}: is it running?\n"
            "who steals this box can alter what still stands in the drop, and nothing that was taken in"
        )


def tried(
    loaded: Loaded, node: str, name: str, after: timedelta | None, tell: Callable[[str], None]
) -> Tried | Emptied:
    """Put an object there as `node`, wait `after` (None: as its kind needs), and try.

    Raise NoSuchThing, DestinationError.
    """
    destination = _found(loaded, name)
    child = Child("destination")
    try:
        child.ask("open", opening(destination, loaded.base), SECONDS)
        if destination.node is not None:
            return _left_to_a_node(loaded, node, destination, child, after or TAKEN_OVER)
        return _robbed(destination, child, after, tell)
    finally:
        child.close()


def _robbed(destination: Destination, child: Child, after: timedelta | None, tell: Callable[[str], None]) -> Tried:
    scheme = destination.address.partition(":")[0]
    wait = after if after is not None else TAKEN_OVER if scheme in BY_A_JOB else timedelta(0)
    bait = f"overlapse-theft-{SystemClock().now():%Y%m%dT%H%M%SZ}.txt"
    child.ask("lay", {"name": bait}, SECONDS)
    if wait:
        tell(f"waiting {show_duration(wait)} for the server's job to take it over")
        time.sleep(wait.total_seconds())
    found = child.ask("rob", {"name": bait}, SECONDS)
    left = None if found["deleted"] else bait
    return Tried(destination.name, scheme, found["overwritten"], found["deleted"], left, destination.protected)


def _left_to_a_node(loaded: Loaded, node: str, destination: Destination, child: Child, wait: timedelta) -> Emptied:
    """Leave a batch that says nothing, and look until it is taken in."""
    assert destination.node is not None
    bait, began = drops.lines(loaded.site.site.name, node, time.time_ns() // FINER), time.monotonic()
    lay(child, bait, drops.pack([{"heard": []}]))
    while (passed := time.monotonic() - began) < wait.total_seconds():
        if child.ask("collect", {"names": [], "stat": [bait]}, SECONDS)["missing"]:
            return Emptied(destination.name, destination.node, passed, passed)
        time.sleep(LOOK)
    return Emptied(destination.name, destination.node, passed, None)


def _found(loaded: Loaded, name: str) -> Destination:
    known = {one.name: one for one in loaded.site.destination}
    if name not in known:
        raise NoSuchThing(f"there is no destination {safe(name)}; there are: {', '.join(known) or 'none'}")
    return known[name]
