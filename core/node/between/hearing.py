"""What a taker says in its receipts: what it has, what it does not want, where else copies are, and its orders."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from core.catalogue import deliveries, pictures
from core.catalogue.deliveries import Delivery, Priority
from core.errors import OverlapseError
from core.intake.entries import Entry, ReceiptEntry, from_json
from core.node.between import batches
from core.node.context import Context
from core.node.jobs import Json
from core.node.record import receipt_line
from core.transfer import drops
from core.transfer.base import Level

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Refusal:
    """A taker does not have what was sent. `final`: sending it again would change nothing."""

    delivery: Delivery
    why: str
    final: bool


@dataclass
class Hearing:
    """Sorts the receipts of the node behind one destination: lines to be written down, and refusals.

    A receipt counts for bytes whose hash we know, and for the destination by which it came.
    """

    context: Context
    destination: str
    lines: list[Entry] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    bases: list[Json] = field(default_factory=list)  # which whole documents it has, or lacks
    orders: list[Json] = field(default_factory=list)  # judged elsewhere: who carried them here proves nothing

    def read(self, found: Json) -> None:
        """Take in one batch as `collect` read it; what makes no sense is logged and passed over."""
        try:
            said = batches.said_in(found)
        except ValueError as error:
            log.error("receipts not understood: object=%s error=%s", found["name"], error)
            return
        for one in said:
            try:
                self._sort(one)
            except (ValueError, KeyError, TypeError, OverflowError, OverlapseError) as error:
                log.error("receipt not understood: from=%s error=%s", self.destination, error)

    def _sort(self, said: Json) -> None:
        """Put one receipt to those that are written, or to those that say that something did not come."""
        if "order" in said:
            self.orders.append(said)
            return
        if "lacks" in said or "has" in said:
            if not isinstance(said.get("has", {}), dict):
                raise ValueError("what it has is no table of names")
            self.bases.append(said)
            return
        if "line" in said:
            line = self._further(said)
            self.lines += [line] if line is not None else []
            return
        delivery = self._delivery(str(said["n"]))
        if delivery is None or delivery.state == "proven":
            return
        if "no" in said:
            self.refusals.append(Refusal(delivery, str(said["no"]), bool(said.get("final"))))
        elif (said["s"], said["z"]) != (delivery.sha256, delivery.size):
            self.refusals.append(Refusal(delivery, "it has other bytes than were sent", final=False))
        else:
            result = {
                "level": Level(said["l"]).word,
                "name": delivery.remote,
                "size": delivery.size,
                "sha256": delivery.sha256,
            }
            self.lines.append(receipt_line(delivery, result, int(said["a"])))

    def _delivery(self, base: str) -> Delivery | None:
        name = drops.named(base)
        picture = pictures.by_name(self.context.catalogue, name) if name is not None else None
        if picture is None:
            return None
        found = deliveries.of_picture(self.context.catalogue, picture.id)
        ours = (one for one in found if one.destination == self.destination and not one.rendition)
        return next((one for one in ours if one.remote.rpartition("/")[2] == base), None)

    def _further(self, said: Json) -> ReceiptEntry | None:
        """Return the line of a copy further on, None for what is known, or is this node's own to prove."""
        line = from_json(said)
        if not isinstance(line, ReceiptEntry) or line.rendition:
            return None
        picture = pictures.by_name(self.context.catalogue, line.name)
        known = any(one.name == line.destination for one in self.context.site.destination)
        if picture is None or not known or (picture.sha256, picture.size) != (line.sha256, line.size):
            return None
        there = deliveries.of_picture(self.context.catalogue, picture.id)
        if any(one.destination == line.destination and not one.rendition for one in there):
            return None
        return ReceiptEntry(
            name=line.name,
            destination=line.destination,
            level=line.level,
            remote=line.remote,
            size=line.size,
            sha256=line.sha256,
            at=line.at,
            required=False,
            wanted=line.level,
            priority=int(Priority.RAW if picture.kind == "raw" else Priority.JPEG),
        )
