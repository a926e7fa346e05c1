"""The queue: one row for each picture or rendition and the place it must go to.

States: queued -> sending -> sent -> proven, or refused. Only a receipt makes a delivery proven (receipts.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Literal

from core.catalogue import live
from core.catalogue.pictures import name_of
from core.catalogue.store import Catalogue, Parameters, Row
from core.errors import NoSuchThing
from core.values import PictureName, Sha256

State = Literal["queued", "sending", "sent", "proven", "refused"]


class Priority(IntEnum):
    """What is sent first: what a person would miss first."""

    STATUS = 0
    LIVE = 1  # newest first; the archive goes oldest first
    THUMBNAIL = 2
    JPEG = 3
    RAW = 4
    AUDIT = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """Where a picture, or a rendition of it, must go. One of priority LIVE proves nothing for long: never required."""

    destination: str
    remote: str  # name at the destination
    priority: Priority
    level: int  # of the receipt that is wanted: 1 size, 2 hash, 3 read back
    rendition: str = ""  # the recipe's name; "": the original
    required: bool = True
    instead: tuple[str, ...] = ()  # destinations that may take it when this one does not answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery(NewDelivery):
    """A delivery as it stands."""

    id: int
    picture: int
    name: PictureName
    at: int  # of the picture, seconds since the epoch
    state: State
    size: int | None  # bytes; None: the rendition is not made yet
    sha256: Sha256 | None
    path: str | None  # the local file, relative to the data folder
    offset: int  # bytes that the destination has
    resume: bytes | None  # opaque: what the destination's implementation needs to go on
    attempts: int
    next_try: int  # milliseconds since the epoch; 0: at once
    error: str | None  # class of the last error
    message: str | None
    transient: bool | None  # may that error pass by itself?
    stands_for: str = ""  # the destination that did not answer, when this one stands in for it


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryTally:
    """How many deliveries, and bytes, of one destination are in one state."""

    destination: str
    state: State
    n: int
    bytes: int


_DELIVERIES = """SELECT d.*, p.camera, p.node, p.epoch, p.token, p.nth, p.extension, p.sha256 AS original,
    a.instead, a.stands_for FROM delivery d JOIN picture p ON p.id = d.picture
    LEFT JOIN alternative a ON a.delivery = d.id """
_OPEN = "destination = ? AND state <> 'proven'"
_REQUEUE = "state = 'queued', next_try = 0, attempts = 0, error = NULL, message = NULL, transient = NULL"


def _delivery(row: Row) -> Delivery:
    name, original = name_of(row), not row["rendition"]
    sha256: bytes | None = row["original"] if original else row["sha256"]
    return Delivery(
        id=row["id"],
        picture=row["picture"],
        name=name,
        rendition=row["rendition"],
        destination=row["destination"],
        remote=row["remote"],
        priority=Priority(row["priority"]),
        at=row["at"],
        required=bool(row["required"]),
        level=row["level"],
        state=row["state"],
        size=row["size"],
        sha256=None if sha256 is None else Sha256(sha256.hex()),
        path=f"pictures/{name.path}" if original else row["path"],
        offset=row["offset"],
        resume=row["resume"],
        attempts=row["attempts"],
        next_try=row["next_try"],
        error=row["error"],
        message=row["message"],
        transient=None if row["transient"] is None else bool(row["transient"]),
        instead=tuple((row["instead"] or "").split()),
        stands_for=row["stands_for"] or "",
    )


def enqueue(catalogue: Catalogue, picture: int, wanted: Iterable[NewDelivery]) -> list[int]:
    """Queue the deliveries of a picture and return the ids of those that are new.

    What is queued already is kept: it becomes required if it was not, and its level rises if more is wanted now.
    A live picture waits for its look, so that a broken one never takes the place of the last good one; it is left out
    when it is known to be broken, and when a newer one was found whole.
    """
    found = catalogue.row("SELECT at, size FROM picture WHERE id = ?", (picture,))
    if found is None:
        raise NoSuchThing(f"the catalogue has no picture {picture}")
    with catalogue.transaction():
        added = [_enqueue(catalogue, picture, found, one) for one in wanted]
    return [number for number in added if number is not None]


def _enqueue(catalogue: Catalogue, picture: int, found: Row, wanted: NewDelivery) -> int | None:
    if wanted.instead and _is_stood_in(catalogue, picture, wanted):
        wanted = made_good_later(wanted)
    is_live, seen = wanted.priority == Priority.LIVE, True
    if is_live:
        verdict = catalogue.value("SELECT verdict FROM view WHERE picture = ?", (picture,))
        key = live.Key(wanted.destination, wanted.remote, found["at"], picture, wanted.rendition)
        if verdict == live.BROKEN or not live.take_name(catalogue, key, seen := verdict is not None):
            return None
    values = {
        "picture": picture,
        "rendition": wanted.rendition,
        "destination": wanted.destination,
        "remote": wanted.remote,
        "priority": int(wanted.priority),
        "at": found["at"],
        "required": int(wanted.required and not is_live),
        "level": wanted.level,
        "size": None if wanted.rendition or not seen else found["size"],
    }
    added = catalogue.insert("delivery", values, "ON CONFLICT DO NOTHING")
    if added is None:
        _want_more(catalogue, picture, wanted)
    elif wanted.instead:
        set_alternatives(catalogue, added, wanted.instead)
    return added


def set_alternatives(catalogue: Catalogue, number: int, instead: Sequence[str], stands_for: str = "") -> None:
    """Write down which destinations may take a delivery that its own does not take, and for which it stands in."""
    sql = "INSERT INTO alternative VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET instead = ?2, stands_for = ?3"
    catalogue.run(sql, (number, " ".join(instead), stands_for))


def made_good_later(wanted: NewDelivery) -> NewDelivery:
    """Return what is left to do at a destination for which another one stood in: some day, after all else."""
    priority = Priority.LIVE if wanted.priority == Priority.LIVE else Priority.AUDIT
    return replace(wanted, required=False, priority=priority, instead=())


def _is_stood_in(catalogue: Catalogue, picture: int, wanted: NewDelivery) -> bool:
    """Return whether one of those that may take a delivery instead has it already, as it is wanted."""
    sql = "SELECT destination FROM delivery WHERE picture = ? AND rendition = ? AND state = 'proven' AND level >= ?"
    found = catalogue.rows(sql, (picture, wanted.rendition, wanted.level))
    return any(row[0] in wanted.instead for row in found)


def _want_more(catalogue: Catalogue, picture: int, wanted: NewDelivery) -> None:
    where = "picture = ? AND rendition = ? AND destination = ? AND remote = ?"
    key = (picture, wanted.rendition, wanted.destination, wanted.remote)
    required = int(wanted.required and wanted.priority != Priority.LIVE)
    changed = catalogue.run(
        f"UPDATE delivery SET required = max(required, ?), level = max(level, ?), "  # noqa: S608 - constants
        "state = iif(state = 'proven' AND level < ? AND (SELECT r.level FROM receipt r WHERE r.delivery = id) < ?, "
        f"'sent', state) WHERE {where} AND (required < ? OR level < ?)",
        (required, wanted.level, wanted.level, wanted.level, *key, required, wanted.level),
    )
    if changed:
        catalogue.seal("delivery", where, key)


def get(catalogue: Catalogue, number: int) -> Delivery:
    """Return a delivery; raise NoSuchThing when it was withdrawn or never was."""
    row = catalogue.row(_DELIVERIES + "WHERE d.id = ?", (number,))
    if row is None:
        raise NoSuchThing(f"the catalogue has no delivery {number}")
    return _delivery(row)


def select(catalogue: Catalogue, where: str, parameters: Parameters) -> Iterator[Delivery]:
    """Yield the deliveries for which `where` holds: on the row `d`, its picture `p` and its alternative `a`."""
    return (_delivery(row) for row in catalogue.each(f"{_DELIVERIES} WHERE {where}", parameters))


def of_picture(catalogue: Catalogue, picture: int) -> list[Delivery]:
    """Return all deliveries of a picture, by rendition and destination."""
    sql = "WHERE d.picture = ? ORDER BY d.rendition, d.destination, d.remote"
    return [_delivery(row) for row in catalogue.rows(_DELIVERIES + sql, (picture,))]


def change(catalogue: Catalogue, number: int, **values: int) -> None:
    """Change what is wanted of a delivery: its `required` or its `priority`."""
    columns = ", ".join(f"{name} = ?" for name in values)
    with catalogue.transaction():
        catalogue.run(f"UPDATE delivery SET {columns} WHERE id = ?", (*values.values(), number))  # noqa: S608 - ours
        catalogue.seal("delivery", "id = ?", (number,))


def unmade(catalogue: Catalogue, limit: int = 100, after: tuple[int, int, int] = (-1, 0, 0)) -> list[Delivery]:
    """Return queued deliveries whose rendition must be made first, in the order in which they are wanted.

    `after`: priority, `at` and id of the last one of those that are known.
    """
    sql = (
        "WHERE d.state = 'queued' AND d.size IS NULL AND (d.priority, d.at, d.id) > (?, ?, ?) "
        "ORDER BY d.priority, d.at, d.id LIMIT ?"
    )
    return [_delivery(row) for row in catalogue.rows(_DELIVERIES + sql, (*after, limit))]


def unmade_of(catalogue: Catalogue, picture: int) -> set[str]:
    """Return the renditions of a picture that must be made."""
    sql = (
        "SELECT DISTINCT rendition FROM delivery WHERE picture = ? AND size IS NULL AND state IN ('queued', 'refused')"
    )
    return {str(row[0]) for row in catalogue.rows(sql, (picture,))}


def made(catalogue: Catalogue, picture: int, rendition: str, path: str, size: int, sha256: Sha256) -> int:
    """Write down where a rendition lies; return how many deliveries it makes ready.

    Bytes that differ from those that were on their way begin anew.
    """
    digest = bytes.fromhex(sha256)
    return catalogue.run(
        "UPDATE delivery SET path = ?, size = ?, offset = iif(sha256 IS ?3, offset, 0), "
        "resume = iif(sha256 IS ?3, resume, NULL), sha256 = ?3 "
        "WHERE picture = ? AND rendition = ? AND state IN ('queued', 'refused')",
        (path, size, digest, picture, rendition),
    )


def never_made(catalogue: Catalogue, picture: int, recipes: Collection[str]) -> int:
    """Drop what waits for renditions that cannot be made of a picture, because it is broken; return how many."""
    found = [one for one in of_picture(catalogue, picture) if one.rendition in recipes and one.size is None]
    return withdraw(catalogue, [one.id for one in found])


def unmake(catalogue: Catalogue, picture: int, rendition: str) -> int:
    """Write down that a rendition's file is gone: what waits for it is not ready until it is made again."""
    return catalogue.run(
        "UPDATE delivery SET path = NULL, size = NULL "
        "WHERE picture = ? AND rendition = ? AND rendition <> '' AND state IN ('queued', 'sending', 'refused')",
        (picture, rendition),
    )


