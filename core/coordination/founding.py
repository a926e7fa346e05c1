"""The shared store itself at the voters: made once, looked at, and made anew when all is lost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from core.coordination.base import (
    Conflict,
    Coordination,
    CoordinationError,
    CoordinationUnavailable,
    Held,
    Unknown,
)
from core.coordination.copies import Copy
from core.coordination.epoch import ALONE, KEY, epoch_of
from core.coordination.nats import NatsCoordination
from core.coordination.orderbook import parse_value, prefix_of
from core.coordination.orders import OrderRefused, parse_order, parsed
from core.coordination.subjects import configuration, stream_of
from core.text import safe

_NAME_IN_USE = 10058  # the stream is there, made otherwise
_NO_STREAM = 10059
_ATTEMPTS = 20


def found(store: NatsCoordination, voters: int) -> None:
    """Make the store if there is none; raise CoordinationUnavailable or CoordinationError."""
    _ask(store, f"STREAM.CREATE.{stream_of()}", configuration("coord", 3 if voters >= 3 else 1))


def raze(store: NatsCoordination) -> None:
    """Remove the store with all that it holds; one that is not there is not missed."""
    said = store.api(f"STREAM.DELETE.{stream_of()}", {})
    if "error" in said and said["error"].get("err_code") != _NO_STREAM:
        raise CoordinationError(f"the store is not removed: {_told(said)}")


def state(store: NatsCoordination) -> Mapping[str, Any] | None:
    """Return what the voters say of the store, None when there is none; raise CoordinationUnavailable."""
    said = store.api(f"STREAM.INFO.{stream_of()}", {})
    if said.get("error", {}).get("err_code") == _NO_STREAM:
        return None
    if "error" in said:
        raise CoordinationUnavailable(f"the voters do not tell of the store: {_told(said)}")
    return said


def _ask(store: NatsCoordination, verb: str, request: Mapping[str, Any]) -> None:
    said = store.api(verb, request)
    if "error" not in said:
        return
    code = said["error"].get("err_code")
    if code == _NAME_IN_USE:
        raise CoordinationError(f"the voters hold a store that was made otherwise: {_told(said)}")
    raise CoordinationUnavailable(f"the store is not made: {_told(said)}")


def _told(said: Mapping[str, Any]) -> str:
    return safe(f"{said['error'].get('description', '')} ({said['error'].get('err_code')})", 200)


def raise_epoch(store: Coordination, at_least: int) -> int:
    """Begin the next epoch, `at_least` this one, and return it; raise what the store raises.

    The first of a fleet is above that of a node alone, whose fences its cameras may carry.
    """
    held = store.read(KEY)
    new = max((epoch_of(held) or ALONE) + 1, at_least)
    store.cas(KEY, held.rev if held else 0, json.dumps({"e": new}).encode())
    return new


def put_back(store: Coordination, copy: Copy) -> int:
    """Write what a copy holds into the store, its epoch apart, and return how many keys; raise what the store raises.

    A key that has the value already is left alone, so that what was broken off goes on where it was.
    """
    written = 0
    there = store.list("")
    for key, held in sorted(copy.keys.items(), key=lambda one: one[1].rev):
        found = there.get(key)
        if key != KEY and (found is None or found.value != held.value):
            store.cas(key, found.rev if found else 0, held.value)
            written += 1
    return written


def bury(store: Coordination, node: str, by: str) -> bool:
    """End the session of a node, which can never renew it again; return whether it had one."""
    return _amend(store, f"sess.{node}", {"dead": {"by": by}})


def refuse_orders(store: Coordination, node: str, by: str) -> int:
    """Take back the orders that wait for a node, and those that it gave; return how many.

    What is no order is obeyed by nobody, and its place is used again.
    """
    taken = f"taken back by {by}: {node} is shut out".encode()
    count = 0
    for key, held in store.list("order.").items():
        if held.value != taken and (key.startswith(prefix_of(node)) or _origin(held) == node):
            store.cas(key, held.rev, taken)
            count += 1
    return count


def _origin(held: Held) -> str | None:
    """Return which node gave an order, None when it is none."""
    try:
        return parse_order(parsed(parse_value(held.value)[0].text)).origin
    except (OrderRefused, KeyError, TypeError, ValueError):
        return None


def _amend(store: Coordination, key: str, more: Mapping[str, Any]) -> bool:
    """Add to the object that a key holds; a writer that is first only makes it tried again."""
    for _ in range(_ATTEMPTS):
        held = store.read(key)
        if held is None:
            return False
        try:
            store.cas(key, held.rev, json.dumps({**_object(held), **more}).encode())
            return True
        except (Conflict, Unknown):
            continue
    raise Conflict(f"{key} is changed by others all the time")


def _object(held: Held) -> dict[str, Any]:
    try:
        said = json.loads(held.value)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
