"""Bringing an object back: at the byte, never more than was listed, compared with whoever knows what it must be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import DestinationRefused, DestinationUnreachable, ObjectDiffers
from core.transfer.base import Features, Level, Progress, StoredObject, silent
from core.transfer.fetch import Fetch, Unfinished, restore
from core.transfer.folder import FolderDestination
from core.transfer.holdings import Day, Held, original, survey
from core.values import PictureName

BODY = bytes(range(256)) * 40


class Far(FolderDestination):
    """A destination that counts what is read, can be cut, and hashes by itself if it is told to."""

    def __init__(self, root: Path, hashes: bool = False, cut_at: int | None = None) -> None:
        super().__init__(root)
        self.features = Features(server_hash=hashes)
        self.cut_at = cut_at
        self.offsets: list[int] = []
        self.says: str | None = None  # the hash that the server claims; "": it refuses to say

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        self.offsets.append(offset)
        for block in super().read(name, offset):
            for at in range(0, len(block), 1000):
                if self.cut_at is not None and offset >= self.cut_at:
                    raise DestinationUnreachable("cut")
                yield block[at : at + 1000]
                offset += 1000

    def prove(self, name: str, size: int, sha256: str, level: Level, progress: Progress = silent) -> Level:
        if self.says == "":
            raise DestinationRefused("no such command")
        if self.says is not None and self.says != sha256:
            raise ObjectDiffers(name)
        return level


@pytest.fixture
def far(tmp_path: Path) -> Far:
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "a.jpg").write_bytes(BODY)
    return Far(tmp_path / "far")


def job(tmp_path: Path, sha256: str = "", size: int = len(BODY)) -> Fetch:
    return Fetch(name="a.jpg", size=size, part=tmp_path / "a.part", into=tmp_path / "a.jpg", sha256=sha256, chunk=3000)


def all_of_it(wanted: int, offset: int) -> int:
    return wanted


def test_a_cut_goes_on_at_the_byte(far: Far, tmp_path: Path) -> None:
    far.cut_at = 5000
    with pytest.raises(DestinationUnreachable):
        restore(far, job(tmp_path), all_of_it)
    far.cut_at = None
    done = restore(far, job(tmp_path), all_of_it)
    assert far.offsets == [0, 5000]
    assert (done["received"], done["sha256"]) == (len(BODY) - 5000, hashlib.sha256(BODY).hexdigest())
    assert (tmp_path / "a.jpg").read_bytes() == BODY
    assert not (tmp_path / "a.part").exists()


def test_nothing_is_received_without_a_grant(far: Far, tmp_path: Path) -> None:
    asked: list[int] = []

    def twice(wanted: int, offset: int) -> int:
        asked.append(offset)
        return wanted if len(asked) < 3 else 0

    with pytest.raises(Unfinished) as unfinished:
        restore(far, job(tmp_path), twice)
    assert asked == [0, 3000, 6000]
    assert unfinished.value.offset == (tmp_path / "a.part").stat().st_size == 6000


@pytest.mark.parametrize(
    ("hashes", "says", "known", "proof"),
    [
        pytest.param(False, None, "", "", id="nobody-vouches"),
        pytest.param(True, None, "", "server", id="the-server-does"),
        pytest.param(True, "", "", "", id="it-refuses-to-say"),
        pytest.param(True, None, hashlib.sha256(BODY).hexdigest(), "day book", id="a-day-book-does"),
    ],
)
def test_who_vouches_for_the_bytes_is_told(
    far: Far, tmp_path: Path, hashes: bool, says: str | None, known: str, proof: str
) -> None:
    far.features, far.says = Features(server_hash=hashes), says
    assert restore(far, job(tmp_path, known), all_of_it)["proof"] == proof


def test_what_an_earlier_attempt_left_of_something_else_is_not_built_upon(far: Far, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(b"x" * 4000)
    done = restore(far, job(tmp_path, hashlib.sha256(BODY).hexdigest()), all_of_it)
    assert far.offsets == [4000, 0]
    assert done["received"] == 2 * len(BODY) - 4000
    assert (tmp_path / "a.jpg").read_bytes() == BODY


@pytest.mark.parametrize(
    ("size", "known"),
    [
        pytest.param(len(BODY), "0" * 64, id="altered"),
        pytest.param(len(BODY) - 1, "", id="longer-than-listed"),
        pytest.param(len(BODY) + 1, "", id="shorter-than-listed"),
    ],
)
def test_bytes_that_are_not_what_they_must_be_are_not_kept(far: Far, tmp_path: Path, size: int, known: str) -> None:
    with pytest.raises(ObjectDiffers):
        restore(far, job(tmp_path, known, size), all_of_it)
    assert not (tmp_path / "a.part").exists()
    assert not (tmp_path / "a.jpg").exists()


def test_a_server_whose_hash_is_another_one_gives_nothing(far: Far, tmp_path: Path) -> None:
    far.features, far.says = Features(server_hash=True), "0" * 64
    with pytest.raises(ObjectDiffers):
        restore(far, job(tmp_path), all_of_it)
    assert not (tmp_path / "a.part").exists()


NAME = "north_20261121T085000Z_unit1_1-2"
PLACE = "dam/north/2026/11/21"


@pytest.mark.parametrize(
    ("name", "size", "base"),
    [
        pytest.param(f"{PLACE}/{NAME}.jpg", 5, f"{NAME}.jpg", id="an-original"),
        pytest.param(f"{PLACE}/{NAME}~0123abcd.jpg", 5, f"{NAME}.jpg", id="beside-another-of-its-name"),
        pytest.param(f"{PLACE}/{NAME}.web.jpg", 5, None, id="a-rendition"),
        pytest.param(f"dam/north/2026/11/20/{NAME}.jpg", 5, None, id="of-another-day"),
        pytest.param(f"{PLACE}/day.jsonl", 5, None, id="a-day-book"),
        pytest.param(f"{PLACE}/{NAME}.jpg", 0, None, id="empty"),
    ],
)
def test_originals_are_known_by_name_and_place(name: str, size: int, base: str | None) -> None:
    found = original(StoredObject(name, size))
    assert (None if found is None else str(found.name)) == base


def test_a_survey_counts_by_day_what_is_there_and_what_is_missing_here(tmp_path: Path) -> None:
    for day, number in (("20", 3), ("21", 2)):
        folder = tmp_path / "dam/north/2026/11" / day
        folder.mkdir(parents=True)
        for nth in range(number):
            (folder / f"north_202611{day}T08500{nth}Z_unit1_1-2.jpg").write_bytes(b"12345")
    begin = PictureName.parse("north_20261120T085001Z_unit1_1-2.jpg").at.timestamp()

    def ask(some: object) -> list[bool]:
        assert isinstance(some, list)
        return [isinstance(one, Held) and one.name.at.second == 1 for one in some]

    days, listed = survey(FolderDestination(tmp_path), ["dam/north/"], int(begin), 2**40, ask)
    assert listed == 5
    assert days == [Day("north", "2026-11-20", 2, 10, 1, 5), Day("north", "2026-11-21", 2, 10, 1, 5)]
    assert survey(FolderDestination(tmp_path), ["dam/north/"], 0, 2**40, lambda some: None) == ([], 5)
