"""What `overlapse verify --remote --apply` does about copies that were lost: their receipts hold no more."""

from __future__ import annotations

from collections.abc import Sequence
from queue import SimpleQueue

from core.catalogue import copies, deliveries
from core.cli.checking import Lost
from core.clock import SystemClock
from core.control.client import ask
from core.errors import AlreadyRunning, NodeUnreachable, from_wire
from core.node.loop import Event, Stop
from core.node.part import SitePart
from core.node.start import open_site
from core.site.load import Loaded
from core.site.place import Place


def make_amends(place: Place, loaded: Loaded, lost: Sequence[Lost]) -> str:
    """Have these copies delivered again, and return what was done, in a sentence.

    A node that runs looks for itself, and takes back what it finds lost, too; of one that does not run the receipts
    are taken back here. Raise NodeUnreachable for one that runs and does not answer, Forbidden, StorageError.
    """
    try:
        count = sum(ask(place.folders.control, "audit", {"delivery": one.delivery})["copies"] for one in lost)
    except NodeUnreachable as error:
        try:
            count = _alone(place, loaded, lost)
        except AlreadyRunning:
            raise error from None  # it holds its data folder and does not answer
        return f"{count} receipts taken back: the next run delivers again what is still here"
    live = "; a live picture comes again with the next one" if count < len(lost) else ""
    return f"the node reads {count} of them back now and delivers again what is lost: see `overlapse events`{live}"


def _alone(place: Place, loaded: Loaded, lost: Sequence[Lost]) -> int:
    queue: SimpleQueue[Event | Stop] = SimpleQueue()
    opened = open_site(place, loaded, SystemClock(), queue, lambda: loaded, listen=False)
    try:
        try:
            return sum(_taken_back(opened.part, one) for one in lost)
        finally:
            opened.part.close()
    finally:
        opened.close()


def _taken_back(part: SitePart, one: Lost) -> bool:
    if not copies.is_copy(part.context.catalogue, one.delivery):
        return False
    delivery = deliveries.get(part.context.catalogue, one.delivery)
    part.desks.auditing.disprove(delivery, from_wire({"error": one.error, "message": one.what}))
    return True
