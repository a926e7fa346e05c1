from __future__ import annotations

import fcntl
import io
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conformance.camera import CameraContract, Given
from PIL import Image

from core.capture.base import Collected, Identity, Shot
from core.capture.drop import DROP, QUARANTINE
from core.capture.push import DAY, JUNK, WAIT, PushedCamera
from core.errors import CameraGone, CameraTimeout, StorageError
from core.processing.whole import judge
from core.site.model.cameras import Camera, FtpSource, Schedule, Shoots
from core.site.place import Folders
from core.values import Fence

JUDGE = "core.processing.whole:judge"
WHO = Identity("gate", "unit1", Fence(1, 7))


def jpeg(tint: int = 90, taken: datetime | None = None) -> bytes:
    image, exif, file = Image.effect_noise((96, 64), tint), Image.Exif(), io.BytesIO()
    if taken is not None:
        exif.get_ifd(0x8769)[0x9003] = taken.strftime("%Y:%m:%d %H:%M:%S")
    image.save(file, "JPEG", quality=90, exif=exif)
    return file.getvalue()


def camera_of(shoots: Shoots = "jpeg", zone: str = "UTC", name: str = "gate") -> Camera:
    source = FtpSource(kind="ftp", user="gate", password_file="secrets/gate", zone=zone)
    return Camera(name=name, source=source, shoots=shoots, schedule=(Schedule(every=timedelta(minutes=10)),))


class Yard:
    """A camera's drop folder, filled as its FTP server would."""

    def __init__(self, data: Path) -> None:
        self.spool, self.root = data / "spool", data / DROP / "gate"
        self.quarantine = data / QUARANTINE
        for folder in (self.spool, self.root):
            folder.mkdir(parents=True, exist_ok=True)

    def camera(self, shoots: Shoots = "jpeg", zone: str = "UTC") -> PushedCamera:
        return PushedCamera(camera_of(shoots, zone), self.spool, {}, judge)

    def put(self, name: str, content: bytes | None = None, age: float = 1.0) -> Path:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(jpeg() if content is None else content)
        os.utime(file, (time.time() - age, time.time() - age))
        return file

    def left(self) -> set[str]:
        return {file.relative_to(self.root).as_posix() for file in self.root.rglob("*") if file.is_file()}


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def shoot(camera: PushedCamera) -> Shot:
    return camera.shoot(WHO, datetime.now(UTC))


def sources(found: Shot | Collected) -> list[str]:
    return sorted(part.source_name for part in (found.parts if isinstance(found, Shot) else found.orphans))


class TestPushed(CameraContract):
    @pytest.fixture
    def spool(self, yard: Yard) -> Path:
        return yard.spool

    @pytest.fixture
    def given(self, yard: Yard) -> Given:
        numbers = iter(range(100))
        offer: Callable[[], object] = lambda: yard.put(f"{next(numbers)}.jpg", age=0)  # noqa: E731
        absent = replace(camera_of(), name="nobody")
        return Given(camera_of(), absent, lambda: (offer(), None)[1], judge=JUDGE)


def test_the_folder_is_where_the_node_has_it(tmp_path: Path) -> None:
    folders = Folders(tmp_path, None)
    assert (folders.drop.name, folders.quarantine.name) == (DROP, QUARANTINE)
    assert folders.drop.parent == folders.spool.parent == folders.quarantine.parent


def test_the_newest_whole_picture_is_taken_and_leaves_the_cameras_reach(yard: Yard) -> None:
    yard.put("old.jpg", age=60)
    new = yard.put("2026/new.jpg", b := jpeg(50), age=5)
    shot = shoot(camera := yard.camera())
    assert sources(shot) == ["2026/new.jpg"]
    assert (yard.spool / shot.parts[0].name).read_bytes() == b
    assert not new.exists()
    assert yard.left() == {"old.jpg"}
    camera.release(["2026/new.jpg"])
    assert not [file for file in yard.root.with_name("gate.taken").rglob("*") if file.is_file()]


def test_what_came_in_between_is_taken_in_beside_the_slots(yard: Yard) -> None:
    for nth in range(4):
        yard.put(f"{nth}.jpg", jpeg(40 + nth), age=100 - nth)
    camera = yard.camera()
    first = camera.collect(WHO)
    assert sources(first) == ["0.jpg", "1.jpg", "2.jpg"], "the newest is for the next slot"
    assert sources(shoot(camera)) == ["3.jpg"]
    assert (sources(camera.collect(WHO)), yard.left()) == ([], set())


