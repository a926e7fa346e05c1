"""Find a camera's USB device by its serial, and reset it: the kernel's files, no library."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import CameraGone, CameraRefused, CameraTimeout

USBDEVFS_RESET = 0x5514  # _IO('U', 20), linux/usbdevice_fs.h
STILL_IMAGE = "06"  # the interface class of cameras
REAPPEARS = 5.0  # seconds that a device takes at most to be there again
SYS, DEV = Path("/sys"), Path("/dev")


@dataclass(frozen=True, slots=True)
class Device:
    """A USB device as the kernel names it now; bus and number change at each replug."""

    bus: int
    number: int
    serial: str

    @property
    def port(self) -> str:
        """What libgphoto2 calls it."""
        return f"usb:{self.bus:03d},{self.number:03d}"


def find(serial: str | None, sys: Path = SYS) -> Device | None:
    """Return the device of this serial, or without one the only camera; None when there is no such one."""
    found = list(_devices(sys))
    if serial is not None:
        return next((one for one, _ in found if one.serial.lstrip("0") == serial.lstrip("0")), None)
    cameras = [one for one, folder in found if _is_camera(folder)]
    return cameras[0] if len(cameras) == 1 else None


def port_of(serial: str | None, sys: Path = SYS) -> str | None:
    """Return libgphoto2's port of the camera, None when the kernel does not know the serial."""
    device = find(serial, sys)
    return device.port if device is not None else None


def reset(
    serial: str | None,
    sys: Path = SYS,
    dev: Path = DEV,
    ioctl: Callable[[int, int, int], object] = fcntl.ioctl,
) -> Device:
    """Have the kernel reset the camera's device, wait until it is there again, and return it.

    Nobody may hold the camera meanwhile. Raise CameraGone, CameraRefused (no right to write to the device) or
    CameraTimeout (it did not come back).
    """
    device = find(serial, sys)
    if device is None:
        raise CameraGone("no such camera on USB: nothing to reset")
    _reset(dev / "bus" / "usb" / f"{device.bus:03d}" / f"{device.number:03d}", ioctl)
    until = time.monotonic() + REAPPEARS
    while (back := find(serial, sys)) is None:
        if time.monotonic() > until:
            raise CameraTimeout("the camera did not come back after the USB reset")
        time.sleep(0.1)
    return back


def _reset(path: Path, ioctl: Callable[[int, int, int], object]) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _fault(error, path) from error
    try:
        ioctl(descriptor, USBDEVFS_RESET, 0)
    except OSError as error:
        raise _fault(error, path) from error
    finally:
        os.close(descriptor)


def _fault(error: OSError, path: Path) -> CameraGone | CameraRefused:
    if error.errno in (errno.EACCES, errno.EPERM):
        return CameraRefused(f"no right to reset {path}: a udev rule must give the group write access")
    return CameraGone(f"USB reset of {path}: {error.strerror}")


def _devices(sys: Path) -> Iterator[tuple[Device, Path]]:
    root = sys / "bus" / "usb" / "devices"
    for folder in sorted(root.iterdir()) if root.is_dir() else ():
        try:
            bus, number = int(_text(folder / "busnum")), int(_text(folder / "devnum"))
        except (OSError, ValueError):
            continue  # an interface, or a device that has just gone
        yield Device(bus, number, _text(folder / "serial") if (folder / "serial").exists() else ""), folder


def _is_camera(folder: Path) -> bool:
    return any(_text(file) == STILL_IMAGE for file in folder.glob("*:*/bInterfaceClass"))


def _text(file: Path) -> str:
    return file.read_text(errors="replace").strip()
