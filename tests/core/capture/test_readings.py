from __future__ import annotations

import gphoto2
import pytest

from core.capture import settings
from core.capture.faults import fault
from core.capture.telemetry import battery, clock, count, space
from core.errors import (
    CameraBusy,
    CameraClaimed,
    CameraError,
    CameraGone,
    CameraTimeout,
    CameraTransferCut,
    CardFull,
    FocusFailed,
    MirrorUp,
)

CODES = sorted(value for name, value in vars(gphoto2).items() if name.startswith("GP_ERROR"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50%", {"battery_text": "50%", "battery": 50}),
        ("100 %", {"battery_text": "100 %", "battery": 100}),
        ("Low", {"battery_text": "Low", "battery": 25}),
        ("AC Power", {"battery_text": "AC Power", "mains": True}),
        ("Unknown value 00ff", {"battery_text": "Unknown value 00ff"}),
        ("255", {"battery_text": "255"}),
        ("", {}),
    ],
)
def test_a_battery_is_read_as_far_as_it_says_something(text: str, expected: dict[str, object]) -> None:
    assert battery(text) == expected


def test_a_cameras_words_are_made_safe() -> None:
    assert "\x1b" not in battery("\x1b[31mfull")["battery_text"]


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        pytest.param(0.4, {"clock_drift": 0.4}, id="right"),
        pytest.param(-40.0, {"clock_drift": -40.0}, id="behind"),
        pytest.param(3603.0, {"clock_drift": 3.0, "clock_zone": 3600.0}, id="summer-time"),
        pytest.param(-5 * 3600.0, {"clock_drift": 0.0, "clock_zone": -18000.0}, id="another-zone"),
        pytest.param(20_700.0, {"clock_drift": 0.0, "clock_zone": 20_700.0}, id="kathmandu"),
        pytest.param(931.0, {"clock_drift": 931.0}, id="just-beside-a-quarter-hour"),
        pytest.param(-86_400.0 * 3650, {"clock_drift": -86_400.0 * 3650}, id="ten-years"),
    ],
)
def test_a_clock_off_by_quarter_hours_is_in_another_zone(ahead: float, expected: dict[str, float]) -> None:
    assert clock(1_800_000_000.0 + ahead, 1_800_000_000.0) == expected


@pytest.mark.parametrize(("text", "expected"), [("-1", None), ("0", 0), ("12345", 12345), ("", None), ("n/a", None)])
def test_a_count_that_is_not_known_is_none_and_never_zero(text: str, expected: int | None) -> None:
    assert count(text) == expected


def test_space_adds_up_the_cards_that_tell_theirs() -> None:
    assert space([(10, 2), (None, -1), (5, None)]) == {"free_bytes": 15 * 1024, "free_pictures": 2}
    assert space([(None, None), (-1, -1)]) == {}


@pytest.mark.parametrize(
    ("setting", "wanted", "choices", "expected"),
    [
        ("shutter", "1/125", ["0.0010s", "0.0080s", "0.0166s"], "0.0080s"),
        ("shutter", "1/125", ["1/60", "1/125", "1/250"], "1/125"),
        ("shutter", "1/100", ["1/80", "1/125"], None),
        ("shutter", "2", ["1.0000s", "2.0000s"], "2.0000s"),
        ("shutter", "0", ["0.0000s", "bulb"], None),
        ("shutter", "bulb", ["30", "Bulb"], "Bulb"),
        ("aperture", "8", ["f/7.1", "f/8", "f/9"], "f/8"),
        ("aperture", "f/99", ["f/8", "f/22"], None),
        ("iso", "100", ["Auto", "100", "1000"], "100"),
        ("iso", "50", ["100", "500"], None),
        ("focus", "manual", ["AF-S", "MF"], "MF"),
        ("focus", "manual", ["On", "Off"], "Off"),
        ("target", "card", ["Internal RAM", "Memory card"], "Memory card"),
        ("target", "ram", ["Internal RAM", "Memory card"], "Internal RAM"),
        ("format", "RAW + Large Fine JPEG", ["RAW", "RAW + Large Fine JPEG"], "RAW + Large Fine JPEG"),
        ("format", "anything", [], None),
    ],
)
def test_only_a_choice_of_the_cameras_own_is_ever_chosen(
    setting: str, wanted: str, choices: list[str], expected: str | None
) -> None:
    assert settings.choose(setting, wanted, choices) == expected


@pytest.mark.parametrize(
    ("code", "words", "doing", "expected"),
    [
        (-1, "Canon EOS Full-Press failed (0x2019: PTP Device Busy)", "shoot", CameraBusy),
        (-1, "Canon EOS Half-Press failed. Perhaps no focus?", "shoot", FocusFailed),
        (-1, "Sorry, your camera is Out of Focus", "shoot", FocusFailed),
        (-1, "Canon EOS Capture failed: Perhaps mirror up?", "shoot", MirrorUp),
        (-1, "PTP Store Full", "shoot", CardFull),
        (-3, "Camera memorycard ran full during capture.", "shoot", CardFull),
        (-1, "PTP Access Denied", "shoot", CameraError),
        (-53, "Could not claim interface 0 (Device or resource busy)", "open", CameraClaimed),
        (-60, "", "open", CameraClaimed),
        (-105, "", "open", CameraGone),
        (-52, "", "open", CameraGone),
        (-5, "", "open", CameraGone),
        (-7, "", "open", CameraGone),
        (-7, "", "shoot", CameraTimeout),
        (-10, "", "shoot", CameraTimeout),
        (-34, "", "read", CameraTimeout),
        (-35, "", "read", CameraTimeout),
        (-110, "", "shoot", CameraBusy),
        (-1, "", "download", CameraTransferCut),
        (-7, "", "download", CameraTransferCut),
        (-6, "", "download", CameraError),
        (-4711, "", "shoot", CameraError),
    ],
)
def test_a_code_and_its_words_have_a_name(code: int, words: str, doing: str, expected: type[CameraError]) -> None:
    error = fault(code, "the library's name", words, doing)  # type: ignore[arg-type]
    assert type(error) is expected
    assert str(code) in str(error)
    assert words in str(error)


@pytest.mark.parametrize("doing", ["open", "shoot", "download", "read"])
@pytest.mark.parametrize("code", CODES)
def test_every_code_of_the_library_is_a_camera_error(code: int, doing: str) -> None:
    assert isinstance(fault(code, "name", "", doing), CameraError)  # type: ignore[arg-type]


def test_what_a_camera_says_cannot_reach_a_terminal() -> None:
    assert "\x1b" not in str(fault(-1, "Unspecified error", "\x1b]0;owned\x07", "shoot"))