def test_an_older_picture_than_the_last_shots_is_never_a_slots(yard: Yard) -> None:
    yard.put("a.jpg", age=50)
    yard.put("b.jpg", jpeg(50), age=20)
    shoot(yard.camera())
    with pytest.raises(CameraTimeout):
        shoot(yard.camera())  # as another process, too
    assert sources(yard.camera().collect(WHO)) == ["a.jpg", "b.jpg"], "b.jpg again, until it is released"


def test_one_that_is_too_old_for_its_slot_is_no_slots_and_is_not_lost(yard: Yard) -> None:
    yard.put("a.jpg", age=16 * 60)
    camera = yard.camera()
    with pytest.raises(CameraTimeout, match="no whole picture came"):
        shoot(camera)
    assert sources(camera.collect(WHO)) == ["a.jpg"]


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(lambda whole: whole[: len(whole) // 2], id="half"),
        pytest.param(lambda whole: whole[:-1], id="the-last-byte"),
        pytest.param(lambda whole: whole[: len(whole) // 2] + bytes(len(whole) // 2), id="zeros-at-the-end"),
        pytest.param(lambda whole: whole[:400] + bytes(600) + whole[1000:], id="a-hole"),
        pytest.param(lambda whole: b"<html>login</html>", id="a-web-page"),
    ],
)
def test_a_part_of_a_picture_waits_and_is_then_set_aside(yard: Yard, cut: Callable[[bytes], bytes]) -> None:
    whole, part = yard.put("whole.jpg", jpeg(70), age=30), yard.put("part.jpg", cut(jpeg()), age=WAIT - 10)
    camera = yard.camera()
    assert sources(shoot(camera)) == ["whole.jpg"]
    assert not whole.exists()
    found = camera.collect(WHO)
    assert (sources(found), found.aside, found.waits) == ([], [], True)
    os.utime(part, (time.time() - WAIT - 1,) * 2)
    ((name, why),) = camera.collect(WHO).aside
    assert (name, bool(why), yard.left()) == ("part.jpg", True, set())
    assert len(list(yard.quarantine.iterdir())) == 1


def test_a_missed_slot_says_what_is_wrong_with_the_upload(yard: Yard) -> None:
    yard.put("part.jpg", jpeg()[:-100])
    with pytest.raises(CameraTimeout, match=r"part\.jpg is there: cut off"):
        shoot(yard.camera())


def test_a_part_that_is_completed_is_taken(yard: Yard) -> None:
    whole = jpeg()
    file = yard.put("a.jpg", whole[:500])
    camera = yard.camera()
    with pytest.raises(CameraTimeout):
        shoot(camera)
    with file.open("ab") as more:
        more.write(whole[500:])
    assert sources(shoot(camera)) == ["a.jpg"]


def test_a_file_that_is_being_received_is_left_alone_even_when_it_is_whole(yard: Yard) -> None:
    file, camera = yard.put("a.jpg", age=2 * WAIT), yard.camera()
    with file.open("rb") as upload:
        fcntl.flock(upload, fcntl.LOCK_EX)
        with pytest.raises(CameraTimeout, match="still being received"):
            shoot(camera)
        found = camera.collect(WHO)
        assert (sources(found), found.aside, file.exists()) == ([], [], True)
    assert sources(shoot(camera)) == ["a.jpg"]


@pytest.mark.parametrize("name", [".a.jpg", "a.jpg.part", "a.jpg.tmp", ".a.jpg.filepart"])
def test_what_the_camera_will_rename_is_not_seen_for_a_day(yard: Yard, name: str) -> None:
    file, camera = yard.put(name), yard.camera()
    with pytest.raises(CameraTimeout):
        shoot(camera)
    assert camera.collect(WHO).aside == []
    assert file.exists()


def test_what_is_no_picture_stays_for_an_hour_whatever_time_it_bears(yard: Yard) -> None:
    file, camera = yard.put("test.txt", b"test", age=JUNK + DAY), yard.camera()
    assert camera.collect(WHO).removed == []  # its bytes are old, but it came just now
    assert file.exists()


@pytest.mark.parametrize("seconds", [0, 59])
def test_half_of_a_pair_waits_for_the_other_half(yard: Yard, seconds: float) -> None:
    yard.put("IMG_1.JPG", age=seconds)
    camera = yard.camera("raw+jpeg")
    with pytest.raises(CameraTimeout):
        shoot(camera)
    assert camera.collect(WHO).waits
    yard.put("IMG_1.CR2", b"raw of an unknown kind" * 100)
    shot = shoot(camera)
    assert (sources(shot), shot.partial) == (["IMG_1.CR2", "IMG_1.JPG"], False)
    assert len({part.name.partition(".")[0] for part in shot.parts}) == 1


def test_half_of_a_pair_is_partial_when_the_other_never_came(yard: Yard) -> None:
    yard.put("IMG_1.JPG", age=WAIT + 1)
    assert shoot(yard.camera("raw+jpeg")).partial


def test_a_new_upload_under_a_name_in_hand_waits_and_is_not_mixed_up(yard: Yard) -> None:
    first, second = jpeg(40), jpeg(80)
    yard.put("snapshot.jpg", first, age=20)
    camera = yard.camera()
    one = shoot(camera)
    yard.put("snapshot.jpg", second, age=1)
    assert sources(camera.collect(WHO)) == []
    camera.release(["snapshot.jpg"])
    two = shoot(camera)
    held = [(yard.spool / shot.parts[0].name).read_bytes() for shot in (one, two)]
    assert held == [first, second]


def test_what_a_killed_process_had_taken_is_handed_over_again(yard: Yard) -> None:
    content = jpeg()
    yard.put("a.jpg", content)
    shoot(yard.camera())
    again = yard.camera().collect(WHO)
    assert [(part.source_name, (yard.spool / part.name).read_bytes()) for part in again.orphans] == [("a.jpg", content)]


@pytest.mark.parametrize("name", ["../../spool/x.jpg", "/etc/passwd", "../gate/other.jpg", "../gate.json"])
def test_only_what_was_taken_can_be_released(yard: Yard, name: str) -> None:
    kept = [yard.put("other.jpg", age=1000), yard.spool / "x.jpg", yard.root.with_name("gate.json")]
    for file in kept[1:]:
        file.write_bytes(b"x")
    yard.root.with_name("gate.taken").mkdir()
    yard.camera().release([name])
    assert all(file.exists() for file in kept)


def test_a_picture_that_killed_the_decoder_twice_is_not_given_to_it_again(yard: Yard) -> None:
    file = yard.put("bomb.jpg", age=WAIT + 1)
    seen = file.stat()
    mark = {"decoding": ["bomb.jpg", seen.st_ino, seen.st_size]}

    def explode(path: str, kind: str) -> tuple[str | None, str | None]:
        raise AssertionError("it was decoded again")

    yard.root.with_name("gate.json").write_text(json.dumps({**mark, "times": 2}))
    camera = PushedCamera(camera_of(), yard.spool, {}, explode)
    ((_, why),) = camera.collect(WHO).aside
    assert "twice" in why


def test_the_time_of_a_picture_is_its_names_in_the_cameras_zone(yard: Yard) -> None:
    taken = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=3)
    local = taken + timedelta(hours=9)
    yard.put(f"CAM1_{local:%Y%m%d%H%M%S}_TIMING.jpg", jpeg(taken=taken))
    assert shoot(yard.camera(zone="Asia/Tokyo")).shutter == taken.timestamp()


def test_the_time_of_a_picture_is_its_exif_when_its_name_has_none(yard: Yard) -> None:
    taken = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=3)
    yard.put("snap.jpg", jpeg(taken=taken))
    assert shoot(yard.camera()).shutter == taken.timestamp()


def test_a_camera_without_a_folder_is_gone(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    camera = PushedCamera(camera_of(), tmp_path / "spool", {}, judge)
    with pytest.raises(CameraGone):
        camera.open()


def test_a_spool_that_is_full_loses_nothing(yard: Yard) -> None:
    yard.put("a.jpg", content := jpeg())
    yard.spool.rmdir()
    with pytest.raises(StorageError):
        shoot(yard.camera())
    yard.spool.mkdir()
    (part,) = yard.camera().collect(WHO).orphans
    assert (yard.spool / part.name).read_bytes() == content
