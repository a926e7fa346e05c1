"""When a camera says that it took a picture: read out of JPEGs and RAWs of several makers, never a fault."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from peers.archive import jpeg, nef, tiff

from core.processing.exif import Shown, shown

NOON = datetime(2025, 6, 1, 12, 0, 0)  # noqa: DTZ001
TAKEN = "2025:06:01 12:00:00"


def look(data: bytes) -> Shown | None:
    return shown(lambda at, length: data[at : at + length] if at >= 0 else b"")


def raf(inside: bytes) -> bytes:
    return (b"FUJIFILMCCD-RAW 0201" + bytes(64) + (160).to_bytes(4, "big")).ljust(160, b"\0") + inside


def cr3(inside: bytes) -> bytes:
    return b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom" + bytes(40) + b"CMT2" + inside


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        pytest.param(jpeg(TAKEN), None, id="jpeg"),
        pytest.param(jpeg(TAKEN, "+02:00"), timedelta(hours=2), id="jpeg-with-its-offset"),
        pytest.param(jpeg(TAKEN, "-03:30"), timedelta(hours=-3, minutes=-30), id="west"),
        pytest.param(jpeg(TAKEN, "+99:00"), None, id="an-offset-that-no-place-has"),
        pytest.param(nef(TAKEN), None, id="raw-that-is-a-tiff"),
        pytest.param(raf(jpeg(TAKEN)), None, id="fuji"),
        pytest.param(cr3(tiff(TAKEN)), None, id="canon-cr3"),
    ],
)
def test_the_time_is_found(data: bytes, offset: timedelta | None) -> None:
    assert look(data) == Shown(NOON, offset)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(jpeg(), id="none"),
        pytest.param(jpeg("0000:00:00 00:00:00"), id="a-camera-without-a-clock"),
        pytest.param(jpeg("2025:13:41 25:61:00"), id="no-calendar-has-it"),
        pytest.param(jpeg("yesterday, at noon"), id="words"),
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>", id="a-page"),
    ],
)
def test_what_says_no_time_has_none(data: bytes) -> None:
    assert look(data) is None


def test_no_damage_is_a_fault() -> None:
    dice = random.Random(7)
    for whole in (jpeg(TAKEN, "+02:00"), nef(TAKEN, 200), raf(jpeg(TAKEN)), cr3(tiff(TAKEN))):
        for _ in range(300):
            data = bytearray(whole[: dice.randrange(1, len(whole))])
            for _ in range(dice.randrange(4)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            look(bytes(data))
