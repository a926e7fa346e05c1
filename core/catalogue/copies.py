"""The copies that this node relies on: what is proven at a destination, and when each was last looked at."""

from __future__ import annotations

from collections.abc import Sequence

from core.catalogue import deliveries, live
from core.catalogue.deliveries import Delivery, Priority
from core.catalogue.store import Catalogue


def count(catalogue: Catalogue, destination: str) -> int:
    """Return how many copies a destination is relied upon to hold."""
    sql = "SELECT n FROM delivery_tally WHERE destination = ? AND state = 'proven'"
    return int(catalogue.value(sql, (destination,)) or 0)


def longest_unseen(catalogue: Catalogue, destination: str, before: int, limit: int) -> list[Delivery]:
    """Return the copies at a destination that were last looked at before an instant (milliseconds), longest first."""
    where = "WHERE destination = ? AND looked < ? ORDER BY looked LIMIT ?"
    return _found(catalogue, where, (destination, before, limit))


def at_random(catalogue: Catalogue, destination: str, before: int, dice: float) -> list[Delivery]:
    """Return one of these copies, or none, chosen by `dice`, 0 to 1, along the times at which they were looked at."""
    oldest = oldest_look(catalogue, destination)
    sql = "SELECT max(looked) FROM copy WHERE destination = ? AND looked < ?"
    newest = catalogue.value(sql, (destination, before))
    if oldest is None or newest is None:
        return []
    since = oldest + int(dice * (newest - oldest))
    return _found(catalogue, "WHERE destination = ? AND looked >= ? ORDER BY looked LIMIT 1", (destination, since))


def of_pictures(catalogue: Catalogue, destination: str, pictures: Sequence[int], before: int) -> list[Delivery]:
    """Return the copies of these originals that were last looked at before an instant (milliseconds), as given."""
    found: list[Delivery] = []
    for picture in pictures:
        sql = "JOIN delivery d ON d.id = copy.delivery WHERE d.picture = ? AND d.destination = ? AND looked < ?"
        found += [one for one in _found(catalogue, sql, (picture, destination, before)) if not one.rendition]
    return found


def is_copy(catalogue: Catalogue, number: int) -> bool:
    """Return whether a delivery is a copy that is relied upon."""
    return catalogue.value("SELECT 1 FROM copy WHERE delivery = ?", (number,)) is not None


def may_be_lost(catalogue: Catalogue, number: int) -> bool:
    """Return whether it means a loss when something else was found at a destination than was proven there.

    It does not for a live picture that was replaced by a newer one meanwhile: its receipt may still be on its way.
    """
    if catalogue.value("SELECT 1 FROM receipt WHERE delivery = ?", (number,)) is None:
        return False
    one = deliveries.get(catalogue, number)
    key = live.Key(one.destination, one.remote, one.at, one.picture, one.rendition)
    return one.priority != Priority.LIVE or not live.is_overtaken(catalogue, key, number)


def oldest_look(catalogue: Catalogue, destination: str) -> int | None:
    """Return when the longest unseen copy at a destination was looked at, in milliseconds; None: there is none."""
    at: int | None = catalogue.value("SELECT min(looked) FROM copy WHERE destination = ?", (destination,))
    return at


def seen(catalogue: Catalogue, number: int, at: int) -> None:
    """Write down that a copy was there whole at `at` (milliseconds)."""
    catalogue.run("UPDATE copy SET looked = ? WHERE delivery = ?", (at, number))


def _found(catalogue: Catalogue, rest: str, parameters: tuple[object, ...]) -> list[Delivery]:
    rows = catalogue.rows(f"SELECT copy.delivery FROM copy {rest}", parameters)  # noqa: S608 - constants
    return [deliveries.get(catalogue, row[0]) for row in rows]
