"""Taking in what other nodes deliver: from this node's inbox, or fetched from where they leave it.

A picture goes through the same intake as one of our own cameras. Only when it is durable and catalogued does its
receipt go back, and only then does it leave the drop: from then on it is out of its deliverer's reach.
"""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from core.catalogue import announced, pictures
from core.errors import ConfigurationError, DestinationRefused, ObjectDiffers, ObjectNotFound, OverlapseError
from core.node.between.checkins import CheckIns
from core.node.between.drop import INBOX, SOON, Drop, places, why_not
from core.node.between.givingback import GivingBack
from core.node.between.hearsay import Hearsay
from core.node.between.toll import REST, Toll
from core.node.between.wayback import WayBack
from core.node.context import Context
from core.node.jobs import Asked, Done, Failed, Job, Json, Report, Setting
from core.node.pictures.taking import Received, Taking
from core.node.sending.linking import Linking
from core.node.sending.station import OPENING, opening
from core.node.writing import Writer
from core.site.model.places import Destination
from core.text import safe
from core.transfer import drops
from core.transfer.base import Level
from core.transfer.drops import Found

log = logging.getLogger(__name__)

AT_ONCE = 100  # objects of one look
SETTLE = 50  # pictures after which receipts go back although more wait
SHARE = 10.0  # a place is looked at again after so many times as long as it took
FETCHED = 12.0  # times the pace of an inbox: the longest pause between two looks into a place that is another node's
PATIENCE = 300.0  # seconds that a picture waits for its line, before it is taken in by its name alone
ROOM = 64_000_000  # bytes that are left free: a picture waits in the drop until retention has made room
FORGET = 60 * 86400  # seconds after which the line of a picture that never came is forgotten
WHOLE, QUIET = 6 * 3600.0, 120.0  # seconds for one object, and without a sign of life
UNREADABLE = (DestinationRefused, ObjectDiffers, ObjectNotFound)
TIDY = 86400.0  # seconds between two looks for partial uploads that nobody goes on with
LEFT_ALONE = 600.0  # seconds after which an object that could not be read is tried again
NEVER = float("inf")


