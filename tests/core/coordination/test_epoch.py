"""A store that went back in time is refused until its epoch was raised: the same on every engine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from conformance.coordination import CoordinationContract
from conformance.coordination import Session as Begin
from peers import natsd
from peers.natsd import Voters

from core.clock import SystemClock
from core.coordination.base import Coordination, CoordinationError, CoordinationUnavailable, Held
from core.coordination.epoch import KEY, Guarded, Memory, Seen, WentBack
from core.coordination.founding import raise_epoch
from core.coordination.nats import NatsCoordination
from core.coordination.sqlite import SqliteCoordination


class TestGuarded(CoordinationContract):
    @pytest.fixture
    def session(self, tmp_path: Path) -> Iterator[Begin]:
        opened: list[Guarded] = []

        def begin() -> Coordination:
            memory = Memory(tmp_path / f"seen-{len(opened)}")
            opened.append(Guarded(file_of(tmp_path), memory, alone=True))
            return opened[-1]

        yield begin
        for store in opened:
            store.close()


def file_of(folder: Path) -> SqliteCoordination:
    return SqliteCoordination(folder / "coordination.db", SystemClock())


class FileEngine:
    """A store in a file, which is put back by copying an older file over it."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._copy = folder, folder / "copy.db"
        self._opened: list[SqliteCoordination] = []

    def open(self) -> SqliteCoordination:
        self._opened.append(file_of(self._folder))
        return self._opened[-1]

    def snapshot(self) -> None:
        self.close()
        shutil.copy(self._folder / "coordination.db", self._copy)

    def go_back(self) -> None:
        self.close()
        shutil.copy(self._copy, self._folder / "coordination.db")

    def close(self) -> None:
        for store in self._opened:
            store.close()


class VoterEngine:
    """A store at one voter, whose folder is put back."""

    def __init__(self, voters: Voters, folder: Path) -> None:
        self._voters, self._store, self._copy = voters, voters.place(0) / "store", folder / "copy"
        voters.anew()

    def open(self) -> NatsCoordination:
        return self._voters.open(natsd.OPERATOR)

    def snapshot(self) -> None:
        self._voters.stop(0)
        shutil.copytree(self._store, self._copy)
        self._voters.start(0)
        self._voters.found()

    def go_back(self) -> None:
        self._voters.stop(0)
        shutil.rmtree(self._store)
        shutil.copytree(self._copy, self._store)
        self._voters.start(0)
        self._voters.found()

    def close(self) -> None:
        pass


