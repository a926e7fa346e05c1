"""A link is open in windows of local time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.schedule.opening import Opening
from core.site.model.links import LinkWindow

PARIS = "Europe/Paris"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_without_windows_it_is_always_open() -> None:
    opening = Opening([], PARIS)
    assert opening.is_open(at("2026-11-21T03:00"))
    assert opening.next_change(at("2026-11-21T03:00")) is None


def test_a_night_runs_over_midnight() -> None:
    opening = Opening([LinkWindow(begin="22:00", end="06:00")], PARIS)
    assert [opening.is_open(at(f"2026-11-21T{hour}:30")) for hour in ("20", "21", "23", "04", "05")] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert opening.next_change(at("2026-11-21T12:00")) == at("2026-11-21T21:00")
    assert opening.next_change(at("2026-11-21T22:00")) == at("2026-11-22T05:00")


def test_windows_that_touch_are_one() -> None:
    opening = Opening([LinkWindow(begin="20:00", end="22:00"), LinkWindow(begin="22:00", end="23:00")], PARIS)
    assert opening.next_change(at("2026-11-21T19:30")) == at("2026-11-21T22:00")


def test_a_weekday_comes_again() -> None:
    opening = Opening([LinkWindow(days="sun")], PARIS)
    assert opening.next_change(at("2026-11-23T12:00")) == at("2026-11-28T23:00")


def test_the_local_clock_decides_on_the_day_it_changes() -> None:
    opening = Opening([LinkWindow(begin="01:00", end="04:00")], PARIS)
    assert opening.next_change(at("2026-03-29T00:30")) == at("2026-03-29T02:00"), "an hour is missing"


def test_the_sun_needs_a_place() -> None:
    with pytest.raises(ValueError, match="latitude"):
        Opening([LinkWindow(begin="sunset", end="sunrise")], PARIS)
    opening = Opening([LinkWindow(begin="sunset", end="sunrise")], PARIS, 48.6, 2.0)
    assert opening.is_open(at("2026-11-21T23:00"))
    assert not opening.is_open(at("2026-11-21T12:00"))
