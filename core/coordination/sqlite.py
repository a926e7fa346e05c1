"""Coordination for a node alone: one small SQLite file in the data folder."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from core.clock import Clock
from core.coordination.base import (
    Conflict,
    CoordinationError,
    CoordinationUnavailable,
    Held,
    Unknown,
    check_key,
    check_value,
)

log = logging.getLogger(__name__)

BUSY = 5.0  # seconds to wait for another process that is writing
_SCHEMA = """CREATE TABLE IF NOT EXISTS held (
    key TEXT PRIMARY KEY, rev INTEGER NOT NULL UNIQUE, value BLOB NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID"""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class SqliteCoordination:
    """The shared store in one file; several processes of one machine may hold it.

    Nothing is ever removed, so that the highest revision in the table is the highest ever given. A damaged file is set
    aside and a new one begun: an unattended camera goes on, and `next_fence` is told what was reached before.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._lock = Lock()
        self._hints: dict[object, tuple[str, Callable[[str], None]]] = {}
        with _translated(path):
            self._database = _open_or_begin_anew(path)

    @property
    def generation(self) -> int:
        """How many times the store was opened: a file is, once."""
        return 1

    def read(self, key: str) -> Held | None:
        """Return the newest committed value of `key`."""
        row = self._select("SELECT rev, value FROM held WHERE key = ?", check_key(key))
        return Held(row[0][0], row[0][1]) if row else None

    def read_all(self, keys: Sequence[str]) -> Mapping[str, Held | None]:
        """Return the newest committed values of several keys."""
        return {key: self.read(key) for key in keys}

    def list(self, prefix: str) -> Mapping[str, Held]:
        """Return all keys that begin with `prefix`, in their order."""
        rows = self._select("SELECT key, rev, value FROM held WHERE substr(key, 1, length(?1)) = ?1 ORDER BY 1", prefix)
        return {key: Held(rev, value) for key, rev, value in rows}

    def cas(self, key: str, rev: int, value: bytes) -> int:
        """Set `key` if its revision is still `rev` and return the new one."""
        check_key(key)
        check_value(value)
        with self._lock, _translated(self.path), self._transaction():
            found = self._database.execute("SELECT rev FROM held WHERE key = ?", (key,)).fetchone()
            if (found[0] if found else 0) != rev:
                raise Conflict(f"{key} is at revision {found[0] if found else 0}, not {rev}")
            new: int = self._database.execute("SELECT coalesce(max(rev), 0) + 1 FROM held").fetchone()[0]
            self._database.execute(
                "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?)", (key, new, value, _crc(key, new, value))
            )
        self._tell(key)
        return new

    def hint(self, prefix: str, callback: Callable[[str], None]) -> Callable[[], None]:
        """Tell of changes made through this object; those of other processes are found by `list` alone."""
        ticket = object()
        self._hints[ticket] = (prefix, callback)

        def end() -> None:
            self._hints.pop(ticket, None)

        return end

    def now(self) -> float:
        """Return the clock's seconds, those in which the machine was suspended among them."""
        return self._clock.lapsed()

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        with self._lock:
            self._database.close()

    def _select(self, sql: str, value: str) -> Sequence[tuple[Any, ...]]:
        with self._lock, _translated(self.path):
            return self._database.execute(sql, (value,)).fetchall()

    def _tell(self, key: str) -> None:
        for prefix, callback in tuple(self._hints.values()):
            if key.startswith(prefix):
                callback(key)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._roll_back()
            raise
        try:
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise Unknown(f"{self.path}: the commit failed: {error}") from error

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._database.execute("ROLLBACK")


class _Damaged(Exception):
    """The file is not what was written."""


def _open_or_begin_anew(path: Path) -> sqlite3.Connection:
    try:
        return _open(path)
    except _Damaged as damage:
        aside = _set_aside(path)
        log.error("coordination begun anew: damaged=%s error=%s", aside, damage)
        return _open(path)


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
    try:
        _prepare(database, path.parent)
    except sqlite3.DatabaseError as error:
        database.close()
        if _code(error) in _DAMAGED:
            raise _Damaged(str(error)) from error
        raise
    except _Damaged:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, folder: Path) -> None:
    for setting in ("journal_mode = WAL", "synchronous = FULL", "trusted_schema = OFF", "cell_size_check = ON"):
        database.execute(f"PRAGMA {setting}")
    database.execute(_SCHEMA)
    _sync(folder)
    if database.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
        raise _Damaged("the integrity check fails")
    for key, rev, value, crc in database.execute("SELECT key, rev, value, crc FROM held"):
        if crc != _crc(key, rev, value):  # a flipped bit inside a row escapes SQLite's own check
            raise _Damaged(f"the checksum of {key!r} is wrong")


def _set_aside(path: Path) -> Path:
    nth = next(n for n in itertools.count(1) if not path.with_name(f"{path.name}.damaged-{n}").exists())
    aside = path.with_name(f"{path.name}.damaged-{nth}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):  # they belong to the old file and would spoil the new one
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _crc(key: str, rev: int, value: bytes) -> int:
    return zlib.crc32(value, zlib.crc32(f"{key} {rev} ".encode()))


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte: an extended code keeps its family there


@contextlib.contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise CoordinationUnavailable(f"{path}: {error}") from error
    except _Damaged as error:
        raise CoordinationError(f"{path}: {error}") from error
