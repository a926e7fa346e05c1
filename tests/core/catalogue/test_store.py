"""The connection: what is durable, what is refused, and that no error of sqlite3 leaks."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.catalogue import check, schema, states
from core.catalogue.store import Catalogue, translated
from core.errors import CatalogueCorrupt, CatalogueError, CatalogueLocked, DiskFull, NotDurable, OverlapseError


def test_a_new_catalogue_is_made_whole_and_durable_settings_hold(tmp_path: Path) -> None:
    catalogue = Catalogue.open(tmp_path / "catalogue.db")
    said = {name: catalogue.value(f"PRAGMA {name}") for name in ("journal_mode", "synchronous", "foreign_keys")}
    assert said == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    assert catalogue.value("PRAGMA trusted_schema") == 0
    assert catalogue.value("PRAGMA cell_size_check") == 1
    assert catalogue.value("PRAGMA user_version") == schema.VERSION
    assert check.damage(catalogue, deep=True) == []
    catalogue.close()


def test_what_a_power_cut_may_undo_is_seen_at_once_and_all_after_it_is_durable_again(catalogue_path: Path) -> None:
    catalogue, reader = Catalogue.open(catalogue_path), Catalogue.read(catalogue_path)
    states.put(catalogue, "mark", 1)
    assert catalogue.run_lightly("UPDATE state SET value = '2' WHERE key = 'mark'") == 1
    assert (states.get(reader, "mark"), catalogue.value("PRAGMA synchronous")) == (2, 2)
    with pytest.raises(CatalogueError):
        catalogue.run_lightly("UPDATE state SET no_such_column = 1")
    assert catalogue.value("PRAGMA synchronous") == 2
    reader.close()
    catalogue.close()


def test_inside_a_transaction_it_is_a_part_of_that_one(catalogue: Catalogue) -> None:
    states.put(catalogue, "mark", 1)

    def fail_midway() -> None:
        with catalogue.transaction():
            catalogue.run_lightly("UPDATE state SET value = '2' WHERE key = 'mark'")
            catalogue.run("no SQL")

    with pytest.raises(CatalogueError):
        fail_midway()
    assert states.get(catalogue, "mark") == 1


def test_every_table_refuses_values_of_another_type(catalogue: Catalogue) -> None:
    loose = "SELECT name FROM pragma_table_list WHERE type = 'table' AND strict = 0 AND name NOT LIKE '%sqlite%'"
    assert catalogue.rows(loose) == []


def test_the_node_does_not_carry_the_library_that_makes_the_schema() -> None:
    code = "import core.catalogue.rebuild, core.catalogue.check, sys; print('sqlite_utils' in sys.modules)"
    out = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


def test_a_catalogue_of_a_newer_program_is_refused_with_what_to_do(catalogue_path: Path) -> None:
    connection = sqlite3.connect(catalogue_path)
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    for opened in (Catalogue.open, Catalogue.read):
        with pytest.raises(CatalogueError, match="run the newer program"):
            opened(catalogue_path)


def test_a_file_that_is_no_catalogue_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    path.write_bytes(b"not a database, but long enough to have a header of its own " * 20)
    with pytest.raises(CatalogueCorrupt):
        Catalogue.open(path)
    with pytest.raises(CatalogueCorrupt):
        Catalogue.read(path)


def test_a_catalogue_whose_version_was_damaged_is_corrupt(catalogue_path: Path) -> None:
    connection = sqlite3.connect(catalogue_path)
    connection.execute("PRAGMA user_version = 0")
    connection.close()
    with pytest.raises(CatalogueCorrupt):
        Catalogue.open(catalogue_path)


def test_reading_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="no catalogue"):
        Catalogue.read(tmp_path / "catalogue.db")


def put_and_fail(catalogue: Catalogue, key: str) -> None:
    with catalogue.transaction():
        states.put(catalogue, key, 1)
        raise KeyError


def test_a_transaction_that_fails_leaves_nothing(catalogue: Catalogue) -> None:
    with pytest.raises(KeyError):
        put_and_fail(catalogue, "a")
    assert states.get(catalogue, "a") is None


def test_an_inner_transaction_that_fails_leaves_the_outer_one_whole(catalogue: Catalogue) -> None:
    with catalogue.transaction():
        states.put(catalogue, "outer", 1)
        with pytest.raises(KeyError):
            put_and_fail(catalogue, "inner")
    assert (states.get(catalogue, "outer"), states.get(catalogue, "inner")) == (1, None)


def test_what_was_committed_survives_a_kill(catalogue_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from core.catalogue import states;"
        "from core.catalogue.store import Catalogue; c = Catalogue.open(Path(sys.argv[1]));"
        "states.put(c, 'kept', 1); c.run('BEGIN'); states.put(c, 'lost', 1); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code, str(catalogue_path)], check=False)
    assert done.returncode == -9
    catalogue = Catalogue.open(catalogue_path)
    assert (states.get(catalogue, "kept"), states.get(catalogue, "lost")) == (1, None)
    catalogue.close()


def test_reading_goes_on_beside_a_writer_and_changes_nothing(catalogue: Catalogue, catalogue_path: Path) -> None:
    states.put(catalogue, "a", 1)
    reader = Catalogue.read(catalogue_path)
    assert states.get(reader, "a") == 1
    with pytest.raises(CatalogueError):
        states.put(reader, "a", 2)
    reader.close()


@pytest.fixture
def foreign_catalogue(empty_catalogue: Path) -> Iterator[Path]:
    """A catalogue after a clean stop, in a folder that others may read and not write."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(shutil.copy(empty_catalogue, Path(folder) / "catalogue.db"))
        path.chmod(0o644)
        yield path


