from __future__ import annotations

import errno
from pathlib import Path

import pytest

from core.capture import usb
from core.errors import CameraError, CameraGone, CameraRefused


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine with two cameras and a disk on USB."""
    add(tmp_path, "1-1.4", 1, 7, "063021002222")
    add(tmp_path, "1-1.2", 1, 5, "", interface="06")
    add(tmp_path, "2-1", 2, 3, "DISK", interface="08")
    return tmp_path


def add(root: Path, name: str, bus: int, number: int, serial: str, interface: str = "06") -> None:
    folder = root / "sys" / "bus" / "usb" / "devices" / name
    (folder / f"{name}:1.0").mkdir(parents=True)
    (folder / f"{name}:1.0" / "bInterfaceClass").write_text(f"{interface}\n")
    (folder / "busnum").write_text(f"{bus}\n")
    (folder / "devnum").write_text(f"{number}\n")
    if serial:
        (folder / "serial").write_text(f"{serial}\n")
    device = root / "dev" / "bus" / "usb" / f"{bus:03d}"
    device.mkdir(parents=True, exist_ok=True)
    (device / f"{number:03d}").write_bytes(b"")


class Kernel:
    """Stands in for the ioctl: no USB is needed to see what is asked of it."""

    def __init__(self, error: int = 0) -> None:
        self.asked: list[tuple[str, int, int]] = []
        self.error = error

    def __call__(self, descriptor: int, request: int, argument: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        self.asked.append(("/".join(path.parts[-2:]), request, argument))
        if self.error:
            raise OSError(self.error, "no")


def reset(machine: Path, serial: str | None, kernel: Kernel) -> usb.Device:
    return usb.reset(serial, machine / "sys", machine / "dev", kernel)


def test_the_camera_of_the_serial_is_reset_and_no_other(machine: Path) -> None:
    kernel = Kernel()
    assert reset(machine, "063021002222", kernel).port == "usb:001,007"
    assert kernel.asked == [("001/007", 0x5514, 0)]


def test_zeros_before_a_serial_do_not_matter(machine: Path) -> None:
    assert usb.port_of("00000063021002222", machine / "sys") == "usb:001,007"


def test_an_unknown_serial_resets_nothing(machine: Path) -> None:
    kernel = Kernel()
    with pytest.raises(CameraGone):
        reset(machine, "4711", kernel)
    assert kernel.asked == []


def test_without_a_serial_only_a_lone_camera_is_meant(machine: Path, tmp_path: Path) -> None:
    assert usb.find(None, machine / "sys") is None
    alone = tmp_path / "alone"
    add(alone, "1-1", 1, 2, "")
    add(alone, "1-2", 1, 3, "DISK", interface="08")
    assert usb.port_of(None, alone / "sys") == "usb:001,002"


@pytest.mark.parametrize(
    ("error", "expected"), [(errno.EACCES, CameraRefused), (errno.EPERM, CameraRefused), (errno.ENODEV, CameraGone)]
)
def test_what_the_kernel_refuses_has_a_name(machine: Path, error: int, expected: type[CameraError]) -> None:
    with pytest.raises(expected):
        reset(machine, "063021002222", Kernel(error))


def test_a_machine_without_usb_has_no_camera(tmp_path: Path) -> None:
    assert usb.find("1", tmp_path) is None
