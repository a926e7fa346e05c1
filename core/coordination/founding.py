"""The shared store itself at the voters: made once, looked at, and made anew when all is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.coordination.base import CoordinationError, CoordinationUnavailable
from core.coordination.nats import NatsCoordination
from core.coordination.subjects import configuration, stream_of
from core.text import safe

_NAME_IN_USE = 10058  # the stream is there, made otherwise
_NO_STREAM = 10059


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