def read_as_nobody(path: Path) -> str:
    code = (
        "import os, sys; from pathlib import Path; from core.catalogue import buffer; from core.errors import *;"
        "from core.catalogue.store import Catalogue; os.setgid(65534); os.setuid(65534)\n"
        "try: print(buffer.tally(Catalogue.read(Path(sys.argv[1]))))\n"
        "except CatalogueError as error: print(error)"
    )
    command = [sys.executable, "-I", "-c", code, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user: run as root")


@AS_ROOT
def test_somebody_who_may_not_write_reads_after_a_clean_stop(foreign_catalogue: Path) -> None:
    assert read_as_nobody(foreign_catalogue) == "[]"


@AS_ROOT
def test_a_catalogue_out_of_reach_is_told_and_raises_nothing_foreign(foreign_catalogue: Path) -> None:
    foreign_catalogue.parent.chmod(0o700)
    assert "cannot be read" in read_as_nobody(foreign_catalogue)


def test_a_second_writer_is_told_that_the_catalogue_is_locked(catalogue: Catalogue, catalogue_path: Path) -> None:
    second = Catalogue.open(catalogue_path)
    second.run("PRAGMA busy_timeout = 0")
    with catalogue.transaction(), pytest.raises(CatalogueLocked), second.transaction():
        pass
    second.close()


def test_text_that_is_no_utf8_is_kept_readable_and_raises_nothing(catalogue: Catalogue) -> None:
    catalogue.insert("event", {"id": 1, "at": 1, "kind": "x", "subject": "a\udcff", "text": "", "data": ""})
    assert catalogue.value("SELECT subject FROM event") == "a\\udcff"
    assert check.damage(catalogue) == []


def _all(kind: type[sqlite3.Error]) -> Iterator[type[sqlite3.Error]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _all(child)


@pytest.mark.parametrize("kind", sorted(set(_all(sqlite3.Error)), key=str))
def test_every_error_class_of_sqlite_has_a_meaning_of_ours(kind: type[sqlite3.Error]) -> None:
    assert isinstance(translated(kind("whatever")), CatalogueError)


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        pytest.param(sqlite3.SQLITE_BUSY, CatalogueLocked, id="busy"),
        pytest.param(sqlite3.SQLITE_BUSY_SNAPSHOT, CatalogueLocked, id="busy-snapshot"),
        pytest.param(sqlite3.SQLITE_CORRUPT, CatalogueCorrupt, id="corrupt"),
        pytest.param(sqlite3.SQLITE_CORRUPT_INDEX, CatalogueCorrupt, id="corrupt-index"),
        pytest.param(sqlite3.SQLITE_NOTADB, CatalogueCorrupt, id="not-a-database"),
        pytest.param(sqlite3.SQLITE_FULL, DiskFull, id="full"),
        pytest.param(sqlite3.SQLITE_IOERR_FSYNC, NotDurable, id="fsync"),
        pytest.param(sqlite3.SQLITE_CONSTRAINT_CHECK, CatalogueError, id="constraint"),
    ],
)
def test_error_codes_keep_their_meaning(code: int, meaning: type[OverlapseError]) -> None:
    error = sqlite3.OperationalError("whatever")
    error.sqlite_errorcode = code
    assert type(translated(error)) is meaning


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        pytest.param("SELECT nothing FROM nowhere", (), id="syntax"),
        pytest.param("INSERT INTO fence VALUES ('a', 'b', 'c', 1)", (), id="type"),
        pytest.param("INSERT INTO fence VALUES (NULL, NULL, NULL, NULL)", (), id="constraint"),
        pytest.param("SELECT ?", (2**70,), id="too-large"),
        pytest.param("SELECT ?", ({},), id="unsupported"),
        pytest.param("SELECT ?, ?", (1,), id="too-few"),
        pytest.param("SELECT CAST(x'ff' AS TEXT)", (), id="no-utf8"),
    ],
)
def test_no_error_of_sqlite_leaks(catalogue: Catalogue, sql: str, parameters: tuple[object, ...]) -> None:
    with pytest.raises(CatalogueError):
        catalogue.rows(sql, parameters)
    with pytest.raises(CatalogueError):
        catalogue.run(sql, parameters) and catalogue.rows(sql, parameters)


def test_a_closed_catalogue_says_so_and_closes_twice(catalogue: Catalogue) -> None:
    catalogue.close()
    catalogue.close()
    with pytest.raises(CatalogueError):
        catalogue.rows("SELECT 1")


def test_a_catalogue_in_memory_is_like_any_other() -> None:
    catalogue = Catalogue.in_memory()
    states.put(catalogue, "a", {"b": 1})
    assert states.get(catalogue, "a") == {"b": 1}
    assert check.damage(catalogue, deep=True) == []
    catalogue.close()
