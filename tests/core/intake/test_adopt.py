"""What an earlier run left: adopted when it is whole, set aside when it is not, deleted never."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.child import Child
from core.errors import NoSuchThing, StorageError
from core.intake.adopt import adopt, hash_file, unlisted
from core.intake.daybook import DayBooks
from core.worker import Talk


@pytest.fixture
def disk() -> Iterator[Child]:
    child = Child("disk")
    yield child
    child.close()


@pytest.fixture
def talk() -> Talk:
    return Talk(lambda message: None, lambda: None)


def ask_adopt(disk: Child, data: Any) -> dict[str, list[dict[str, str]]]:
    args = {"spool": str(data.spool), "quarantine": str(data.quarantine), "pictures": str(data.pictures)}
    return disk.ask("adopt", args, deadline=20)


def place(data: Any, slot: int = 0, body: bytes = b"picture") -> Path:
    path = Path(data.pictures, data.name(slot).path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def told(data: Any, slot: int = 0, body: bytes = b"picture") -> dict[str, object]:
    return {"name": str(data.name(slot)), "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def test_whole_pictures_are_adopted_and_all_else_is_set_aside(disk: Child, data: Any, tmp_path: Path) -> None:
    data.leave(data.name(0), b"whole")
    data.leave(f"{data.name(1)}.part", b"half")
    data.leave("holiday.jpg", b"not ours")
    data.leave(data.name(2), b"")
    (data.spool / "folder").mkdir()
    (data.spool / str(data.name(3))).symlink_to(tmp_path)
    found = ask_adopt(disk, data)
    assert found["whole"] == [told(data, 0, b"whole")]
    why = {line["name"]: line["why"] for line in found["quarantined"]}
    assert why == {
        f"{data.name(1)}.part": "its transfer from the camera was cut",
        "holiday.jpg": "not the name of a picture of ours",
        str(data.name(2)): "it is empty",
        str(data.name(3)): "not a regular file",
        "folder": "not the name of a picture of ours",
    }
    assert [path.name for path in data.spool.iterdir()] == [str(data.name(0))]
    assert sorted(path.name for path in data.quarantine.iterdir()) == sorted(why)


def test_nothing_to_adopt_is_no_error(disk: Child, data: Any) -> None:
    data.spool.rmdir()
    assert ask_adopt(disk, data) == {"whole": [], "unlisted": [], "quarantined": [], "unreadable": []}


def test_a_picture_that_a_stop_left_without_its_line_is_found(disk: Child, data: Any) -> None:
    books = DayBooks(data.pictures)
    place(data, 0)
    books.append([data.entry(0)])
    books.close()
    place(data, 1, b"no line")
    assert ask_adopt(disk, data)["unlisted"] == [told(data, 1, b"no line")]


def test_folders_that_did_not_change_after_their_book_are_not_read(data: Any) -> None:
    books = DayBooks(data.pictures)
    for slot in (0, 144, 288):
        place(data, slot)
        books.append([data.entry(slot)])
        place(data, slot + 1)
        folder = data.pictures / data.name(slot).folder
        os.utime(folder, ns=(0, 0) if slot == 0 else (2**62, 2**62) if slot == 144 else (0, 0))
    books.close()
    found = [str(name) for name in unlisted(data.pictures, lambda name, error: None)]
    assert found == [str(data.name(145)), str(data.name(289))], "the changed one, and the last of the camera"


def test_hashes_are_of_the_bytes_on_the_disk_and_progress_is_told(disk: Child, data: Any) -> None:
    place(data, 0, b"a" * 3_000_000)
    place(data, 1)
    heard: list[dict[str, object]] = []
    names = [str(data.name(0)), str(data.name(1)), str(data.name(2)), "../../etc/passwd"]
    args = {"pictures": str(data.pictures), "names": names}
    files = disk.ask("verify", args, deadline=20, hear=heard.append)["files"]
    assert files[:2] == [told(data, 0, b"a" * 3_000_000), told(data, 1)]
    assert [(one["name"], one["error"]) for one in files[2:]] == [
        (str(data.name(2)), "NoSuchThing"),
        ("../../etc/passwd", "ValueError"),
    ]
    assert [one["done"] for one in heard] == [1, 2, 3, 4]


def test_one_file_is_hashed_and_links_are_not_followed(disk: Child, data: Any) -> None:
    path = place(data, 0, b"")
    assert disk.ask("hash", {"path": str(path)}, deadline=20) == {"size": 0, "sha256": hashlib.sha256().hexdigest()}
    link = data.spool / "link"
    link.symlink_to(path)
    with pytest.raises(StorageError):
        disk.ask("hash", {"path": str(link)}, deadline=20)
    with pytest.raises(StorageError):
        disk.ask("hash", {"path": str(data.spool)}, deadline=20)
    with pytest.raises(NoSuchThing):
        disk.ask("hash", {"path": str(data.spool / "nothing")}, deadline=20)
    with pytest.raises(NoSuchThing):
        disk.ask("format", {}, deadline=20)


def test_days_that_retention_emptied_are_not_read_again(disk: Child, data: Any, tmp_path: Path) -> None:
    books = DayBooks(data.pictures)
    for slot in (0, 144, 288):
        for one in (slot, slot + 1):
            place(data, one)
            books.append([data.entry(one)])
    books.close()
    emptied, thinned = (data.pictures / data.name(slot).folder for slot in (0, 144))
    for path in [*emptied.glob("*.jpg"), data.pictures / data.name(144).path]:
        path.unlink()
    for folder in (emptied, thinned):
        os.utime(folder, ns=(2**61, 2**61))
    assert ask_adopt(disk, data)["unlisted"] == []
    dates = [(folder / "day.jsonl").stat().st_mtime_ns for folder in (emptied, thinned)]
    assert dates == [2**61 + 1, 2**61 + 1], "both are done with until they change again"
    (thinned / "day.jsonl").unlink()
    (thinned / "day.jsonl").mkdir()  # were it read, its picture would be told as unlisted
    os.utime(thinned / "day.jsonl", ns=(2**62 - 7, 2**62 - 7))
    os.utime(thinned, ns=(2**61, 2**61))
    assert ask_adopt(disk, data)["unlisted"] == []
    place(data, 2, b"no line")
    os.utime(emptied, ns=(2**61 + 5_000_000_000, 2**61 + 5_000_000_000))
    assert ask_adopt(disk, data)["unlisted"] == [told(data, 2, b"no line")], "a later change is seen"


def test_an_emptied_day_is_not_read_at_all(data: Any) -> None:
    books = DayBooks(data.pictures)
    books.append([data.entry(0)])
    books.append([data.entry(144)])
    books.close()
    book = data.pictures / data.name(0).folder / "day.jsonl"
    os.utime(book, ns=(5, 5))  # a reader would leave its own time here
    heard: list[str] = []
    assert list(unlisted(data.pictures, lambda name, error: heard.append(name))) == []
    assert book.stat().st_atime_ns == 5
    assert heard == []


def test_one_leftover_that_cannot_be_read_keeps_no_other_from_being_adopted(data: Any, talk: Talk) -> None:
    data.leave(data.name(0), b"on a bad sector")
    data.leave(data.name(1), b"whole")
    place(data, 2, b"on a bad sector too")
    place(data, 3, b"no line")

    def read(path: Path) -> dict[str, object]:
        if path.name in (str(data.name(0)), str(data.name(2))):
            raise StorageError(f"{path.name}: Input/output error")
        return hash_file(path)

    found = adopt(data.spool, data.quarantine, str(data.pictures), talk, read=read)
    assert found["whole"] == [told(data, 1, b"whole")]
    assert found["unlisted"] == [told(data, 3, b"no line")]
    assert [(one["name"], one["as"]) for one in found["quarantined"]] == [(str(data.name(0)), str(data.name(0)))]
    assert "Input/output error" in found["quarantined"][0]["why"]
    assert [one["name"] for one in found["unreadable"]] == [str(data.name(2))]
    assert (data.pictures / data.name(2).path).exists()


def test_a_day_that_cannot_be_listed_keeps_no_other_from_being_looked_at(data: Any) -> None:
    place(data, 0, b"no line")
    place(data, 144, b"no line")
    folder = data.pictures / data.name(0).folder
    heard: list[str] = []

    def look(where: Path) -> list[Path]:
        if where == folder:
            raise StorageError(f"{where}: Input/output error")
        return sorted(where.iterdir())

    found = list(unlisted(data.pictures, lambda name, error: heard.append(name), listing=look))
    assert [str(name) for name in found] == [str(data.name(144))]
    assert heard == [data.name(0).folder]


def test_what_came_into_the_spool_since_the_run_began_is_left_alone(tmp_path: Path, talk: Talk) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    (spool / "north_20261121T085000Z_unit1_1-6.jpg.part").write_bytes(b"cut off by the stop")
    before = [path.name for path in spool.iterdir()]
    (spool / "north_20261121T090000Z_unit1_1-6.jpg.part").write_bytes(b"on its way now")
    found = adopt(spool, tmp_path / "quarantine", None, talk, before)
    assert [one["name"] for one in found["quarantined"]] == before
    assert [path.name for path in spool.iterdir()] == ["north_20261121T090000Z_unit1_1-6.jpg.part"]
