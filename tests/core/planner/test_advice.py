"""What a plan says to a person and to a machine."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from core.planner.advice import Plan
from core.planner.bytes import Shots

BOTH = Shots.every(timedelta(minutes=10), 6_000_000, 24_000_000)
KEYS = {
    "bytes_per_day",
    "bandwidth_needed_Bps",
    "link_share",
    "shortest_interval_s",
    "buffer_days",
    "drain_days_after_1_day",
    "way",
}


def test_a_machine_gets_numbers() -> None:
    told = json.loads(json.dumps(Plan(BOTH, 120_000, 320e9).to_json()))
    assert told.keys() >= KEYS
    assert (told["bandwidth_needed_Bps"], told["way"], told["shortest_interval_s"]) == (50_000, "everything", 250)
    assert told["buffer_days"] == pytest.approx(74.07, abs=0.01)


def test_what_never_comes_and_what_has_no_limit_are_null() -> None:
    assert Plan(BOTH, 40_000).to_json()["drain_days_after_1_day"] is None
    assert {Plan(BOTH).to_json()[key] for key in ("link_share", "buffer_days", "shortest_interval_s")} == {None}


def test_the_nearest_change_that_makes_the_next_way_fit_is_named() -> None:
    [line] = [line for line in Plan(BOTH, 20_000).advice() if line.startswith("everything fits")]
    assert line == "everything fits with a shot every 30m, or with 12 MB a shot, or with 50 kB/s"


def test_the_change_that_is_named_does_make_it_fit() -> None:
    assert Plan(Shots.every(timedelta(minutes=30), 6_000_000, 24_000_000), 20_000).way == "everything"
    assert Plan(Shots.every(timedelta(minutes=10), 2_400_000, 9_600_000), 20_000).way == "everything"
    assert Plan(BOTH, 50_000).way == "everything"


def test_what_is_lost_first_is_said() -> None:
    text = Plan(BOTH, 120_000, 320e9).text()
    assert "With the link down 320 GB last 74 days" in text
    assert "RAW goes first" in text
    assert "capture stops" in Plan(BOTH, 120_000, 320e9, "stop").text()


def test_a_backlog_that_is_never_sent_is_said() -> None:
    jpeg = Shots.every(timedelta(minutes=10), 6_000_000)
    assert "never sent" in Plan(jpeg, 10_000).text()


@pytest.mark.parametrize("uplink", [0, 10])
def test_a_link_that_carries_not_even_status_fits_nothing_and_that_is_said(uplink: int) -> None:
    plan = Plan(Shots.every(timedelta(minutes=10), 6_000_000), uplink)
    assert list(plan.advice()) == ["This link fits nothing: even status only needs 38 B/s"]
    assert "inf" not in plan.text()
    assert json.loads(json.dumps(plan.to_json(), allow_nan=False))["ways"][-1]["fits"] is False
