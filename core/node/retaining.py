"""Retention: the plan is made again and again, carried out in small steps, and every deletion is proven first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.catalogue import buffer, pictures, receipts, states
from core.catalogue.pictures import Picture
from core.errors import CatalogueError, StorageError
from core.intake.entries import DeletionEntry
from core.node.context import Context
from core.node.record import remember
from core.retention.apply import Applied, apply, finish
from core.retention.forecast import Buffer, Forecast, forecast
from core.retention.model import Candidate, Deletion, Holdings, Plan, Policy, Space
from core.retention.plan import plan
from core.transfer.base import Level
from core.values import Kind, PictureName, milliseconds_of, utc

EVERY = 60.0  # seconds between two plans when nothing presses
SOON = 1.0  # seconds when a plan could not be carried out in one step
PACE = timedelta(days=7)  # over which the bytes a day are counted
LEAVING, ANNOUNCED, CONFIRMED = "retention/leaving", "retention/announced", "retention/confirmed"


@dataclass
class Retaining:
    """Keeps the buffer from filling up. `on_stop` hears why capture must stop, or None when it may go on."""

    context: Context
    write_receipts: Callable[[], None]
    on_stop: Callable[[str | None], None]
    last: Plan | None = None
    outlook: Forecast | None = None
    _at: float = 0.0

    def begin(self) -> None:
        """Repeat what a stop cut short between the commit of deletions and their files."""
        finish(self._remove, self)

    def look(self) -> None:
        """Plan again at the next tick: something came or went."""
        self._at = min(self._at, self.context.monotonic() + SOON)

    def tick(self) -> None:
        """Plan and carry out when it is time."""
        if self.context.monotonic() < self._at:
            return
        self._at = self.context.monotonic() + EVERY
        try:
            if self.carry_out().left:
                self._at = self.context.monotonic() + SOON
        except (StorageError, CatalogueError) as error:
            self.context.tell("retention trouble", self.context.node.name, str(error))

    def wake(self) -> float:
        """Return the monotonic time of the next plan."""
        return self._at

    def carry_out(self) -> Applied:
        """Make the plan of now and do its first step."""
        made = self.plan()
        self._announce(made)
        self.on_stop("the buffer is full" if made.stop_capture else None)
        if made.refused is not None and (self.last is None or self.last.refused != made.refused):
            self.context.tell("retention held", self.context.node.name, made.refused)
        self.last = made
        done = apply(made, self._remove, self, self, self.context.now())
        if done.gone:
            text = f"{len(done.gone)} pictures left, {done.lost} of them unproven"
            self.context.tell("retention", self.context.node.name, text)
        return done

    def plan(self) -> Plan:
        """Return what would leave now, and renew the outlook; nothing is changed."""
        room, now = self.context.keeper.free(), self.context.now()
        policy = self.context.node.buffer
        self.outlook = outlook_of(self.context, Space(room.free, room.total), now)
        catalogue = self.context.catalogue
        announced = states.get(catalogue, ANNOUNCED)
        return plan(
            (_candidate(self.context, picture) for picture in buffer.proven_oldest_first(catalogue)),
            (_candidate(self.context, picture) for picture in buffer.unproven_oldest_first(catalogue)),
            Policy(policy.keep_free, policy.when_full, policy.keep),
            Space(room.free, room.total),
            now=now,
            clock_trusted=self.context.trust.trusted,
            holdings=_holdings(self.context),
            announced=None if announced is None else utc(announced / 1000),
            forecast=self.outlook,
            confirmed=now.timestamp() * 1000 < (states.get(catalogue, CONFIRMED) or 0),
        )

    def _announce(self, made: Plan) -> None:
        """Keep, and tell, that unproven pictures will be lost a week from now; or that they will not."""
        catalogue, node = self.context.catalogue, self.context.node.name
        if made.announce:
            states.put(catalogue, ANNOUNCED, self.context.now_ms())
            dies = self.outlook.sentence if self.outlook else ""
            self.context.tell("loss announced", node, f"unproven pictures will be thinned in 7 days: {dies}")
        elif made.withdraw:
            states.forget(catalogue, ANNOUNCED)
            self.context.tell("loss averted", node, "the announced loss of unproven pictures is withdrawn")

    def _remove(self, path: str) -> None:
        self.context.keeper.remove(path)

    # What core.retention.apply asks of day books and catalogue.

    def sync_receipts(self) -> None:
        """Make every receipt durable; raise StorageError."""
        self.write_receipts()
        self.context.keeper.sync()

    def write_deletions(self, deletions: Sequence[Deletion], at: datetime) -> None:
        """Write and sync the lines of what is to leave."""
        lengths = self.context.keeper.append([_line(deletion, at) for deletion in deletions])
        with self.context.catalogue.transaction():
            remember(self.context.catalogue, lengths)

    def commit_deletions(self, deletions: Sequence[Deletion], at: datetime) -> None:
        """Mark the pictures as leaving, in one transaction."""
        catalogue = self.context.catalogue
        with catalogue.transaction():
            for candidate, why in deletions:
                buffer.mark_gone(catalogue, candidate.picture, milliseconds_of(at), why.value, _copies(candidate))
            leaving = [[candidate.picture, candidate.name] for candidate, _ in deletions]
            states.put(catalogue, LEAVING, [*states.get(catalogue, LEAVING, []), *leaving])

    def leaving(self) -> Iterable[tuple[int, str]]:
        """Return what was committed as leaving and may still be on the disk."""
        return [(number, name) for number, name in states.get(self.context.catalogue, LEAVING, [])]

    def commit_gone(self, numbers: Sequence[int]) -> None:
        """Note that these files are gone."""
        left = [[number, name] for number, name in self.leaving() if number not in set(numbers)]
        states.put(self.context.catalogue, LEAVING, left)


def outlook_of(context: Context, space: Space, now: datetime) -> Forecast:
    """Return the forecast of the buffer from what the last days brought and proved."""
    held = buffer.tally(context.catalogue)
    proven = sum(one.proven_bytes for one in held)
    present = sum(one.present_bytes for one in held)
    state = Buffer(space.free, context.node.buffer.keep_free, proven, present - proven)
    made, drained = _pace(context, now)
    return forecast(made, drained, state, now, context.node.buffer.when_full)


def _pace(context: Context, now: datetime) -> tuple[dict[tuple[str, Kind], float], dict[tuple[str, Kind], float]]:
    """Return bytes a day that came, and of those that were proven, by camera and kind, over the last days."""
    made: dict[tuple[str, Kind], float] = {}
    drained: dict[tuple[str, Kind], float] = {}
    for camera in context.cameras():
        found = pictures.between(context.catalogue, camera.name, *_span(now))
        if not found:
            continue
        days = max((now.timestamp() - found[0].name.at.timestamp()) / 86400, 1 / 24)
        for picture in found:
            key = (camera.name, picture.kind)
            made[key] = made.get(key, 0.0) + picture.size / days
            drained[key] = drained.get(key, 0.0) + (picture.size / days if picture.proven else 0.0)
    return made, drained


def _span(now: datetime) -> tuple[int, int]:
    return int((now - PACE).timestamp()), int(now.timestamp()) + 1


def _holdings(context: Context) -> Holdings:
    held = buffer.tally(context.catalogue)
    newest = [picture.name.at for camera in context.cameras() if (picture := _newest(context, camera.name))]
    return Holdings(sum(one.present for one in held), sum(one.present_bytes for one in held), max(newest, default=None))


def _newest(context: Context, camera: str) -> Picture | None:
    return pictures.newest(context.catalogue, camera)


def _candidate(context: Context, picture: Picture) -> Candidate:
    return Candidate(
        picture=picture.id,
        name=str(picture.name),
        camera=picture.name.camera,
        at=picture.name.at,
        index=picture.index,
        kind=picture.kind,
        size=picture.size,
        proven=picture.proven,
        copies=tuple(_receipts(context, picture.id)),
    )


def _receipts(context: Context, picture: int) -> Iterator[tuple[str, str]]:
    for receipt in receipts.of_picture(context.catalogue, picture):
        if not receipt.rendition:
            yield receipt.destination, Level(receipt.level).word


def _copies(candidate: Candidate) -> list[str]:
    return [f"{destination} ({level})" for destination, level in candidate.copies]


def _line(deletion: Deletion, at: datetime) -> DeletionEntry:
    name = PictureName.parse(deletion.candidate.name)
    return DeletionEntry(
        name=name, at=milliseconds_of(at), why=deletion.why.value, copies=tuple(_copies(deletion.candidate))
    )