@pytest.fixture(params=["sqlite", "nats"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FileEngine | VoterEngine]:
    if request.param == "sqlite":
        made: FileEngine | VoterEngine = FileEngine(tmp_path)
    else:
        if natsd.SERVER is None:
            pytest.skip(natsd.MISSING)
        made = VoterEngine(request.getfixturevalue("one"), tmp_path)
    yield made
    made.close()


def guarded(engine: FileEngine | VoterEngine, folder: Path, node: str) -> Guarded:
    return Guarded(engine.open(), Memory(folder / f"{node}.seen"))


def test_an_older_copy_is_refused_until_the_epoch_is_raised(engine: FileEngine | VoterEngine, tmp_path: Path) -> None:
    assert raise_epoch(engine.open(), 0) == 2  # above what a node alone has
    unit = guarded(engine, tmp_path, "unit1")
    rev = unit.cas("sess.unit1", 0, b"0")
    unit.close()
    engine.snapshot()
    unit = guarded(engine, tmp_path, "unit1")
    for n in range(5):
        rev = unit.cas("sess.unit1", rev, b"%d" % n)
    unit.close()
    engine.go_back()
    unit = guarded(engine, tmp_path, "unit1")
    for attempt in (
        lambda: unit.read("own.gate"),
        lambda: unit.list("own."),
        lambda: unit.cas("own.gate", 0, b"taken"),
    ):
        with pytest.raises(WentBack, match=f"sess.unit1 is at revision .*{rev} was seen"):
            attempt()
    assert engine.open().read("own.gate") is None  # nothing was written
    assert raise_epoch(engine.open(), 0) == 3
    assert unit.cas("own.gate", 0, b"taken") > 0
    assert unit.epoch == 3
    unit.close()


def test_a_store_that_was_begun_anew_is_refused(engine: FileEngine | VoterEngine, tmp_path: Path) -> None:
    Memory(tmp_path / "unit1.seen").save(Seen(7, (("sess.unit1", 1000),)))
    unit = guarded(engine, tmp_path, "unit1")
    with pytest.raises(WentBack, match="has no epoch"):
        unit.read("own.gate")
    assert raise_epoch(engine.open(), 0) == 2
    with pytest.raises(WentBack, match="epoch 2, and epoch 7 was seen"):
        unit.read("own.gate")
    assert raise_epoch(engine.open(), 8) == 8
    assert unit.read("own.gate") is None
    unit.close()


@pytest.mark.parametrize("said", [b"", b"{}", b"[1]", b'{"epoch": "x", "newest": []}', b'{"epoch": 9, "newest": [1]}'])
def test_a_memory_that_is_damaged_stops_no_camera(said: bytes, tmp_path: Path) -> None:
    (tmp_path / "seen").write_bytes(said)
    assert Memory(tmp_path / "seen").load() == Seen()


def test_only_the_newest_keys_are_remembered(tmp_path: Path) -> None:
    store = Guarded(file_of(tmp_path), Memory(tmp_path / "seen"), alone=True)
    revs = {key: store.cas(key, 0, b"x") for key in ("a", "b", "c", "d", "e")}
    store.close()
    assert Memory(tmp_path / "seen").load() == Seen(1, (("e", revs["e"]), ("d", revs["d"]), ("c", revs["c"])))


def test_an_epoch_that_is_none_is_told(tmp_path: Path) -> None:
    file = file_of(tmp_path)
    file.cas(KEY, 0, b"soon")
    store = Guarded(file, Memory(tmp_path / "seen"), alone=True)
    with pytest.raises(CoordinationError, match="not an epoch"):
        store.read("own.gate")
    store.close()


def test_a_read_of_the_epoch_is_a_read_like_any_other(tmp_path: Path) -> None:
    store = Guarded(file_of(tmp_path), Memory(tmp_path / "seen"), alone=True)
    rev = store.cas(KEY, 0, b'{"e": 4}')
    assert store.read(KEY) == Held(rev, b'{"e": 4}')
    assert store.epoch == 4
    store.close()
    assert Memory(tmp_path / "seen").load().epoch == 4


class OldLeader(SqliteCoordination):
    """A store that may answer what it held a while ago, as a voter does that led and was cut off from the others."""

    old: Mapping[str, Held] | None = None

    def read(self, key: str) -> Held | None:
        return super().read(key) if self.old is None else self.old.get(key)

    def list(self, prefix: str) -> Mapping[str, Held]:
        if self.old is None:
            return super().list(prefix)
        return {key: held for key, held in self.old.items() if key.startswith(prefix)}


def test_an_answer_older_than_an_earlier_one_is_none_and_the_store_is_believed_again_afterwards(tmp_path: Path) -> None:
    store = OldLeader(tmp_path / "coordination.db", SystemClock())
    node = Guarded(store, Memory(tmp_path / "seen"), alone=True)
    rev = node.cas("own.gate", 0, b"unit1")
    before = store.list("")
    newer = node.cas("own.gate", rev, b"fr")
    node.cas("own.yard", 0, b"fr")
    other = file_of(tmp_path)
    other.cas("own.mast", 0, b"ca")
    store.old = before
    for ask in (lambda: node.read("own.gate"), lambda: node.read("own.yard"), lambda: node.list("own.")):
        with pytest.raises(CoordinationUnavailable, match="cut off from the others"):
            ask()
    assert node.read("own.mast") is None, "what this node has not seen it cannot miss; a change would be refused"
    store.old = None
    assert node.read("own.gate") == Held(newer, b"fr")
    assert node.list("own.").keys() == {"own.gate", "own.yard", "own.mast"}
    node.close()
    other.close()
