"""Live names of a camera that several nodes may shoot: a node that does not own it any more must not show its picture.

Beside the live name NAME lies a small object `.NAME.fence` with the fence of the newest owner that wrote there. It is
read before a picture takes the name, and written before it when the fence is a higher one; so a stale owner's picture
may at most stand between these two, until the next one of the new owner.
"""

from __future__ import annotations

import hashlib
from itertools import islice

from core.errors import FenceRefused, ObjectNotFound
from core.text import safe
from core.transfer.base import Destination
from core.values import Fence

LONGEST = 64  # bytes of such an object


def fence_name(name: str) -> str:
    """Return the name of the object that holds the fence of a live name."""
    folder, slash, base = name.rpartition("/")
    return f"{folder}{slash}.{base}.fence"


def admit(destination: Destination, name: str, fence: Fence) -> None:
    """Let `fence` write to the live name; raise FenceRefused when a newer owner did, and DestinationError."""
    held = _held(destination, fence_name(name))
    if held is not None and held > fence:
        raise FenceRefused(f"{safe(name)}: a newer owner shows its pictures there, under {held}; ours is {fence}")
    if held != fence:
        _put(destination, fence_name(name), str(fence).encode())


def _held(destination: Destination, name: str) -> Fence | None:
    try:
        text = b"".join(islice(destination.read(name), 2))[: LONGEST + 1]
        return Fence.parse(text.decode("ascii"))
    except (ObjectNotFound, ValueError):  # what is no fence is written anew
        return None


def _put(destination: Destination, name: str, data: bytes) -> None:
    upload = destination.begin(name, len(data), hashlib.sha256(data).hexdigest())
    try:
        upload.write(data)
        upload.commit()
    finally:
        upload.abandon()
