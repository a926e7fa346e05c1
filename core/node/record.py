"""The same facts in two forms: a line of the day book, which is the truth, and a row of the catalogue, its index."""

from __future__ import annotations

from collections.abc import Mapping

from core.catalogue import news, slots, states
from core.catalogue.deliveries import Delivery
from core.catalogue.pictures import NewPicture
from core.catalogue.store import Catalogue
from core.intake.entries import OutcomeEntry, PictureEntry, ReceiptEntry
from core.ledger.outcomes import Entry
from core.node.jobs import Json
from core.transfer.base import Level
from core.values import Fence, milliseconds_of, seconds_of


def picture_line(picture: NewPicture, boot: str) -> PictureEntry:
    """Return the line of a picture that was taken in."""
    return PictureEntry(
        name=picture.name,
        slot=picture.slot,
        index=picture.index,
        kind=picture.kind,
        size=picture.size,
        sha256=picture.sha256,
        shutter=picture.shutter,
        source_name=picture.source_name,
        source_time=picture.source_time,
        trusted=picture.trusted,
        boot=boot,
        taken_in=picture.taken_in,
    )


def picture_of(line: PictureEntry) -> NewPicture:
    """Return the row of a picture of which a line tells."""
    return NewPicture(
        name=line.name,
        slot=line.slot,
        index=line.index,
        kind=line.kind,
        size=line.size,
        sha256=line.sha256,
        shutter=line.shutter,
        source_name=line.source_name,
        source_time=line.source_time,
        trusted=line.trusted,
        taken_in=line.taken_in,
    )


def outcome_line(entry: Entry, fence: Fence | None) -> OutcomeEntry:
    """Return the line of a slot's outcome."""
    return OutcomeEntry(
        camera=entry.camera,
        slot=seconds_of(entry.at),
        node=entry.node,
        outcome=entry.outcome,
        index=entry.index,
        partial=entry.partial,
        cause=_why(entry),
        shutter=None if entry.shutter is None else milliseconds_of(entry.shutter),
        fence=fence,
    )


def outcome_row(entry: Entry, fence: Fence | None) -> slots.Outcome:
    """Return the ledger's row of a slot's outcome."""
    return slots.Outcome(
        camera=entry.camera,
        slot=seconds_of(entry.at),
        node=entry.node,
        outcome=entry.outcome,
        index=entry.index,
        partial=entry.partial,
        cause=_why(entry),
        shutter=None if entry.shutter is None else milliseconds_of(entry.shutter),
        fence=fence,
    )


def receipt_line(delivery: Delivery, result: Json, at_ms: int) -> ReceiptEntry:
    """Return the line of what a destination's worker proved."""
    return ReceiptEntry(
        name=delivery.name,
        rendition=delivery.rendition,
        destination=delivery.destination,
        level=int(Level.named(result["level"])),
        remote=result["name"],
        size=result["size"],
        sha256=result["sha256"],
        at=at_ms,
        required=delivery.required,
        wanted=delivery.level,
        priority=int(delivery.priority),
    )


def remember(catalogue: Catalogue, lengths: Mapping[str, int]) -> None:
    """Note up to where the catalogue knows each day book: a start reads only what follows, other nodes hear of it."""
    for folder, length in lengths.items():
        news.mark(catalogue, folder, states.offset(catalogue, folder))
        states.set_offset(catalogue, folder, length)


def _why(entry: Entry) -> str:
    """Return the fixed cause, and behind a colon what the operator or the camera said more."""
    words = [word for word in (entry.cause, entry.text) if word]
    return ": ".join(words)
