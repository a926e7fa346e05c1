"""When the buffer is full and what dies first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.retention.forecast import Buffer, Flow, forecast, show_instant

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MB, GB = 1_000_000, 1_000_000_000
SLOTS = 144  # a day, one every ten minutes
EMPTY = Buffer(free=320 * GB, keep_free=0, held_proven=0, held_unproven=0)


@pytest.mark.parametrize(
    ("produced", "days"),
    [
        pytest.param({("north", "raw"): 24 * MB * SLOTS, ("north", "jpeg"): 6 * MB * SLOTS}, 74, id="raw-and-jpeg"),
        pytest.param({("north", "jpeg"): 6 * MB * SLOTS}, 370, id="jpeg"),
    ],
)
def test_320_gb_hold_what_the_field_counts_on(produced: Flow, days: int) -> None:
    buffer_days = forecast(produced, {}, EMPTY, NOW).buffer_days
    assert buffer_days is not None
    assert int(buffer_days) == days


def test_the_first_unproven_slot_dies_when_free_and_proven_room_are_used_up() -> None:
    buffer = Buffer(free=6 * GB, keep_free=2 * GB, held_proven=GB, held_unproven=100 * GB)
    made = forecast({("north", "jpeg"): 2 * GB}, {("north", "jpeg"): GB}, buffer, NOW)
    assert made.first_unproven_dies == NOW + timedelta(days=5)
    assert made.announce_at == NOW - timedelta(days=2)
    assert made.buffer_days == 2.5
    assert made.sentence == "at this rate the first unproven slot dies on Thu 26 Nov 2026 12:00 UTC"


def test_a_full_buffer_loses_the_first_one_now() -> None:
    buffer = Buffer(free=GB, keep_free=2 * GB, held_proven=0, held_unproven=100 * GB)
    assert forecast({("north", "jpeg"): GB}, {}, buffer, NOW).first_unproven_dies == NOW


def test_under_stop_nothing_dies_and_the_sentence_says_when_capture_stops() -> None:
    made = forecast({("north", "jpeg"): 32 * GB}, {}, EMPTY, NOW, "stop")
    assert (made.first_unproven_dies, made.announce_at) == (None, None)
    assert made.full_at == NOW + timedelta(days=10)
    assert made.sentence == "at this rate the buffer is full and capture stops on Tue 1 Dec 2026 12:00 UTC"


def test_a_link_that_keeps_up_loses_nothing_ever() -> None:
    made = forecast({("north", "jpeg"): GB}, {("north", "jpeg"): GB}, EMPTY, NOW)
    assert (made.full_at, made.first_unproven_dies) == (None, None)
    assert made.buffer_days == 320
    assert made.sentence == "never within ten years: 1 GB a day are produced and 1 GB a day proven"


def test_a_backlog_that_drains_is_told() -> None:
    buffer = Buffer(free=100 * GB, keep_free=0, held_proven=0, held_unproven=40 * GB)
    assert forecast({("north", "jpeg"): GB}, {("north", "jpeg"): 2 * GB}, buffer, NOW).sentence.endswith(
        "2 GB a day proven; 40 GB are still unproven"
    )


def test_one_camera_that_drains_does_not_hide_another_that_piles_up() -> None:
    made = forecast({("north", "raw"): 4 * GB, ("gate", "jpeg"): GB}, {("gate", "jpeg"): 10 * GB}, EMPTY, NOW)
    assert made.full_at == NOW + timedelta(days=80)


def test_without_pictures_there_is_no_end() -> None:
    made = forecast({}, {}, EMPTY, NOW)
    assert (made.buffer_days, made.full_at) == (None, None)
    assert made.sentence == "never: no pictures are being taken"


def test_what_is_more_than_ten_years_away_is_never() -> None:
    assert forecast({("north", "jpeg"): 1.0}, {}, EMPTY, NOW).full_at is None


def test_an_instant_is_shown_in_english_and_utc_whatever_the_locale() -> None:
    paris = datetime.fromisoformat("2026-11-26T15:00:00+01:00")
    assert show_instant(paris) == "Thu 26 Nov 2026 14:00 UTC"
