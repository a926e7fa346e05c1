"""A store that went back in time is not believed until its epoch was raised.

Voters that were restored from a copy, or begun anew, give revisions and fences again that others hold. What a node has
seen tells: the epoch, and the newest keys with their revisions, none of which is ever removed. It is looked at when a
connection is new, since no store goes back under one: an answer that is older than an earlier one comes from a voter
that led, was cut off from the others, and has yet to notice. A node that has not seen what was lost cannot tell; the
fences of a new epoch, above all earlier ones, are what makes a restore safe, and `overlapse fleet restore` raises it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.coordination.base import Coordination, CoordinationError, CoordinationUnavailable, Held

KEY = "epoch"
ALONE = 1  # the epoch of a node that shares nothing; that of a fleet is above it from the beginning
NEWEST = 3  # keys remembered: one of them may be written again by a node that noticed nothing
SAVE = 60.0  # seconds between two writes of what was seen; a flash disk lives long


class WentBack(CoordinationError):
    """The store holds less than was seen in it: it was restored or begun anew, and its epoch was not raised."""


class Session(Coordination, Protocol):
    """A store that somebody opened."""

    def close(self) -> None:
        """Let go of it; safe to call twice."""
        ...


class Store(Session, Protocol):
    """A store that says when it may have become another."""

    @property
    def generation(self) -> int:
        """How many times it was connected to; 0: not yet."""
        ...

    def read_all(self, keys: Sequence[str]) -> Mapping[str, Held | None]:
        """Return the newest committed values of several keys, read at once."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """How far a store was: its epoch, and its newest keys, the newest first."""

    epoch: int = 0
    newest: tuple[tuple[str, int], ...] = ()

    def after(self, key: str, rev: int) -> Seen:
        """Return the same, with `key` seen at `rev`."""
        revs = dict(self.newest)
        revs[key] = max(rev, revs.get(key, 0))
        order = sorted(revs.items(), key=lambda one: -one[1])
        return Seen(self.epoch, tuple(order[:NEWEST]))


class Memory:
    """What was seen, in a file; one that is lost or damaged is an empty one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Seen:
        """Return what was seen."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            said = json.loads(self._path.read_bytes())
            return Seen(int(said["epoch"]), tuple((str(key), int(rev)) for key, rev in said["newest"])[:NEWEST])
        return Seen()

    def save(self, seen: Seen) -> None:
        """Keep it; a disk that does not take it now is asked again with the next."""
        beside = self._path.with_name(f"{self._path.name}.part")
        with contextlib.suppress(OSError):
            beside.write_text(json.dumps({"epoch": seen.epoch, "newest": seen.newest}))
            os.replace(beside, self._path)  # noqa: PTH105 - the same call, by the name that says what it does


class Guarded:
    """A store, believed while it holds what was seen in it. `alone`: it may have no epoch, which then is 1."""

    def __init__(self, store: Store, memory: Memory, *, alone: bool = False) -> None:
        self._store = store
        self._memory = memory
        self._alone = alone
        self._seen = memory.load()
        self._saved_at = store.now()
        self._sound = 0  # the generation that was looked at
        self._revs: dict[str, int] = {}  # of what was seen in it

    @property
    def epoch(self) -> int:
        """The store's epoch, as it was when the connection was made."""
        self._look()
        return self._seen.epoch

    def read(self, key: str) -> Held | None:
        """Return the newest committed value; raise WentBack, and what the store raises."""
        self._look()
        before = {key: self._revs.get(key, 0)}
        held = self._store.read(key)
        self._believe({} if held is None else {key: held}, before)
        return held

    def cas(self, key: str, rev: int, value: bytes) -> int:
        """Set `key` if its revision is still `rev`; raise WentBack (nothing changed), and what the store raises."""
        self._look()
        new = self._store.cas(key, rev, value)
        self._saw({key: Held(new, value)})
        return new

    def list(self, prefix: str) -> Mapping[str, Held]:
        """Return all keys that begin with `prefix`; raise WentBack, and what the store raises."""
        self._look()
        before = {key: rev for key, rev in dict(self._revs).items() if key.startswith(prefix)}
        found = self._store.list(prefix)
        self._believe(found, before)
        return found

    def hint(self, prefix: str, callback: Callable[[str], None]) -> Callable[[], None]:
        """Tell of changes, as the store does."""
        return self._store.hint(prefix, callback)

    def now(self) -> float:
        """Return the store's seconds."""
        return self._store.now()

    def close(self) -> None:
        """Keep what was seen, and let go."""
        self._memory.save(self._seen)
        self._store.close()

    def _look(self) -> None:
        """Look at a store that may have become another; raise WentBack."""
        generation = self._store.generation
        if generation == self._sound and generation > 0:
            return  # it may be lost at any moment: then the next call looks
        held = self._store.read_all([KEY, *(key for key, _ in self._seen.newest)])
        epoch = epoch_of(held[KEY])
        if epoch is None and not self._alone:
            raise WentBack("the shared store has no epoch; `overlapse fleet epoch --raise` begins the first")
        epoch = epoch if epoch is not None else ALONE
        if epoch < self._seen.epoch:
            raise WentBack(_told(f"it is in epoch {epoch}, and epoch {self._seen.epoch} was seen"))
        if epoch > self._seen.epoch:
            self._seen = Seen(epoch)
        for key, rev in self._seen.newest:
            found = held[key]
            if found is None or found.rev < rev:
                raise WentBack(_told(f"{key} is at revision {found.rev if found else 0}, and {rev} was seen"))
        self._sound, self._revs = max(generation, 1), {}
        self._save()

    def _believe(self, found: Mapping[str, Held], before: Mapping[str, int]) -> None:
        """Take note of what was found; raise CoordinationUnavailable where more was known before it was asked for."""
        for key, rev in before.items():
            at = found[key].rev if key in found else 0
            if at < rev:
                told = f"{key} is at revision {at}, and {rev} was seen"
                raise CoordinationUnavailable(f"a voter that was cut off from the others answers: {told}")
        self._saw(found)

    def _saw(self, found: Mapping[str, Held]) -> None:
        before = self._seen
        for key, held in found.items():
            self._revs[key] = max(held.rev, self._revs.get(key, 0))
            if key != KEY:
                self._seen = self._seen.after(key, held.rev)
            elif (epoch := epoch_of(held)) is not None and epoch > self._seen.epoch:
                self._seen = Seen(epoch, self._seen.newest)
        if self._seen.epoch != before.epoch or self._store.now() - self._saved_at >= SAVE:
            self._save()

    def _save(self) -> None:
        self._saved_at = self._store.now()
        self._memory.save(self._seen)


def epoch_of(held: Held | None) -> int | None:
    """Return the epoch that a key holds, None when nobody wrote it; raise CoordinationError."""
    if held is None:
        return None
    try:
        return int(json.loads(held.value)["e"])
    except (ValueError, KeyError, TypeError) as error:
        raise CoordinationError(f"{KEY} holds something that is not an epoch") from error


def _told(why: str) -> str:
    return f"the shared store has gone back in time: {why}; it was restored: `overlapse fleet epoch --raise`"
