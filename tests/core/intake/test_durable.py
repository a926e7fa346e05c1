"""From the spool to the final name: never replaced, never lost, in one order."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.errors import DiskFull, NameTaken, NotDurable, StorageError
from core.intake import daybook, durable
from core.intake.daybook import DiskKeeper
from core.intake.durable import Keeping, Shelf, Space
from core.intake.entries import Entry, OutcomeEntry
from core.values import PictureName


def test_a_picture_leaves_the_spool_for_its_final_name(data: Any) -> None:
    data.leave(data.name(), b"bytes")
    path = data.shelf.take_in(str(data.name()), data.name())
    assert path == "north/2026/11/21/north_20261121T120000Z_unit1_1-7.jpg"
    assert (data.pictures / path).read_bytes() == b"bytes"
    assert list(data.spool.iterdir()) == []


def test_a_name_that_is_taken_keeps_what_it_holds(data: Any) -> None:
    data.leave(data.name(), b"first")
    data.shelf.take_in(str(data.name()), data.name())
    data.leave(data.name(), b"second")
    with pytest.raises(NameTaken):
        data.shelf.take_in(str(data.name()), data.name())
    assert (data.pictures / data.name().path).read_bytes() == b"first"
    assert (data.spool / str(data.name())).read_bytes() == b"second"
    data.shelf.take_in(str(data.name()), data.name().numbered(2))
    assert (data.pictures / data.name().numbered(2).path).read_bytes() == b"second"


def test_where_rename_cannot_refuse_to_replace_a_link_does(data: Any) -> None:
    source, target = data.leave("a", b"first"), data.pictures / "b"
    durable._link_and_unlink(source, target)
    assert (target.read_bytes(), source.exists()) == (b"first", False)
    source = data.leave("a", b"second")
    with pytest.raises(NameTaken):
        durable._link_and_unlink(source, target)
    assert (target.read_bytes(), source.read_bytes()) == (b"first", b"second")


def test_taking_in_again_what_is_in_place_is_no_error_and_what_is_nowhere_is_one(data: Any) -> None:
    data.leave(data.name())
    for _ in range(2):
        data.shelf.take_in(str(data.name()), data.name())
    with pytest.raises(StorageError, match="not in the spool"):
        data.shelf.take_in(str(data.name(1)), data.name(1))


@pytest.mark.parametrize("name", ["../pictures/x", "a/b", "", ".", ".."])
def test_nothing_outside_the_spool_is_taken_in(data: Any, name: str) -> None:
    (data.pictures / "x").write_bytes(b"")
    with pytest.raises(StorageError):
        data.shelf.take_in(name, data.name())
    with pytest.raises(StorageError):
        data.shelf.set_aside(name)
    assert (data.pictures / "x").exists()


def test_a_link_in_the_spool_is_not_taken_for_a_picture(data: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (data.spool / str(data.name())).symlink_to(tmp_path / "secret")
    with pytest.raises(StorageError):
        data.shelf.take_in(str(data.name()), data.name())


def test_what_is_set_aside_replaces_nothing_and_has_a_fit_name(data: Any) -> None:
    hostile = "a\x1b[2J\n.jpg"
    for body in (b"one", b"two"):
        data.leave(hostile, body)
        data.shelf.set_aside(hostile)
    found = {path.name: path.read_bytes() for path in data.quarantine.iterdir()}
    assert found == {"a__2J_.jpg": b"one", "a__2J_.jpg.1": b"two"}


def test_what_is_kept_under_another_name_leaves_the_spool(data: Any) -> None:
    data.leave(data.name())
    for _ in range(2):
        data.shelf.discard(str(data.name()))
    assert list(data.spool.iterdir()) == []
    with pytest.raises(StorageError):
        data.shelf.discard("../pictures/x")


def test_only_a_picture_is_ever_removed(data: Any) -> None:
    data.leave(data.name())
    path = data.shelf.take_in(str(data.name()), data.name())
    book = data.pictures / data.name().folder / "day.jsonl"
    book.write_bytes(b"")
    with pytest.raises(ValueError):
        data.shelf.remove(f"{data.name().folder}/day.jsonl")
    for _ in range(2):
        data.shelf.remove(path)
    assert [one.name for one in book.parent.iterdir()] == ["day.jsonl"]


class Recorder:
    """A Keeper in memory that notes what is asked of it, and fails where told."""

    def __init__(self, fails_at: str = "") -> None:
        self.done: list[str] = []
        self._fails_at = fails_at

    def _do(self, what: str) -> None:
        if what == self._fails_at:
            raise NotDurable(what)
        self.done.append(what)

    def take_in(self, spool_name: str, name: PictureName) -> str:
        self._do("name")
        return name.path

    def spooled(self) -> list[str]:
        return []

    def holds(self, name: PictureName) -> bool:
        return False

    def set_aside(self, spool_name: str) -> str:
        return spool_name

    def discard(self, spool_name: str) -> None:
        self._do("discard")

    def remove(self, path: str) -> None:
        self._do("remove")

    def drop(self, path: str) -> None:
        self._do("drop")

    def renditions(self) -> Iterator[list[str]]:
        self._do("renditions")
        return iter(())

    def close(self) -> None:
        self._do("close")

    def append(self, entries: Iterable[Entry], sync: bool = True) -> Mapping[str, int]:
        assert sync
        self._do("line")
        return {entry.folder: 1 for entry in entries}

    def sync(self) -> None:
        self._do("sync")

    def free(self) -> Space:
        return Space(1, 1)

    def hold_reserve(self) -> None:
        self._do("hold")

    def drop_reserve(self) -> bool:
        return False

    def commit(self, lengths: Mapping[str, int]) -> int:
        self._do("commit")
        return len(lengths)


def test_the_order_of_the_first_promise_is_kept(data: Any) -> None:
    recorder = Recorder()
    Keeping({"a": data.entry(0), "b": data.entry(1)}, [], recorder.commit).finish(recorder)
    assert recorder.done == ["name", "name", "line", "commit"]


@pytest.mark.parametrize("step", ["name", "line", "commit"])
def test_nothing_follows_a_step_that_failed(data: Any, step: str) -> None:
    recorder = Recorder(fails_at=step)
    with pytest.raises(NotDurable):
        Keeping({"a": data.entry()}, [], recorder.commit).finish(recorder)
    assert recorder.done == ["name", "line", "commit"][: ["name", "line", "commit"].index(step)]


def outcome(data: Any) -> OutcomeEntry:
    return OutcomeEntry(camera="north", slot=data.noon, node="unit1", outcome="captured")


def test_a_shot_that_failed_midway_is_kept_by_the_same_call_again(data: Any) -> None:
    keeper = DiskKeeper(data.shelf)
    data.leave(data.name())

    committed: list[Mapping[str, int]] = []

    def fail_once(lengths: Mapping[str, int]) -> None:
        committed.append(lengths)
        if len(committed) == 1:
            raise DiskFull

    keeping = Keeping({str(data.name()): data.entry()}, [outcome(data)], fail_once)
    with pytest.raises(DiskFull):
        keeping.finish(keeper)
    keeping.finish(keeper)
    keeper.close()
    assert committed[0] == {"north/2026/11/21": (data.pictures / "north/2026/11/21/day.jsonl").stat().st_size}
    assert [line.entry for line in daybook.read_all(data.pictures)] == [data.entry(), outcome(data)]
    assert (data.pictures / data.name().path).read_bytes() == b"picture"


def test_room_is_told_in_bytes(data: Any) -> None:
    space = data.shelf.free()
    assert 0 < space.free <= space.total
    assert space.total == shutil.disk_usage(data.pictures).total


def mounted(folder: Path, options: str) -> bool:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for almost nothing."""
    folder = tmp_path / "tiny"
    if os.geteuid() != 0 or not mounted(folder, "size=64k"):
        pytest.skip("needs a tmpfs of its own: run as root with the right to mount")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    return filler


