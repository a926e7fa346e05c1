"""What one node believes that another has, and what that one has: by camera, day and shooting node, in few bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from core.catalogue.pictures import name_of
from core.catalogue.store import Catalogue, Row
from core.values import Sha256

DAY = 86400
SHORT = 16  # hexadecimal digits of a hash that stand for it here: nobody gains by making two alike

Group = tuple[str, int, str]  # camera, days since the epoch, node that shot them


@dataclass(frozen=True, slots=True)
class Member:
    """One original."""

    name: str
    sha256: Sha256
    size: int
    group: Group


@dataclass(frozen=True, slots=True)
class Digest:
    """All originals of one group in a few words."""

    count: int
    size: int
    digest: str


_ROW = "p.camera, p.at, p.node, p.epoch, p.token, p.nth, p.extension, p.sha256, p.size"
_DAYS = "p.camera = ? AND p.at >= ? AND p.at < ?"


def held(catalogue: Catalogue, camera: str, first: int, last: int) -> list[Member]:
    """Return the originals of the days first..last that are here, or left only when they were proven further on."""
    sql = (
        f"SELECT {_ROW} FROM picture p LEFT JOIN deletion d ON d.picture = p.id "  # noqa: S608 - constants
        f"WHERE {_DAYS} AND (p.gone = 0 OR d.why <> 'expired unproven')"
    )
    return [_member(row) for row in catalogue.rows(sql, _span(camera, first, last))]


def present(catalogue: Catalogue, camera: str, first: int, last: int) -> list[Member]:
    """Return the originals of the days first..last whose files are here."""
    sql = f"SELECT {_ROW} FROM picture p WHERE {_DAYS} AND p.gone = 0"  # noqa: S608 - constants
    return [_member(row) for row in catalogue.rows(sql, _span(camera, first, last))]


def known(catalogue: Catalogue, camera: str, first: int, last: int) -> list[Member]:
    """Return the originals of the days first..last that are here, or were."""
    sql = f"SELECT {_ROW} FROM picture p WHERE {_DAYS}"  # noqa: S608 - constants
    return [_member(row) for row in catalogue.rows(sql, _span(camera, first, last))]


def believed(catalogue: Catalogue, destination: str, camera: str, first: int, last: int) -> list[Member]:
    """Return the originals of which there is a receipt of `destination`."""
    sql = (
        f"SELECT {_ROW} FROM picture p JOIN delivery d ON d.picture = p.id JOIN receipt r ON r.delivery = d.id "  # noqa: S608
        f"WHERE {_DAYS} AND d.destination = ? AND d.rendition = '' AND d.priority <> 1"
    )
    return [_member(row) for row in catalogue.rows(sql, (*_span(camera, first, last), destination))]


def span(catalogue: Catalogue, camera: str) -> tuple[int, int] | None:
    """Return the first and the last day of which there are pictures of a camera."""
    row = catalogue.row("SELECT min(at) / 86400, max(at) / 86400 FROM picture WHERE camera = ?", (camera,))
    return None if row is None or row[0] is None else (row[0], row[1])


def digests(members: Iterable[Member]) -> dict[Group, Digest]:
    """Return each group in a few words: the hash is over its sorted names and hashes."""
    groups: dict[Group, list[Member]] = {}
    for member in members:
        groups.setdefault(member.group, []).append(member)
    return {group: _digest(some) for group, some in groups.items()}


def _digest(members: list[Member]) -> Digest:
    text = "\n".join(sorted(f"{member.name} {member.sha256}" for member in members))
    return Digest(
        len(members), sum(member.size for member in members), hashlib.sha256(text.encode()).hexdigest()[:SHORT]
    )


def _span(camera: str, first: int, last: int) -> tuple[str, int, int]:
    return camera, first * DAY, (last + 1) * DAY


def _member(row: Row) -> Member:
    name = name_of(row)
    group = name.camera, row["at"] // DAY, name.node
    return Member(str(name), Sha256(row["sha256"].hex()), row["size"], group)
