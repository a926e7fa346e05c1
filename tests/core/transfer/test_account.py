"""A link's bytes are counted by month and class, whoever counts the total."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from core.transfer.account import Account
from core.transfer.budget import OVERHEAD

PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def opened(now: datetime = NOON, kept: dict[str, object] | None = None) -> Account:
    return Account.opened(now, PARIS, 1, kept)


def test_without_a_counter_our_own_bytes_and_an_overhead_count() -> None:
    account = opened()
    account.charge("jpeg", 1_000_000, NOON)
    account.charge("raw", 3_000_000, NOON)
    assert account.usage.on_the_wire == round(4_000_000 * OVERHEAD)
    assert account.usage.rows() == {"jpeg": 1_000_000, "raw": 3_000_000, "other": round(4_000_000 * (OVERHEAD - 1))}


def test_a_counter_outside_says_the_total_and_the_rest_is_other() -> None:
    account = opened()
    account.read(10_000, NOON)
    account.charge("jpeg", 1_000_000, NOON)
    account.read(10_000 + 1_500_000, NOON)
    assert (account.usage.on_the_wire, account.usage.other) == (1_500_000, 500_000)


def test_a_counter_that_began_anew_counts_from_nothing() -> None:
    account = opened()
    for reading in (100, 1_100, 50):
        account.read(reading, NOON)
    assert account.usage.on_the_wire == 1_050


def test_what_was_counted_before_there_was_a_counter_is_not_forgotten() -> None:
    account = opened()
    account.charge("jpeg", 1_000_000, NOON)
    account.read(77, NOON)
    account.read(78, NOON)
    assert account.usage.on_the_wire == round(1_000_000 * OVERHEAD) + 1


def test_it_outlives_a_stop_and_ends_with_its_month() -> None:
    account = opened()
    account.read(500, NOON)
    account.read(700, NOON)
    account.charge("live", 20, NOON)
    again = opened(NOON + timedelta(hours=1), account.to_json())
    assert (again.usage, again.reading) == (account.usage, 700)
    december = opened(datetime(2026, 12, 2, tzinfo=UTC), account.to_json())
    december.read(900, datetime(2026, 12, 2, tzinfo=UTC))
    assert december.usage.on_the_wire == 200, "what it carried while nobody looked belongs to the month of the reading"


def test_a_month_ends_while_it_runs_and_a_clock_that_goes_back_begins_none() -> None:
    account = opened()
    account.charge("raw", 1_000, NOON)
    account.roll(NOON - timedelta(days=40))
    assert account.classes
    account.roll(datetime(2026, 11, 30, 23, tzinfo=UTC))
    assert not account.classes


def test_the_pace_is_that_of_the_last_whole_days() -> None:
    account = opened()
    for day in range(5):
        account.charge("jpeg", 86_400_000, NOON + timedelta(days=day))
    assert account.pace(NOON + timedelta(days=4)) == 1000 * OVERHEAD
    assert account.pace(NOON + timedelta(days=5)) == 1000 * OVERHEAD


def test_on_its_first_day_the_pace_is_that_of_the_day_so_far() -> None:
    account = opened(NOON - timedelta(hours=12))
    account.charge("jpeg", 43_200_000, NOON)
    assert account.pace(NOON) == 1000 * OVERHEAD


def test_a_link_that_was_set_up_in_the_evening_has_the_pace_since_then() -> None:
    account = opened(NOON)
    account.charge("jpeg", 7_200_000, NOON + timedelta(hours=2))
    again = opened(NOON, account.to_json())
    assert again.pace(NOON + timedelta(hours=2)) == 1000 * OVERHEAD
    assert again.pace(NOON + timedelta(minutes=1)) == 2000 * OVERHEAD, "a burst is spread over an hour"
