"""Compare what the catalogue knows with the bytes on the disk and at the destinations, in worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from core.catalogue import buffer, copies, deliveries, pictures, receipts
from core.catalogue.check import damage
from core.catalogue.pictures import Picture
from core.catalogue.receipts import Receipt
from core.catalogue.store import Catalogue
from core.child import Child
from core.cli.reconciling import CONNECTION, Compared, Comparison
from core.clock import SystemClock
from core.errors import ChildError, DestinationError, ObjectDiffers, ObjectNotFound
from core.node.between.batches import AROUND
from core.node.sending.station import opening
from core.site.at import used_at
from core.site.load import Loaded
from core.site.model.places import Destination
from core.site.place import Place
from core.transfer.base import Level
from core.units import show_size

BATCH = 200  # pictures in one request
SECONDS = 600.0  # without a sign of life


@dataclass(frozen=True)
class Altered:
    """A picture that is not as it came."""

    name: str
    what: str


def altered(catalogue: Catalogue, folder: Path, progress: Callable[[int], None] = lambda done: None) -> list[Altered]:
    """Return every picture whose file is missing, short or another one; all bytes are read from the disk."""
    child, found, done = Child("disk"), [], 0
    try:
        for batch in _batches(catalogue):
            args = {"pictures": str(folder), "names": [str(picture.name) for picture in batch]}
            files = child.ask("verify", args, SECONDS * len(batch), SECONDS)["files"]
            for picture, file in zip(batch, files, strict=True):
                what = _difference(picture, file)
                if what is not None:
                    found.append(Altered(str(picture.name), what))
            done += len(batch)
            progress(done)
    finally:
        child.close()
    return found


def _batches(catalogue: Catalogue, gone: bool = False) -> Iterator[list[Picture]]:
    """Yield the pictures that are here, and those that are gone when asked for, some at a time."""
    last = 0
    while some := pictures.after(catalogue, last, BATCH):
        last = some[-1].id
        here = [picture for picture in some if gone or not picture.gone]
        if here:
            yield here


def _difference(picture: Picture, file: dict[str, object]) -> str | None:
    if "error" in file:
        return str(file["message"])
    if file["size"] != picture.size:
        return f"it has {file['size']} bytes, not {picture.size}"
    return None if file["sha256"] == picture.sha256 else "its bytes are not those that the camera gave"


@dataclass(frozen=True)
class Lost:
    """A copy that is not at its destination as it was proven."""

    name: str
    what: str
    delivery: int
    error: str  # class of what was found


@dataclass(frozen=True)
class Verified:
    """What `overlapse verify` found."""

    pictures: int
    altered: list[Altered]
    receipts: int  # proven anew at their destinations
    unproven: list[Lost]  # receipts that do not hold any more
    unreachable: list[str]  # destinations that could not be asked
    catalogue: list[str]  # damage
    nodes: list[Compared] = field(default_factory=list)  # that take in what this one delivers
    spent: dict[str, int] = field(default_factory=dict)  # about how many bytes it cost at each destination

    @property
    def wrong(self) -> int:
        """How many things are not as they should be."""
        return len(self.altered) + len(self.unproven) + len(self.catalogue) + sum(one.wrong for one in self.nodes)

    def to_json(self) -> dict[str, Any]:
        """Return it as --json prints it."""
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        shown = {key: [asdict(one) for one in said[key]] for key in ("altered", "unproven")}
        return said | shown | {"nodes": [one.to_json() for one in self.nodes]}

    def text(self) -> str:
        """Return it for a person."""
        lines = [f"{self.pictures} pictures read, {len(self.altered)} not as they came"]
        lines += [f"  {one.name}: {one.what}" for one in self.altered]
        if self.receipts or self.unproven or self.unreachable:
            lines.append(f"{self.receipts} receipts proven anew, {len(self.unproven)} do not hold")
            lines += [f"  {one.name}: {one.what}" for one in self.unproven]
            lines += [f"  {name}" for name in self.unreachable]
        lines += [line for one in self.nodes for line in one.lines()]
        lines += [f"catalogue: {told}" for told in self.catalogue] or ["catalogue: sound"]
        return "\n".join(lines)


def verified(
    place: Place, loaded: Loaded, remote: bool, progress: Callable[[str], None], note: Callable[[str], None]
) -> Verified:
    """Read every picture and, with `remote`, have every receipt proven anew at its destination.

    A node of ours is compared with by digests; `note` hears before what that costs.
    """
    catalogue = Catalogue.read(place.folders.catalogue)
    try:
        total = sum(one.present for one in buffer.tally(catalogue))
        found = altered(catalogue, place.folders.pictures, lambda done: progress(f"{done} of {total} pictures read"))
        proven, nodes = Receipts(catalogue, loaded), list[Compared]()
        if remote:
            used = used_at(loaded.site, place.node)
            asked = [one for one in loaded.site.destination if one.name in used]
            for destination in asked:
                if destination.node is None:
                    proven.prove(destination, progress)
            progress(f"{proven.asked} receipts asked")
            nodes = [_compared(catalogue, loaded, place.node, one, progress, note) for one in asked if one.node]
        return Verified(
            total,
            found,
            proven.held,
            proven.failed,
            proven.unreachable,
            damage(catalogue, deep=True),
            nodes,
            {**proven.spent, **{one.destination: CONNECTION + one.sent + one.received for one in nodes}},
        )
    finally:
        catalogue.close()


def _compared(
    catalogue: Catalogue,
    loaded: Loaded,
    node: str,
    destination: Destination,
    progress: Callable[[str], None],
    note: Callable[[str], None],
) -> Compared:
    today = int(SystemClock().now().timestamp()) // 86400
    comparison = Comparison(catalogue, loaded, node, destination, today)
    note(f"{destination.name}: comparing with node {destination.node} costs about {show_size(comparison.cost)}")
    return comparison.run(progress)


class Receipts:
    """Proves the receipts of one destination after the other, each by its own child."""

    def __init__(self, catalogue: Catalogue, loaded: Loaded) -> None:
        self._catalogue = catalogue
        self._loaded = loaded
        self.held = 0
        self.failed: list[Lost] = []
        self.unreachable: list[str] = []
        self.spent: dict[str, int] = {}  # bytes, by destination

    @property
    def asked(self) -> int:
        """How many were asked so far."""
        return self.held + len(self.failed)

    def prove(self, destination: Destination, progress: Callable[[str], None]) -> None:
        """Prove all originals and renditions that this destination has a receipt for."""
        child = Child("destination")
        try:
            child.ask("open", opening(destination, self._loaded.base), SECONDS)
            for name, number, receipt in self._of(destination.name):
                self._one(child, name, number, receipt)
                progress(f"{self.asked} receipts asked, now those at {destination.name}")
        except (DestinationError, ChildError) as error:
            self.unreachable.append(f"{destination.name}: could not be asked: {error}")
        finally:
            child.close()

    def _one(self, child: Child, name: str, number: int, receipt: Receipt) -> None:
        word = Level(receipt.level).word
        args = {"name": receipt.remote, "size": receipt.size, "sha256": receipt.sha256, "level": word}
        try:
            known = child.ask("prove", args, SECONDS)["level"]
            self._spend(receipt, known == Level.READ_BACK.word)
        except (ObjectNotFound, ObjectDiffers) as error:
            self._spend(receipt, isinstance(error, ObjectDiffers) and receipt.level > Level.SIZE)
            if copies.may_be_lost(self._catalogue, number):
                self.failed.append(Lost(name, f"at {receipt.destination}: {error}", number, type(error).__name__))
        else:
            self.held += 1

    def _spend(self, receipt: Receipt, read: bool) -> None:
        size = AROUND + (receipt.size if read else 0)
        self.spent[receipt.destination] = self.spent.get(receipt.destination, 0) + size

    def _of(self, destination: str) -> Iterator[tuple[str, int, Receipt]]:
        for batch in _batches(self._catalogue, gone=True):  # what is here no more is there only
            for picture in batch:
                proven = {
                    (one.destination, one.rendition, one.remote): one
                    for one in receipts.of_picture(self._catalogue, picture.id)
                }
                for one in deliveries.of_picture(self._catalogue, picture.id):
                    receipt = proven.get((one.destination, one.rendition, one.remote))
                    if receipt is not None and one.destination == destination:
                        yield str(picture.name), one.id, receipt
