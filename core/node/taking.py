"""From the spool to the catalogue: what a camera handed over becomes a picture, in the order of promise 1."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from core.capture.base import Part, Shot
from core.capture.shot import kind_of
from core.catalogue import deliveries, pictures, slots
from core.catalogue.deliveries import NewDelivery, Priority
from core.catalogue.pictures import NewPicture
from core.catalogue.slots import Outcome
from core.errors import StorageError
from core.intake.entries import FilledEntry
from core.ledger.outcomes import Entry
from core.ledger.outcomes import shot as entry_of
from core.node.context import Context
from core.node.record import outcome_line, outcome_row, picture_line
from core.node.writing import Writer
from core.schedule.slots import Slot, Timetable
from core.site.model import SiteFile
from core.transfer.base import Level
from core.transfer.routes import Wanted, for_original, for_rendition, recipes_for
from core.values import PictureName, Sha256, seconds_of

log = logging.getLogger(__name__)

_MOMENT = timedelta(microseconds=1)


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
    writer: Writer
    on_new: Callable[[list[PictureName], set[str]], None]
    _coming: dict[Sha256, PictureName] = field(default_factory=dict)  # not durable yet

    def take(self, shot: Shot, entry: Entry | None, then: Callable[[Taken], None]) -> None:
        """Keep a shot with the outcome of its slot (None: it has no slot), and its orphans as extras.

        An orphan whose bytes are here already is not stored twice; a shot is always kept, even if a camera that is
        stuck gives the same picture again.

        `then` is called when all is durable and catalogued. Raise StorageError or CatalogueError when that cannot be
        now: it is tried again, and a stop before leaves the files where the next start finds them.
        """
        self.writer.attempt(lambda: self._named(shot, entry, then))

    def _named(self, shot: Shot, entry: Entry | None, then: Callable[[Taken], None]) -> Callable[[], None]:
        """Give the files of a shot their names and return what keeps them."""
        slot = seconds_of(entry.at) if entry is not None else None
        index = entry.index if entry is not None else None
        known, orphans, release = self._sort_out(shot.orphans)
        names = self._free_names([*shot.parts, *orphans])
        parts = [(part, self._picture(part, names, slot, index, part.shutter or shot.shutter)) for part in shot.parts]
        parts += [(part, self._picture(part, names, None, None, part.shutter)) for part in orphans]
        release += [part.source_name for part, _ in parts]
        taken = Taken([picture.name for _, picture in parts], known, release)
        return lambda: self._keep(parts, [entry] if entry is not None else [], then=lambda: then(taken))

    def _sort_out(self, orphans: Sequence[Part]) -> tuple[list[PictureName], list[Part], list[str]]:
        """Return which pictures are here already, which orphans are new, and what may be released at once."""
        known: list[PictureName] = []
        new: list[Part] = []
        release: list[str] = []
        for part in orphans:
            same = self._same(part.sha256)
            if same is not None:  # a stop came between our commit and the camera's release
                self._discard(part)
                known.append(same)
                release.append(part.source_name)
            elif part.sha256 in self._coming:  # its own release follows when it is durable
                self._discard(part)
            else:
                new.append(part)
        return known, new, release

    def _discard(self, part: Part) -> None:
        try:
            self.context.keeper.discard(part.name)
        except StorageError as error:  # the next start looks at it again
            log.error("spool file not removed: file=%s error=%s", part.name, error)

    def adopt(self, found: Sequence[Mapping[str, object]], in_spool: bool = True) -> list[PictureName]:
        """Keep whole files {"name", "size", "sha256"} that a stop left, or that no line tells of any more.

        One fills its slot, which was told missed, or gives it its outcome when it has none.
        """
        parts, filled = [], []
        entries: dict[tuple[str, datetime], Entry] = {}
        for file in found:
            name, sha256 = PictureName.parse(str(file["name"])), Sha256(str(file["sha256"]))
            part = Part(str(name), kind_of(str(name)) or "raw", int(str(file["size"])), sha256, "", None)
            if self._same(sha256) is not None:
                if in_spool:
                    self._discard(part)
                continue
            names = self._free_names([part]) if in_spool else {part.name: name}
            row, slot = self._outcome(name), self._slot(name)
            if row is not None and row.outcome in ("missed", "excused"):
                parts.append((part, self._picture(part, names, row.slot, row.index, None)))
                kept = names[part.name]
                filled.append(FilledEntry(camera=row.camera, slot=row.slot, node=row.node, name=kept))
            elif row is None and slot is not None:
                parts.append((part, self._picture(part, names, seconds_of(slot.at), slot.index, None)))
                entry = entry_of(slot, name.camera, name.node, slot.at)
                entries[name.camera, slot.at] = replace(entry, shutter=None)  # nobody knows it any more
            else:
                parts.append((part, self._picture(part, names, None, None, None)))
        self._keep(parts, list(entries.values()), filled)
        return [picture.name for _, picture in parts]

    def _outcome(self, name: PictureName) -> Outcome | None:
        """Return the outcome of the slot that a picture is named after."""
        return slots.get(self.context.catalogue, name.camera, seconds_of(name.at), name.node)

    def _slot(self, name: PictureName) -> Slot | None:
        """Return the slot that a picture is named after; None for an extra, or for a camera that is not known."""
        camera, where = self.context.camera(name.camera), self.context.site.site
        if camera is None:
            return None
        slot = Timetable(camera, where.zone, where.latitude, where.longitude).next(name.at - _MOMENT)
        return slot if slot is not None and slot.at == name.at else None

    def record(self, entries: Iterable[Entry]) -> None:
        """Write down outcomes that have no picture; raise StorageError or CatalogueError: it is tried again."""
        self._keep([], list(entries))

    def _same(self, sha256: Sha256) -> PictureName | None:
        """Return the picture that has these bytes and is here."""
        return next((one.name for one in pictures.by_sha256(self.context.catalogue, sha256) if not one.gone), None)

    def _free_names(self, parts: Sequence[Part]) -> dict[str, PictureName]:
        """Return the final name of each spooled file: its own, or the next number that all of its shot can have."""
        together: dict[str, list[PictureName]] = {}
        for part in parts:
            name = PictureName.parse(part.name)
            together.setdefault(name.stem, []).append(name)
        found: dict[str, PictureName] = {}
        given = set(self._coming.values())
        for names in together.values():
            nth = names[0].nth
            while any(self._is_taken(name.numbered(nth), given) for name in names):
                nth += 1
            found |= {str(name): name.numbered(nth) for name in names}
            given |= set(found.values())
        return found

    def _is_taken(self, name: PictureName, given: set[PictureName]) -> bool:
        return name in given or self.context.keeper.holds(name)

    def _picture(
        self,
        part: Part,
        names: Mapping[str, PictureName],
        slot: int | None,
        index: int | None,
        shutter: float | None,
    ) -> NewPicture:
        return NewPicture(
            name=names[part.name],
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

    def _keep(
        self,
        parts: Sequence[tuple[Part, NewPicture]],
        entries: Sequence[Entry],
        filled: Sequence[FilledEntry] = (),
        then: Callable[[], None] = lambda: None,
    ) -> None:
        boot, fence = self.context.clock.boot_id(), self.context.fence
        new = [picture for _, picture in parts]
        wanted = {picture.name: wanted_by(self.context.site, picture) for picture in new}

        def done() -> None:
            for picture in new:
                self._coming.pop(picture.sha256, None)
            if new:
                places = {one.destination for some in wanted.values() for one in some}
                self.on_new([picture.name for picture in new], places)
            then()

        self._coming |= {picture.sha256: picture.name for picture in new}
        self.writer.write(
            [*(outcome_line(entry, fence) for entry in entries), *filled],
            lambda: self._commit(new, entries, filled, wanted),
            parts={part.name: picture_line(picture, boot) for part, picture in parts},
            then=done,
        )

    def _commit(
        self,
        new: Sequence[NewPicture],
        entries: Sequence[Entry],
        filled: Sequence[FilledEntry],
        wanted: Mapping[PictureName, Sequence[NewDelivery]],
    ) -> None:
        catalogue = self.context.catalogue
        for picture in new:
            deliveries.enqueue(catalogue, pictures.insert(catalogue, picture), wanted[picture.name])
        for entry in entries:
            slots.record(catalogue, outcome_row(entry, self.context.fence))
        for one in filled:
            slots.fill(catalogue, one.camera, one.slot, one.node, str(one.name))


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
        instead=wanted.instead,
    )
