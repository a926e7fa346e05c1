"""What a link carries is measured while it is busy, and only then."""

from __future__ import annotations

from core.transfer.goodput import SAMPLE, Goodput


def test_bytes_are_told_by_the_time_in_which_the_link_was_busy() -> None:
    goodput, now = Goodput(), 0.0
    for _ in range(8):
        goodput.given("raw", 100_000, now)
        now += 10
        goodput.came("raw", now)
        now += 100  # a pause is not slowness
    assert list(goodput.samples) == [10_000.0, 10_000.0]


def test_two_at_once_share_the_same_seconds() -> None:
    goodput = Goodput()
    goodput.given("a", 300_000, 0.0)
    goodput.given("b", 300_000, 0.0)
    goodput.came("a", SAMPLE / 2)
    goodput.came("b", SAMPLE)
    assert list(goodput.samples) == [600_000 / SAMPLE]


def test_what_was_cut_counts_as_time_without_bytes() -> None:
    goodput = Goodput()
    goodput.given("a", 300_000, 0.0)
    goodput.came("a", SAMPLE, whole=False)
    goodput.came("a", SAMPLE)
    assert list(goodput.samples) == [0.0]
