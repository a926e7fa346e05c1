from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.capture.arrival import BELIEVED, taken_at

PARIS = ZoneInfo("Europe/Paris")
ARRIVED = datetime(2026, 11, 21, 8, 50, 12, tzinfo=UTC).timestamp()
TAKEN = datetime(2026, 11, 21, 8, 50, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "name",
    [
        "20261121095000.jpg",
        "20261121_095000.jpg",
        "2026-11-21_09-50-00.jpg",
        "2026-11-21T09:50:00.jpg",
        "2026-11-21/09.50.00.jpg",
        "IPC_20261121095000123.jpg",
        "ch01_20261121095000_M.jpg",
        "192.168.1.20_01_20261121095000500_TIMING.jpg",
        "20261121/Schedule_20261121-095000.jpg",
        "P26112109500020.20261121095000.jpg",
        "20261121085000.jpg",  # a camera that keeps UTC
    ],
)
def test_the_time_in_a_name_is_found_however_cameras_write_it(name: str) -> None:
    assert taken_at(name, None, ARRIVED, PARIS) == TAKEN


@pytest.mark.parametrize(
    "name", ["snapshot.jpg", "20261399999999.jpg", "20261121.jpg", "20101010101010.jpg", "DSC_0001.jpg", ""]
)
def test_a_name_without_a_believable_time_gives_the_arrival(name: str) -> None:
    assert taken_at(name, None, ARRIVED, PARIS) == ARRIVED


@pytest.mark.parametrize(
    "exif", ["2026:11:21 09:50:00", "2026:11:21 08:50:00", "2026:11:21 17:50:00+09:00", "2026:11:21 09:50:00\0"]
)
def test_exif_is_believed_in_its_zone_the_cameras_or_utc(exif: str) -> None:
    assert taken_at("snapshot.jpg", exif, ARRIVED, PARIS) == TAKEN


@pytest.mark.parametrize("exif", ["0000:00:00 00:00:00", "2012:01:01 00:00:00", "yesterday", "", "2026:11:21 09:50"])
def test_exif_of_a_wrong_clock_gives_the_arrival(exif: str) -> None:
    assert taken_at("snapshot.jpg", exif, ARRIVED, PARIS) == ARRIVED


def test_the_name_comes_before_exif() -> None:
    assert taken_at("20261121095000.jpg", "2026:11:21 09:49:00", ARRIVED, PARIS) == TAKEN


@pytest.mark.parametrize(("off", "believed"), [(BELIEVED, True), (BELIEVED + 1, False)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_cameras_clock_is_believed_for_ten_minutes(off: float, believed: bool, sign: int) -> None:
    told = datetime.fromtimestamp(TAKEN, PARIS) + sign * timedelta(seconds=off)
    found = taken_at(f"{told:%Y%m%d%H%M%S}.jpg", None, TAKEN, PARIS)
    assert found == (told.timestamp() if believed else TAKEN)
