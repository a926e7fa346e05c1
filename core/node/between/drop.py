"""The places that this node empties, and what in them may be taken in at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.node.context import Context
from core.node.jobs import Job, Json, Worker
from core.site.at import driver_of, fetched_place, used_at
from core.site.model.places import Destination
from core.transfer.drops import Found

INBOX = "inbox"
SOON = 1.0  # seconds
AHEAD = 2 * 86400  # seconds that a node's clock may be behind that of another


@dataclass
class Drop:
    """One place that this node empties."""

    name: str
    place: Destination
    prefix: str  # of what is looked at
    longest: float  # seconds between two looks
    job: Job | None = None
    asking: bool = False  # whether an object waits for the bytes of its link
    look_at: float = 0.0  # monotonic
    wait: float = SOON
    pause: float = SOON  # seconds between two looks at least: a thin link is for pictures
    rest_until: float = 0.0  # monotonic: it is in trouble
    tell_at: float = 0.0  # monotonic: when copies further on are told
    fresh: bool = True  # not looked at since the start
    tidy_at: float = 0.0  # monotonic: when old partial uploads are removed
    todo: deque[Found] = field(default_factory=deque)
    seen: dict[str, float] = field(default_factory=dict)  # pictures that wait for their line, since when (monotonic)
    bad: dict[str, float] = field(default_factory=dict)  # what could not be read, until when it is left alone
    shut: dict[str, float] = field(default_factory=dict)  # deliverers' folders that take nothing, as `bad`
    told: set[str] = field(default_factory=set)  # those of both that were told
    keeping: set[str] = field(default_factory=set)  # taken, and not durable yet
    receipts: dict[str, list[Json]] = field(default_factory=dict)  # by deliverer's folder
    asked: deque[tuple[str, Json]] = field(default_factory=deque)  # (deliverer's folder, question)
    answers: dict[str, list[Json]] = field(default_factory=dict)
    orders: list[tuple[str, str, Json]] = field(default_factory=list)  # (deliverer's folder, number, order)
    remove: list[str] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)
    trouble: str | None = None
    full: bool = False  # the buffer has no room for what stands there

    @property
    def busy(self) -> bool:
        """Whether something is done with it, or is about to be."""
        return self.job is not None or self.asking

    @property
    def worker(self) -> Worker:
        """Its child."""
        return Worker("drop", self.name)


def why_not(context: Context, found: Found) -> str | None:
    """Return why an object is not taken in as a picture, None: it is."""
    name, site = found.picture, context.site
    if found.what != "picture" or name is None:
        return "it is no picture of ours"
    if not any(one.name == name.camera for one in site.camera):
        return f"the site has no camera {name.camera}"
    if not any(one.name == name.node for one in site.node) or name.node == context.node.name:
        return f"no other node of the site is called {name.node}"
    if not may_speak(context, found.prefix, name.node):
        return f"{found.prefix} delivers no pictures of {name.node}"
    if name.at.timestamp() > context.now().timestamp() + AHEAD:
        return "its time is still to come"
    return None if found.size > 0 else "it is empty"


def may_speak(context: Context, prefix: str, node: str) -> bool:
    """Return whether a deliverer may speak of what a node shot: the folder of a unit is that unit's alone."""
    owner = prefix.partition("/")[0]
    units = {one.name for one in context.site.node if one.kind == "unit"}
    return owner not in units or owner == node


def may_have(context: Context, drop: Drop, prefix: str, camera: str, node: str) -> bool:
    """Return whether who delivers into a folder of a drop may have what `node` shot with `camera` given back.

    A unit has what it shot, and what others shot with a camera that it drives; no other unit's pictures. A node that
    is no unit handed them on itself. A folder in an inbox is its node's; where there are no such folders, all units
    that deliver there count as one, since each sees what stands there. A folder of nobody's gets nothing.
    """
    site, owner = context.site, prefix.partition("/")[0]
    if owner:
        named = [one for one in site.node if one.name == owner and one.name != context.node.name]
    else:
        ways = {one.name for one in site.destination if one.node == context.node.name}
        ways &= {drop.name} if drop.name != INBOX else ways
        named = [one for one in site.node if one.name != context.node.name and ways & used_at(site, one.name)]
    units = {one.name for one in named if one.kind == "unit"}
    known = any(one.name == camera for one in site.camera)
    return bool(named) and (not units or node in units or (known and driver_of(site, camera) in units))


def places(context: Context) -> Iterable[tuple[str, Destination]]:
    """Yield the places that this node empties: its inbox, and those that it fetches from."""
    if context.node.inbox is not None:
        yield INBOX, Destination(name=INBOX, address=f"folder:{context.base / context.node.inbox}")
    for one in context.site.destination:
        if one.node == context.node.name and one.fetch is not None:
            yield one.name, fetched_place(one)
