"""Is a place well? A small file is written there, read back and deleted, in so long; its objects are counted."""

from __future__ import annotations

import contextlib
import hashlib
import time

from core.errors import DestinationError
from core.transfer.base import Destination, Level

BODY = b"Overlapse writes this, reads it back and deletes it: the place is well.\n"
HIDDEN = "."  # names of what is on its way, and of probes, begin with it


def probe(destination: Destination, name: str, write: bool) -> dict[str, float | None]:
    """Return {"seconds", "free"}; with `write` the time of a write, a read back and a deletion. Raise DestinationError.

    What an earlier probe left behind is deleted first.
    """
    begin = time.monotonic()
    if write:
        with contextlib.suppress(DestinationError):
            destination.delete(name)
        digest = hashlib.sha256(BODY).hexdigest()
        upload = destination.begin(name, len(BODY), digest)
        try:
            upload.write(BODY)
            upload.commit()
        finally:
            upload.abandon()
        try:
            destination.prove(name, len(BODY), digest, Level.READ_BACK)
        finally:
            destination.delete(name)
    return {"free": destination.free(), "seconds": round(time.monotonic() - begin, 4)}


def count(destination: Destination) -> dict[str, int]:
    """Return {"objects"}: how many there are, apart from hidden ones. Raise DestinationError."""
    return {"objects": sum(not one.name.rpartition("/")[2].startswith(HIDDEN) for one in destination.list())}
