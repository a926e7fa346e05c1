"""Audits: every copy that is relied upon is looked at again, and one that is not there whole is delivered anew.

Within the period that a destination's `audit` names, each copy there is looked at: its size, and the server's own hash
where it gives one; one in `audit_read` is read back whole, on bytes that nobody else wants (the class "audit"). Rounds
begin once an hour: first what an operator asked for and what leaves this node next, then what is due, the longest
unseen first, and one copy at random. A copy that was lost is followed by looks at others: a disk that was replaced by
an empty one is found out within minutes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from core.catalogue import copies, deliveries, pictures, receipts, states
from core.catalogue.deliveries import Delivery, Priority
from core.errors import ObjectDiffers, ObjectNotFound, OverlapseError
from core.intake.entries import DisproofEntry
from core.node.context import Context
from core.node.jobs import Done, Failed, Job, Json, Worker
from core.node.writing import Writer
from core.site.model.places import Destination
from core.text import safe
from core.transfer.base import Level
from core.transfer.receipts import STEP

NEVER = float("inf")
ROUND = 3600.0  # seconds between two rounds at a destination
EARLY = ROUND / 2  # seconds after which a round may begin behind a delivery: its child is connected then
SHARE = 0.8  # of the period after which a copy is due: the rest is for what comes in between
FRESH = 0.1  # of the period: a copy that was seen within it is not looked at before its picture leaves this node
RESTING = timedelta(days=1)  # a copy chosen at random that was seen within it is left alone
BATCH = 500  # looks of one round
SOON = 60.0  # seconds between two rounds when one does not hold all
MORE = 10  # looks that follow a copy that was lost
TOLD = 10  # copies lost in one round that are told one by one
QUIET = 60.0 + STEP / 10_000  # seconds without a sign of life, at 10 kB a second
DISPROOFS = (ObjectNotFound, ObjectDiffers)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a copy, as a job is about it."""

    delivery: Delivery
    read: bool  # whole, whatever the server says of it

    @property
    def priority(self) -> Priority:
        """The class of its bytes."""
        return Priority.AUDIT


@dataclass
class Round:
    """What is being looked at in one destination."""

    at: float  # monotonic: when the next one begins
    early: float  # monotonic: from when on it may begin, when the destination's child is at work anyway
    wanted: deque[Look] = field(default_factory=deque)  # in the order in which they are had
    all_before: int = 0  # milliseconds: an operator wants all that were not seen since
    lost: int = 0  # copies in this round
    read: int = 0  # bytes that the look in hand was granted
    error: str | None = None  # why the last look could not be had


