"""Pictures that come back from a destination: what is here, what the day book told of them, how they are kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from core.capture.shot import kind_of
from core.catalogue import deliveries, pictures, slots
from core.catalogue.deliveries import Priority
from core.catalogue.pictures import NewPicture
from core.intake.entries import Entry, FilledEntry, OutcomeEntry, PictureEntry, ReceiptEntry
from core.node.errands.arriving import Arrival, elsewhere
from core.node.errands.errands import Bench, Json
from core.node.pictures.taking import wanted_by
from core.site.model.places import Destination
from core.transfer.base import Level
from core.transfer.holdings import Held
from core.values import Kind, PictureName, Sha256, seconds_of

LINES = 100  # of outcomes in one write: a shot does not wait long
WAYS = {"day book": "day_book", "server": "server_hash", "": "decoded"}


@dataclass
class Returning:
    """What one restore knows of the day in hand; `proofs` counts what vouches for the bytes of all that came."""

    bench: Bench
    origin: Destination
    proofs: dict[str, int] = field(default_factory=lambda: {"day_book": 0, "server_hash": 0, "decoded": 0, "broken": 0})
    _was: dict[str, PictureEntry] = field(default_factory=dict)
    _receipts: dict[str, list[ReceiptEntry]] = field(default_factory=dict)
    _outcomes: list[OutcomeEntry | FilledEntry] = field(default_factory=list)
    _unseen: list[tuple[PictureName, str]] = field(default_factory=list)

    def forget(self) -> None:
        """Begin another day."""
        self._was, self._receipts, self._outcomes = {}, {}, []

    def learn(self, entry: Entry) -> None:
        """Take in what a line of the day's book says."""
        if isinstance(entry, PictureEntry) and entry.slot in (None, seconds_of(entry.name.at)):
            self._was[str(entry.name)] = entry
        elif isinstance(entry, ReceiptEntry):
            self._receipts.setdefault(str(entry.name), []).append(entry)
        elif isinstance(entry, OutcomeEntry | FilledEntry):
            self._outcomes.append(entry)

    def sha256(self, name: PictureName) -> str:
        """Return what the day book says that a picture's bytes are, "" when it says nothing."""
        was = self._was.get(str(name))
        return "" if was is None else was.sha256

    def is_here(self, held: Held) -> bool:
        """Return whether an original of the destination is here already, or was and left."""
        catalogue, name = self.bench.context.catalogue, held.name
        while (picture := pictures.by_name(catalogue, name)) is not None:
            if picture.size == held.size or any(
                one.remote == held.remote and one.destination == self.origin.name
                for one in deliveries.of_picture(catalogue, picture.id)
            ):
                return True
            name = name.numbered(name.nth + 1)
        return False

    def name(self, name: PictureName) -> PictureName:
        """Return under which name it is kept: its own, or the next number when other bytes have that."""
        return self.bench.arriving.free_name(name, [name.extension], set())

    def keep(self, held: Held, name: PictureName, result: Json) -> None:
        """Keep what lies in the spool as `name`, with its receipt; raise StorageError or CatalogueError."""
        was = self._was.get(str(held.name))
        picture = self._picture(held, name, Sha256(result["sha256"]), was)
        placed = self.bench.arriving.place(name)
        if was is not None:
            placed = replace(placed, slot=was.slot, index=was.index)
        picture = replace(picture, slot=placed.slot, index=placed.index)
        lines = [self._receipt(held, picture), *self._others(held, name)]
        arrival = Arrival(str(name), picture, placed, was=was, restored=True)
        proof = WAYS[result["proof"]]
        if result["proof"]:
            self.proofs[proof] += 1
        self._unseen.append((name, result["proof"]))
        self.bench.arriving.keep([arrival], lambda: None, elsewhere(self.origin.name), lines)

    def _picture(self, held: Held, name: PictureName, sha256: Sha256, was: PictureEntry | None) -> NewPicture:
        context = self.bench.context
        kind: Kind = kind_of(str(name)) or "raw"
        if was is None:
            return NewPicture(
                name=name,
                slot=None,
                index=None,
                kind=kind,
                size=held.size,
                sha256=sha256,
                trusted=context.trust.trusted,
                taken_in=context.now_ms(),
            )
        return NewPicture(
            name=name,
            slot=was.slot,
            index=was.index,
            kind=was.kind,
            size=held.size,
            sha256=sha256,
            shutter=was.shutter,
            source_name=was.source_name,
            source_time=was.source_time,
            trusted=was.trusted,
            taken_in=was.taken_in,
        )

    def _receipt(self, held: Held, picture: NewPicture) -> ReceiptEntry:
        """Return the proof that it is there: it was just read from there. It counts as a required copy."""
        routed = [
            one
            for one in wanted_by(self.bench.context.site, picture, self.bench.context.node.name)
            if one.destination == self.origin.name and not one.rendition and one.priority != Priority.LIVE
        ]
        return ReceiptEntry(
            name=picture.name,
            destination=self.origin.name,
            level=int(Level.READ_BACK),
            remote=held.remote,
            size=picture.size,
            sha256=picture.sha256,
            at=self.bench.context.now_ms(),
            wanted=max([one.level for one in routed], default=int(Level.SIZE)),
            priority=int(Priority.RAW if picture.kind == "raw" else Priority.JPEG),
        )

    def _others(self, held: Held, name: PictureName) -> Iterator[ReceiptEntry]:
        """Yield what the day book proves of the picture and its renditions elsewhere, as far as the site has that."""
        known = {one.name for one in self.bench.context.site.destination}
        for receipt in self._receipts.get(str(held.name), ()):
            is_this = receipt.destination == self.origin.name and not receipt.rendition
            if receipt.destination in known and not is_this:
                yield replace(receipt, name=name)

    def keep_outcomes(self) -> None:
        """Write what the day's book tells of slots that have no outcome here; raise StorageError or CatalogueError."""
        context = self.bench.context
        now = seconds_of(context.now())
        new = [line for line in self._outcomes if line.slot <= now and self._is_new(line)]
        self._outcomes = []
        for begin in range(0, len(new), LINES):
            some = new[begin : begin + LINES]

            def commit(some: list[OutcomeEntry | FilledEntry] = some) -> None:
                for line in some:
                    self.bench.arriving.apply(line)

            self.bench.arriving.taking.writer.write(some, commit)

    def _is_new(self, line: OutcomeEntry | FilledEntry) -> bool:
        row = slots.get(self.bench.context.catalogue, line.camera, line.slot, line.node)
        if isinstance(line, FilledEntry):
            return row is None or row.filled is None
        return row is None

    def look(self) -> bool:
        """See what was found in those that came; return whether some are still to be looked at."""
        catalogue, left = self.bench.context.catalogue, []
        for name, proof in self._unseen:
            picture = pictures.by_name(catalogue, name)
            view = pictures.view(catalogue, picture.id) if picture is not None else None
            if view is None and (picture is None or not picture.gone):
                left.append((name, proof))
            elif view is not None and view.verdict == "broken":
                self.proofs["broken"] += 1
            elif not proof:
                self.proofs["decoded"] += 1
        self._unseen = left
        return bool(left)

    def counts(self) -> Json:
        """Return how many came by what vouches for their bytes; broken ones may be vouched for, too."""
        return {"proofs": dict(self.proofs)}
