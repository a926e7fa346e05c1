"""The month of a link: what it may carry, has carried, and where that leads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.transfer.budget import OVERHEAD, Usage, affordable, allowance, grown, month_of, outlook

PARIS = ZoneInfo("Europe/Paris")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "starts", "begin", "end"),
    [
        pytest.param("2026-11-21 12:00", 1, "2026-11-01", "2026-12-01", id="calendar"),
        pytest.param("2026-11-21 12:00", 22, "2026-10-22", "2026-11-22", id="the-day-before"),
        pytest.param("2026-11-22 00:00", 22, "2026-11-22", "2026-12-22", id="at-midnight"),
        pytest.param("2026-01-05 12:00", 10, "2025-12-10", "2026-01-10", id="over-new-year"),
        pytest.param("2026-12-31 23:59", 1, "2026-12-01", "2027-01-01", id="into-new-year"),
        pytest.param("2026-02-15 12:00", 28, "2026-01-28", "2026-02-28", id="february"),
    ],
)
def test_a_month_begins_at_local_midnight_of_its_day(now: str, starts: int, begin: str, end: str) -> None:
    found = month_of(at(now), PARIS, starts)
    assert (found.begin, found.end) == (at(f"{begin} 00:00"), at(f"{end} 00:00"))


def test_a_month_in_which_clocks_change_is_an_hour_longer_or_shorter() -> None:
    assert month_of(at("2026-03-10 12:00"), PARIS).length == timedelta(days=31) - timedelta(hours=1)
    assert month_of(at("2026-10-10 12:00"), PARIS).length == timedelta(days=31) + timedelta(hours=1)


@given(st.datetimes(timezones=st.just(UTC)), st.integers(1, 28))
def test_every_instant_is_in_its_month_and_months_meet(now: datetime, starts: int) -> None:
    assume(2 < now.year < 9998)
    found = month_of(now, PARIS, starts)
    assert found.begin <= now < found.end
    assert month_of(found.end, PARIS, starts).begin == found.end


def test_a_month_does_not_start_on_a_day_that_some_months_lack() -> None:
    with pytest.raises(ValueError, match="1 to 28"):
        month_of(at("2026-11-21 12:00"), PARIS, 29)


def test_what_others_send_over_the_link_is_shown_as_other() -> None:
    usage = Usage({"jpeg": 700, "raw": 200}, total=1500)
    assert (usage.on_the_wire, usage.rows()) == (1500, {"jpeg": 700, "raw": 200, "other": 600})


def test_without_a_counter_of_the_wire_our_bytes_count_with_an_overhead() -> None:
    assert Usage({"jpeg": 1_000_000}).rows() == {"jpeg": 1_000_000, "other": 45_000}


def test_a_counter_that_begins_anew_loses_nothing_that_it_shows() -> None:
    assert grown(500, None) == 0, "what it had carried before we looked is not ours to count"
    assert (grown(700, 500), grown(30, 700)) == (200, 30)


def test_the_month_is_foreseen_at_the_pace_of_late() -> None:
    month = month_of(at("2026-11-16 00:00"), PARIS)
    found = outlook(12_000_000_000, 6_500_000_000, month, at("2026-11-16 00:00"), pace=5_000)
    assert found.at_end == 6_500_000_000 + 5_000 * 15 * 86_400
    assert (found.holds, found.left) == (False, 5_500_000_000)
    assert outlook(None, 10**12, month, month.begin, 1e9).holds


def test_the_allowance_just_uses_up_the_budget() -> None:
    now = at("2026-11-16 00:00")
    month = month_of(now, PARIS)
    rate = allowance(12_000_000_000, 6_000_000_000, month, now)
    assert outlook(12_000_000_000, 6_000_000_000, month, now, rate).at_end == 12_000_000_000
    assert allowance(1000, 2000, month, now) == 0
    assert allowance(1000, 0, month, month.end) == 0


CLASSES = ("status", "live", "thumbnail", "jpeg", "raw", "audit")


def test_what_is_missed_first_is_kept_bytes_for_until_the_months_end() -> None:
    paces = {"live": 100.0, "jpeg": 1_000.0, "raw": 4_000.0}
    rest = 10 * 86_400.0
    jpeg = round(1_100 * rest * OVERHEAD)
    assert affordable(CLASSES, paces, jpeg + 1, 0, rest) == {"status", "live", "thumbnail", "jpeg", "raw"}
    assert affordable(CLASSES, paces, jpeg - 1, 0, rest) == {"status", "live", "thumbnail", "jpeg"}
    assert affordable(CLASSES, paces, 100, 99, rest) == {"status", "live"}


def test_a_budget_is_a_limit() -> None:
    assert affordable(CLASSES, {}, 100, 100, 1.0) == frozenset()
    assert affordable(CLASSES, {}, 100, 99, 1.0) == frozenset(CLASSES)