def test_a_full_disk_is_told_and_nothing_is_lost_when_there_is_room_again(tiny: Path, data: Any) -> None:
    (tiny / "spool").mkdir()
    (tiny / "pictures").mkdir()
    keeper = DiskKeeper(Shelf(tiny / "spool", tiny / "pictures", tiny / "quarantine"))
    (tiny / "spool" / str(data.name())).write_bytes(b"picture")
    committed: list[Mapping[str, int]] = []
    filler = fill(tiny)
    assert keeper.free().free == 0
    keeping = Keeping({str(data.name()): data.entry()}, [outcome(data)], committed.append)
    with pytest.raises(DiskFull):
        keeping.finish(keeper)
    assert committed == []
    filler.unlink()
    keeping.finish(keeper)
    keeper.close()
    assert len(committed) == 1
    assert {line.entry for line in daybook.read_all(tiny / "pictures") if line.entry} == {data.entry(), outcome(data)}
    assert (tiny / "pictures" / data.name().path).read_bytes() == b"picture"


def test_some_room_is_kept_back_for_a_full_disk(data: Any) -> None:
    before = data.shelf.free().free
    data.shelf.hold_reserve()
    reserve = data.spool.with_name("reserve")
    assert reserve.stat().st_blocks * 512 >= durable.RESERVE
    data.shelf.hold_reserve()
    assert data.shelf.drop_reserve()
    assert not data.shelf.drop_reserve()
    assert data.shelf.free().free >= before - durable.RESERVE // 2


