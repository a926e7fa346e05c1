from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conformance.camera import CameraContract, Given, asked

from core.capture.base import Identity, Shot
from core.capture.folder import FolderCamera, freshness
from core.errors import CameraGone, CameraTimeout
from core.site.model.cameras import Camera, Event, FolderSource, Schedule, Shoots
from core.values import Fence

WHO = Identity("ftp", "unit1", Fence(1, 7))
NOTHING = timedelta(0)
Make = Callable[..., FolderCamera]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def camera_of(folder: Path, shoots: Shoots = "jpeg", settle: timedelta = NOTHING, remove: bool = False) -> Camera:
    source = FolderSource(kind="folder", path=str(folder), settle=settle, remove=remove)
    return Camera(name="ftp", source=source, shoots=shoots, schedule=(Schedule(every=timedelta(minutes=10)),))


@pytest.fixture
def make(folder: Path, spool: Path) -> Make:
    return lambda **changes: FolderCamera(camera_of(folder, **changes), spool, {})


def put(file: Path, content: bytes = b"\xff\xd8\xff picture", age: float = 10.0) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    when = time.time() - age
    os.utime(file, (when, when))
    return file


def shoot(camera: FolderCamera) -> Shot:
    return camera.shoot(WHO, datetime.now(UTC))


class TestFolder(CameraContract):
    @pytest.fixture
    def given(self, folder: Path, tmp_path: Path) -> Given:
        numbers = iter(range(100))

        def offer() -> None:
            put(folder / f"{next(numbers)}.jpg", age=0)

        return Given(camera_of(folder), camera_of(tmp_path / "nowhere"), offer)


def test_the_newest_is_taken_and_the_others_are_not_touched(make: Make, folder: Path) -> None:
    old, new = put(folder / "b.jpg", b"\xff\xd8\xffold", 60), put(folder / "a.jpg", b"\xff\xd8\xffnew", 30)
    shot = shoot(make(remove=True))
    assert [part.source_name for part in shot.parts] == ["a.jpg"]
    assert shot.shutter == pytest.approx(time.time() - 30, abs=5)
    assert (old.exists(), new.exists()) == (True, True)


def test_a_picture_is_taken_once(make: Make, folder: Path) -> None:
    camera = make()
    put(folder / "a.jpg")
    shoot(camera)
    with pytest.raises(CameraTimeout):
        shoot(camera)
    put(folder / "a.jpg", b"\xff\xd8\xff another under the same name", 5)
    assert shoot(camera).parts


def test_a_file_that_may_still_grow_waits(make: Make, folder: Path) -> None:
    put(folder / "a.jpg", age=60)  # its time is a minute old, but it was written just now
    with pytest.raises(CameraTimeout):
        shoot(make(settle=timedelta(seconds=5)))


@pytest.mark.parametrize("name", [".a.jpg", "a.jpg.part", "a.txt", ".hidden/a.jpg"])
def test_what_is_no_finished_picture_is_not_seen(make: Make, folder: Path, name: str) -> None:
    put(folder / name)
    with pytest.raises(CameraTimeout):
        shoot(make())


def test_an_empty_file_and_a_link_are_no_pictures(make: Make, folder: Path, tmp_path: Path) -> None:
    put(folder / "empty.jpg", b"")
    (folder / "link.jpg").symlink_to(put(tmp_path / "secret.jpg"))
    with pytest.raises(CameraTimeout):
        shoot(make())


def test_a_dead_sources_last_picture_is_not_shown_as_fresh(make: Make, folder: Path) -> None:
    put(folder / "a.jpg", age=16 * 60)
    with pytest.raises(CameraTimeout):
        shoot(make())


def test_raw_and_jpeg_of_one_stem_are_one_shot(make: Make, folder: Path) -> None:
    put(folder / "day" / "IMG_1.CR2", b"raw", 20)
    put(folder / "day" / "IMG_1.JPG", age=19)
    put(folder / "IMG_0.JPG", age=60)
    shot = shoot(make(shoots="raw+jpeg"))
    assert (shot.partial, sorted(part.source_name for part in shot.parts)) == (
        False,
        ["day/IMG_1.CR2", "day/IMG_1.JPG"],
    )
    assert len({part.name.partition(".")[0] for part in shot.parts}) == 1


def test_half_of_a_pair_is_partial(make: Make, folder: Path) -> None:
    put(folder / "IMG_1.JPG")
    assert shoot(make(shoots="raw+jpeg")).partial


def test_a_released_file_goes_only_where_the_configuration_says_so(make: Make, folder: Path) -> None:
    for remove in (False, True):
        camera, file = make(remove=remove), put(folder / f"{remove}.jpg", age=1)
        camera.release([part.source_name for part in shoot(camera).parts])
        assert file.exists() is not remove


def test_a_name_that_is_no_text_is_told_as_text_and_its_file_can_be_released(make: Make, folder: Path) -> None:
    file = put(folder / os.fsdecode(b"quai-\xe9t\xe9.jpg"))
    camera = make(remove=True)
    (part,) = shoot(camera).parts
    assert part.source_name.encode() == rb"quai-\xe9t\xe9.jpg"
    camera.release([part.source_name])
    assert not file.exists()


def test_a_newer_file_under_a_released_name_stays(make: Make, folder: Path) -> None:
    camera, file = make(remove=True), put(folder / "snapshot.jpg")
    shot = shoot(camera)
    put(file, b"\xff\xd8\xff a newer one", 1)
    camera.release([part.source_name for part in shot.parts])
    assert file.exists()


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/passwd", "other.jpg"])
def test_only_what_was_taken_can_be_removed(make: Make, folder: Path, name: str) -> None:
    camera = make(remove=True)
    put(folder / "a.jpg")
    kept = [put(folder / "other.jpg", age=60), put(folder.parent / "secret.jpg")]
    shoot(camera)
    camera.release([name])
    assert all(file.exists() for file in kept)


def test_a_folder_that_vanishes_is_a_camera_gone(folder: Path, spool: Path) -> None:
    with asked(camera_of(folder / "nowhere"), spool) as camera, pytest.raises(CameraGone):
        camera.open()


def test_a_picture_belongs_to_a_slot_within_one_and_a_half_intervals() -> None:
    source, day = FolderSource(kind="folder", path="x"), timedelta(days=1)
    assert freshness(Camera(name="a", source=source)) == 1.5 * day
    event = Event(every=timedelta(minutes=2), begin="2026-11-21T08:00", end="2026-11-21T09:00")
    schedule = (Schedule(every=timedelta(minutes=10)),)
    assert freshness(Camera(name="a", source=source, schedule=schedule, event=(event,))) == timedelta(minutes=15)
