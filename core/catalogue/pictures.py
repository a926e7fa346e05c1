"""Originals: what each is, how it is found, and what was seen in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.catalogue.schema import PICTURE_COLUMNS
from core.catalogue.store import Catalogue, Row
from core.errors import NameTaken, NoSuchThing
from core.values import Fence, Kind, PictureName, Sha256, utc

_COLUMNS = f"id, {PICTURE_COLUMNS}, gone, required, pending"
PICTURES = f"SELECT {_COLUMNS} FROM picture "  # noqa: S608 - constants
_IDENTITY = "camera = ? AND at = ? AND node = ? AND epoch = ? AND token = ? AND nth = ? AND extension = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPicture:
    """What is known of an original when it is taken in; none of it ever changes."""

    name: PictureName
    slot: int | None  # seconds since the epoch; None: an extra
    index: int | None  # of the slot, counted from local midnight
    kind: Kind
    size: int  # bytes
    sha256: Sha256
    shutter: int | None = None  # host milliseconds since the epoch
    source_name: str = ""  # the camera's own name of it
    source_time: int | None = None  # the camera's own time, milliseconds since the epoch
    trusted: bool = True  # was the node's clock trusted?
    taken_in: int = 0  # milliseconds since the epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture(NewPicture):
    """An original as the catalogue knows it."""

    id: int
    gone: int  # milliseconds since the epoch at which its file was deleted; 0: it is here
    required: int  # deliveries that its routes require
    pending: int  # those of them that are not proven

    @property
    def proven(self) -> bool:
        """Whether every destination that must hold it does."""
        return self.required > 0 and self.pending == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the image child saw in a picture."""

    verdict: str
    why: str
    stats: Mapping[str, Any]


def name_of(row: Row) -> PictureName:
    """Return the name that a row of (camera, at, node, epoch, token, nth, extension) spells."""
    fence = Fence(row["epoch"], row["token"])
    return PictureName(row["camera"], utc(row["at"]), row["node"], fence, row["extension"], row["nth"])


def identity(name: PictureName) -> tuple[Any, ...]:
    """Return the columns that spell `name`."""
    at = int(name.at.timestamp())
    return name.camera, at, name.node, name.fence.epoch, name.fence.token, name.nth, name.extension


def picture_of(row: Row) -> Picture:
    """Return the picture that a row of PICTURES describes."""
    return Picture(
        id=row["id"],
        name=name_of(row),
        slot=row["slot"],
        index=row["idx"],
        kind=row["kind"],
        size=row["size"],
        sha256=Sha256(row["sha256"].hex()),
        shutter=row["shutter"],
        source_name=row["source_name"],
        source_time=row["source_time"],
        trusted=bool(row["trusted"]),
        taken_in=row["taken_in"],
        gone=row["gone"],
        required=row["required"],
        pending=row["pending"],
    )


def insert(catalogue: Catalogue, new: NewPicture) -> int:
    """Add a picture and return its id; one that is there already, with the same hash, is left as it is.

    Raise NameTaken when the name belongs to other bytes.
    """
    columns = ("camera", "at", "node", "epoch", "token", "nth", "extension")
    values = dict(zip(columns, identity(new.name), strict=True)) | {
        "slot": new.slot,
        "idx": new.index,
        "kind": new.kind,
        "size": new.size,
        "sha256": bytes.fromhex(new.sha256),
        "shutter": new.shutter,
        "source_name": new.source_name,
        "source_time": new.source_time,
        "trusted": int(new.trusted),
        "taken_in": new.taken_in,
    }
    inserted = catalogue.insert("picture", values, "ON CONFLICT DO NOTHING")
    if inserted is not None:
        return inserted
    known = by_name(catalogue, new.name)
    if known is None or known.sha256 != new.sha256:
        raise NameTaken(f"{new.name}: the catalogue knows other bytes under this name")
    return known.id


def by_id(catalogue: Catalogue, picture: int) -> Picture:
    """Return a picture; raise NoSuchThing."""
    row = catalogue.row(PICTURES + "WHERE id = ?", (picture,))
    if row is None:
        raise NoSuchThing(f"the catalogue has no picture {picture}")
    return picture_of(row)


def by_name(catalogue: Catalogue, name: PictureName) -> Picture | None:
    """Return the picture of this name, present or gone."""
    row = catalogue.row(PICTURES + f"WHERE {_IDENTITY}", identity(name))
    return None if row is None else picture_of(row)


def by_sha256(catalogue: Catalogue, sha256: Sha256) -> list[Picture]:
    """Return all pictures with these bytes, oldest first."""
    wanted = bytes.fromhex(sha256)
    rows = catalogue.rows(
        PICTURES + "WHERE substr(sha256, 1, 8) = substr(?1, 1, 8) AND sha256 = ?1 ORDER BY at, id", (wanted,)
    )
    return [picture_of(row) for row in rows]