def start(catalogue: Catalogue, number: int) -> bool:
    """Mark a delivery as on its way; return False when it is not queued any more. A power cut may undo the mark."""
    sql = "UPDATE delivery SET state = 'sending' WHERE id = ? AND state = 'queued'"
    return catalogue.run_lightly(sql, (number,)) > 0


def progress(catalogue: Catalogue, number: int, offset: int, resume: bytes | None) -> None:
    """Write down how far a delivery has come, for a resume at the byte."""
    catalogue.run("UPDATE delivery SET offset = ?, resume = ? WHERE id = ?", (offset, resume, number))


def sent(catalogue: Catalogue, number: int) -> None:
    """Mark a delivery as whole at its destination, by what that said, and not proven yet."""
    catalogue.run(
        "UPDATE delivery SET state = 'sent', resume = NULL, offset = ifnull(size, offset) "
        "WHERE id = ? AND state IN ('queued', 'sending')",
        (number,),
    )


def fail(
    catalogue: Catalogue,
    number: int,
    error: str,
    message: str,
    transient: bool,
    next_try: int,
    its_own: bool = True,
) -> None:
    """Queue a delivery again for `next_try` (milliseconds, after 0); what was sent stays.

    Only a failure of `its_own` counts: after many cuts of its link a picture has no long wait before it.
    """
    catalogue.run(
        "UPDATE delivery SET state = 'queued', attempts = attempts + ?, next_try = ?, error = ?, message = ?, "
        "transient = ? WHERE id = ? AND state <> 'proven'",
        (int(its_own), max(1, next_try), error, message, int(transient), number),
    )


