"""What nodes share: a small store of keys, changed only by compare-and-set; one interface for every engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from core.errors import OverlapseError

MAX_VALUE = 7_000  # bytes; a message of the fleet's servers has 8 kB with its headers
_KEY = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_MAX_KEY = 200  # characters; a key is also a subject of a message


class CoordinationError(OverlapseError):
    """The store that the nodes share did not do what was asked."""


class Conflict(CoordinationError):
    """Another writer was first: nothing was changed; read again."""


class CoordinationRefused(CoordinationError):
    """The store does not know this node, or does not let it do that: a person is needed, and nothing was changed."""


class Unknown(CoordinationError):
    """Whether the change was made is not known: read back, never resend blindly."""


class CoordinationUnavailable(CoordinationError):
    """The store does not answer, and nothing was changed."""

    transient = True


@dataclass(frozen=True, slots=True)
class Held:
    """What a key holds: its value, and the revision that the next change must name."""

    rev: int
    value: bytes


@runtime_checkable
class Coordination(Protocol):
    """Keys and values that all nodes see in one order.

    Keys are words of letters, digits and dashes, joined by dots; values at most MAX_VALUE bytes. Revisions are above
    zero and grow with each change of a key. A bad key or value is a ValueError.
    """

    def read(self, key: str) -> Held | None:
        """Return the newest committed value; raise CoordinationUnavailable or CoordinationRefused."""
        ...

    def cas(self, key: str, rev: int, value: bytes) -> int:
        """Set `key` if its revision is still `rev` (0: it does not exist) and return the new revision.

        Raise Conflict, CoordinationUnavailable or CoordinationRefused (nothing changed), or Unknown (read back).
        """
        ...

    def list(self, prefix: str) -> Mapping[str, Held]:
        """Return all keys that begin with `prefix`, as they were at one instant; raise as `read` does."""
        ...

    def hint(self, prefix: str, callback: Callable[[str], None]) -> Callable[[], None]:
        """Call `callback` with a key that begins with `prefix` soon after it changed; return what ends that.

        A prefix ends with a dot, or is a whole key.
        Hints may be lost, repeated or late: `list` is the truth. After a time without a connection the callback is
        given `prefix` itself: anything may have changed. It runs in any thread and only takes note.
        """
        ...

    def now(self) -> float:
        """Return seconds that never go back and never stand still, for the waiting times between nodes."""
        ...


def check_key(key: str) -> str:
    """Return `key` if it may be one; raise ValueError."""
    if len(key) > _MAX_KEY or _KEY.fullmatch(key) is None:
        raise ValueError("a key is words of letters, digits and '-', joined by '.', at most 200 characters")
    return key


def check_value(value: bytes) -> bytes:
    """Return `value` if it may be one; raise ValueError."""
    if len(value) > MAX_VALUE:
        raise ValueError(f"a value has at most {MAX_VALUE} bytes, this one has {len(value)}")
    return value
