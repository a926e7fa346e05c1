"""The service of a camera's child, asked in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.capture.serve import CameraService
from core.capture.wire import camera_to_json, collected_from_json
from core.errors import CameraGone, ChildError
from core.site.model.cameras import Camera, FolderSource, FtpSource
from core.worker import Talk

LEFT, KEPT = "north_20261121T090000Z_unit1_1-7.jpg.part", "north_20261121T090000Z_unit1_1-6.jpg.part"


@pytest.fixture
def talk() -> Talk:
    return Talk(lambda message: None, lambda: None)


def machine(root: Path, serial: str) -> CameraService:
    """Return the service on a machine with one USB device; it is a plain file, which no kernel resets."""
    folder = root / "sys" / "bus" / "usb" / "devices" / "1-1"
    folder.mkdir(parents=True)
    for name, value in {"busnum": "1", "devnum": "7", "serial": serial}.items():
        (folder / name).write_text(f"{value}\n")
    device = root / "dev" / "bus" / "usb" / "001" / "007"
    device.parent.mkdir(parents=True)
    device.write_bytes(b"")
    return CameraService(root / "sys", root / "dev")


def test_the_usb_device_of_a_camera_that_was_never_opened_can_be_reset(tmp_path: Path, talk: Talk) -> None:
    with pytest.raises(CameraGone, match=r"USB reset of .*/dev/bus/usb/001/007: "):  # found, and the kernel was asked
        machine(tmp_path, "063021002222").handle("reset", {"serial": "63021002222"}, talk)


def test_another_serial_is_not_reset_in_its_place(tmp_path: Path, talk: Talk) -> None:
    with pytest.raises(CameraGone, match="nothing to reset"):
        machine(tmp_path, "063021002222").handle("reset", {"serial": "4711"}, talk)


def test_a_reset_that_names_no_device_resets_none(tmp_path: Path, talk: Talk) -> None:
    with pytest.raises(ChildError, match="only a camera on USB"):
        machine(tmp_path, "063021002222").handle("reset", {}, talk)


def opening(folder: Path, spool: Path, **more: str) -> dict[str, object]:
    camera = Camera(name="north", source=FolderSource(kind="folder", path=str(folder)))
    return {"camera": camera_to_json(camera), "spool": str(spool), **more}


@pytest.mark.parametrize("there", [True, False], ids=["there", "gone"])
def test_opening_a_camera_removes_what_killed_downloads_of_this_run_left(
    there: bool, tmp_path: Path, spool: Path, talk: Talk
) -> None:
    for name in (LEFT, KEPT):
        (spool / name).write_bytes(b"cut")
    service, folder = CameraService(), tmp_path / "pictures"
    if there:
        folder.mkdir()
        service.handle("open", opening(folder, spool, fence="1-7"), talk)
    else:
        with pytest.raises(CameraGone):
            service.handle("open", opening(folder, spool, fence="1-7"), talk)
    assert [path.name for path in spool.iterdir()] == [KEPT]


def test_without_a_fence_the_spool_is_left_as_it_is(tmp_path: Path, spool: Path, talk: Talk) -> None:
    (spool / LEFT).write_bytes(b"cut")
    CameraService().handle("open", opening(tmp_path, spool), talk)
    assert [path.name for path in spool.iterdir()] == [LEFT]


def test_only_a_camera_that_pushes_has_something_to_collect(tmp_path: Path, talk: Talk) -> None:
    service = CameraService()
    (tmp_path / "spool").mkdir()
    service.handle("open", opening(tmp_path, tmp_path / "spool"), talk)
    with pytest.raises(ChildError, match="do not come by themselves"):
        service.handle("collect", {"camera": "north", "node": "unit1", "fence": "1-7"}, talk)


def test_a_camera_that_pushes_is_given_what_tells_a_whole_picture(tmp_path: Path, talk: Talk) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "drop" / "gate").mkdir(parents=True)
    (tmp_path / "drop" / "gate" / "a.jpg").write_bytes(b"half")
    camera = Camera(name="gate", source=FtpSource(kind="ftp", user="gate", password_file="x"))
    asked = {"camera": camera_to_json(camera), "spool": str(tmp_path / "spool")}
    service = CameraService()
    service.handle("open", {**asked, "judge": "core.processing.whole:judge"}, talk)
    found = collected_from_json(service.handle("collect", {"camera": "gate", "node": "unit1", "fence": "1-7"}, talk))
    assert (found.orphans, found.aside, found.removed, found.waits) == ([], [], [], True)
