from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conformance.destination import (
    LARGE,
    SMALL,
    Behind,
    DestinationContract,
    FolderBehind,
    put,
    send,
    sha256,
)

from core.errors import DestinationFull, DestinationRefused, DestinationUnreachable
from core.transfer.base import Destination, Level
from core.transfer.folder import FolderDestination, told


class TestFolder(DestinationContract):
    @pytest.fixture
    def connect(self, root: Path) -> Callable[[], Destination]:
        return lambda: FolderDestination(root)

    @pytest.fixture
    def behind(self, root: Path) -> Behind:
        return FolderBehind(root)


def test_a_folder_that_does_not_exist_is_never_made(tmp_path: Path) -> None:
    destination = FolderDestination(tmp_path / "unmounted" / "pictures")
    with pytest.raises(DestinationUnreachable, match="make it, or mount"):
        put(destination, "a.jpg", SMALL)
    with pytest.raises(DestinationUnreachable):
        destination.free()
    assert list(tmp_path.iterdir()) == []


def test_a_mount_point_of_fstab_that_is_not_mounted_takes_no_pictures(tmp_path: Path) -> None:
    mount = tmp_path / "mnt nas"
    (mount / "pictures").mkdir(parents=True)
    fstab = tmp_path / "fstab"
    written = str(mount).replace(" ", "\\040")
    fstab.write_text(f"# devices\nUUID=1 / ext4 defaults 0 1\n//nas/p {written} cifs ro # the NAS\n")
    with pytest.raises(DestinationUnreachable, match="fstab and is not mounted"):
        put(FolderDestination(mount / "pictures", fstab), "a.jpg", SMALL)
    put(FolderDestination(tmp_path, fstab), "a.jpg", SMALL)
    assert list((mount / "pictures").iterdir()) == []


def test_what_lies_deeper_than_anything_of_ours_is_not_looked_into_and_a_pipe_is_not_read(root: Path) -> None:
    put(FolderDestination(root), "quay/a.jpg", SMALL)
    deep = root / "/".join("d" * 40)
    deep.mkdir(parents=True)
    (deep / "b.jpg").write_bytes(SMALL)
    os.mkfifo(root / "pipe")
    there = FolderDestination(root)
    assert [one.name for one in there.list()] == ["quay/a.jpg"]
    with pytest.raises(DestinationRefused, match="not a file"):
        b"".join(there.read("pipe"))


def test_a_symbolic_link_is_never_followed_out_of_the_folder(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(SMALL)
    (root / "way").symlink_to(outside)
    (root / "file.jpg").symlink_to(outside / "secret.jpg")
    destination = FolderDestination(root)
    with pytest.raises(DestinationRefused):
        put(destination, "way/new.jpg", SMALL)
    with pytest.raises(DestinationRefused):
        list(destination.read("way/secret.jpg"))
    with pytest.raises(DestinationRefused):
        list(destination.read("file.jpg"))
    with pytest.raises(DestinationRefused):
        destination.stat("file.jpg")
    assert list(destination.list()) == []
    assert [path.name for path in outside.iterdir()] == ["secret.jpg"]


def test_a_link_in_place_of_the_partial_is_not_written_through(root: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (root / f".a.jpg.{sha256(SMALL)[:16]}.part").symlink_to(victim)
    with pytest.raises(DestinationRefused):
        put(FolderDestination(root), "a.jpg", SMALL)
    assert victim.read_bytes() == b"precious"


def test_the_root_itself_may_be_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    put(FolderDestination(tmp_path / "link"), "a.jpg", SMALL)
    assert (root / "a.jpg").read_bytes() == SMALL


def test_a_partial_is_named_after_the_content_and_stays_for_a_resume(root: Path) -> None:
    send(FolderDestination(root), "a/b.jpg", SMALL).abandon()
    assert FolderBehind(root).everything() == [f"a/.b.jpg.{sha256(SMALL)[:16]}.part"]


def test_files_that_are_not_ours_do_not_stop_a_listing(root: Path) -> None:
    (root / "a").mkdir()
    os.mkfifo(root / "a" / "pipe")
    (root / "a" / os.fsdecode(b"latin-\xe9.jpg")).write_bytes(b"x")
    put(FolderDestination(root), "a/b.jpg", SMALL)
    assert [found.name for found in FolderDestination(root).list()] == ["a/b.jpg"]


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_every_error_of_the_operating_system_has_a_class_of_ours(number: int) -> None:
    error = told(OSError(number, os.strerror(number)), "a\x1b[2J.jpg")
    assert "\x1b" not in str(error)
    assert "a\\x1b[2J.jpg" in str(error)


def test_a_full_disk_is_told_before_anything_is_sent_and_a_smaller_picture_still_fits(small_disk: Path) -> None:
    destination = FolderDestination(small_disk)
    with pytest.raises(DestinationFull):
        destination.begin("big.raw", len(LARGE), sha256(LARGE))
    put(destination, "small.jpg", SMALL)
    assert destination.prove("small.jpg", len(SMALL), sha256(SMALL), Level.HASH) == Level.READ_BACK


def test_a_disk_that_fills_up_on_the_way_is_full_and_the_delivery_goes_on_when_there_is_room(small_disk: Path) -> None:
    destination = FolderDestination(small_disk)
    data = LARGE[:900_000]  # too small to be asked about
    (small_disk / "other").write_bytes(b"x" * 700_000)
    upload = destination.begin("a.jpg", len(data), sha256(data))
    with pytest.raises(DestinationFull):
        upload.write(data)
    upload.abandon()
    assert [found.name for found in destination.list()] == ["other"]
    (small_disk / "other").unlink()
    resumed = send(destination, "a.jpg", data, upload.resume_state())
    assert resumed.offset > 0
    resumed.commit()
    assert (small_disk / "a.jpg").read_bytes() == data
