"""What goes to a destination next: by class, then oldest first, live newest first; all by partial indexes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from core.catalogue import live
from core.catalogue.deliveries import Delivery, Priority, select
from core.catalogue.store import Catalogue, Parameters

_READY = "d.destination = +? AND d.state = 'queued' AND d.next_try = 0 AND d.size IS NOT NULL"
_WAITING = "destination = +? AND state = 'queued' AND next_try > 0"
"""The plus keeps SQLite from holding the value against the conditions of partial indexes: where it does, it makes the
statement anew for every execution, at six times its price (measured; whereUsablePartialIndex of its where.c)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of those that are ready may go.

    `but`: names there that something is on its way to. `rarer`: classes of which only every so many-th slot goes, and
    `after`: up to where (`at`, seconds) nothing of such a class is left to go, so that it is not looked through again.
    """

    classes: Collection[Priority] = tuple(Priority)
    but: Collection[str] = ()
    rarer: Mapping[Priority, int] = field(default_factory=dict)
    after: Mapping[Priority, int] = field(default_factory=dict)


ANYTHING = Choice()


def next_ready(catalogue: Catalogue, destination: str, now: int, choice: Choice = ANYTHING) -> Delivery | None:
    """Return what goes to a destination next at `now` (milliseconds).

    Renditions that are not made yet are not ready. Deliveries whose next try is due take their place again, so this
    is for the writer.
    """
    if wake(catalogue, destination, now):
        choice = replace(choice, after={})
    while (found := first_of(catalogue, destination, choice)) is not None:
        key = live.Key(found.destination, found.remote, found.at, found.picture, found.rendition)
        if found.priority != Priority.LIVE or not live.is_overtaken(catalogue, key, found.id):
            return found
        catalogue.run("DELETE FROM delivery WHERE id = ?", (found.id,))
    return None


def wake(catalogue: Catalogue, destination: str, now: int) -> bool:
    """Have what is due for another try at `now` (milliseconds) be ready; return whether anything is."""
    due = f"{_WAITING} AND next_try <= ?"
    if catalogue.value(f"SELECT 1 FROM delivery WHERE {due} LIMIT 1", (destination, now)) is None:  # noqa: S608
        return False
    return catalogue.run(f"UPDATE delivery SET next_try = 0 WHERE {due}", (destination, now)) > 0  # noqa: S608


def first_of(
    catalogue: Catalogue, destination: str, choice: Choice, also: str = "", parameters: Parameters = ()
) -> Delivery | None:
    """Return the first that is ready and for which `also` (" AND ...") holds, None when there is none."""
    for priority in _classes(catalogue, destination, choice):
        where, key = f"{_READY} AND d.priority = +?", [destination, priority]
        if priority in choice.rarer:
            where += " AND d.at >= ? AND (p.idx IS NULL OR p.idx % ? = 0)"
            key += [choice.after.get(priority, 0), choice.rarer[priority]]
        if choice.but:
            where += f" AND d.remote NOT IN ({', '.join('?' * len(choice.but))})"
        order = "DESC" if priority == Priority.LIVE else "ASC"
        ordered = f"{where}{also} ORDER BY d.at {order}, d.id {order} LIMIT 1"
        found = next(select(catalogue, ordered, (*key, *choice.but, *parameters)), None)
        if found is not None:
            return found
    return None


def _classes(catalogue: Catalogue, destination: str, choice: Choice) -> Iterator[Priority]:
    """Yield the classes of which something is ready, the most urgent first."""
    least = -1
    sql = f"SELECT min(d.priority) FROM delivery d WHERE {_READY} AND d.priority > ?"  # noqa: S608 - constants
    while (found := catalogue.value(sql, (destination, least))) is not None:
        least = found
        if found in choice.classes:
            yield Priority(found)


def next_due(catalogue: Catalogue, destination: str) -> int | None:
    """Return when the next of those that wait for another try is due (milliseconds); None when none waits."""
    soonest: int | None = catalogue.value(
        f"SELECT min(next_try) FROM delivery WHERE {_WAITING}",  # noqa: S608 - constants
        (destination,),
    )
    return soonest
