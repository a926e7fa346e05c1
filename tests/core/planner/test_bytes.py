"""What a site makes, what its link carries and how long its buffer lasts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.planner.bytes import ROUNDING, STATUS, Shots, buffer_days, reckon, richest

TEN_MINUTES = timedelta(minutes=10)
MEGABYTE = 1_000_000


def test_a_jpeg_and_a_raw_every_ten_minutes_need_50_kilobytes_a_second_and_fill_320_gigabytes_in_74_days() -> None:
    shots = Shots.every(TEN_MINUTES, 6 * MEGABYTE, 24 * MEGABYTE)
    found = reckon(shots, "everything", 120_000)
    assert (found.bytes_per_day, found.needed) == (4.32e9, 50_000)
    assert buffer_days(shots, 320e9) == pytest.approx(74.07, abs=0.01)
    assert found.share == pytest.approx(50 / 120)
    assert found.shortest_interval == 250
    assert found.drain == pytest.approx(50 / 70)


def test_a_jpeg_every_ten_minutes_needs_10_kilobytes_a_second_and_fills_320_gigabytes_in_370_days() -> None:
    shots = Shots.every(TEN_MINUTES, 6 * MEGABYTE)
    assert reckon(shots, "jpeg", 120_000).needed == 10_000
    assert buffer_days(shots, 320e9) == pytest.approx(370.4, abs=0.1)


def test_a_jpeg_a_minute_fits_a_megabit() -> None:
    assert richest(Shots.every(timedelta(minutes=1), 6 * MEGABYTE), 120_000) == "jpeg"


@pytest.mark.parametrize(
    ("uplink", "way"),
    [
        pytest.param(50_000, "everything", id="just-everything"),
        pytest.param(49_999, "jpeg", id="just-not-everything"),
        pytest.param(9_999, "reduced", id="no-jpeg"),
        pytest.param(800, "monitoring", id="no-picture"),
        pytest.param(0, "monitoring", id="no-link"),
        pytest.param(None, "everything", id="no-limit"),
    ],
)
def test_the_richest_way_that_fits_is_taken(uplink: float | None, way: str) -> None:
    assert richest(Shots.every(TEN_MINUTES, 6 * MEGABYTE, 24 * MEGABYTE), uplink) == way


def test_a_link_that_is_just_filled_never_drains_a_backlog() -> None:
    assert reckon(Shots.every(TEN_MINUTES, 6 * MEGABYTE), "jpeg", 10_000).drain == float("inf")


def test_monitoring_is_what_a_unit_may_send_beside_pictures() -> None:
    assert reckon(Shots.every(TEN_MINUTES, 6 * MEGABYTE), "monitoring", 1000).bytes_per_day == STATUS


def test_a_reduced_copy_is_never_larger_than_the_original() -> None:
    assert Shots.every(TEN_MINUTES, 100_000, reduced=500_000).sent("reduced") == 100_000


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError):
        Shots.every(timedelta(0), 1)


@given(
    seconds=st.integers(1, 86_400),
    jpeg=st.integers(1, 50 * MEGABYTE),
    raw=st.integers(0, 100 * MEGABYTE),
    uplink=st.integers(1, 10_000_000),
)
def test_what_fits_is_carried_at_its_shortest_interval_too(seconds: int, jpeg: int, raw: int, uplink: int) -> None:
    shots = Shots.every(timedelta(seconds=seconds), jpeg, raw)
    found = reckon(shots, shots.ways[0], uplink)
    assert found.shortest_interval is not None
    assert found.fits == (seconds >= found.shortest_interval * (1 - ROUNDING))
    assert found.drain is not None
    assert (found.drain < float("inf")) <= found.fits
