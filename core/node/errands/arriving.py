"""Pictures that come from elsewhere than a camera, named and kept: out of archives, or back from a destination."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.catalogue import pictures, slots, states
from core.catalogue.deliveries import NewDelivery, Priority
from core.catalogue.pictures import NewPicture, Picture
from core.catalogue.rebuild import attempt
from core.intake.entries import Entry as BookEntry
from core.intake.entries import FilledEntry, PictureEntry, to_json
from core.ledger.outcomes import Entry
from core.node.context import Context
from core.node.pictures.placing import Placed, Placing
from core.node.pictures.taking import More, Taking, Wants, wanted_by
from core.site.model.file import SiteFile
from core.text import safe
from core.values import PictureName, Sha256, seconds_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Arrival:
    """One file in the spool, and what is known of it. `placed`: its slot, and what that gives the ledger."""

    spool: str
    picture: NewPicture
    placed: Placed
    dated: str = ""
    was: PictureEntry | None = None  # its line in the day book that it was first written into
    restored: bool = False  # it comes back from a destination


@dataclass
class Arriving:
    """Names and keeps arrivals for one errand."""

    context: Context
    taking: Taking
    placing: Placing = field(init=False)

    def __post_init__(self) -> None:
        self.placing = Placing(self.context)

    def known(self, sha256: Sha256) -> Picture | None:
        """Return the picture with these bytes that is here, or that left proven; one that was lost is not known."""
        found = pictures.by_sha256(self.context.catalogue, sha256)
        here = next((one for one in found if not one.gone), None)
        return here or next((one for one in found if one.proven), None)

    def is_coming(self, sha256: Sha256) -> bool:
        """Return whether these bytes are being kept just now."""
        return sha256 in self.taking.coming()

    def free_name(self, name: PictureName, extensions: Sequence[str], given: set[PictureName]) -> PictureName:
        """Return `name` with the first number that is free for all these extensions: pairs share it."""
        nth = name.nth
        while any(self._is_taken(replace(name, extension=one, nth=nth), given) for one in extensions):
            nth += 1
        return name.numbered(nth)

    def _is_taken(self, name: PictureName, given: set[PictureName]) -> bool:
        if name in given or name in self.taking.coming().values() or self.context.keeper.holds(name):
            return True
        return pictures.by_name(self.context.catalogue, name) is not None

    def place(self, name: PictureName) -> Placed:
        """Return the slot of a picture: none in the future, nor one of a camera that this node does not drive."""
        ours = name.node == self.context.node.name
        drives = any(camera.name == name.camera for camera in self.context.cameras())
        if name.at > self.context.now() or (ours and not drives):
            return Placed()
        placed = self.placing.of(name)
        return placed if placed.slot is not None else self._beside(name)

    def _beside(self, name: PictureName) -> Placed:
        """Return the slot of the other half of a pair that is here already, or one whose picture is not."""
        catalogue, at = self.context.catalogue, seconds_of(name.at)
        others = [one for one in pictures.between(catalogue, name.camera, at, at + 1) if one.slot is not None]
        row = slots.get(catalogue, name.camera, at, name.node)
        if row is None or (others and all(one.name.stem != name.stem for one in others)):
            return Placed()
        return Placed(row.slot, row.index)

    def keep(
        self,
        arrivals: Sequence[Arrival],
        then: Callable[[], None],
        wants: Wants,
        lines: Sequence[BookEntry] = (),
    ) -> None:
        """Keep arrivals and write `lines` beside them; `then` when all is durable.

        Raise StorageError or CatalogueError when it cannot be now: it is done when it can.
        """
        entries = {(one.picture.name.camera, one.picture.name.at): one.placed.entry for one in arrivals}
        new = [entry for entry in entries.values() if entry is not None]
        by_name = {one.picture.name: one for one in arrivals}

        def commit() -> None:
            for line in lines:
                self.apply(line)
            self._owe_nothing_between(new)

        def line(written: PictureEntry) -> PictureEntry:
            arrival = by_name[written.name]
            if arrival.was is not None:
                return replace(arrival.was, name=written.name, restored=arrival.restored)
            return replace(written, dated=arrival.dated, restored=arrival.restored)

        more = More(lines, commit, line, wants)
        self.taking.keep([(one.spool, one.picture) for one in arrivals], new, _filled(arrivals), then, more)

    def apply(self, line: BookEntry) -> None:
        """Bring what a line says into the catalogue; one that does not fit says nothing."""
        kind, error = attempt(self.context.catalogue, to_json(line))
        if error is not None:
            log.error("line not applied: kind=%s of=%s error=%s", kind or line.line, line.folder, safe(error))

    def _owe_nothing_between(self, entries: Sequence[Entry]) -> None:
        """Note that nobody was to shoot between what is now the last slot of a camera and today.

        The slots of a gap are counted from the last outcome of a camera, and these ones come from another life.
        """
        newest: dict[tuple[str, str], datetime] = {}
        for entry in entries:
            newest[entry.camera, entry.node] = max(entry.at, newest.get((entry.camera, entry.node), entry.at))
        now = self.context.now()
        for (camera, node), at in newest.items():
            last = slots.latest(self.context.catalogue, camera, node, seconds_of(now))
            if node == self.context.node.name and last is not None and last.slot <= seconds_of(at):
                states.put(self.context.catalogue, owes_from(camera), self.context.now_ms())


def _filled(arrivals: Sequence[Arrival]) -> list[FilledEntry]:
    return [line for one in arrivals for line in one.placed.filled(one.picture.name)]


def owes_from(camera: str) -> str:
    """Return under which key the catalogue keeps from when on (milliseconds) a camera owes slots."""
    return f"ledger/from/{camera}"


def backfill(site: SiteFile, picture: NewPicture, node: str) -> list[NewDelivery]:
    """Return the deliveries of an imported picture: after all that is shot now, and never as the live one."""
    wanted = wanted_by(site, picture, node)
    return [replace(one, priority=Priority.AUDIT) for one in wanted if one.priority != Priority.LIVE]


def elsewhere(destination: str) -> Wants:
    """Return what a picture that came back from a destination still needs: the original at the other ones."""

    def wants(site: SiteFile, picture: NewPicture, node: str) -> list[NewDelivery]:
        return [one for one in backfill(site, picture, node) if not one.rendition and one.destination != destination]

    return wants


def by_extension(rows: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """Yield the extensions of the files of one shot."""
    yield from dict.fromkeys(str(row["extension"]) for row in rows)
