"""The connection to the catalogue: one writer, transactions, row checksums, and no sqlite3 error that leaks."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from core.catalogue import schema
from core.errors import (
    CatalogueCorrupt,
    CatalogueError,
    CatalogueLocked,
    DiskFull,
    NotDurable,
    OverlapseError,
)

Row = sqlite3.Row
Parameters = Sequence[Any]
T = TypeVar("T")

BUSY_SECONDS = 5.0  # a checkpoint of a large WAL on an SD card is waited for; a second writer is not
MIGRATION_SECONDS = 3600.0
_NOT_DURABLE = {
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_DIR_FSYNC,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_TRUNCATE,
}
_KINDS: dict[int, type[OverlapseError]] = {
    sqlite3.SQLITE_BUSY: CatalogueLocked,
    sqlite3.SQLITE_LOCKED: CatalogueLocked,
    sqlite3.SQLITE_CORRUPT: CatalogueCorrupt,
    sqlite3.SQLITE_NOTADB: CatalogueCorrupt,
    sqlite3.SQLITE_FULL: DiskFull,
}


_FOREIGN = (sqlite3.Error, UnicodeDecodeError)  # damaged text inside SQLite's own message raises the second


def translated(error: sqlite3.Error | UnicodeDecodeError) -> OverlapseError:
    """Return what an error of sqlite3 means to us."""
    code = getattr(error, "sqlite_errorcode", None)
    if code in _NOT_DURABLE:
        return NotDurable(f"catalogue: {error}")
    if code is None:  # raised by the module itself: text that is no UTF-8 is damage, all else a fault of ours
        damaged = "decode" in str(error).lower()
        return (CatalogueCorrupt if damaged else CatalogueError)(f"catalogue: {error}")
    kind = _KINDS.get(code & 0xFF, CatalogueError)
    hint = "; run `overlapse rebuild`, or start the node: it makes it anew" if kind is CatalogueCorrupt else ""
    return kind(f"catalogue: {error}{hint}")


def row_sum(*values: object) -> int:
    """Return the checksum of a row's values: CRC-32 finds every flip of one bit."""
    return zlib.crc32(repr(values).encode())


