"""Could a thief with this node's own keys alter what has arrived? Tried on an object that is made for the purpose."""

from __future__ import annotations

import contextlib
import hashlib
from typing import Any

from core.errors import DestinationError, NameConflict, ObjectNotFound
from core.text import safe
from core.transfer.base import Destination, Level

Json = dict[str, Any]
BAIT = b"Overlapse put this here to see whether it can be altered. It may be deleted.\n"
LOOT = b"Overlapse has overwritten what it put here: so could a thief.\n"


def lay(destination: Destination, name: str) -> Json:
    """Put the object there; raise DestinationError, NameConflict when there is one of this name."""
    if _size(destination, name) is not None:
        raise NameConflict(f"{safe(name)}: it is there already")
    _put(destination, name, BAIT)
    destination.prove(name, len(BAIT), _hash(BAIT), Level.READ_BACK)
    return {}


def rob(destination: Destination, name: str) -> Json:
    """Try to overwrite and then to delete it; return whether each went.

    Raise DestinationError when it cannot be told: the destination does not answer, or the object is not there.
    """
    destination.stat(name)
    with contextlib.suppress(DestinationError):
        _put(destination, name, LOOT)
    overwritten = _size(destination, name) != len(BAIT)
    with contextlib.suppress(DestinationError):
        destination.delete(name)
    deleted = _size(destination, name) is None
    return {"overwritten": overwritten, "deleted": deleted}


def _put(destination: Destination, name: str, data: bytes) -> None:
    upload = destination.begin(name, len(data), _hash(data))
    try:
        upload.write(data)
        upload.commit()
    finally:
        upload.abandon()


def _size(destination: Destination, name: str) -> int | None:
    try:
        return destination.stat(name).size
    except ObjectNotFound:
        return None


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
