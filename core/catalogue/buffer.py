"""The node's own picture store: what is proven, what only this node has, and what has left."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import NamedTuple

from core.catalogue.pictures import PICTURES, Picture, name_of, picture_of
from core.catalogue.schema import PROVEN, STEP, UNPROVEN
from core.catalogue.store import Catalogue
from core.values import Kind, PictureName

KINDS: Sequence[Kind] = ("raw", "jpeg")


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureTally:
    """How many pictures, and bytes, of one camera and kind are here, are proven, and have left."""

    camera: str
    kind: Kind
    present: int
    present_bytes: int
    proven: int  # of those present
    proven_bytes: int
    gone: int
    gone_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRisk:
    """The pictures of which this node has the only copy that counts."""

    count: int
    bytes: int
    oldest: int | None  # `at` of the oldest, seconds since the epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """Why a picture left, and where its copies were."""

    name: PictureName
    at: int  # milliseconds since the epoch
    why: str
    copies: Sequence[str]


class Stock(NamedTuple):
    """How many pictures, and bytes, of one UTC day have the same turn to leave."""

    day: int  # since the epoch
    pictures: int
    bytes: int


def proven_by_day(catalogue: Catalogue) -> Iterator[Stock]:
    """Yield what is proven and still here by day, oldest first; stop when enough, and write only after that."""
    return _stock(catalogue, "proven", 0)


def unproven_by_day(catalogue: Catalogue, kind: Kind, step: int) -> Iterator[Stock]:
    """Yield what is not proven, of one kind and step, by day, oldest first."""
    return _stock(catalogue, kind, step)


def _stock(catalogue: Catalogue, turn: str, step: int) -> Iterator[Stock]:
    sql = "SELECT day, n, bytes FROM stock WHERE turn = ? AND step = ? ORDER BY day"
    return (Stock(*row) for row in catalogue.each(sql, (turn, step)))


def steps(catalogue: Catalogue, kind: Kind) -> Iterator[int]:
    """Yield the steps that the unproven pictures of a kind have, see schema.STEP: one look at the index for each."""
    sql, last = "SELECT min(step) FROM stock WHERE turn = ? AND step > ?", -1
    while (found := catalogue.value(sql, (kind, last))) is not None:
        yield found
        last = found


def proven_of(catalogue: Catalogue, day: int) -> Iterator[Picture]:
    """Yield the proven pictures of a UTC day that are still here, oldest first."""
    return _oldest_first(catalogue, f"{PROVEN} AND at >= ? AND at < ?", None, _seconds(day))


def unproven_of(catalogue: Catalogue, day: int, kind: Kind, step: int) -> Iterator[Picture]:
    """Yield the pictures of a UTC day here that are not proven, of one kind and step, oldest first."""
    where = f"{UNPROVEN} AND {STEP} = ? AND at >= ? AND at < ?"
    return _oldest_first(catalogue, where, kind, (step, *_seconds(day)))


def _seconds(day: int) -> tuple[int, int]:
    return day * 86400, (day + 1) * 86400


def proven_oldest_first(catalogue: Catalogue, kind: Kind | None = None) -> Iterator[Picture]:
    """Yield the proven pictures that are still here; stop when enough, and write only after that."""
    return _oldest_first(catalogue, PROVEN, kind)


def unproven_oldest_first(catalogue: Catalogue, kind: Kind | None = None) -> Iterator[Picture]:
    """Yield the pictures here that are not proven, those that no route requires anywhere among them."""
    return _oldest_first(catalogue, UNPROVEN, kind)


def _oldest_first(
    catalogue: Catalogue, which: str, kind: Kind | None, parameters: tuple[int, ...] = ()
) -> Iterator[Picture]:
    sql = PICTURES + f"WHERE kind = ? AND {which} ORDER BY at, id"
    kinds = KINDS if kind is None else (kind,)
    streams = [catalogue.each(sql, (one, *parameters)) for one in kinds]
    return map(picture_of, merge(*streams, key=lambda row: (row["at"], row["id"])))


def mark_gone(catalogue: Catalogue, picture: int, at: int, why: str, copies: Sequence[str] = ()) -> bool:
    """Write down that a picture's file leaves (`at` in milliseconds); return False when it had left before.

    Its deliveries that are not proven go with it: there is nothing left to send.
    """
    with catalogue.transaction():
        if catalogue.run("UPDATE picture SET gone = ? WHERE id = ? AND gone = 0", (at, picture)) == 0:
            return False
        row = {"picture": picture, "at": at, "why": why, "copies": json.dumps(list(copies))}
        catalogue.insert("deletion", row)
        catalogue.run("DELETE FROM delivery WHERE picture = ? AND state <> 'proven'", (picture,))
    return True


def was_lost(catalogue: Catalogue, picture: int) -> bool:
    """Return whether a picture left this buffer before it was proven anywhere."""
    return bool(catalogue.value("SELECT why = 'expired unproven' FROM deletion WHERE picture = ?", (picture,)))


def deletions(catalogue: Catalogue, limit: int = 100) -> list[Deletion]:
    """Return the latest lines of the deletion log, newest first."""
    rows = catalogue.rows(
        "SELECT p.*, d.at AS deleted, why, copies FROM deletion d JOIN picture p ON p.id = d.picture "
        "ORDER BY d.at DESC LIMIT ?",
        (limit,),
    )
    return [
        Deletion(name=name_of(row), at=row["deleted"], why=row["why"], copies=json.loads(row["copies"])) for row in rows
    ]


def deletion_tally(catalogue: Catalogue) -> dict[str, tuple[int, int]]:
    """Return how many pictures, and bytes, have left for each reason."""
    return {row["why"]: (row["n"], row["bytes"]) for row in catalogue.rows("SELECT why, n, bytes FROM deletion_tally")}


def tally(catalogue: Catalogue) -> list[PictureTally]:
    """Return the counts of every camera and kind, kept by triggers."""
    return [PictureTally(**dict(row)) for row in catalogue.rows("SELECT * FROM picture_tally")]


def at_risk(catalogue: Catalogue) -> AtRisk:
    """Return how much would be lost with this node's disk."""
    counts = catalogue.row(
        "SELECT ifnull(sum(present - proven), 0), ifnull(sum(present_bytes - proven_bytes), 0) FROM picture_tally"
    )
    assert counts is not None
    sql = f"SELECT min(at) FROM picture WHERE {UNPROVEN} AND kind = ?"  # noqa: S608 - constants
    oldest = [at for kind in KINDS if (at := catalogue.value(sql, (kind,))) is not None]
    return AtRisk(count=counts[0], bytes=counts[1], oldest=min(oldest, default=None))
