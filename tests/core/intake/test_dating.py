"""When a picture of an archive was taken: its name, else EXIF, else its file; over the hours that clocks repeat."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.intake.dating import Dated, date

PARIS = ZoneInfo("Europe/Paris")
LATER = datetime(2026, 1, 1, tzinfo=UTC)  # a file that was copied since


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        pytest.param("20250601120000", "2025-06-01T10:00:00", id="webcampak-summer"),
        pytest.param("20250115120000", "2025-01-15T11:00:00", id="webcampak-winter"),
        pytest.param("20250601_120000", "2025-06-01T10:00:00", id="with-an-underscore"),
        pytest.param("2025-06-01 12.00.00", "2025-06-01T10:00:00", id="by-a-person"),
        pytest.param("gate_20250601T120000Z", "2025-06-01T12:00:00", id="utc"),
        pytest.param("20250330023000", "2025-03-30T01:30:00", id="in-the-hour-that-clocks-skip"),
    ],
)
def test_a_name_tells_the_local_time(stem: str, expected: str) -> None:
    assert date(stem, PARIS, LATER, last=False) == Dated(at(expected), "name")


@pytest.mark.parametrize("stem", ["DSC_0001", "20251301120000", "18250601120000", "120250601120000", "2025060112"])
def test_a_name_that_tells_none_leaves_it_to_exif_and_that_to_the_file(stem: str) -> None:
    shown = local("2025-06-01T12:00:00")
    assert date(stem, PARIS, LATER, (shown, None), last=False) == Dated(at("2025-06-01T10:00:00"), "exif")
    behind = timedelta(hours=-5)
    assert date(stem, PARIS, LATER, (shown, behind), last=False) == Dated(at("2025-06-01T17:00:00"), "exif")
    assert date(stem, PARIS, LATER, (local("1980-01-01T00:00:00"), None), last=False) == Dated(LATER, "mtime")
    assert date(stem, PARIS, LATER, last=False) == Dated(LATER, "mtime")


@pytest.mark.parametrize(
    ("written", "last", "expected"),
    [
        pytest.param("2025-10-26T00:30:02", True, "2025-10-26T00:30:00", id="its-file-says-the-first"),
        pytest.param("2025-10-26T01:30:02", False, "2025-10-26T01:30:00", id="its-file-says-the-second"),
    ],
)
def test_an_hour_that_came_twice_is_told_apart_by_the_file(written: str, last: bool, expected: str) -> None:
    assert date("20251026023000", PARIS, at(written), last=last) == Dated(at(expected), "name")


def test_without_that_it_is_in_doubt_and_who_overwrites_keeps_the_second() -> None:
    first, second = at("2025-10-26T00:30:00"), at("2025-10-26T01:30:00")
    assert date("20251026023000", PARIS, LATER, last=True) == Dated(second, "name", doubtful=True)
    assert date("20251026023000", PARIS, LATER, last=False) == Dated(first, "name", doubtful=True)