@dataclass
class Auditing:
    """Chooses the copies to look at, and takes back the receipts of those that are lost.

    `on_lost` hears of a destination that something is to be delivered to anew; `leaving` gives the pictures whose files
    leave this node next.
    """

    context: Context
    writer: Writer
    on_lost: Callable[[str], None]
    leaving: Callable[[], Sequence[int]]
    _rounds: dict[str, Round] = field(default_factory=dict)

    def due(self, destination: Destination) -> float:
        """Return the monotonic time at which there is a copy to look at; infinity: never."""
        if destination.node is not None:  # that node empties the place, and says itself what it has
            return NEVER
        found = self._round(destination.name)
        if found.wanted:
            return self.context.monotonic()
        return found.at if destination.audit or found.all_before else NEVER

    def next(self, destination: Destination) -> Job | None:
        """Return the next look at a destination to which nothing is ready to be sent; None when none is due."""
        found = self._round(destination.name)
        if not found.wanted and self.due(destination) < NEVER and self.context.monotonic() >= found.early:
            self._fill(found, destination)
        while found.wanted:
            look = found.wanted.popleft()
            if copies.is_copy(self.context.catalogue, look.delivery.id):
                return _job(destination, look)
        return None

    def want(self, name: str, number: int | None = None) -> int:
        """Look at a copy at once, read back whole, or at all that a destination has; return how many that are."""
        catalogue, found = self.context.catalogue, self._round(name)
        if number is None:
            found.at = found.early = self.context.monotonic()
            found.all_before = self.context.now_ms()
            return copies.count(catalogue, name)
        if not copies.is_copy(catalogue, number):
            return 0
        found.wanted.appendleft(Look(deliveries.get(catalogue, number), read=True))
        return 1

    def handle(self, report: Done | Failed) -> None:
        """Take in what came of a look."""
        delivery: Delivery = report.job.about.delivery
        found = self._round(delivery.destination)
        read, found.read = found.read, 0
        if isinstance(report, Failed) and not isinstance(report.error, DISPROOFS):
            self._count(delivery.destination, read=read)
            self._put_off(delivery.destination, found, report.error)
            return
        found.error = None
        if isinstance(report, Failed):
            self._count(delivery.destination, read=read)
            self.disprove(delivery, report.error)
        elif report.result["level"] is not None:
            with self.context.catalogue.transaction():
                copies.seen(self.context.catalogue, delivery.id, self.context.now_ms())
                self._count(delivery.destination, read=read, looked=1)

    def granted(self, name: str, size: int) -> None:
        """Count the bytes that the look in hand may read back."""
        self._round(name).read += size

    def disprove(self, delivery: Delivery, error: OverlapseError) -> None:
        """Take back the receipt of a copy that was lost, in the day book first; raise StorageError, CatalogueError."""
        kind, text = type(error).__name__, safe(str(error), 300)
        line = DisproofEntry(
            name=delivery.name,
            rendition=delivery.rendition,
            destination=delivery.destination,
            remote=delivery.remote,
            at=self.context.now_ms(),
            error=kind,
            text=text,
        )
        self.writer.write(
            [line],
            lambda: self._take_back(delivery, kind, text),
            then=lambda: self._lost(delivery, text),
        )

    def known(self, destination: Destination) -> Json:
        """Return what the audits of a destination have found so far, for the status document."""
        counts = self._counts(destination.name)
        oldest = copies.oldest_look(self.context.catalogue, destination.name)
        found = {
            "within": destination.audit.total_seconds() or None,
            **{key: counts[key] for key in ("looked", "lost", "read")},
            "last": counts["last"] / 1000 if counts["last"] else None,
            "oldest": None if oldest is None else oldest / 1000,
            "error": self._round(destination.name).error,
        }
        return {key: value for key, value in found.items() if value is not None}

    def _round(self, name: str) -> Round:
        if name not in self._rounds:  # not all destinations at once
            at = self.context.monotonic() + EARLY * (1 + self.context.jitter())
            self._rounds[name] = Round(at, at)
        return self._rounds[name]

    def _fill(self, found: Round, destination: Destination) -> None:
        """Choose what is looked at in this round."""
        if found.lost > TOLD:
            self.context.tell("copy lost", destination.name, f"{found.lost - TOLD} more copies in the same hour")
        due = self._due(found, destination)
        chosen = due if found.all_before else [*self._leaving(destination), *due, *self._at_random(destination)]
        once = {one.id: one for one in chosen}
        found.wanted.extend(Look(one, self._is_read(destination)) for one in once.values())
        found.lost, now = 0, self.context.monotonic()
        if len(due) == BATCH:
            found.at = found.early = now + SOON
        else:
            found.at, found.early, found.all_before = now + ROUND, now + EARLY, 0

    def _due(self, found: Round, destination: Destination) -> list[Delivery]:
        before = found.all_before or self._before(destination.audit * SHARE)
        return copies.longest_unseen(self.context.catalogue, destination.name, before, BATCH)

    def _leaving(self, destination: Destination) -> list[Delivery]:
        before = self._before(destination.audit * FRESH)
        return copies.of_pictures(self.context.catalogue, destination.name, self.leaving(), before)

    def _at_random(self, destination: Destination) -> list[Delivery]:
        before, dice = self._before(RESTING), self.context.jitter()
        return copies.at_random(self.context.catalogue, destination.name, before, dice)

    def _before(self, age: timedelta) -> int:
        return self.context.now_ms() - int(age.total_seconds() * 1000)

    def _is_read(self, destination: Destination) -> bool:
        return destination.audit_read > 0 and self.context.jitter() * destination.audit_read < 1

    def _take_back(self, delivery: Delivery, error: str, text: str) -> None:
        receipts.disprove(self.context.catalogue, delivery.id, error, text)
        self._count(delivery.destination, looked=1, lost=1)

    def _lost(self, delivery: Delivery, text: str) -> None:
        """Tell it, have it delivered anew, and look at others there."""
        catalogue, name = self.context.catalogue, delivery.destination
        found = self._round(name)
        found.lost += 1
        if found.lost <= TOLD:
            self.context.tell("copy lost", str(delivery.name), f"at {name}: {text}; {self._what_now(delivery)}")
        wanted = {look.delivery.id for look in found.wanted}
        others = copies.longest_unseen(catalogue, name, self._before(timedelta(0)), MORE + len(wanted))
        found.wanted.extend(Look(one, read=False) for one in others[:MORE] if one.id not in wanted)
        self.on_lost(name)

    def _what_now(self, delivery: Delivery) -> str:
        catalogue = self.context.catalogue
        if not pictures.by_id(catalogue, delivery.picture).gone:
            return "it is delivered again"
        others = [one for one in receipts.of_picture(catalogue, delivery.picture) if not one.rendition]
        held = ", ".join(f"{one.destination} ({Level(one.level).word})" for one in others)
        return f"it has left this node; other copies: {held or 'none that this node knows of'}"

    def _put_off(self, name: str, found: Round, error: OverlapseError) -> None:
        """Try again an hour later; only what does not pass by itself is an event, and once."""
        found.wanted.clear()
        found.at = found.early = self.context.monotonic() + ROUND
        if not error.transient and found.error != str(error):
            self.context.tell("audit not possible", name, f"{error}; its receipts stand, and nobody can look")
        found.error = safe(str(error), 300)

    def _counts(self, name: str) -> Json:
        counts: Json = states.get(self.context.catalogue, _key(name), {})
        return {"looked": 0, "lost": 0, "read": 0, "last": 0} | counts

    def _count(self, name: str, **more: int) -> None:
        """Add to what is counted of a destination's audits, if that is anything."""
        if any(more.values()):
            counts = self._counts(name)
            counts |= {key: counts[key] + number for key, number in more.items()}
            if "looked" in more:
                counts["last"] = self.context.now_ms()
            states.put(self.context.catalogue, _key(name), counts)


def _job(destination: Destination, look: Look) -> Job:
    delivery = look.delivery
    args = {"name": delivery.remote, "size": delivery.size, "sha256": delivery.sha256, "read": look.read}
    deadline = destination.deadline.total_seconds()
    return Job(Worker("destination", destination.name), "audit", args, deadline, QUIET, look)


def _key(destination: str) -> str:
    """Return under which key the catalogue counts the audits of a destination."""
    return f"audit/{destination}"
