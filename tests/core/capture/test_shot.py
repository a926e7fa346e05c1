from __future__ import annotations

import errno
import hashlib
import resource
import signal
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from core.capture.base import Identity
from core.capture.shot import Op, Spool, clear, kind_of, seconds_for, stem_of, storage_error
from core.errors import CameraTransferCut, DiskFull, NotDurable, StorageError
from core.site.model.cameras import Camera, FolderSource, GphotoSource
from core.values import Fence, PictureName

WHO = Identity("north", "unit1", Fence(1, 7))
AT = 1_795_250_000


@pytest.fixture
def book(spool: Path) -> Spool:
    return Spool(spool, WHO)


def name_of(book: Spool, source: str = "a.JPG") -> PictureName:
    return book.names(AT, [source])[source]


def test_bytes_are_hashed_as_received_and_get_their_name_at_the_end(book: Spool, spool: Path) -> None:
    name = name_of(book)
    with book.receive(name) as reception:
        reception.write(b"abc")
        reception.write(memoryview(b"defg"))
        assert [file.name for file in spool.iterdir()] == [f"{name}.part"]
        kept = reception.keep(7)
    assert (kept.name, kept.size, kept.sha256) == (str(name), 7, hashlib.sha256(b"abcdefg").hexdigest())
    assert (spool / kept.name).read_bytes() == b"abcdefg"


@pytest.mark.parametrize("told", [pytest.param(8, id="too-few"), pytest.param(2, id="too-many")])
def test_a_size_other_than_the_cameras_is_a_cut(book: Spool, spool: Path, told: int) -> None:
    with book.receive(name_of(book)) as reception:
        reception.write(b"abc")
        with pytest.raises(CameraTransferCut):
            reception.keep(told)
    assert list(spool.iterdir()) == []


def test_no_bytes_are_no_picture_even_without_a_size(book: Spool, spool: Path) -> None:
    with pytest.raises(CameraTransferCut), book.receive(name_of(book)) as reception:
        reception.keep(None)
    assert list(spool.iterdir()) == []


def test_what_was_not_kept_leaves_nothing(book: Spool, spool: Path) -> None:
    with book.receive(name_of(book)) as reception:
        reception.write(b"abc")
    assert list(spool.iterdir()) == []


def test_what_a_killed_child_left_is_not_written_on(book: Spool, spool: Path) -> None:
    name = name_of(book)
    old = spool / f"{name}.part"
    old.write_bytes(b"unproven bytes, longer than the new ones")
    with old.open("rb") as held, book.receive(name) as reception:
        reception.write(b"new")
        reception.keep(3)
        assert held.read().startswith(b"unproven")
    assert (spool / str(name)).read_bytes() == b"new"


def test_what_killed_children_of_this_camera_left_is_removed_and_nothing_else(spool: Path) -> None:
    left = ["north_20261121T090000Z_unit1_1-7.jpg.part", "north_20261121T090000Z_unit1_1-7_2.nef.part"]
    others = [
        "north_20261121T090000Z_unit1_1-7.jpg",  # whole
        "north_20261121T090000Z_unit1_1-6.jpg.part",  # of an earlier run: for the quarantine
        "north_20261121T090000Z_unit1_1-70.jpg.part",
        "northgate_20261121T090000Z_unit1_1-7.jpg.part",
        "south_20261121T090000Z_unit1_1-7.jpg.part",
        "north_holiday.jpg.part",
        "north_20261121T090000Z_unit1_1-7.jpg.part.part",
        "north_20261121T090000Z_unit1_1-7.jpg.partial",
        ".north_20261121T090000Z_unit1_1-7.jpg.part",
    ]
    for name in (*left, *others):
        (spool / name).write_bytes(b"bytes")
    clear(spool, "north", Fence(1, 7))
    assert sorted(path.name for path in spool.iterdir()) == sorted(others)


def test_a_spool_that_is_not_there_is_no_trouble_before_a_shot(tmp_path: Path) -> None:
    clear(tmp_path / "nowhere", "north", Fence(1, 7))


def test_a_name_in_the_spool_is_never_given_again(book: Spool, spool: Path) -> None:
    first = name_of(book)
    (spool / str(first)).write_bytes(b"kept")
    assert (first.nth, name_of(Spool(spool, WHO)).nth, name_of(book, "b.JPG").nth) == (1, 2, 2)


def test_the_halves_of_a_pair_share_a_number_even_when_one_comes_later(book: Spool, spool: Path) -> None:
    (spool / str(PictureName("north", name_of(book).at, "unit1", Fence(1, 7), "cr2"))).write_bytes(b"an older shot's")
    later = Spool(spool, WHO)
    pair = later.names(AT, ["/x/IMG_1.JPG", "/x/IMG_1.CR2"])
    assert {name.nth for name in pair.values()} == {2}
    alone = later.names(AT, ["/x/IMG_2.JPG"])["/x/IMG_2.JPG"]
    assert later.names(AT, ["/x/IMG_2.CR3"])["/x/IMG_2.CR3"].stem == alone.stem


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EIO, NotDurable),
        (errno.EROFS, StorageError),
    ],
)
def test_what_the_disk_says_has_a_name(number: int, expected: type[StorageError]) -> None:
    assert type(storage_error(OSError(number, "words"), "a.jpg")) is expected


def test_a_disk_that_takes_no_more_bytes_keeps_nothing(book: Spool, spool: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(StorageError), book.receive(name_of(book)) as reception:
            reception.write(bytes(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [("A.JPG", "jpeg"), ("a.jpeg", "jpeg"), ("x.Cr3", "raw"), ("x.nef", "raw"), ("clip.MOV", None), ("jpg", None)],
)
def test_a_kind_is_told_by_the_name_alone(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind


def test_a_stem_is_what_a_pair_shares() -> None:
    assert stem_of("/store_1/DCIM/100EOS/IMG_1.CR2") == stem_of("/store_2/DCIM/IMG_1.JPG") == "IMG_1"


def seconds(op: Op, exposure: float = 1.0, **changes: object) -> float:
    source = GphotoSource(kind="gphoto2", serial="1")
    camera = Camera(name="a", source=source, exposure=timedelta(seconds=exposure), **changes)  # type: ignore[arg-type]
    return seconds_for(op, camera)


def test_a_shots_deadline_grows_with_twice_the_exposure_and_with_its_bytes() -> None:
    assert seconds("shoot", 60) - seconds("shoot", 30) == 60
    assert seconds("shoot", shoots="raw+jpeg") - seconds("shoot", shoots="jpeg") == 45


@pytest.mark.parametrize("op", get_args(Op))
def test_every_operation_has_a_deadline_that_a_ten_minute_slot_can_bear(op: Op) -> None:
    assert 0 < seconds(op) < 120


def test_a_folder_is_given_less_time_than_a_camera() -> None:
    folder = Camera(name="a", source=FolderSource(kind="folder", path="x"))
    assert seconds_for("open", folder) < seconds("open")


def test_a_spool_that_somebody_removed_is_made_again(book: Spool, spool: Path) -> None:
    spool.rmdir()
    (spool.parent / "lock").write_bytes(b"")
    with book.receive(name_of(book)) as reception:
        reception.write(b"abc")
        kept = reception.keep(3)
    assert (spool / kept.name).read_bytes() == b"abc"
