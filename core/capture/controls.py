"""What is set on a tethered camera and read from it, through one session."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from core.capture import settings, telemetry
from core.capture.base import Telemetry
from core.clock import Clock
from core.errors import CameraBusy, CameraError
from core.site.model.cameras import Settings
from core.text import safe

LOW_BYTES, LOW_PICTURES = 60_000_000, 1  # a nameless failure with less free space than this is a full card
CLOCK_SETTLES = 1.5  # seconds until a clock that was set reads as set
CLOCK_NEVER_SET = 20 * 365 * 86400.0  # seconds: a camera whose clock says an earlier time than 1990
WHOLE_SECONDS = 0.5  # what a clock that tells whole seconds is behind on average
CHOICES_TOLD = 60

_TEXTS: Mapping[str, Sequence[str]] = {
    "model": ("cameramodel",),
    "manufacturer": ("manufacturer",),
    "version": ("deviceversion",),
    "serial": ("serialnumber", "eosserialnumber"),
    "lens": ("lensname",),
    "mirror_lock": ("mirrorlock",),
    "drive_mode": ("drivemode", "capturemode"),
}
_COUNTS: Mapping[str, Sequence[str]] = {"shutter_count": ("shuttercounter",), "free_pictures": ("availableshots",)}
_CLOCKS = ("datetimeutc", "datetime")


class Reading(Protocol):
    """One of the camera's own settings."""

    @property
    def value(self) -> Any: ...
    @property
    def choices(self) -> Sequence[str]: ...
    @property
    def fixed(self) -> bool: ...


class Session(Protocol):
    """What is needed of a hold on a camera to read and set it."""

    def read(self, key: str) -> Reading | None: ...
    def write(self, key: str, value: str | int) -> None: ...
    def stores(self) -> list[tuple[int | None, int | None]]: ...


def apply(session: Session, wanted: Settings) -> dict[str, list[str]]:
    """Write what is wanted and is not so; return {setting: [wanted, found]} of what the camera would not take."""
    drift: dict[str, list[str]] = {}
    for setting, value in asdict(wanted).items():
        found = None if value is None else _set(session, setting, value)
        if found is not None:
            drift[setting] = [value, found]
    return drift


def _set(session: Session, setting: str, wanted: str) -> str | None:
    """Write one setting; return what the camera has instead, None when it has what is wanted."""
    found = "not offered"
    for key in settings.KEYS[setting]:
        reading = session.read(key)
        choice = settings.choose(setting, wanted, reading.choices) if reading is not None else None
        if choice is not None:
            return _write(session, key, choice)
        if reading is not None and found == "not offered":
            found = safe(reading.value, 60)
    return found


def _write(session: Session, key: str, choice: str) -> str | None:
    reading = session.read(key)
    if reading is not None and reading.value != choice and not reading.fixed:
        try:
            session.write(key, choice)
        except CameraError as error:
            if type(error) not in (CameraError, CameraBusy):  # others are about the camera and not about the setting
                raise
        reading = session.read(key)
    now = None if reading is None else reading.value
    return None if now == choice else safe(now, 60)


def offered(session: Session) -> dict[str, list[str]]:
    """Return the choices that the camera has for each setting."""
    found: dict[str, list[str]] = {}
    for setting, keys in settings.KEYS.items():
        for reading in filter(None, map(session.read, keys)):
            if reading.choices:
                found.setdefault(setting, [safe(one, 60) for one in reading.choices[:CHOICES_TOLD]])
    return found


def readings(session: Session, clock: Clock) -> Telemetry:
    """Return what the camera knows of itself; what it does not offer is absent."""
    found: Telemetry = {name: safe(value, 80) for name, value in _first(session, _TEXTS) if str(value).strip()}
    found |= telemetry.space(_stores(session))
    counts = ((name, telemetry.count(value)) for name, value in _first(session, _COUNTS))
    found |= {name: number for name, number in counts if number is not None}
    return found | _battery(session) | read_clock(session, clock)


def read_clock(session: Session, clock: Clock) -> Telemetry:
    """Return `clock_drift` and `clock_zone` of the camera, nothing when it has no clock or none that was ever set."""
    told = dict(_first(session, {"clock": _CLOCKS})).get("clock")
    if not isinstance(told, int | float) or told < CLOCK_NEVER_SET:
        return {}
    return dict(telemetry.clock(told + WHOLE_SECONDS, clock.now().timestamp()))


def set_clock(session: Session, clock: Clock) -> Telemetry:
    """Write the host's time to the camera and return what reads back."""
    key = next((key for key in _CLOCKS if session.read(key) is not None), None)
    if key is None:
        return {}
    session.write(key, round(clock.now().timestamp()))
    time.sleep(CLOCK_SETTLES)
    return read_clock(session, clock)


def is_full(session: Session) -> bool:
    """Tell whether the camera's card has no room for one more picture."""
    try:
        space = telemetry.space(_stores(session))
        shots = [telemetry.count(value) for _, value in _first(session, {"shots": ("availableshots",)})]
    except CameraError:
        return False
    pictures = [space.get("free_pictures", LOW_PICTURES), *(shot for shot in shots if shot is not None)]
    return min(pictures) < LOW_PICTURES or space.get("free_bytes", LOW_BYTES) < LOW_BYTES


def _battery(session: Session) -> Telemetry:
    found = dict(_first(session, {"battery": ("batterylevel",), "mains": ("acpower",)}))
    told = telemetry.battery(found.get("battery", ""))
    return told | ({"mains": telemetry.count(found["mains"]) == 1} if "mains" in found else {})


def _first(session: Session, wanted: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Any]]:
    for name, keys in wanted.items():
        reading = next((found for key in keys if (found := session.read(key)) is not None), None)
        if reading is not None:
            yield name, reading.value


def _stores(session: Session) -> list[tuple[int | None, int | None]]:
    try:
        return session.stores()
    except CameraError:
        return []