def postpone(catalogue: Catalogue, destination: str, error: str, until: int) -> int:
    """Have what waits there after a failure of this class wait until then (milliseconds) at least; return how many."""
    sql = "UPDATE delivery SET next_try = ? WHERE destination = ? AND state = 'queued' AND error = ? AND next_try < ?"
    return catalogue.run(sql, (until, destination, error, until))


def put_back(catalogue: Catalogue, number: int) -> None:
    """Queue again, without counting an attempt, a delivery that was asked to stop where it was."""
    catalogue.run("UPDATE delivery SET state = 'queued' WHERE id = ? AND state = 'sending'", (number,))


def rename(catalogue: Catalogue, number: int, remote: str) -> None:
    """Give a delivery another name at its destination, because the one it had belongs to something else there.

    One that has a delivery under that name already is withdrawn.
    """
    ours = get(catalogue, number)
    with catalogue.transaction():
        if any(
            (one.destination, one.rendition, one.remote) == (ours.destination, ours.rendition, remote)
            for one in of_picture(catalogue, ours.picture)
        ):
            withdraw(catalogue, [number])
            return
        catalogue.run("UPDATE delivery SET remote = ?, offset = 0, resume = NULL WHERE id = ?", (remote, number))
        catalogue.seal("delivery", "id = ?", (number,))


