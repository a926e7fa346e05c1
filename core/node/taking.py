"""From the spool to the catalogue: what a camera handed over becomes a picture, in the order of promise 1."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.capture.base import Part, Shot
from core.capture.shot import kind_of
from core.catalogue import deliveries, pictures, slots
from core.catalogue.deliveries import NewDelivery, Priority
from core.catalogue.pictures import NewPicture
from core.catalogue.slots import Outcome
from core.intake.durable import keep
from core.intake.entries import Entry as Line
from core.intake.entries import FilledEntry
from core.ledger.outcomes import Entry
from core.node.context import Context
from core.node.record import outcome_line, outcome_row, picture_line, remember
from core.site.model import SiteFile
from core.transfer.base import Level
from core.transfer.routes import Wanted, for_original, for_rendition, recipes_for
from core.values import PictureName, Sha256, seconds_of


@dataclass(frozen=True)
class Taken:
    """What became of the files of one shot."""

    kept: list[PictureName]
    known: list[PictureName]  # the same bytes were here before: not stored twice
    release: list[str]  # the camera's names of all that is safe here


@dataclass
class Taking:
    """Gives spooled files their final names, writes the day book, commits, and says what the camera may forget.

    `on_new` hears of the pictures, and of the destinations that want something of them.
    """

    context: Context
    on_new: Callable[[list[PictureName], set[str]], None]

    def take(self, shot: Shot, entry: Entry | None) -> Taken:
        """Keep a shot with the outcome of its slot (None: it has no slot), and its orphans as extras.

        An orphan whose bytes are here already is not stored twice; a shot is always kept, even if a camera that is
        stuck gives the same picture again.

        When this returns all is durable and catalogued. Raise StorageError or CatalogueError when it could not be;
        the files then stand where the next start finds them.
        """
        slot = seconds_of(entry.at) if entry is not None else None
        index = entry.index if entry is not None else None
        known: list[PictureName] = []
        new = [self._picture(part, slot, index, part.shutter or shot.shutter) for part in shot.parts]
        for part in shot.orphans:
            same = self._same(part.sha256)
            if same is not None:  # a stop came between our commit and the camera's release
                self.context.keeper.discard(part.name)
                known.append(same)
            else:
                new.append(self._picture(part, None, None, part.shutter))
        self._keep(new, [entry] if entry is not None else [])
        return Taken([one.name for one in new], known, [part.source_name for part in (*shot.parts, *shot.orphans)])

    def adopt(self, found: Sequence[Mapping[str, object]], in_spool: bool = True) -> list[PictureName]:
        """Keep whole files {"name", "size", "sha256"} that a stop left; one fills its slot, which was told missed."""
        new, filled = [], []
        for file in found:
            name, sha256 = PictureName.parse(str(file["name"])), Sha256(str(file["sha256"]))
            part = Part(str(name), kind_of(str(name)) or "raw", int(str(file["size"])), sha256, "", None)
            if self._same(sha256) is not None:
                if in_spool:
                    self.context.keeper.discard(part.name)
                continue
            missed = self._missed(name)
            if missed is None:
                new.append(self._picture(part, None, None, None))
            else:
                new.append(self._picture(part, missed.slot, missed.index, None))
                filled.append(FilledEntry(camera=missed.camera, slot=missed.slot, node=missed.node, name=name))
        self._keep(new, [], filled)
        return [one.name for one in new]

    def _missed(self, name: PictureName) -> Outcome | None:
        """Return the outcome of the slot that a picture is named after, if that was told to have no picture."""
        row = slots.get(self.context.catalogue, name.camera, seconds_of(name.at), name.node)
        return row if row is not None and row.outcome in ("missed", "excused") else None

    def record(self, entries: Iterable[Entry]) -> None:
        """Write down outcomes that have no picture; raise StorageError."""
        self._keep([], list(entries))

    def _same(self, sha256: Sha256) -> PictureName | None:
        """Return the picture that has these bytes and is here."""
        return next((one.name for one in pictures.by_sha256(self.context.catalogue, sha256) if not one.gone), None)

    def _picture(self, part: Part, slot: int | None, index: int | None, shutter: float | None) -> NewPicture:
        return NewPicture(
            name=PictureName.parse(part.name),
            slot=slot,
            index=index,
            kind=part.kind,
            size=part.size,
            sha256=part.sha256,
            shutter=None if shutter is None else int(shutter * 1000),
            source_name=part.source_name,
            source_time=None if part.source_time is None else int(part.source_time * 1000),
            trusted=self.context.trust.trusted,
            taken_in=self.context.now_ms(),
        )

    def _keep(self, new: Sequence[NewPicture], entries: Sequence[Entry], filled: Sequence[FilledEntry] = ()) -> None:
        boot, fence = self.context.clock.boot_id(), self.context.fence
        parts = {str(picture.name): picture_line(picture, boot) for picture in new}
        outcomes = [outcome_line(entry, fence) for entry in entries]
        wanted = {picture.name: wanted_by(self.context.site, picture) for picture in new}
        others: list[Line] = [*outcomes, *filled]
        keep(self.context.keeper, parts, others, lambda lengths: self._commit(new, entries, filled, wanted, lengths))
        places = {one.destination for some in wanted.values() for one in some}
        if new:
            self.on_new([picture.name for picture in new], places)

    def _commit(
        self,
        new: Sequence[NewPicture],
        entries: Sequence[Entry],
        filled: Sequence[FilledEntry],
        wanted: Mapping[PictureName, Sequence[NewDelivery]],
        lengths: Mapping[str, int],
    ) -> None:
        catalogue = self.context.catalogue
        with catalogue.transaction():
            for picture in new:
                deliveries.enqueue(catalogue, pictures.insert(catalogue, picture), wanted[picture.name])
            for entry in entries:
                slots.record(catalogue, outcome_row(entry, self.context.fence))
            for one in filled:
                slots.fill(catalogue, one.camera, one.slot, one.node, str(one.name))
            remember(catalogue, lengths)


def wanted_by(site: SiteFile, picture: NewPicture) -> list[NewDelivery]:
    """Return the deliveries that the routes ask for of a picture and its renditions, which wait until they are made."""
    name = picture.name
    asked = for_original(site, name, picture.kind, picture.index)
    camera = next((camera for camera in site.camera if camera.name == name.camera), None)
    if camera is not None:
        for recipe in recipes_for(site, camera, picture.kind, picture.index):
            asked += for_rendition(site, name, recipe, picture.index)
    return [_delivery(one) for one in asked]


def _delivery(wanted: Wanted) -> NewDelivery:
    return NewDelivery(
        destination=wanted.destination,
        remote=wanted.name,
        priority=Priority[wanted.priority.upper()],
        level=int(Level.named(wanted.level)),
        rendition=wanted.recipe,
        required=wanted.required,
    )