@dataclass
class Receiving:
    """Empties the drops of this node, one object after the other from each. `on_lines` hears that there are lines."""

    context: Context
    writer: Writer
    taking: Taking
    linking: Linking
    checkins: CheckIns
    on_laid: Callable[[Iterable[str]], None] = lambda numbers: None  # hears of orders that stand in a drop
    on_report: Callable[[str, Json], None] = lambda node, said: None  # hears what a node reports of an order
    _drops: dict[str, Drop] = field(default_factory=dict)
    _hearsay: Hearsay = field(init=False)
    _back: WayBack = field(init=False)
    _giving: GivingBack = field(init=False)
    _toll: Toll = field(init=False)
    _begun: bool = False
    _stopping: bool = False

    def __post_init__(self) -> None:
        self._giving = GivingBack(self.context, self.linking)
        self._toll = Toll(self.linking)
        self._back = WayBack(self.context, self._give, lambda numbers: self.on_laid(numbers))
        self._hearsay = Hearsay(
            self.context,
            self.writer,
            self.taking,
            self._giving,
            self.checkins,
            self._back.heard_of,
            lambda node, said: self.on_report(node, said),
        )

    @property
    def ways(self) -> WayBack:
        """The ways back to those who deliver here."""
        return self._back

    def apply(self) -> None:
        """Take over the places of the site as it is configured now."""
        known = dict(places(self.context))
        self._drops = {name: self._drops.get(name) or self._drop(name, place) for name, place in known.items()}
        for name, drop in self._drops.items():
            drop.place, drop.look_at = known[name], 0.0
            try:
                described = opening(drop.place, self.context.base)
            except ConfigurationError as error:
                self._troubled(drop, error)
                continue
            self.context.hands.equip(drop.worker, Setting(opening=described, opening_deadline=OPENING))
        self._back.apply(self._drops)
        self._giving.apply(self._drops)
        if not self._drops:
            return
        announced.prune(self.context.catalogue, int(self.context.now().timestamp()) - FORGET)

    def begin(self) -> None:
        """Look from now on: what a stop left in the spool is taken up."""
        self._begun = True

    def _drop(self, name: str, place: Destination) -> Drop:
        pace = self.context.pace.drop
        if name == INBOX:
            return Drop(name, place, "", pace)
        return Drop(name, place, f"{self.context.site.site.name}/", FETCHED * pace)

    def written(self) -> None:
        """Tell deliverers of copies further on, soon."""
        for drop in self._drops.values():
            if drop.tell_at == NEVER:
                drop.tell_at = self.context.monotonic() + SOON

    def tick(self) -> None:
        """Do the next thing at every drop that is free."""
        for drop in self._drops.values():
            if not drop.busy and self._begun and not self._stopping:
                self._next(drop)

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        if self._stopping or not self._begun:
            return NEVER
        free = [one for one in self._drops.values() if not one.busy]
        if any(one.remove or one.receipts or one.asked or one.answers or one.orders for one in free):
            return self.context.monotonic()
        times = (min(one.look_at, one.tell_at, max(self._giving.wake(one), one.rest_until)) for one in free)
        return min(times, default=NEVER)

    def stop(self) -> None:
        """Begin nothing new: what was not taken in stays in the drop."""
        self._stopping = True
        self._giving.stop()
        for drop in self._drops.values():
            self._toll.forget(drop)

    def handle(self, report: Report) -> None:
        """Take in what a worker did of it; raise StorageError or CatalogueError."""
        drop = next((one for one in self._drops.values() if one.job is report.job), None)
        if drop is not None and isinstance(report, Asked):
            self._giving.asked(drop, report)
        if drop is None or not isinstance(report, Done | Failed):
            return
        drop.job = None
        if isinstance(report, Failed):
            self._failed(drop, report)
            return
        self._works(drop)
        self._toll.count(drop, report)
        steps: dict[str, Callable[[Drop, Done], None]] = {
            "look": self._looked,
            "collect": self._hearsay.collected,
            "take": self._taken,
            "settle": self._back.settled,
            "deliver": self._giving.done,
            "tails": self._back.read,
        }
        steps[report.job.op](drop, report)

    # What to do next.

    def _next(self, drop: Drop) -> None:
        now = self.context.monotonic()
        if self.writer.waiting():  # the disk takes nothing now: nothing more is taken in, what is there is found again
            drop.todo.clear()
            drop.look_at = max(drop.look_at, self.writer.wake())
        while drop.todo and not drop.busy and len(drop.remove) < SETTLE:
            self._take_up(drop, drop.todo.popleft())
        if drop.busy:
            return
        if drop.asked:
            self._back.answer_one(drop)
        if drop.remove or drop.receipts or drop.orders or (drop.answers and not drop.asked):
            self._back.settle(drop)
        elif now >= drop.tell_at:
            self._back.tell(drop)
        elif now >= drop.look_at and not self._toll.may_look(drop):
            self._leave(drop)
        elif now >= drop.look_at:
            drop.bad = {name: until for name, until in drop.bad.items() if until > now}
            if len(shut := {prefix: until for prefix, until in drop.shut.items() if until > now}) < len(drop.shut):
                drop.shut, drop.tell_at = shut, now
            args = {
                "site": self.context.site.site.name,
                "prefix": drop.prefix,
                "limit": AT_ONCE,
                "but": [*drop.bad, *drop.keeping],
                "clear": str(self._incoming(drop)) if drop.fresh else None,
                "tidy": now >= drop.tidy_at and self.context.trust.trusted,
            }
            drop.tidy_at = now + TIDY if args["tidy"] else drop.tidy_at
            self._give(drop, "look", args)
        elif now >= drop.rest_until and (job := self._giving.next(drop)) is not None:
            drop.job = job
            self.context.hands.give(job)

    def _give(self, drop: Drop, op: str, args: Json, about: object = None) -> None:
        if op in ("take", "collect"):  # where something came, more may come
            drop.wait, drop.look_at = SOON, min(drop.look_at, self.context.monotonic() + drop.pause)
        drop.job = Job(drop.worker, op, args, WHOLE, QUIET, about)
        self.context.hands.give(drop.job)

    def _incoming(self, drop: Drop) -> object:
        return self.context.folders.data / "incoming" / drop.name

    def _looked(self, drop: Drop, done: Done) -> None:
        site = self.context.site.site.name
        found = [drops.find(site, one["name"], one["size"]) for one in done.result["found"]]
        drop.todo = deque(one for one in found if one is not None and one.prefix not in drop.shut)
        drop.seen = {name: since for name, since in drop.seen.items() if any(one.name == name for one in drop.todo)}
        drop.fresh = False
        self._giving.seen(drop, done.result["back"])
        for name in done.result["tidied"]:
            self.context.tell("partial removed", drop.name, f"{name}: nobody went on with it for 7 days")
        drop.wait, drop.pause = min(2 * drop.wait, drop.longest), max(SOON, SHARE * done.seconds)
        again = SOON if done.result["more"] else max(drop.wait, drop.pause)
        drop.look_at = self.context.monotonic() + again

    # One object.

    def _take_up(self, drop: Drop, found: Found) -> None:
        if found.what == "lines":
            self._give(drop, "collect", {"names": [found.name]}, (found, None))
            return
        refusal = why_not(self.context, found)
        folders, into = self.context.folders, str(found.picture)
        if refusal is not None:
            into = f"{hashlib.sha256(found.name.encode()).hexdigest()[:8]}-{safe(found.base)[-100:].replace('/', '_')}"
        elif self._waits(drop, found) or not self._has_room(drop, found):
            return
        args = {
            "name": found.name,
            "incoming": str(self._incoming(drop)),
            "spool": str(folders.spool if refusal is None else folders.quarantine),
            "into": into,
            "sha256": self._expected(found) if refusal is None else None,
        }
        take = partial(self._give, drop, "take", args, (found, refusal))
        self._toll.ask(drop, found, take, partial(self._leave, drop))

    def _leave(self, drop: Drop) -> None:
        """Come back later to a place whose link lets nothing more through now."""
        drop.todo.clear()
        drop.look_at = self.context.monotonic() + REST

    def _expected(self, found: Found) -> str | None:
        """Return the hash that a picture's line tells of, None when no line came."""
        line = announced.get(self.context.catalogue, found.picture) if found.picture is not None else None
        return None if line is None else str(line["sha256"])

    def _waits(self, drop: Drop, found: Found) -> bool:
        """Return whether a picture came before its line, and that may still come."""
        name, now, catalogue = found.picture, self.context.monotonic(), self.context.catalogue
        if name is None or announced.get(catalogue, name) is not None or pictures.by_name(catalogue, name) is not None:
            return False
        return now < drop.seen.setdefault(found.name, now) + PATIENCE

    def _has_room(self, drop: Drop, found: Found) -> bool:
        """Return whether a picture fits; one that does not waits in the drop until retention has made room."""
        fits = self.context.keeper.free().free >= found.size + ROOM
        if fits == drop.full:
            drop.full = not fits
            if fits:
                self.context.tell("inbox back", drop.name, "there is room again")
            else:
                told = "no room for what is there: it waits until retention makes some"
                self.context.tell("inbox trouble", drop.name, told)
        return fits

    def _taken(self, drop: Drop, done: Done) -> None:
        found, refusal = done.job.about
        if refusal is not None:
            drop.remove.append(found.name)
            if found.picture is not None:
                self._answer(drop, found, {"no": refusal, "final": True})
            self.context.tell("inbox refused", drop.name, f"{found.name}: {refusal}; it is in quarantine")
            return
        size, sha256 = done.result["size"], done.result["sha256"]
        line = announced.get(self.context.catalogue, found.picture)
        marked = str(found.picture) != found.base  # it stands beside another one of its name: so may its line
        if line is not None and not marked and (line["size"], line["sha256"]) != (size, sha256):
            self.context.keeper.set_aside(str(found.picture))
            drop.remove.append(found.name)
            self._answer(drop, found, {"no": "it came with other bytes than its line tells of"})
            self.context.tell("inbox refused", drop.name, f"{found.name}: not the bytes that its line tells of")
            return
        drop.keeping.add(found.name)
        self._back.note_way(drop, found)
        file = {"name": str(found.picture), "size": size, "sha256": sha256}
        self.taking.receive(file, lambda kept: self._kept(drop, found, file, kept))

    def _kept(self, drop: Drop, found: Found, file: Json, kept: Received) -> None:
        """It is durable and catalogued: its receipt may go back."""
        drop.keeping.discard(found.name)
        drop.seen.pop(found.name, None)
        drop.remove.append(found.name)
        if kept.lost:
            told = "it was here before, and had to leave before it was proven elsewhere"
            self._answer(drop, found, {"no": told, "final": True})
            return
        receipt = {"s": file["sha256"], "z": file["size"], "l": int(Level.READ_BACK), "a": self.context.now_ms()}
        self._answer(drop, found, receipt)
        if not kept.known and kept.name != found.picture:
            told = f"another picture has this name; both are kept, this one as {kept.name}"
            self.context.tell("name conflict", str(found.picture), told)

    def _answer(self, drop: Drop, found: Found, receipt: Json) -> None:
        drop.receipts.setdefault(found.prefix, []).append({"n": found.base, **receipt})

    def _failed(self, drop: Drop, report: Failed) -> None:
        """Look again later; an object that cannot be read keeps no other from being taken in."""
        op = report.job.op
        if op == "deliver" and self._giving.failed(drop, report):
            return
        if op in ("take", "collect") and isinstance(report.error, UNREADABLE) and not report.opening:
            name = report.job.about[0].name
            drop.bad[name] = self.context.monotonic() + LEFT_ALONE
            if not isinstance(report.error, ObjectNotFound) and name not in drop.told:
                drop.told.add(name)
                self.context.tell("inbox refused", drop.name, f"{name}: {report.error}; tried again now and then")
            return
        if op == "settle" and isinstance(report.error, DestinationRefused) and not report.opening:
            self._back.shut(drop, report.job.about, report.error, self.context.monotonic() + LEFT_ALONE)
            return
        if op == "settle":
            drop.ends = {}
            drop.todo.clear()  # what is still there is found again, is known, and gets its receipt
        self._troubled(drop, report.error)

    def _troubled(self, drop: Drop, error: OverlapseError) -> None:
        drop.wait = min(max(2 * drop.wait, 10.0), max(drop.longest, 60.0))
        drop.look_at = drop.rest_until = self.context.monotonic() + drop.wait
        drop.tell_at = max(drop.tell_at, drop.look_at)
        if drop.trouble != type(error).__name__:
            self.context.tell("inbox trouble", drop.name, f"{error}; looked at again in {drop.wait:.0f} s")
        drop.trouble = type(error).__name__

    def _works(self, drop: Drop) -> None:
        if drop.trouble is not None:
            self.context.tell("inbox back", drop.name, "pictures are taken in again")
            drop.trouble = None