def refuse(catalogue: Catalogue, number: int, error: str, message: str) -> None:
    """Take a delivery out of the queue until an operator says otherwise."""
    catalogue.run(
        "UPDATE delivery SET state = 'refused', error = ?, message = ?, transient = 0 WHERE id = ? "
        "AND state <> 'proven'",
        (error, message, number),
    )


def retry(catalogue: Catalogue, destination: str | None = None, number: int | None = None) -> int:
    """Queue at once what is refused or waits for its next try: one, those of a destination, or all; return how many."""
    chosen = {"id": number, "destination": destination}
    key = {column: value for column, value in chosen.items() if value is not None}
    where = "".join(f" AND {column} = ?" for column in key)
    with catalogue.transaction():
        return sum(
            catalogue.run(f"UPDATE delivery SET {_REQUEUE} WHERE {which}{where}", tuple(key.values()))  # noqa: S608 - constants
            for which in ("state = 'refused'", "state = 'queued' AND next_try > 0")
        )


def withdraw(catalogue: Catalogue, numbers: Iterable[int]) -> int:
    """Drop deliveries that are not proven, because an operator or the configuration says so; return how many."""
    with catalogue.transaction():
        return sum(catalogue.run("DELETE FROM delivery WHERE id = ? AND state <> 'proven'", (one,)) for one in numbers)


def withdraw_all(catalogue: Catalogue, destination: str) -> int:
    """Drop all that is not proven at a destination that the site has no more; return how many."""
    return catalogue.run("DELETE FROM delivery WHERE destination = ? AND state <> 'proven'", (destination,))


def hand_over(catalogue: Catalogue, destination: str, heir: str) -> int:
    """Give what is not proven at a destination to another name of the same place, where it goes on; return how many."""
    kept = "picture, rendition, remote, priority, at, required, level, size, sha256, path, offset, resume, sum"
    with catalogue.transaction():
        catalogue.run(
            f"INSERT OR IGNORE INTO delivery (destination, state, {kept}) SELECT ?, 'queued', {kept} FROM delivery "  # noqa: S608 - constants
            "WHERE destination = ? AND state <> 'proven'",
            (heir, destination),
        )
        catalogue.seal("delivery", "destination = ? AND state = 'queued'", (heir,))
        return withdraw_all(catalogue, destination)


