"""The first that answers: what one destination takes while another, for which it stands in, does not answer.

A delivery with `instead` moves, one at a time and only when it is about to be sent: the stand-in gets it as it was
wanted, and what is left at its own destination is made good later, after all else.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.catalogue.deliveries import (
    Delivery,
    NewDelivery,
    change,
    enqueue,
    made_good_later,
    set_alternatives,
)
from core.catalogue.ready import ANYTHING, Choice, first_of, wake
from core.catalogue.store import Catalogue

_MAY_TAKE = " AND instr(' ' || a.instead || ' ', ' ' || ? || ' ')"


def next_for(
    catalogue: Catalogue, stand_in: str, silent: Sequence[str], now: int, choice: Choice = ANYTHING
) -> Delivery | None:
    """Return the next delivery that `stand_in` may take of the destinations that are `silent` at `now` (milliseconds).

    None when none waits.
    """
    for destination in silent:
        wake(catalogue, destination, now)
    found = [first_of(catalogue, destination, choice, _MAY_TAKE, (stand_in,)) for destination in silent]
    return min((one for one in found if one is not None), key=lambda one: (one.priority, one.at), default=None)


def stand_in(catalogue: Catalogue, delivery: Delivery, destination: str, remote: str) -> None:
    """Queue `delivery` at one of its `instead`, in the place of its own; it is called `remote` there."""
    later = made_good_later(delivery)
    wanted = NewDelivery(
        destination=destination,
        remote=remote,
        priority=delivery.priority,
        level=delivery.level,
        rendition=delivery.rendition,
        required=delivery.required,
        instead=tuple(name for name in delivery.instead if name != destination),
    )
    with catalogue.transaction():
        change(catalogue, delivery.id, required=int(later.required), priority=int(later.priority))
        set_alternatives(catalogue, delivery.id, ())
        for number in enqueue(catalogue, delivery.picture, [wanted]):
            set_alternatives(catalogue, number, wanted.instead, delivery.destination)
            if delivery.rendition:
                _same_file(catalogue, delivery, number)


def _same_file(catalogue: Catalogue, delivery: Delivery, number: int) -> None:
    catalogue.run(
        "UPDATE delivery SET (size, path, sha256) = (SELECT size, path, sha256 FROM delivery WHERE id = ?) "
        "WHERE id = ?",
        (delivery.id, number),
    )


def settle(catalogue: Catalogue, proven: Delivery) -> None:
    """Drop what still waits to stand in for a delivery that is now `proven` itself, and require that one again."""
    waiting = catalogue.rows(
        "SELECT d.id, d.required FROM delivery d JOIN alternative a ON a.delivery = d.id WHERE d.picture = ? "
        "AND d.rendition = ? AND a.stands_for = ? AND d.state IN ('queued', 'refused')",
        (proven.picture, proven.rendition, proven.destination),
    )
    for row in waiting:
        catalogue.run("DELETE FROM delivery WHERE id = ?", (row["id"],))
    if any(row["required"] for row in waiting):
        change(catalogue, proven.id, required=1)
