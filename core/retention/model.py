"""What retention is about: pictures that might leave, the policy, the space, and the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from core.site.model.nodes import WhenFull
from core.values import Kind


class Why(StrEnum):
    """Why a picture leaves, as the deletion log says it."""

    FULL = "buffer full"
    AGE = "older than keep"
    UNPROVEN = "expired unproven"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A picture that might leave the buffer."""

    picture: int  # its row in the catalogue
    name: str
    camera: str
    at: datetime  # its slot; an extra: the second at which it was shot
    index: int | None  # of the slot in its local day; None: an extra
    kind: Kind
    size: int  # bytes
    proven: bool
    copies: tuple[tuple[str, str], ...] = ()  # (destination, word of the level) of each receipt


class Batch(NamedTuple):
    """Pictures that leave one after the other: how many and how large they are is known before one is read."""

    pictures: int
    size: int  # bytes
    begin: datetime  # all are of begin <= at < until
    until: datetime
    read: Callable[[], Iterable[Candidate]]  # oldest first


@dataclass(frozen=True, slots=True)
class Rung:
    """The unproven pictures of one kind whose index in their day `step`, a power of two, is the greatest to divide.

    0: those of index 0 and the extras, with which whole days go.
    """

    kind: Kind
    step: int
    batches: Callable[[], Iterable[Batch]]  # oldest first


@dataclass(frozen=True, slots=True)
class Policy:
    """What site.toml says of the buffer."""

    keep_free: int  # bytes
    when_full: WhenFull = "thin"
    keep: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Space:
    """The file system of the buffer, in bytes."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Holdings:
    """All that the buffer holds. `newest`, the slot of the youngest, guards against a clock that ran ahead."""

    pictures: int
    size: int  # bytes
    newest: datetime | None = None


class Deletion(NamedTuple):
    """One picture that is to leave, and why."""

    candidate: Candidate
    why: Why


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    `refused`: what is held back, and why, in words that stay the same while the reason does; None when nothing is.
    """

    deletions: list[Deletion] = field(default_factory=list)
    freed: int = 0  # bytes, by these deletions
    stop_capture: bool = False
    announce: bool = False  # the loss of unproven pictures is to be announced now
    withdraw: bool = False  # the announcement no longer holds
    refused: str | None = None
    short: int = 0  # bytes still missing when all of this is done
    beyond: int = 0  # pictures that are to leave too: the next plan lists them
