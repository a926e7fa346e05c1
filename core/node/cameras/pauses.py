"""When an operator had paused a camera: from the orders that the catalogue keeps."""

from __future__ import annotations

from datetime import datetime

from core.catalogue import overrides
from core.catalogue.store import Catalogue
from core.ledger.gap import Pause
from core.values import utc

PAUSE, RESUME = "pause", "resume"
LATEST = 7_258_118_400.0  # the year 2200: an order until later lasts until it is ended


def pauses_of(catalogue: Catalogue, camera: str) -> list[Pause]:
    """Return every pause of a camera, oldest first; a later order ends the one before."""
    orders = overrides.all_of(catalogue, camera)
    ends = [*(utc(later.at / 1000) for later in orders[1:]), None][: len(orders)]
    return [
        Pause(utc(order.at / 1000), _earlier(_until(order), end), f"paused by {order.who}: {order.why}")
        for order, end in zip(orders, ends, strict=True)
        if order.what == PAUSE
    ]


def pause_at(catalogue: Catalogue, camera: str, at: datetime) -> Pause | None:
    """Return the pause in which an instant lies."""
    return next((pause for pause in pauses_of(catalogue, camera) if pause.covers(at)), None)


def _until(order: overrides.Override) -> datetime | None:
    return None if order.until is None else utc(min(order.until / 1000, LATEST))


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    known = [instant for instant in (one, other) if instant is not None]
    return min(known, default=None)
