"""The fence of a node that starts: higher than any that was ever seen, whatever was lost."""

from __future__ import annotations

import json
from collections.abc import Sequence

from core.coordination.base import Conflict, Coordination, CoordinationError, Held, Unknown
from core.values import Fence

_FIRST_EPOCH = 1  # a node alone; the operator's restore procedure of a fleet raises it
_ATTEMPTS = 50


def next_fence(coordination: Coordination, node: str, cameras: Sequence[str], at_least: Fence | None) -> Fence:
    """Take and return the fence under which `node` drives `cameras` from now on; it grows with each start.

    `at_least` is the highest fence found in day books or catalogue, so that a lost store never makes it go back.
    Raise CoordinationError when the store cannot be used, Conflict when others are first time and again.
    """
    for _ in range(_ATTEMPTS):
        try:
            return _take(coordination, [f"fence.{node}", *(f"own.{camera}" for camera in cameras)], node, at_least)
        except (Conflict, Unknown):
            continue  # all is read anew, and a token that may have been written is passed over
    raise Conflict(f"no fence for {node}: other writers were first {_ATTEMPTS} times")


def _take(coordination: Coordination, keys: Sequence[str], node: str, at_least: Fence | None) -> Fence:
    held = {key: coordination.read(key) for key in keys}
    highest = max([at_least or Fence(0, 0), *(_fence_of(key, found) for key, found in held.items())])
    fence = Fence(max(highest.epoch, _FIRST_EPOCH), highest.token + 1)
    value = json.dumps({"node": node, "e": fence.epoch, "tok": fence.token}).encode()
    for key, found in held.items():
        coordination.cas(key, found.rev if found else 0, value)
    return fence


def _fence_of(key: str, held: Held | None) -> Fence:
    if held is None:
        return Fence(0, 0)
    try:
        said = json.loads(held.value)
        return Fence(int(said["e"]), int(said["tok"]))
    except (ValueError, KeyError, TypeError) as error:
        raise CoordinationError(f"{key} holds something that is not a fence") from error