def resume_all(catalogue: Catalogue, but: Collection[int] = ()) -> int:
    """Queue again what was on its way, `but` these; each goes on where it was. Return how many."""
    marks = ", ".join("?" * len(but))
    sql = "UPDATE delivery SET state = 'queued' WHERE state = 'sending'"
    return catalogue.run(f"{sql} AND id NOT IN ({marks})", tuple(but))


def queue(catalogue: Catalogue, destination: str, limit: int = 100) -> list[Delivery]:
    """Return what a destination has not proven, oldest first."""
    sql = f"WHERE d.{_OPEN.replace(' AND ', ' AND d.')} ORDER BY d.at LIMIT ?"
    return [_delivery(row) for row in catalogue.rows(_DELIVERIES + sql, (destination, limit))]


def remotes(catalogue: Catalogue, destination: str) -> int:
    """Return how many objects are proven at a destination: names, since a live one is written again and again."""
    return int(
        catalogue.value(
            "SELECT count(DISTINCT remote) FROM delivery WHERE destination = ? AND state = 'proven'", (destination,)
        )
    )


def oldest(catalogue: Catalogue, destination: str) -> int | None:
    """Return `at` (seconds) of the oldest picture that a destination has not proven."""
    at: int | None = catalogue.value(f"SELECT min(at) FROM delivery WHERE {_OPEN}", (destination,))  # noqa: S608
    return at


def tally(catalogue: Catalogue) -> list[DeliveryTally]:
    """Return the counts of every destination and state, kept by triggers."""
    return [DeliveryTally(**dict(row)) for row in catalogue.rows("SELECT * FROM delivery_tally WHERE n > 0")]


def backlog(catalogue: Catalogue, destination: str) -> tuple[int, int]:
    """Return how many deliveries, and bytes, a destination is still to be sent."""
    row = catalogue.row(
        "SELECT ifnull(sum(n), 0), ifnull(sum(bytes), 0) FROM delivery_tally "
        "WHERE destination = ? AND state IN ('queued', 'sending')",
        (destination,),
    )
    assert row is not None
    return row[0], row[1]


def waiting(catalogue: Catalogue, destinations: Iterable[str]) -> dict[Priority, int]:
    """Return the bytes that are still to be sent to these destinations together, by class."""
    found: dict[Priority, int] = {}
    for name in destinations:
        for row in catalogue.rows("SELECT priority, bytes FROM backlog WHERE destination = ? AND n > 0", (name,)):
            found[Priority(row["priority"])] = found.get(Priority(row["priority"]), 0) + row["bytes"]
    return found


def rendition_size(catalogue: Catalogue, rendition: str) -> int | None:
    """Return the mean size in bytes of the last copies that a recipe made, None when it made none."""
    sql = """SELECT avg(size) FROM (SELECT size FROM delivery WHERE rendition = ? AND size IS NOT NULL
        AND id > (SELECT max(id) FROM delivery) - 1000)"""
    mean = catalogue.value(sql, (rendition,))
    return None if mean is None else round(mean)


def showing(catalogue: Catalogue, destination: str, remote: str) -> Delivery | None:
    """Return what a live name holds at a destination, as far as that said or proved."""
    sql = "WHERE d.destination = ? AND d.remote = ? AND d.priority = 1 AND d.state IN ('sent', 'proven') "
    row = catalogue.row(f"{_DELIVERIES}{sql}ORDER BY d.at DESC, d.id DESC LIMIT 1", (destination, remote))
    return None if row is None else _delivery(row)


def awaiting_proof(catalogue: Catalogue, destination: str, limit: int = 100) -> list[Delivery]:
    """Return what was sent to a destination and has no sufficient receipt, oldest first."""
    sql = f"WHERE d.{_OPEN.replace(' AND ', ' AND d.')} AND d.state = 'sent' ORDER BY d.at LIMIT ?"
    return [_delivery(row) for row in catalogue.rows(_DELIVERIES + sql, (destination, limit))]
