"""The day book: every line is whole or told, nothing that was handed over is dropped."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from core.errors import DiskFull, NotDurable, StorageError
from core.intake import daybook, entries
from core.intake.daybook import AppendFile, DayBooks
from core.values import Fence, Sha256

FOLDER = "north/2026/11/21"


def every_kind(data: Any) -> list[entries.Entry]:
    name, sha256 = data.name(), Sha256("ab" * 32)
    return [
        entries.PictureEntry(
            name=name,
            slot=data.noon,
            index=72,
            kind="jpeg",
            size=6_000_000,
            sha256=sha256,
            shutter=1,
            source_name="/DCIM/\x1b[2J\udcff\u202e.JPG",
            source_time=2,
            trusted=False,
            boot="b",
            taken_in=3,
        ),
        entries.PictureEntry(name=name.numbered(2), kind="raw", size=1, sha256=sha256),
        entries.OutcomeEntry(
            camera="north",
            slot=data.noon,
            node="unit1",
            outcome="captured",
            index=72,
            partial=True,
            cause="x",
            shutter=4,
            fence=Fence(1, 7),
        ),
        entries.FilledEntry(camera="north", slot=data.noon, node="unit1", name=name),
        entries.ViewEntry(name=name, verdict="good", why="", stats={"mean": 0.5, "bins": [1, 2]}),
        entries.ReceiptEntry(
            name=name,
            rendition="web",
            destination="nas",
            level=3,
            remote="a.jpg",
            size=5,
            sha256=sha256,
            at=6,
            required=False,
            wanted=2,
            priority=1,
        ),
        entries.DeletionEntry(name=name, at=7, why="room", copies=("nas", "fr")),
        entries.OverrideEntry(camera="north", at=data.noon * 1000, what="pause", who="anna", until=8, why="rain"),
    ]


def write(data: Any, *lines: entries.Entry) -> Path:
    books = DayBooks(data.pictures)
    books.append(lines)
    books.close()
    return Path(data.pictures, FOLDER, "day.jsonl")


def test_every_kind_of_line_comes_back_as_it_was(data: Any) -> None:
    path = write(data, *every_kind(data))
    found = list(daybook.read_all(data.pictures))
    assert [line.problem for line in found] == [None] * len(found)
    assert [line.entry for line in found] == every_kind(data)
    assert {line.folder for line in found} == {FOLDER}
    assert found[-1].end == path.stat().st_size
    assert path.read_bytes().isascii(), "nothing in it can steer a terminal"
    assert not any(byte < 0x20 for byte in path.read_bytes().replace(b"\n", b""))


def test_a_line_ends_with_the_checksum_of_what_stands_before_it(data: Any) -> None:
    line = daybook.encode(data.entry())
    before, _, _ = line.rpartition(b',"crc":')
    assert list(json.loads(line))[-1] == "crc"
    assert json.loads(line)["crc"] == f"{zlib.crc32(before):08x}"
    assert line.endswith(b'"}\n')


def test_the_length_after_an_append_is_where_the_next_start_goes_on(data: Any) -> None:
    books = DayBooks(data.pictures)
    lengths = books.append([data.entry(0), data.entry(80)])
    assert {folder: (data.pictures / folder / "day.jsonl").stat().st_size for folder in lengths} == lengths
    books.append([data.entry(1)])
    (line,) = daybook.read_after(data.pictures, lengths)
    assert line.entry == data.entry(1)
    books.close()


def test_a_torn_last_line_is_told_and_the_next_one_begins_anew(data: Any) -> None:
    path = write(data, data.entry(0), data.entry(1))
    path.write_bytes(path.read_bytes()[:-30])
    first, torn = daybook.read_all(data.pictures)
    assert first.entry == data.entry(0)
    assert "torn" in str(torn.problem)
    write(data, data.entry(2))
    found = list(daybook.read_all(data.pictures))
    assert [line.entry for line in found] == [data.entry(0), None, data.entry(2)]
    assert [line.entry for line in daybook.read_after(data.pictures, {FOLDER: torn.end})] == [data.entry(2)]


def test_every_cut_of_a_book_gives_its_whole_lines_and_at_most_one_torn_one(data: Any) -> None:
    path = write(data, *(data.entry(slot) for slot in range(3)))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        found = list(daybook.read_all(data.pictures))
        complete = (whole[:length] + b"\n").count(b'"}\n')  # its checksum proves a line that lacks its newline
        assert [line.entry for line in found if line.entry] == [data.entry(slot) for slot in range(complete)]
        assert len(found) - complete == (0 if not length or whole[:length].endswith((b"\n", b'"}')) else 1)


def test_each_of_300_flipped_bits_is_told_and_stops_nothing_else(data: Any) -> None:
    lines = [data.entry(slot) for slot in range(10)]
    path = write(data, *lines)
    whole, chance = path.read_bytes(), random.Random(3)
    for _ in range(300):
        place = chance.randrange(len(whole))
        flipped = bytearray(whole)
        flipped[place] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        found = list(daybook.read_all(data.pictures))
        read = [line.entry for line in found if line.entry]
        assert all(entry in lines for entry in read)
        assert any(line.problem for line in found)
        assert len(read) >= len(lines) - 2


def test_kinds_of_a_newer_program_are_kept_and_passed_over(data: Any) -> None:
    path = write(data, data.entry(0))
    said = b'{"line":"audit","name":"x"'
    with path.open("ab") as file:
        file.write(b'%s,"crc":"%08x"}\n' % (said, zlib.crc32(said)))
    write(data, data.entry(1))
    _, newer, _ = daybook.read_all(data.pictures)
    assert (newer.problem, newer.entry, newer.fields) == (None, None, {"line": "audit", "name": "x"})


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"line": "view", "name": "../../etc/passwd", "verdict": "good", "stats": {}}, id="name"),
        pytest.param({"line": "view", "verdict": "good", "stats": {}}, id="missing"),
        pytest.param({"line": "outcome", "camera": "north", "slot": 1, "node": "a", "outcome": "x"}, id="other-day"),
        pytest.param({"line": "outcome", "camera": "..", "slot": 1, "node": "a", "outcome": "x"}, id="camera"),
        pytest.param({"line": "outcome", "camera": "n", "slot": 10**30, "node": "a", "outcome": "x"}, id="year"),
        pytest.param({"line": "outcome", "camera": "n", "slot": True, "node": "a", "outcome": "x"}, id="bool"),
        pytest.param({"line": 5}, id="kind"),
        pytest.param([1], id="list"),
    ],
)
def test_a_line_with_a_right_checksum_and_wrong_values_is_told(data: Any, said: object) -> None:
    path = write(data, data.entry(0))
    text = json.dumps(said)[:-1].encode()
    with path.open("ab") as file:
        file.write(b'%s,"crc":"%08x"}\n' % (text, zlib.crc32(text)))
    _, wrong = daybook.read_all(data.pictures)
    assert "damaged" in str(wrong.problem)
    assert wrong.fields is None


def test_a_book_that_became_shorter_than_the_catalogue_knows_is_told_and_read_anew(data: Any) -> None:
    write(data, data.entry(0))
    told, line = daybook.read_after(data.pictures, {FOLDER: 10_000})
    assert "gone" in str(told.problem)
    assert line.entry == data.entry(0)


def test_a_book_that_is_gone_is_told_once(data: Any) -> None:
    (told,) = daybook.read_after(data.pictures, {FOLDER: 10})
    assert "gone" in str(told.problem)
    assert list(daybook.read_after(data.pictures, {FOLDER: told.end})) == []


class Failing:
    """A day book on disk whose next calls fail as told, and that is never synced again after a failed sync."""

    opened = 0

    def __init__(self, path: Path, faults: dict[str, int]) -> None:
        self._file = AppendFile(path)
        self._faults = faults
        self._failed = False

    def _fault(self, call: str) -> None:
        code = self._faults.pop(call, None)
        if code is not None:
            self._failed = True
            raise OSError(code, os.strerror(code))

    def write(self, data: bytes) -> None:
        if "write" in self._faults:
            self._file.write(data[: len(data) // 2])
        self._fault("write")
        self._file.write(data)

    def sync(self) -> None:
        assert not self._failed, "a failed descriptor was used again"
        self._fault("sync")
        self._file.sync()

    def length(self) -> int:
        return self._file.length()

    def close(self) -> None:
        self._file.close()


@pytest.fixture
def faults() -> dict[str, int]:
    return {}


@pytest.fixture
def books(data: Any, faults: dict[str, int]) -> DayBooks:
    return DayBooks(data.pictures, lambda path: Failing(path, faults))


def test_after_a_failed_sync_the_lines_are_written_again_to_a_fresh_file(
    data: Any, books: Any, faults: dict[str, int]
) -> None:
    books.append([data.entry(0)])
    faults["sync"] = errno.EIO
    with pytest.raises(NotDurable):
        books.append([data.entry(1)])
    assert books.owed == 1
    books.append([data.entry(2)])
    assert books.owed == 0
    found = [line.entry for line in daybook.read_all(data.pictures)]
    assert found == [data.entry(0), data.entry(1), data.entry(1), data.entry(2)], "twice does no harm, never would"


def test_lines_that_wait_for_a_grouped_sync_survive_its_failure(data: Any, books: Any, faults: dict[str, int]) -> None:
    books.append([data.entry(0)], sync=False)
    books.append([data.entry(1)], sync=False)
    faults["sync"] = errno.EIO
    with pytest.raises(NotDurable):
        books.sync()
    assert books.owed == 2
    books.sync()
    assert books.owed == 0
    found = [line.entry for line in daybook.read_all(data.pictures)]
    assert found[-2:] == [data.entry(0), data.entry(1)]


def test_a_write_cut_by_a_full_disk_is_told_and_made_good_later(data: Any, books: Any, faults: dict[str, int]) -> None:
    faults["write"] = errno.ENOSPC
    with pytest.raises(DiskFull):
        books.append([data.entry(0)])
    books.sync()
    found = list(daybook.read_all(data.pictures))
    assert [line.entry for line in found] == [None, data.entry(0)]
    assert found[0].problem


def test_few_books_stay_open_and_none_of_their_lines_is_lost(data: Any) -> None:
    books = DayBooks(data.pictures)
    before = len(list(Path("/proc/self/fd").iterdir()))
    slots = range(0, 144 * 40, 144)
    for slot in slots:
        books.append([data.entry(slot)], sync=False)
    assert len(list(Path("/proc/self/fd").iterdir())) - before <= daybook.MAX_OPEN
    assert books.owed <= daybook.MAX_OPEN
    books.close()
    assert [line.entry for line in daybook.read_all(data.pictures)] == [data.entry(slot) for slot in slots]


def test_what_was_appended_survives_a_kill(data: Any) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from core.intake.daybook import DayBooks;"
        "from core.intake.entries import OverrideEntry;"
        "books = DayBooks(Path(sys.argv[1]));"
        "books.append([OverrideEntry(camera='north', at=0, what='pause', who='anna')]);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-I", "-c", code, str(data.pictures)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    (line,) = daybook.read_all(data.pictures)
    assert line.entry == entries.OverrideEntry(camera="north", at=0, what="pause", who="anna")


def test_a_link_in_the_place_of_a_book_is_not_followed(data: Any, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"")
    path = data.pictures / FOLDER / "day.jsonl"
    path.parent.mkdir(parents=True)
    path.symlink_to(elsewhere)
    with pytest.raises(StorageError):
        DayBooks(data.pictures).append([data.entry(0)])
    assert elsewhere.read_bytes() == b""