def test_nothing_is_kept_back_on_a_small_disk(tiny: Path, data: Any) -> None:
    for name in ("spool", "pictures"):
        (tiny / name).mkdir()
    shelf = Shelf(tiny / "spool", tiny / "pictures", tiny / "quarantine")
    shelf.hold_reserve()
    assert not shelf.drop_reserve()


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        pytest.param(errno.ENOSPC, DiskFull, id="full"),
        pytest.param(errno.EDQUOT, DiskFull, id="quota"),
        pytest.param(errno.EEXIST, NameTaken, id="exists"),
        pytest.param(errno.EROFS, StorageError, id="read-only"),
        pytest.param(errno.EIO, StorageError, id="broken"),
    ],
)
def test_errors_of_the_system_have_a_meaning_of_ours(code: int, meaning: type[StorageError]) -> None:
    assert type(durable.translated(OSError(code, os.strerror(code)), Path("x"))) is meaning


def test_a_folder_that_is_not_there_raises_nothing_foreign(tmp_path: Path, data: Any) -> None:
    with pytest.raises(NotDurable):
        durable.sync_folder(tmp_path / "nowhere")
    with pytest.raises(StorageError):
        Shelf(data.spool, tmp_path / "nowhere", data.quarantine).free()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        durable.make_folder(tmp_path / "file" / "below", tmp_path)


def test_renditions_are_listed_and_dropped_and_nothing_outside_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "renditions"
    (folder / "north/2026").mkdir(parents=True)
    for name in ("north/2026/b.web.jpg", "north/2026/a.web.jpg", "stray"):
        (folder / name).write_bytes(b"made")
    (tmp_path / "catalogue.db").write_bytes(b"kept")
    shelf = Shelf(tmp_path, tmp_path, tmp_path, folder)
    assert sorted(shelf.renditions()) == [["north/2026/a.web.jpg", "north/2026/b.web.jpg"], ["stray"]]
    for name in ("stray", "stray", "north/2026/a.web.jpg"):
        shelf.drop(name)
    assert sorted(shelf.renditions()) == [["north/2026/b.web.jpg"]]
    for name in ("../catalogue.db", str(tmp_path / "catalogue.db"), ""):
        with pytest.raises(StorageError):
            shelf.drop(name)
    with pytest.raises(StorageError):
        shelf.drop("north/2026")
    assert (tmp_path / "catalogue.db").exists()
    assert list(Shelf(tmp_path, tmp_path, tmp_path).renditions()) == []
