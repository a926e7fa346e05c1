"""The one interface of all destinations; each implementation lives in a child process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

Progress = Callable[[int], None]  # told now and then how many bytes are done: a sign of life


def silent(done: int) -> None:
    """Tell nobody."""


class Level(IntEnum):
    """How a receipt was proven, weakest first (DESIGN: size < hash by the server < read back)."""

    SIZE = 1
    HASH = 2
    READ_BACK = 3

    @classmethod
    def named(cls, word: str) -> Level:
        """Return the level that site.toml calls `word`."""
        return {"size": cls.SIZE, "hash": cls.HASH, "read-back": cls.READ_BACK}[word]

    @property
    def word(self) -> str:
        """The level as site.toml writes it."""
        return {Level.SIZE: "size", Level.HASH: "hash", Level.READ_BACK: "read-back"}[self]


@dataclass(frozen=True, slots=True)
class Features:
    """In what a destination differs from the others; some of it is known only once it is connected."""

    atomic_replace: bool = True
    resumes: bool = True
    server_hash: bool = False
    commit_proves_size: bool = False  # `commit` compares the size that the object has under its final name


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object at a destination under its final name."""

    name: str
    size: int  # bytes


class Upload(Protocol):
    """One object on its way: nothing stands under the final name until `commit`."""

    offset: int  # bytes that the destination has already; the caller goes on from there

    def write(self, data: bytes) -> None:
        """Append `data`; raise DestinationError."""
        ...

    def resume_state(self) -> bytes:
        """Return what `begin` needs to go on after a cut: opaque to everybody else."""
        ...

    def commit(self) -> StoredObject:
        """Check the size, make the object durable and give it its final name at once; raise DestinationError."""
        ...

    def abandon(self) -> None:
        """Let go of the connection's side of it; what was sent stays for a resume."""
        ...


class Tentative(Upload, Protocol):
    """An upload that was begun before it was known whether it is needed."""

    def withdraw(self) -> None:
        """Let go of it; an unfinished object that is empty does not stay. Never raises."""
        ...


@runtime_checkable
class LooksAndBegins(Protocol):
    """A destination that begins to send in the very round trip in which it looks what is there already."""

    def look_and_begin(
        self, name: str, size: int, sha256: str, resume: bytes | None
    ) -> tuple[StoredObject | None, Tentative]:
        """Return what stands under the name, None when nothing does, and the upload as `begin` returns it."""
        ...


@runtime_checkable
class KeepsFiles(Protocol):
    """A destination on this machine, whose objects are files."""

    def is_same_file(self, name: str, path: Path) -> bool:
        """Return whether the object `name` is the very file at `path`: no copy at all."""
        ...


@runtime_checkable
class Vouches(Protocol):
    """A destination whose server may tell the hash of an object by itself."""

    def vouch(self, name: str, size: int, sha256: str) -> Level | None:
        """Return the level at which the server's own word holds, without reading the object: HASH, else SIZE.

        None: the server gives another hash, and only reading back tells. Raise ObjectNotFound, or ObjectDiffers when
        the size is another.
        """
        ...


@runtime_checkable
class Tidies(Protocol):
    """A destination that knows how old its unfinished objects are."""

    def tidy(self, prefix: str, before: float, is_ours: Callable[[str], bool]) -> Iterator[str]:
        """Remove those unfinished objects below `prefix` that are ours and grew last before an instant.

        `before` is in seconds since the epoch. Yield the name of each.
        """
        ...


@runtime_checkable
class LetsGo(Protocol):
    """A destination whose server may end connections that rest, which costs more than to end them first."""

    def let_go(self) -> None:
        """End the connection if it is known that the server would: nothing is going to be asked for a while."""
        ...


@runtime_checkable
class SharesConnection(Protocol):
    """A destination whose lanes go over one connection."""

    def hang_up(self) -> None:
        """End what this lane has of the connection, and with its last lane the connection. Safe to call twice."""
        ...


def judged(digest: str | None, sha256: str) -> Level | None:
    """Return what the hash that a server gives, if it gives one, says of an object that has the right size."""
    if digest is None:
        return Level.SIZE
    return Level.HASH if digest == sha256 else None


@runtime_checkable
class Destination(Protocol):
    """A place that keeps named objects. Names are relative, `/`-separated, without `.` or `..`.

    All methods raise DestinationError only; every library exception is translated at this edge.
    """

    scheme: ClassVar[str]
    features: Features

    def lane(self) -> Destination:
        """Return the same place for the use of another thread: on the same connection where one carries several."""
        ...

    def begin(self, name: str, size: int, sha256: str, resume: bytes | None = None) -> Upload:
        """Begin or resume sending the object; raise DestinationFull when it is known not to fit."""
        ...

    def prove(self, name: str, size: int, sha256: str, level: Level, progress: Progress = silent) -> Level:
        """Return the level, at least `level`, at which the object is there whole under its final name.

        Raise ObjectNotFound, or ObjectDiffers when size or content is another. A destination that cannot hash by
        itself reads back, which may take long: it calls `progress` on the way.
        """
        ...

    def stat(self, name: str) -> StoredObject:
        """Return the object; raise ObjectNotFound."""
        ...

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """Yield the object's bytes from `offset`; raise ObjectNotFound."""
        ...

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield all objects whose name begins with `prefix`, without unfinished ones, in any order."""
        ...

    def delete(self, name: str) -> None:
        """Delete the object; one that is missing is no error."""
        ...

    def free(self) -> int | None:
        """Return the bytes that still fit, None when the destination does not say."""
        ...

    def close(self) -> None:
        """Let go of the connection; safe to call twice."""
        ...