def newest(catalogue: Catalogue, camera: str) -> Picture | None:
    """Return the picture of a camera with the latest time in its name."""
    row = catalogue.row(PICTURES + "WHERE camera = ? ORDER BY at DESC LIMIT 1", (camera,))
    return None if row is None else picture_of(row)


def last(catalogue: Catalogue, camera: str, limit: int) -> list[Picture]:
    """Return the last pictures of a camera by the time in their names, the newest first; those that are gone, too."""
    rows = catalogue.rows(PICTURES + "WHERE camera = ? ORDER BY at DESC, id DESC LIMIT ?", (camera, limit))
    return [picture_of(row) for row in rows]


def between(catalogue: Catalogue, camera: str, begin: int, end: int) -> list[Picture]:
    """Return the pictures of a camera with begin <= at < end (seconds since the epoch), oldest first."""
    rows = catalogue.rows(PICTURES + "WHERE camera = ? AND at >= ? AND at < ? ORDER BY at, id", (camera, begin, end))
    return [picture_of(row) for row in rows]


def after(catalogue: Catalogue, picture: int, limit: int = 1000) -> list[Picture]:
    """Return the next `limit` pictures by id after `picture` (0: from the first), to walk through all."""
    return [picture_of(row) for row in catalogue.rows(PICTURES + "WHERE id > ? ORDER BY id LIMIT ?", (picture, limit))]


def days(catalogue: Catalogue) -> list[tuple[str, int]]:
    """Return every (camera, days since the epoch) of which there is a picture."""
    return [tuple(row) for row in catalogue.rows("SELECT DISTINCT camera, at / 86400 FROM picture ORDER BY 1, 2")]


def set_view(
    catalogue: Catalogue, picture: int, verdict: str, why: str = "", stats: Mapping[str, Any] | None = None
) -> None:
    """Write down what was seen in a picture; a later look replaces an earlier one."""
    kept = json.dumps(stats or {}, separators=(",", ":"), sort_keys=True)
    catalogue.insert(
        "view",
        {"picture": picture, "verdict": verdict, "why": why, "stats": kept},
        "ON CONFLICT DO UPDATE SET verdict = excluded.verdict, why = excluded.why, stats = excluded.stats, "
        "sum = excluded.sum",
    )


def view(catalogue: Catalogue, picture: int) -> View | None:
    """Return what was seen in a picture, None while nobody has looked."""
    row = catalogue.row("SELECT verdict, why, stats FROM view WHERE picture = ?", (picture,))
    return None if row is None else View(verdict=row["verdict"], why=row["why"], stats=json.loads(row["stats"]))


def columns(catalogue: Catalogue, camera: str, begin: int, end: int, cell: int) -> list[tuple[int, int, str]]:
    """Return (cell, pictures in it, column of the last) of a camera's whole pictures with begin <= at < end (seconds).

    The column is what `core.processing.look.column` made of a picture; cells without one are left out.
    """
    sql = (
        "SELECT (p.at - ?2) / ?4, count(*), json_extract(v.stats, '$.column'), max(p.at) FROM picture p "
        "JOIN view v ON v.picture = p.id WHERE p.camera = ?1 AND p.at >= ?2 AND p.at < ?3 AND v.verdict <> 'broken' "
        "AND json_extract(v.stats, '$.column') IS NOT NULL GROUP BY 1"
    )
    return [(row[0], row[1], row[2]) for row in catalogue.rows(sql, (camera, begin, end, cell))]


def unseen(catalogue: Catalogue, limit: int = 100, among: int = 10_000) -> list[Picture]:
    """Return the newest pictures here that nobody has looked at, among the last so many."""
    sql = (
        f"SELECT * FROM ({PICTURES} ORDER BY id DESC LIMIT ?) "  # noqa: S608 - constants
        "WHERE gone = 0 AND NOT EXISTS (SELECT 1 FROM view WHERE view.picture = id) LIMIT ?"
    )
    return [picture_of(row) for row in catalogue.rows(sql, (among, limit))]


def views(catalogue: Catalogue) -> dict[str, int]:
    """Return how many pictures have each verdict."""
    return dict(tuple(row) for row in catalogue.rows("SELECT verdict, n FROM view_tally WHERE n > 0"))


def fences(catalogue: Catalogue, node: str) -> dict[str, Fence]:
    """Return the highest fence under which `node` has written, for each camera."""
    rows = catalogue.rows("SELECT camera, epoch, token FROM fence WHERE node = ?", (node,))
    return {row["camera"]: Fence(row["epoch"], row["token"]) for row in rows}


def highest_fence(catalogue: Catalogue, camera: str | None = None) -> Fence | None:
    """Return the highest fence of a camera, or of all, by which a node that starts anew counts on."""
    where, parameters = ("", ()) if camera is None else ("WHERE camera = ?", (camera,))
    sql = f"SELECT epoch, token FROM fence {where} ORDER BY epoch DESC, token DESC LIMIT 1"  # noqa: S608 - constants
    row = catalogue.row(sql, parameters)
    return None if row is None else Fence(row["epoch"], row["token"])
