"""Each safeguard of the protocol is there for something: without it some history breaks, and with it none does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.coordination.protocol.profiles import FAST, Rules
from core.coordination.simulator.history import Setup, play
from core.coordination.simulator.network import QUICK, Line
from core.coordination.simulator.sinks import HubRules

MOST = 60  # histories until the fault must have shown
HANDED = ("restart", "pause", "order", "order")
CUTS = ("cut after renewal",)
HELD = Line(0.0005, 0.02, 0.0, 0.0, 0.5, 0.0, 0.9, held_most=8)  # what is given up comes all the same, hints do not
UNHEARD = Line(0.0005, 0.003, 0.3, 0.0, 0.0, 0.0, 0.0, answers_lost=0.5)  # what was applied is learned late
SETUP = Setup(profile=FAST)
EXCLUSIVE = replace(SETUP, exclusive=True)
CUT_OFF = replace(EXCLUSIVE, faults=CUTS)
RESTORED = replace(SETUP, faults=("restore", "crash", "cut", "pause"), gap=4)

PLANTED = [
    pytest.param(replace(EXCLUSIVE, rules=Rules(bury=False)), {"S4"}, id="nobody is buried"),
    pytest.param(
        replace(CUT_OFF, rules=Rules(from_sending=False), line=QUICK, unit_line=UNHEARD),
        {"S4", "S6"},
        id="deadline from the answer",
    ),
    pytest.param(replace(CUT_OFF, rules=Rules(margin=False), line=QUICK), {"S4", "S6"}, id="D = T"),
    pytest.param(replace(CUT_OFF, rules=Rules(deadline=False)), {"S4", "S6"}, id="no deadline"),
    pytest.param(replace(SETUP, rules=Rules(read_back=False)), {"S6"}, id="a change is sent again blindly"),
    pytest.param(replace(SETUP, rules=Rules(own_session=False)), {"S7"}, id="a returned primary drives at once"),
    pytest.param(replace(EXCLUSIVE, rules=Rules(stop_first=False)), {"S4"}, id="given back while driving"),
    pytest.param(
        replace(EXCLUSIVE, rules=Rules(renew_doubt=False), line=HELD, faults=HANDED, gap=3),
        {"S4"},
        id="kept under the old fence after a hand-back in doubt",
    ),
    pytest.param(replace(SETUP, rules=Rules(grow=False)), {"S1"}, id="a fence is given twice"),
    pytest.param(replace(RESTORED, rules=Rules(epoch=False)), {"S1"}, id="the epoch is not heeded"),
    pytest.param(replace(SETUP, rules=Rules(claim=False)), {"S8"}, id="mail without a claim"),
    pytest.param(
        replace(SETUP, rules=Rules(outage=False), line=QUICK, faults=("no quorum",)),
        {"L4"},
        id="silence in an outage is held against a peer",
    ),
    pytest.param(replace(SETUP, hub=HubRules(check_sink=False)), {"S3"}, id="live names take what is stale"),
    pytest.param(replace(SETUP, hub=HubRules(by_fence=False)), {"S5"}, id="the picture that came last counts"),
    pytest.param(replace(SETUP, hub=HubRules(own_names=False)), {"S9"}, id="names without node and fence"),
]


@pytest.mark.parametrize(("setup", "wanted"), PLANTED)
def test_a_history_shows_what_a_missing_safeguard_breaks(setup: Setup, wanted: set[str]) -> None:
    for number in range(MOST):
        outcome = play(1, number, setup)
        if wanted & {name for name, _ in outcome.violations}:
            assert any(line.split()[1] == "***" for line in outcome.story)
            break
    else:
        pytest.fail(f"not found in {MOST} histories")


@pytest.mark.parametrize(("setup", "wanted"), PLANTED)
def test_the_same_histories_hold_with_it(setup: Setup, wanted: set[str]) -> None:
    whole = replace(setup, rules=Rules(), hub=HubRules())
    broken = [play(1, number, whole) for number in range(2)]
    assert [one.violations for one in broken if wanted & {name for name, _ in one.violations}] == []
