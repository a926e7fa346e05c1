"""Retention: the plan is made again and again, carried out in small steps, and every deletion is proven first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.catalogue import buffer, pictures, states
from core.catalogue.store import Catalogue
from core.intake.entries import DeletionEntry
from core.node.context import Context
from core.node.keeping.outlook import ANNOUNCED, Outlook, leaving_next, look, sample
from core.node.pictures.tidying import Tidying
from core.node.writing import Writer
from core.retention.apply import AT_MOST, Applied, apply, finish
from core.retention.model import Candidate, Deletion, Space
from core.retention.plan import LISTED
from core.values import PictureName, milliseconds_of

SOON = 1.0  # seconds when a plan could not be carried out in one step
LEAVING = "retention/leaving"
THINNINGS = 100  # of late that are remembered


@dataclass
class Retaining:
    """Keeps the buffer from filling up. `on_stop` hears why capture must stop, or None when it may go on."""

    context: Context
    writer: Writer
    write_receipts: Callable[[], None]
    on_stop: Callable[[str | None], None]
    last: Outlook | None = None
    _tidying: Tidying = field(init=False)
    _thinned: list[tuple[float, int]] = field(default_factory=list)  # (monotonic, unproven pictures that left)
    _at: float = 0.0

    def __post_init__(self) -> None:
        self._tidying = Tidying(self.context)

    def begin(self) -> None:
        """Repeat what a stop cut short between the commit of deletions and their files."""
        self._finish()
        self._tidying.begin()

    def _finish(self) -> None:
        finish(self.context.keeper.remove, self)

    def look(self) -> None:
        """Plan again soon: something came or went."""
        self._at = min(self._at, self.context.monotonic() + self.context.pace.plan_soon)
        self._tidying.look()

    def tick(self) -> None:
        """Plan and carry out when it is time; raise StorageError or CatalogueError.

        Renditions that nothing waits for go first: no picture leaves to make room for them.
        """
        self._tidying.tick()
        if self.context.monotonic() < self._at:
            return
        self._at = self.context.monotonic() + self.context.pace.plan
        sample(self.context.catalogue, self.context.now())
        if self.carry_out().left:
            self._tidying.look()
            self._at = self.context.monotonic() + SOON

    def wake(self) -> float:
        """Return the monotonic time of the next plan."""
        return min(self._at, self._tidying.wake())

    def plan(self, most: int = LISTED) -> Outlook:
        """Return what would leave now, of which `most` pictures are listed; nothing is changed.

        All that may be listed is for an operator, who is also shown what would leave on their word.
        """
        context, room = self.context, self.context.keeper.free()
        space, trusted, propose = Space(room.free, room.total), context.trust.trusted, most == LISTED
        return look(context.catalogue, context.site, context.node, space, context.now(), trusted, most, propose=propose)

    def thinned(self, within: float) -> int:
        """Return how many unproven pictures left within the last so many seconds."""
        since = self.context.monotonic() - within
        return sum(count for at, count in self._thinned if at >= since)

    def leaving_next(self) -> list[int]:
        """Return the proven pictures whose files leave next: their copies are looked at before."""
        context, room = self.context, self.context.keeper.free()
        space = Space(room.free, room.total)
        return leaving_next(context.catalogue, context.site, context.node, space, context.now())

    def carry_out(self) -> Applied:
        """Make the plan of now and do its first step; raise StorageError or CatalogueError."""
        self.writer.finish()  # deletions that were written half are done before others are chosen
        self._finish()
        before, self.last = self.last, self.plan(AT_MOST)
        made, node = self.last.plan, self.context.node.name
        self._announce(self.last)
        self.on_stop("the buffer is full" if made.stop_capture else None)
        if made.refused is not None and (before is None or before.plan.refused != made.refused):
            self.context.tell("retention held", node, made.refused)
        done = apply(made, self.context.keeper.remove, self, self.context.now())
        if done.lost:
            self._thinned = [*self._thinned, (self.context.monotonic(), done.lost)][-THINNINGS:]
        if done.gone:
            self.context.tell("retention", node, f"{len(done.gone)} pictures left, {done.lost} of them unproven")
        return done

    def _announce(self, outlook: Outlook) -> None:
        """Keep, and tell, that unproven pictures will be lost a week from now; or that they will not."""
        catalogue, node = self.context.catalogue, self.context.node.name
        if outlook.plan.announce:
            states.put(catalogue, ANNOUNCED, self.context.now_ms())
            text = f"unproven pictures will be thinned from 7 days on: {outlook.forecast.sentence}"
            self.context.tell("loss announced", node, text)
        elif outlook.plan.withdraw:
            states.forget(catalogue, ANNOUNCED)
            self.context.tell("loss averted", node, "the announced loss of unproven pictures is withdrawn")

    # What core.retention.apply asks of day books and catalogue.

    def sync_receipts(self) -> None:
        """Make every receipt durable; raise StorageError."""
        self.write_receipts()
        self.context.keeper.sync()

    def write_deletions(self, deletions: Sequence[Deletion], at: datetime) -> None:
        """Write and sync the lines of what is to leave, and mark the pictures in one transaction."""
        self.writer.write([_line(deletion, at) for deletion in deletions], lambda: self._mark(deletions, at))

    def _mark(self, deletions: Sequence[Deletion], at: datetime) -> None:
        catalogue = self.context.catalogue
        for candidate, why in deletions:
            buffer.mark_gone(catalogue, candidate.picture, milliseconds_of(at), why.value, _copies(candidate))
        leaving = [[candidate.picture, candidate.name] for candidate, _ in deletions]
        states.put(catalogue, LEAVING, [*states.get(catalogue, LEAVING, []), *leaving])

    def leaving(self) -> Iterable[tuple[int, str]]:
        """Return what was committed as leaving and may still be on the disk."""
        return [(number, name) for number, name in states.get(self.context.catalogue, LEAVING, [])]

    def commit_gone(self, pictures: Sequence[int]) -> None:
        """Note that these files are gone."""
        gone = set(pictures)
        left = [[number, name] for number, name in self.leaving() if number not in gone]
        states.put(self.context.catalogue, LEAVING, left)


def expect_removal(catalogue: Catalogue, names: Iterable[str]) -> None:
    """Note that the files of these deleted pictures may still be there: a stop came between line and commit."""
    found = [(name, pictures.by_name(catalogue, PictureName.parse(name))) for name in names]
    leaving = [[picture.id, name] for name, picture in found if picture is not None and picture.gone]
    if leaving:
        states.put(catalogue, LEAVING, [*states.get(catalogue, LEAVING, []), *leaving])


def _copies(candidate: Candidate) -> list[str]:
    return [f"{destination} ({level})" for destination, level in candidate.copies]


def _line(deletion: Deletion, at: datetime) -> DeletionEntry:
    name = PictureName.parse(deletion.candidate.name)
    return DeletionEntry(
        name=name, at=milliseconds_of(at), why=deletion.why.value, copies=tuple(_copies(deletion.candidate))
    )
