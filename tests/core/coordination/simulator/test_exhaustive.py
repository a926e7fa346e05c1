"""Every history of two nodes with one fault, up to the first takeover: none breaks, and each missing rule is found."""

from __future__ import annotations

import pytest

from core.coordination.protocol.profiles import Rules
from core.coordination.simulator.exhaustive import search


def test_no_order_of_calls_and_no_single_fault_breaks_anything() -> None:
    found = search(faults=1, until=13)
    assert found.broken == ""
    assert found.worlds > 5000


def test_without_faults_there_is_little_to_see_and_nothing_breaks() -> None:
    found = search(faults=0, until=60)
    assert (found.broken, found.worlds > 100) == ("", True)


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        pytest.param(Rules(bury=False), "S4", id="nobody is buried"),
        pytest.param(Rules(read_back=False), "S6", id="a change is sent again blindly"),
        pytest.param(Rules(own_session=False), "S4", id="a returned primary drives at once"),
        pytest.param(Rules(grow=False), "S1", id="a fence is given twice"),
        pytest.param(Rules(deadline=False), "S6", id="no deadline"),
    ],
)
def test_what_a_missing_rule_breaks_is_found(rules: Rules, wanted: str) -> None:
    assert search(faults=1, until=24, rules=rules, most=20_000).broken.startswith(wanted)


def test_d_without_a_margin_is_found() -> None:
    assert search(faults=1, until=9.5, rules=Rules(margin=False), most=20_000).broken.startswith("S6")