class Catalogue:
    """A connection to the catalogue, used by the one thread that opened it."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self.path = path
        self._inode = _inode(path)
        self.damage: str | None = None  # what showed that it is damaged: much of it shows only where it is read
        self._connection = connection
        self._depth = 0
        connection.row_factory = sqlite3.Row
        connection.create_function("row_sum", -1, row_sum, deterministic=True)

    @classmethod
    def open(cls, path: Path) -> Catalogue:
        """Open the catalogue as its only writer; make it or bring its schema up to date first.

        Raise CatalogueError when it is newer than this program, CatalogueCorrupt when it is damaged.
        """
        if _version_of(path) < schema.VERSION:
            _migrate(path)
            if _version_of(path) != schema.VERSION:
                raise CatalogueCorrupt(f"the catalogue {path} does not tell its version; run `overlapse rebuild`")
        catalogue = cls(_connect(f"{path.absolute().as_uri()}?mode=rw"), path)
        catalogue._prepare("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", *_CAREFUL, *_ROOTS)
        return catalogue

    @classmethod
    def read(cls, path: Path) -> Catalogue:
        """Open the catalogue for reading, beside a node that runs or after a clean stop.

        In a folder that this user may not write, `mode=ro` cannot make the -shm file that a WAL needs; after a
        clean stop there is no WAL, and `immutable=1` reads the file as it lies.
        """
        if not _exists(path):
            raise CatalogueError(f"there is no catalogue at {path}; it is made when the node first runs")
        try:
            catalogue = cls._reader(path, "mode=ro")
        except CatalogueError as error:
            if isinstance(error, CatalogueCorrupt | CatalogueLocked) or _exists(Path(f"{path}-wal")):
                raise
            catalogue = cls._reader(path, "immutable=1")
        if (version := int(catalogue.value("PRAGMA user_version"))) != schema.VERSION:
            catalogue.close()
            raise _other_version(path, version)
        return catalogue

    @classmethod
    def in_memory(cls) -> Self:
        """Return a new catalogue that nothing keeps, for simulations."""
        catalogue = cls(_connect("file::memory:"), None)
        catalogue._prepare(*_CAREFUL, *schema.STATEMENTS, f"PRAGMA user_version = {schema.VERSION}")
        return catalogue

    @classmethod
    def _reader(cls, path: Path, how: str) -> Catalogue:
        catalogue = cls(_connect(f"{path.absolute().as_uri()}?{how}"), path)
        catalogue._prepare("PRAGMA query_only = ON", *_CAREFUL)
        try:
            catalogue.value("SELECT count(*) FROM sqlite_schema")
        except OverlapseError:
            catalogue.close()
            raise
        return catalogue

    def _prepare(self, *statements: str) -> None:
        try:
            for statement in statements:
                self._connection.execute(statement)
        except _FOREIGN as error:
            self._connection.close()
            raise translated(error) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all that is written inside at once or not at all; durable when it ends.

        Inside another transaction it is a part of that one, which can fail without undoing the rest.
        """
        begin, commit, undo = _SAVEPOINT if self._depth else _TRANSACTION
        self.run(begin)
        self._depth += 1
        try:
            yield
            self.run(commit)
        except BaseException:
            with suppress(*_FOREIGN):  # a full disk may have rolled it back already
                for statement in undo:
                    self._connection.execute(statement)
            raise
        finally:
            self._depth -= 1

    def run_lightly(self, sql: str, parameters: Parameters = ()) -> int:
        """Execute one statement that a power cut may undo, and nothing else with it: for what a start finds out anyway.

        In WAL mode it then waits for no disk: the next commit that is durable makes it durable, too.
        """
        if self._depth:
            return self.run(sql, parameters)
        self._execute("PRAGMA synchronous = NORMAL", ())
        try:
            return self.run(sql, parameters)
        finally:
            self._execute("PRAGMA synchronous = FULL", ())

    def run(self, sql: str, parameters: Parameters = ()) -> int:
        """Execute one statement and return the number of rows it changed."""
        return self._execute(sql, parameters).rowcount

    def insert(self, table: str, values: dict[str, Any], conflict: str = "") -> int | None:
        """Insert a row, sealed, and return its rowid; None when `conflict` ("ON CONFLICT ...") left it out."""
        sealed = ", ".join(f":{name.strip()}" for name in schema.SEALED[table].split(","))
        columns, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
        sql = f"INSERT INTO {table} ({columns}, sum) VALUES ({marks}, row_sum({sealed})) {conflict}"  # noqa: S608
        cursor = self._execute(sql, values)
        return cursor.lastrowid if cursor.rowcount > 0 else None

    def seal(self, table: str, where: str, parameters: Parameters) -> None:
        """Compute the checksum anew of rows whose sealed columns were changed on purpose."""
        self.run(f"UPDATE {table} SET sum = row_sum({schema.SEALED[table]}) WHERE {where}", parameters)  # noqa: S608

    def many(self, sql: str, rows: Iterator[Parameters]) -> None:
        """Execute one statement for each of `rows`."""
        try:
            self._connection.executemany(sql, rows)
        except _FOREIGN as error:
            raise self._noted(error) from error

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Return all rows of a query."""
        return list(self.each(sql, parameters))

    def row(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """Return the first row of a query, None when there is none."""
        return next(self.each(sql, parameters), None)

    def value(self, sql: str, parameters: Parameters = ()) -> Any:
        """Return the first column of the first row of a query, None when there is none."""
        found = self.row(sql, parameters)
        return None if found is None else found[0]

    def each(self, sql: str, parameters: Parameters = ()) -> Iterator[Row]:
        """Yield the rows of a query as they are read; stop early at will, and write only after that."""
        cursor = self._execute(sql, parameters)
        try:
            yield from cursor
        except _FOREIGN as error:
            raise self._noted(error) from error

    def _execute(self, sql: str, parameters: Parameters | dict[str, Any]) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, parameters)
        except UnicodeEncodeError:
            return self._execute(sql, _writable(parameters))
        except OverflowError as error:
            raise CatalogueError(f"catalogue: {error}") from error
        except _FOREIGN as error:
            raise self._noted(error) from error

    def _noted(self, error: sqlite3.Error | UnicodeDecodeError) -> OverlapseError:
        meant = translated(error)
        if isinstance(meant, CatalogueCorrupt):
            self.damage = str(meant)
        return meant

    def is_in_place(self) -> bool:
        """Return whether the file that was opened still stands under its name: what is written to another is lost."""
        return self._inode == _inode(self.path)

    def close(self) -> None:
        """Close; the last one to close writes the WAL back and removes it. Safe to call twice."""
        try:
            self._connection.close()
        except _FOREIGN as error:
            raise translated(error) from error


def _writable(parameters: Parameters | dict[str, Any]) -> Parameters | dict[str, Any]:
    """Return parameters without the lone surrogates that file names and servers bring, and SQLite cannot keep."""
    if isinstance(parameters, dict):
        return dict(zip(parameters, _writable(tuple(parameters.values())), strict=True))
    return [one.encode("utf-8", "backslashreplace").decode() if isinstance(one, str) else one for one in parameters]


_TRANSACTION = ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_SAVEPOINT = ("SAVEPOINT inner_part", "RELEASE inner_part", ("ROLLBACK TO inner_part", "RELEASE inner_part"))
_CAREFUL = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA journal_size_limit = 16777216",
    "PRAGMA cache_size = -8000",  # kB
)


_ROOTS = tuple(f"SELECT * FROM {table} LIMIT 1" for table in schema.SEALED)  # noqa: S608 - damage shows where it is read


def _connect(uri: str) -> sqlite3.Connection:
    try:
        return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    except _FOREIGN as error:
        raise translated(error) from error


def _inode(path: Path | None) -> int | None:
    try:
        return None if path is None else path.stat().st_ino
    except OSError:
        return None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise CatalogueError(f"the catalogue {path} cannot be read: {error.strerror}") from error


def _version_of(path: Path) -> int:
    """Return the schema version of the catalogue at `path`, 0 when there is none; raise when it is newer than ours."""
    if not _exists(path):
        return 0
    connection = _connect(f"{path.absolute().as_uri()}?mode=rw")
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    except _FOREIGN as error:
        raise translated(error) from error
    finally:
        connection.close()
    if version > schema.VERSION:
        raise _other_version(path, version)
    return version


def _other_version(path: Path, version: int) -> CatalogueError:
    if version > schema.VERSION:
        return CatalogueError(
            f"the catalogue {path} is of version {version}, this program knows {schema.VERSION}: "
            "run the newer program, or `overlapse rebuild` to make the catalogue anew"
        )
    return CatalogueError(f"the catalogue {path} is of version {version}: start the node once to bring it up to date")


def _migrate(path: Path) -> None:
    command = [sys.executable, "-I", "-m", "core.catalogue.migrations", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=MIGRATION_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise CatalogueError(f"the catalogue {path} could not be brought up to date: {error}") from error
    if done.returncode != 0:
        why = done.stderr.strip().splitlines() or ["no reason given"]
        raise CatalogueError(f"the catalogue {path} could not be brought up to date: {why[-1]}")
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable; raise NotDurable."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise NotDurable(f"{folder}: {error.strerror}") from error
