"""When what waits will have gone, and what each rung would change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.transfer.drain import NEVER, Flow, drain, goodput, seconds
from core.transfer.rungs import rung

DAY = 86_400


def test_a_backlog_goes_at_what_the_link_has_to_spare() -> None:
    flow = Flow({"jpeg": 864_000_000}, {"jpeg": 10_000})
    assert seconds(flow, 20_000) == DAY
    assert seconds(flow, 10_000) == NEVER
    assert seconds(Flow({}, {"jpeg": 10_000}), 1) == 0


@pytest.mark.parametrize(
    ("name", "left"),
    [
        pytest.param("everything", NEVER, id="raw-is-too-much"),
        pytest.param("jpeg", DAY, id="jpeg-fits"),
        pytest.param("jpeg/2", 432_000_000 / 15_000, id="half-of-it"),
        pytest.param("status", 0, id="nothing-is-sent"),
    ],
)
def test_what_a_rung_would_change(name: str, left: float) -> None:
    flow = Flow({"raw": 3_000_000_000, "jpeg": 864_000_000}, {"raw": 40_000, "jpeg": 10_000})
    assert seconds(flow.through(rung(name)), 20_000) == left


def test_a_destination_that_has_all_leaves_its_part_to_the_others() -> None:
    flows = {"nas": Flow({"jpeg": 1000}, {}), "home": Flow({"jpeg": 5000}, {})}
    assert drain(flows, 100) == {"nas": 20.0, "home": 60.0}


def test_what_is_made_meanwhile_is_sent_too() -> None:
    flows = {"nas": Flow({"jpeg": 1000}, {"jpeg": 30}), "home": Flow({}, {"jpeg": 10})}
    assert drain(flows, 60) == {"home": 0.0, "nas": pytest.approx(1000 / 20)}


def test_a_link_that_carries_less_than_is_made_never_ends() -> None:
    assert drain({"nas": Flow({"raw": 1}, {"raw": 100})}, 99) == {"nas": NEVER}
    assert drain({}, 0) == {}


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=6), st.integers(1, 10**6))
def test_together_they_end_when_all_bytes_are_sent(waiting: list[int], carried: int) -> None:
    flows = {str(nth): Flow({"jpeg": size}, {}) for nth, size in enumerate(waiting)}
    assert max(drain(flows, carried).values()) == pytest.approx(sum(waiting) / carried)


def test_goodput_is_a_median_and_a_bad_day() -> None:
    assert goodput([]) is None
    assert goodput([float(n) for n in range(1, 101)]) == (51.0, 11.0)
