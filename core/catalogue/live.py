"""Live names: each shows the newest picture that was found whole, whatever comes late, broken, or fails on the way."""

from __future__ import annotations

from typing import NamedTuple

from core.catalogue.store import Catalogue
from core.values import Sha256

BROKEN = "broken"  # the verdict on a picture that cannot be decoded
_LIVE_OF = "FROM delivery WHERE picture = ? AND priority = 1 AND state = 'queued'"
_OF_NAME = "delivery WHERE destination = ? AND remote = ? AND priority = 1"
_NEWER = f"SELECT 1 FROM {_OF_NAME} AND at > ? AND size IS NOT NULL"  # noqa: S608 - constants
_DROP_OLDER = f"DELETE FROM {_OF_NAME} AND at <= ? AND state = 'queued' AND (picture, rendition) <> (?, ?)"  # noqa: S608


class Key(NamedTuple):
    """What wants a live name: a picture of `at` (seconds since the epoch), or a rendition of it."""

    destination: str
    remote: str
    at: int
    picture: int
    rendition: str


def take_name(catalogue: Catalogue, key: Key, seen: bool = True) -> bool:
    """Return whether this may have the name, which no newer one has; `seen` whole, it drops older ones."""
    if catalogue.value(_NEWER, key[:3]) is not None:
        return False
    if seen:
        catalogue.run(_DROP_OLDER, key)
    return True


def go_live(catalogue: Catalogue, picture: int) -> None:
    """Let the live copies of a picture that was found whole be sent as far as they are made; older ones are dropped."""
    with catalogue.transaction():
        catalogue.run(
            "UPDATE delivery SET size = (SELECT size FROM picture WHERE id = ?1) "
            "WHERE picture = ?1 AND rendition = '' AND priority = 1 AND state = 'queued' AND size IS NULL",
            (picture,),
        )
        made = f"SELECT id, destination, remote, at, picture, rendition {_LIVE_OF} AND size IS NOT NULL"
        for number, *key in catalogue.rows(made, (picture,)):
            if not take_name(catalogue, Key(*key)):
                catalogue.run("DELETE FROM delivery WHERE id = ?", (number,))


def stay_back(catalogue: Catalogue, picture: int) -> None:
    """Drop the live copies of a picture that was found broken: the last good one stays."""
    catalogue.run(f"DELETE {_LIVE_OF}", (picture,))


def is_overtaken(catalogue: Catalogue, key: Key, number: int) -> bool:
    """Return whether a newer picture than that of delivery `number` has its live name, or is about to.

    A failure queues an older one again.
    """
    newer = f"SELECT 1 FROM {_OF_NAME} AND at >= ? AND (at, id) > (?, ?) AND size IS NOT NULL AND state <> 'refused'"  # noqa: S608
    return catalogue.value(newer, (*key[:3], key.at, number)) is not None


def is_coming(catalogue: Catalogue, destination: str, remote: str) -> bool:
    """Return whether something is on its way, or may go now, to take a live name."""
    sql = f"SELECT 1 FROM {_OF_NAME} AND size IS NOT NULL AND next_try = 0 AND state IN ('queued', 'sending')"  # noqa: S608
    return catalogue.value(sql, (destination, remote)) is not None


def has_content(catalogue: Catalogue, destination: str, remote: str, sha256: Sha256, since: int) -> bool:
    """Return whether a live name gets these bytes, or was proven to hold them after `since` (milliseconds)."""
    sql = (
        "SELECT 1 FROM delivery d LEFT JOIN receipt r ON r.delivery = d.id WHERE d.destination = ? AND d.remote = ? "
        "AND d.priority = 1 AND d.sha256 = ? AND (d.state IN ('queued', 'sending') OR r.at > ?)"
    )
    return catalogue.value(sql, (destination, remote, bytes.fromhex(sha256), since)) is not None
