"""A link goes down its ladder when it is too thin or too dear, and up again with a margin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.transfer.rungs import CLIMB, LADDER, PATIENCE, Need, Override, Standing, effective, rung, step

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FOUR = ("everything", "jpeg", "reduced", "status")
EACH = (50_000.0, 10_000.0, 833.0, 40.0)
MINUTE = timedelta(minutes=1)


def live(standing: Standing, need: Need, time: timedelta, now: datetime = NOW) -> Standing:
    for nth in range(int(time / MINUTE) + 1):
        standing = step(standing, FOUR, need, now + nth * MINUTE)
    return standing


def test_a_link_that_carries_everything_stays() -> None:
    assert live(Standing(), Need(EACH, 120_000, None), timedelta(days=1)).at == 0


def test_a_link_that_is_too_thin_goes_down_to_what_fits_after_a_while() -> None:
    need = Need(EACH, 9_000, None)
    assert live(Standing(), need, PATIENCE - MINUTE).at == 0
    down = live(Standing(), need, PATIENCE)
    assert (FOUR[down.at], down.why) == ("reduced", "everything needs more than what the link carries")


def test_a_short_weakness_is_no_reason() -> None:
    standing = live(Standing(), Need(EACH, 100, None), PATIENCE - MINUTE)
    standing = live(standing, Need(EACH, 120_000, None), MINUTE, NOW + PATIENCE)
    assert live(standing, Need(EACH, 100, None), PATIENCE - 2 * MINUTE, NOW + 2 * PATIENCE).at == 0


def test_a_budget_that_is_used_up_leaves_the_status() -> None:
    down = live(Standing(), Need(EACH, 120_000, 0.0), PATIENCE)
    assert (FOUR[down.at], "budget" in down.why) == ("status", True)


def test_it_climbs_one_rung_at_a_time_and_only_with_room_to_spare() -> None:
    low = Standing(at=3)
    assert live(low, Need(EACH, 1_000, None), 2 * CLIMB).at == 3, "833 of 1000 is not room to spare"
    assert live(low, Need(EACH, 1_100, None), CLIMB).at == 2
    assert live(low, Need(EACH, 120_000, None), 3 * CLIMB + 3 * MINUTE).at == 0


@given(st.floats(0, 200_000), st.integers(0, 3))
def test_a_steady_link_never_swings(carried: float, at: int) -> None:
    standing, seen = Standing(at), []
    for hour in range(24 * 4):
        standing = step(standing, FOUR, Need(EACH, carried, None), NOW + timedelta(hours=hour))
        seen.append(standing.at)
    changes = [later - sooner for sooner, later in pairwise(seen) if later != sooner]
    assert not (any(change > 0 for change in changes) and any(change < 0 for change in changes))


def test_an_operator_decides_until_an_instant() -> None:
    override = Override("status", NOW + timedelta(hours=1), "the customer's link")
    assert effective(Standing(), FOUR, override, NOW).name == "status"
    assert effective(Standing(), FOUR, override, NOW + timedelta(hours=1)).name == "everything"


def test_status_and_live_pictures_always_go() -> None:
    assert all({"status", "live"} <= rung(name).classes for name in LADDER)


def test_a_rung_between_two_ways_sends_the_same_more_rarely() -> None:
    half = rung("jpeg/2")
    assert (half.classes, half.thinned, half.nth) == (rung("jpeg").classes, "jpeg", 2)
    assert rung("everything/6").thinned == "raw"


@pytest.mark.parametrize("name", ["", "raw", "jpeg/0", "jpeg/-1", "jpeg/", "status/2", "everything/6/2"])
def test_what_is_no_rung_is_told_with_what_to_write(name: str) -> None:
    with pytest.raises(ValueError, match="write"):
        rung(name)
