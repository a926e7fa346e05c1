"""From the spool to the catalogue: what a camera handed over becomes a picture, in the order of promise 1."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.capture.base import Part, Shot
from core.capture.shot import kind_of
from core.catalogue import announced, buffer, deliveries, pictures, slots
from core.catalogue.deliveries import NewDelivery, Priority
from core.catalogue.pictures import NewPicture, Picture
from core.errors import StorageError
from core.intake.entries import Entry as BookEntry
from core.intake.entries import FilledEntry, PictureEntry, from_json
from core.ledger.outcomes import Entry
from core.node.context import Context
from core.node.pictures.placing import Placing
from core.node.record import outcome_line, outcome_row, picture_line, picture_of
from core.node.writing import Writer
from core.site.model.file import SiteFile
from core.transfer.base import Level
from core.transfer.routes import Wanted, for_original, for_rendition, for_sidecar, origin_of, recipes_for
from core.values import Fence, PictureName, Sha256, seconds_of

log = logging.getLogger(__name__)

Wants = Callable[[SiteFile, NewPicture, str], list[NewDelivery]]  # what is to be delivered, at the node of that name


@dataclass(frozen=True)
class Taken:
    """What became of the files of one shot."""

    kept: list[PictureName]
    known: list[PictureName]  # the same bytes were here before: not stored twice
    release: list[str]  # the camera's names of all that is safe here


@dataclass(frozen=True)
class Received:
    """What became of a picture that another node delivered. `lost`: it was known, and thinned before it was proven."""

    name: PictureName
    known: bool = False
    lost: bool = False


@dataclass
class _Found:
    """Files that come without their shot."""

    parts: list[tuple[str, NewPicture]] = field(default_factory=list)
    entries: dict[tuple[str, datetime, str], Entry] = field(default_factory=dict)
    filled: list[FilledEntry] = field(default_factory=list)


@dataclass(frozen=True)
class More:
    """What is otherwise with pictures that do not come straight from a camera.

    `lines` go into the day books after theirs, and `commit` into the catalogue in the same transaction; `line` may
    change what a picture's line says, and `wants` takes the place of the routes.
    """

    lines: Sequence[BookEntry] = ()
    commit: Callable[[], None] = lambda: None
    line: Callable[[PictureEntry], PictureEntry] = lambda line: line
    wants: Wants | None = None


@dataclass
class Taking:
    """Gives spooled files their final names, writes the day book, commits, and says what the camera may forget.

    `on_new` hears of the pictures, and of the destinations that want something of them.
    """

    context: Context
    writer: Writer
    on_new: Callable[[list[PictureName], set[str]], None]
    _coming: dict[Sha256, PictureName] = field(default_factory=dict)  # not durable yet

    def take(self, shot: Shot, entry: Entry | None, then: Callable[[Taken], None], more: More | None = None) -> None:
        """Keep a shot with the outcome of its slot (None: it has no slot), and its orphans as extras.

        An orphan whose bytes are here already is not stored twice; a shot is always kept, even if a camera that is
        stuck gives the same picture again.

        `then` is called when all is durable and catalogued; `more` is what is otherwise with its pictures. Raise
        StorageError or CatalogueError when that cannot be now: it is tried again, and a stop before leaves the files
        where the next start finds them.
        """
        self.writer.attempt(lambda: self._named(shot, entry, then, more))

    def _named(
        self, shot: Shot, entry: Entry | None, then: Callable[[Taken], None], more: More | None
    ) -> Callable[[], None]:
        """Give the files of a shot their names and return what keeps them."""
        slot = seconds_of(entry.at) if entry is not None else None
        index = entry.index if entry is not None else None
        known, orphans, release = self._sort_out(shot.orphans)
        names = self._free_names([*shot.parts, *orphans])
        shutter = shot.shutter
        parts = [(one.name, self._picture(one, names, slot, index, one.shutter or shutter)) for one in shot.parts]
        parts += [(part.name, self._picture(part, names, None, None, part.shutter)) for part in orphans]
        release += [part.source_name for part in (*shot.parts, *orphans)]
        taken = Taken([picture.name for _, picture in parts], known, release)
        entries = [entry] if entry is not None else []
        return lambda: self.keep(parts, entries, then=lambda: then(taken), more=more)

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
        new, placing = _Found(), Placing(self.context)
        for file in found:
            part = _part(file)
            if self._same(part.sha256) is None:
                own = PictureName.parse(part.name)
                self._place(part, self._free_names([part])[part.name] if in_spool else own, placing, new)
            elif in_spool:
                self._discard(part)
        self._keep_found(new)
        return [picture.name for _, picture in new.parts]

    def receive(self, file: Mapping[str, object], then: Callable[[Received], None]) -> None:
        """Keep a picture {"name", "size", "sha256"} in the spool that another node delivered.

        `then` is called when it is durable and catalogued; one that is known is not kept twice, another one of the
        same name is kept beside it. Raise StorageError or CatalogueError when it cannot be now: it is tried again.
        """
        part = _part(file)
        known = self._known(PictureName.parse(part.name), part.sha256)
        if known is not None:
            self._discard(part)
            then(Received(known.name, known=True, lost=buffer.was_lost(self.context.catalogue, known.id)))
            return

        def prepare() -> Callable[[], None]:
            new, kept = _Found(), self._free_names([part])[part.name]
            self._place(part, kept, Placing(self.context), new)
            return lambda: self._keep_found(new, lambda: then(Received(kept)))

        self.writer.attempt(prepare)

    def has(self, name: PictureName, sha256: Sha256) -> bool:
        """Return whether this picture is catalogued already."""
        return self._known(name, sha256) is not None

    def is_safe(self, name: PictureName, sha256: Sha256) -> bool:
        """Return whether this picture is here, or left only when it was proven elsewhere."""
        known = self._known(name, sha256)
        return known is not None and not buffer.was_lost(self.context.catalogue, known.id)

    def _known(self, name: PictureName, sha256: Sha256) -> Picture | None:
        """Return the picture of these bytes and this name, or of the next number that it was kept under."""
        found = pictures.by_sha256(self.context.catalogue, sha256)
        return next((one for one in found if one.name.numbered(name.nth) == name), None)

    def _place(self, part: Part, kept: PictureName, placing: Placing, new: _Found) -> None:
        """Say of which slot a file is that comes without its shot, and what that slot's ledger hears of it.

        By its line, where another node sent it ahead; else by its name alone.
        """
        name = PictureName.parse(part.name)
        line = self._announced(name, part)
        if line is not None:
            new.parts.append((part.name, replace(line, name=kept, taken_in=self.context.now_ms())))
            return
        placed = placing.of(name)
        new.parts.append((part.name, self._picture(part, {part.name: kept}, placed.slot, placed.index, None)))
        new.filled += placed.filled(kept)
        if placed.entry is not None:
            new.entries[name.camera, name.at, name.node] = placed.entry

    def _announced(self, name: PictureName, part: Part) -> NewPicture | None:
        """Return the picture as the node that shot it told of it, None when it did not."""
        said = announced.get(self.context.catalogue, name)
        entry = from_json(said) if said is not None else None
        if not isinstance(entry, PictureEntry) or (entry.size, entry.sha256) != (part.size, part.sha256):
            return None
        return picture_of(entry)

    def _keep_found(self, new: _Found, then: Callable[[], None] = lambda: None) -> None:
        self.keep(new.parts, list(new.entries.values()), new.filled, then)

    def record(self, entries: Iterable[Entry]) -> None:
        """Write down outcomes that have no picture; raise StorageError or CatalogueError: it is tried again."""
        self.keep([], list(entries))

    def coming(self) -> Mapping[Sha256, PictureName]:
        """Return the pictures that were named and are not durable yet."""
        return self._coming

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

    def keep(
        self,
        parts: Sequence[tuple[str, NewPicture]],
        entries: Sequence[Entry] = (),
        filled: Sequence[FilledEntry] = (),
        then: Callable[[], None] = lambda: None,
        more: More | None = None,
    ) -> None:
        """Keep pictures, by their names in the spool, with what becomes of slots; `then` when all is durable.

        Raise StorageError or CatalogueError when that cannot be now: it is tried again.
        """
        more = more or More()
        boot, node = self.context.clock.boot_id(), self.context.node.name
        new = [picture for _, picture in parts]
        wants = more.wants or wanted_by
        wanted = {picture.name: self._fenced(picture, wants(self.context.site, picture, node)) for picture in new}

        def done() -> None:
            for picture in new:
                self._coming.pop(picture.sha256, None)
            if new:
                places = {one.destination for some in wanted.values() for one in some}
                self.on_new([picture.name for picture in new], places)
            then()

        self._coming |= {picture.sha256: picture.name for picture in new}
        self.writer.write(
            [*(outcome_line(entry, self._fence(entry)) for entry in entries), *filled, *more.lines],
            lambda: self._commit(new, entries, filled, wanted, more),
            parts={name: more.line(picture_line(picture, boot)) for name, picture in parts},
            then=done,
        )

    def _commit(
        self,
        new: Sequence[NewPicture],
        entries: Sequence[Entry],
        filled: Sequence[FilledEntry],
        wanted: Mapping[PictureName, Sequence[NewDelivery]],
        more: More,
    ) -> None:
        catalogue = self.context.catalogue
        for picture in new:
            deliveries.enqueue(catalogue, pictures.insert(catalogue, picture), wanted[picture.name])
            announced.forget(catalogue, picture.name)
        for entry in entries:
            slots.record(catalogue, outcome_row(entry, self._fence(entry)))
        for one in filled:
            slots.fill(catalogue, one.camera, one.slot, one.node, str(one.name))
        more.commit()

    def _fenced(self, picture: NewPicture, wanted: list[NewDelivery]) -> list[NewDelivery]:
        """Return what is to be delivered, without a live name where a newer owner's pictures are known here."""
        camera = self.context.camera(picture.name.camera)
        if camera is None or camera.backup is None or all(one.priority != Priority.LIVE for one in wanted):
            return wanted
        highest = pictures.highest_fence(self.context.catalogue, picture.name.camera)
        is_stale = highest is not None and picture.name.fence < highest
        return [one for one in wanted if not is_stale or one.priority != Priority.LIVE]

    def _fence(self, entry: Entry) -> Fence | None:
        """Return under which fence an outcome is written: of another node's slot nobody tells."""
        return self.context.fence_of(entry.camera) if entry.node == self.context.node.name else None


def _part(file: Mapping[str, object]) -> Part:
    name = str(file["name"])
    return Part(name, kind_of(name) or "raw", int(str(file["size"])), Sha256(str(file["sha256"])), "", None)


def wanted_by(site: SiteFile, picture: NewPicture, node: str) -> list[NewDelivery]:
    """Return the deliveries that the routes ask for at `node`: of a picture, and of what is made of it later."""
    name = picture.name
    asked = for_original(site, name, picture.kind, picture.index, node)
    camera = next((camera for camera in site.camera if camera.name == name.camera), None)
    if camera is not None:
        for recipe in recipes_for(site, camera, picture.kind, picture.index, node, origin_of(site, name)):
            asked += for_rendition(site, name, recipe, picture.index, node)
        asked += for_sidecar(site, camera, name, picture.kind, picture.index, node)
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
