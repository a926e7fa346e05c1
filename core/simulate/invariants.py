"""What must hold of a simulated site at any time, whatever happened to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from core.catalogue import buffer, deliveries, overrides, pictures, receipts, slots
from core.catalogue.pictures import Picture
from core.catalogue.store import Catalogue
from core.intake.entries import PictureEntry
from core.simulate.cameras import SimulatedCamera
from core.simulate.site import SimulatedSite
from core.values import Sha256, seconds_of

UNPROVEN = "expired unproven"


def broken(site: SimulatedSite, begin: datetime, end: datetime) -> list[str]:
    """Return every promise that is broken for the slots of begin <= at < end and all pictures; empty: all hold."""
    faults = [f"internal fault: {text}" for text in site.told("internal fault")]
    return [*faults, *ledger(site, begin, end), *lost(site), *twice(site), *unproven(site), *not_rebuilt(site)]


def ledger(site: SimulatedSite, begin: datetime, end: datetime) -> Iterator[str]:
    """Every expected slot has one outcome, and nothing else has one."""
    for camera in site.cameras:
        expected = {seconds_of(slot.at) for slot in site.expected(camera, begin, end)}
        found = {row.slot for row in slots.between(site.catalogue, camera, seconds_of(begin), seconds_of(end))}
        yield from (f"{camera}: slot {slot} has no outcome" for slot in sorted(expected - found))
        yield from (f"{camera}: {slot} is no slot and has an outcome" for slot in sorted(found - expected))
    for camera in site.cameras:
        rows = slots.between(site.catalogue, camera, seconds_of(begin), seconds_of(end))
        of_slots = {one.slot for one in pictures.between(site.catalogue, camera, seconds_of(begin), seconds_of(end))}
        for row in rows:
            if (row.outcome in ("captured", "late") or row.filled is not None) != (row.slot in of_slots):
                yield f"{camera}: slot {row.slot} is {row.outcome}, filled by {row.filled}, and that is not so"


def lost(site: SimulatedSite) -> Iterator[str]:
    """Every picture that was ever taken is on the camera, here whole, or proven elsewhere; or announced as lost."""
    booked = {entry.sha256 for book in site.disk.books.values() for entry in book if isinstance(entry, PictureEntry)}
    on_disk = {file.sha256 for files in (site.disk.spool, site.disk.pictures) for file in files.values()}
    for camera in site.cameras.values():
        on_card = {one.file.sha256 for one in camera.card.values()}
        for sha256 in camera.taken.keys() - on_card - on_disk:
            yield from _why_gone(site, camera, sha256)
        yield from (
            f"{camera.name}: released {one}, which no line tells of" for one in camera.released if one not in booked
        )
    for picture in every(site.catalogue):
        file = site.disk.pictures.get(picture.name.path)
        if not picture.gone and (file is None or file.sha256 != picture.sha256):
            yield f"{picture.name}: catalogued and not on the disk"


def _why_gone(site: SimulatedSite, camera: SimulatedCamera, sha256: Sha256) -> Iterator[str]:
    known = pictures.by_sha256(site.catalogue, sha256)
    if not known:
        yield f"{camera.name}: {sha256} was taken and is nowhere"
    for picture in known:
        copies = [one for one in receipts.of_picture(site.catalogue, picture.id) if not one.rendition]
        held = [one for one in copies if site.destinations[one.destination].holds(one.remote, sha256)]
        if not held and str(picture.name) not in _told_lost(site):
            yield f"{picture.name}: gone, and not proven anywhere"


def _told_lost(site: SimulatedSite) -> set[str]:
    return {str(one.name) for one in buffer.deletions(site.catalogue, 10**9) if one.why == UNPROVEN}


def twice(site: SimulatedSite) -> Iterator[str]:
    """No slot is shot twice, and no destination has a file under two names."""
    seen: set[tuple[str, int, str]] = set()
    for picture in every(site.catalogue):
        if picture.slot is None:
            continue
        key = picture.name.camera, picture.slot, picture.kind
        if key in seen:
            yield f"{picture.name}: its slot has two pictures"
        seen.add(key)


def unproven(site: SimulatedSite) -> Iterator[str]:
    """What counts as proven stands whole at its destination, and every picture that is here has its deliveries."""
    for picture in every(site.catalogue):
        for delivery in deliveries.of_picture(site.catalogue, picture.id):
            is_there = site.destinations[delivery.destination].holds(delivery.remote, delivery.sha256)
            if delivery.state == "proven" and not is_there and delivery.priority is not deliveries.Priority.LIVE:
                yield f"{delivery.remote}: proven, and not there"


def not_rebuilt(site: SimulatedSite) -> Iterator[str]:
    """A catalogue made from the day books says the same."""
    anew, replayed = site.rebuilt()
    yield from (f"rebuild: {line}" for line in replayed.told)
    for what, ours, theirs in zip(PARTS, remembered(site.catalogue), remembered(anew), strict=True):
        for row in ours ^ theirs:
            yield f"rebuild: {what} {'lost' if row in ours else 'made up'}: {row}"


PARTS = ("slots", "pictures", "receipts", "deletions", "overrides")


def remembered(catalogue: Catalogue) -> Sequence[set[Any]]:
    """Return what a catalogue knows that a rebuild must find again, in the order of PARTS."""
    all_slots, all_orders = set(), set()
    for row in catalogue.rows("SELECT DISTINCT camera FROM slot UNION SELECT DISTINCT camera FROM override"):
        all_slots |= set(slots.between(catalogue, row["camera"], -(2**40), 2**40))
        all_orders |= set(overrides.all_of(catalogue, row["camera"]))
    known = list(every(catalogue))
    return (
        all_slots,
        {(one.name, one.slot, one.index, one.kind, one.size, one.sha256, one.trusted, one.gone) for one in known},
        {(one.name, receipt) for one in known for receipt in receipts.of_picture(catalogue, one.id)},
        {(one.name, one.at, one.why) for one in buffer.deletions(catalogue, 10**9)},
        all_orders,
    )


def every(catalogue: Catalogue) -> Iterator[Picture]:
    """Yield all pictures that were ever taken in."""
    last = 0
    while some := pictures.after(catalogue, last):
        yield from some
        last = some[-1].id
