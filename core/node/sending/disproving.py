"""Receipts that turned out untrue: taken back by a line of the day book, so that no rebuild revives them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from core.catalogue import deliveries, news, pictures, rebuild
from core.intake.entries import DisproofEntry, to_json
from core.node.between import batches
from core.node.context import Context
from core.values import PictureName


@dataclass
class Disproved:
    """The lines that take back what `destination` was believed to have of some originals."""

    context: Context
    destination: str
    why: str
    lines: list[DisproofEntry] = field(default_factory=list)
    gone: int = 0  # of them: pictures that are not here any more, which nobody can deliver again
    unknown: int = 0  # of them: those that have no receipt of it

    def look(self, names: Iterable[PictureName]) -> None:
        """Find the receipts of these pictures."""
        for name in names:
            picture = pictures.by_name(self.context.catalogue, name)
            if picture is not None and picture.gone:
                self.gone += 1
                continue
            found = [] if picture is None else deliveries.of_picture(self.context.catalogue, picture.id)
            lines = [
                self._line(one)
                for one in found
                if (one.destination, one.rendition) == (self.destination, "") and one.state in ("proven", "sent")
            ]
            self.unknown += not lines
            self.lines += lines

    def commit(self) -> None:
        """Do in the catalogue what the lines say."""
        for line in self.lines:
            rebuild.apply(self.context.catalogue, to_json(line))
            news.again(self.context.catalogue, f"{batches.TO}{self.destination}", line.folder)

    def _line(self, delivery: deliveries.Delivery) -> DisproofEntry:
        return DisproofEntry(
            name=delivery.name,
            destination=delivery.destination,
            remote=delivery.remote,
            at=self.context.now_ms(),
            error="Disproved",
            text=self.why,
        )
