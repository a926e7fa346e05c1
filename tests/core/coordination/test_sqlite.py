from __future__ import annotations

import json
import logging
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conformance.coordination import CoordinationContract, Session

from core.clock import SystemClock
from core.coordination.base import (
    Conflict,
    Coordination,
    CoordinationError,
    CoordinationUnavailable,
    Held,
    Unknown,
)
from core.coordination.sqlite import SqliteCoordination

RACER = """
import json, sys
from pathlib import Path
from core.clock import SystemClock
from core.coordination.base import Conflict
from core.coordination.sqlite import SqliteCoordination

store = SqliteCoordination(Path(sys.argv[1]), SystemClock())
print("ready", flush=True)
sys.stdin.readline()
won = []
while len(won) < 60:
    held = store.read("own.north")
    rev, count = (held.rev, int(held.value)) if held else (0, 0)
    try:
        won.append([rev, store.cas("own.north", rev, str(count + 1).encode())])
    except Conflict:
        pass
print(json.dumps(won))
"""


class TestSqliteCoordination(CoordinationContract):
    @pytest.fixture
    def session(self, tmp_path: Path) -> Iterator[Session]:
        opened: list[SqliteCoordination] = []

        def begin() -> Coordination:
            opened.append(SqliteCoordination(tmp_path / "coordination.db", SystemClock()))
            return opened[-1]

        yield begin
        for store in opened:
            store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "coordination.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteCoordination]:
    with_clock = SqliteCoordination(path, SystemClock())
    yield with_clock
    with_clock.close()


def race(path: Path) -> list[list[int]]:
    racers = [
        subprocess.Popen(
            [sys.executable, "-I", "-c", RACER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = [racer.communicate(timeout=60)[0] for racer in racers]
    return [win for answer in answers for win in json.loads(answer)]


def test_of_two_processes_that_change_one_key_each_change_is_won_once(path: Path) -> None:
    won = race(path)
    store = SqliteCoordination(path, SystemClock())
    held = store.read("own.north")
    store.close()
    assert held is not None
    assert int(held.value) == len(won) == 120  # no change was lost under another
    assert len({before for before, _ in won}) == 120  # no revision was replaced twice
    assert len({after for _, after in won}) == 120  # no revision was given twice


def test_of_eight_threads_that_create_one_key_one_succeeds(store: SqliteCoordination) -> None:
    won: list[bytes] = []
    together = threading.Barrier(8)

    def create(me: bytes) -> None:
        together.wait()
        try:
            store.cas("note.north.1.1", 0, me)
        except Conflict:
            return
        won.append(me)

    threads = [threading.Thread(target=create, args=(b"%d" % n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = store.read("note.north.1.1")
    assert held is not None
    assert won == [held.value]


def test_it_survives_the_end_of_the_process_and_is_durable_at_each_commit(path: Path) -> None:
    first = SqliteCoordination(path, SystemClock())
    rev = first.cas("own.north", 0, b"one")
    settings = [first._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    first.close()
    first.close()
    assert settings == ["wal", 2]
    again = SqliteCoordination(path, SystemClock())
    assert again.read("own.north") == Held(rev, b"one")
    again.close()


@pytest.mark.parametrize("damage", ["not a database", "flipped bit in a value", "cut short"])
def test_a_damaged_file_is_set_aside_and_the_camera_goes_on(
    path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = SqliteCoordination(path, SystemClock())
    first.cas("own.north", 0, b"token 41 " * 50)
    first.close()
    bytes_ = bytearray(path.read_bytes())
    if damage == "not a database":
        bytes_[:100] = b"x" * 100
    elif damage == "cut short":
        del bytes_[len(bytes_) // 2 :]
    else:
        bytes_[bytes_.index(b"token 41") + 7] ^= 1
    path.write_bytes(bytes_)
    with caplog.at_level(logging.ERROR):
        again = SqliteCoordination(path, SystemClock())
    assert again.list("") == {}
    assert again.cas("own.north", 0, b"new") > 0
    again.close()
    assert path.with_name("coordination.db.damaged-1").read_bytes() == bytes_
    assert "coordination begun anew" in caplog.text


def test_a_second_damaged_file_does_not_replace_the_first(path: Path) -> None:
    for content in (b"first" * 200, b"second" * 200):
        path.write_bytes(content)
        SqliteCoordination(path, SystemClock()).close()
    assert path.with_name("coordination.db.damaged-1").read_bytes() == b"first" * 200
    assert path.with_name("coordination.db.damaged-2").read_bytes() == b"second" * 200


def test_a_writer_that_holds_the_file_too_long_is_an_error_that_may_pass(store: SqliteCoordination, path: Path) -> None:
    store._database.execute("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CoordinationUnavailable, match="locked") as caught:
        store.cas("own.north", 0, b"one")
    assert caught.value.transient
    other.execute("ROLLBACK")
    other.close()
    assert store.cas("own.north", 0, b"one") > 0


def test_a_commit_that_fails_is_told_as_unknown_and_the_store_goes_on(path: Path) -> None:
    store = SqliteCoordination(path, SystemClock())
    store._database.execute("PRAGMA foreign_keys = ON")  # a check put off to the commit makes the commit itself fail
    store._database.execute("CREATE TABLE late (key TEXT REFERENCES late_other(key) DEFERRABLE INITIALLY DEFERRED)")
    store._database.execute("CREATE TABLE late_other (key TEXT PRIMARY KEY)")
    store._database.execute("CREATE TRIGGER fail AFTER INSERT ON held BEGIN INSERT INTO late VALUES (NEW.key); END")
    with pytest.raises(Unknown) as caught:
        store.cas("own.north", 0, b"one")
    assert not caught.value.transient
    store._database.execute("DROP TRIGGER fail")
    assert store.read("own.north") is None
    assert store.cas("own.north", 0, b"one") > 0
    store.close()


def test_no_error_of_sqlite_or_of_the_system_leaks(tmp_path: Path) -> None:
    with pytest.raises(CoordinationUnavailable):
        SqliteCoordination(tmp_path / "no-such-folder" / "coordination.db", SystemClock())
    with pytest.raises(CoordinationUnavailable):
        SqliteCoordination(tmp_path, SystemClock())
    closed = SqliteCoordination(tmp_path / "coordination.db", SystemClock())
    closed.close()
    with pytest.raises(CoordinationError):
        closed.read("own.north")
    with pytest.raises(CoordinationError):
        closed.list("")
    with pytest.raises(CoordinationError):
        closed.cas("own.north", 0, b"one")


def test_a_hint_comes_to_every_listener_of_this_process(store: SqliteCoordination) -> None:
    heard: list[tuple[str, Held | None]] = []
    store.hint("own.", lambda key: heard.append((key, store.read(key))))  # it may read: the change is committed
    rev = store.cas("own.north", 0, b"one")
    assert heard == [("own.north", Held(rev, b"one"))]
