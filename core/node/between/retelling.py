"""A day of a camera told again, line by line, to a node that lost its day book."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.catalogue import deliveries, pictures, receipts, slots
from core.catalogue.pictures import Picture
from core.catalogue.receipts import Receipt
from core.catalogue.slots import Outcome
from core.catalogue.store import Catalogue
from core.intake.entries import Entry, FilledEntry, OutcomeEntry, ReceiptEntry
from core.node.record import picture_line
from core.values import PictureName

DAY = 86400


def retold(catalogue: Catalogue, camera: str, day: int, may_have: Callable[[str], bool]) -> Iterator[Entry]:
    """Yield the lines of a day (days since the epoch) about what nodes shot that the listener may have.

    Outcomes, and the pictures whose files are here, each with what is known of its copies.
    """
    begin = day * DAY
    for picture in pictures.between(catalogue, camera, begin, begin + DAY):
        if not picture.gone and may_have(picture.name.node):
            yield picture_line(picture, boot="")
            yield from _copies(catalogue, picture)
    for outcome in slots.between(catalogue, camera, begin, begin + DAY):
        if may_have(outcome.node):
            yield from _outcome(outcome)


def _copies(catalogue: Catalogue, picture: Picture) -> Iterator[ReceiptEntry]:
    """Yield where copies of an original are; to the listener they are further on, and required by nobody there."""
    live = {
        (one.destination, one.remote)
        for one in deliveries.of_picture(catalogue, picture.id)
        if one.priority is deliveries.Priority.LIVE
    }
    for receipt in receipts.of_picture(catalogue, picture.id):
        if not receipt.rendition and (receipt.destination, receipt.remote) not in live:
            yield _copy(picture, receipt)


def _copy(picture: Picture, receipt: Receipt) -> ReceiptEntry:
    priority = deliveries.Priority.RAW if picture.kind == "raw" else deliveries.Priority.JPEG
    return ReceiptEntry(
        name=picture.name,
        destination=receipt.destination,
        level=receipt.level,
        remote=receipt.remote,
        size=receipt.size,
        sha256=receipt.sha256,
        at=receipt.at,
        required=False,
        wanted=receipt.level,
        priority=int(priority),
    )


def _outcome(row: Outcome) -> Iterator[Entry]:
    yield OutcomeEntry(
        camera=row.camera,
        slot=row.slot,
        node=row.node,
        outcome=row.outcome,
        index=row.index,
        partial=row.partial,
        cause=row.cause,
        shutter=row.shutter,
        fence=row.fence,
    )
    if row.filled is not None:
        yield FilledEntry(camera=row.camera, slot=row.slot, node=row.node, name=PictureName.parse(row.filled))
