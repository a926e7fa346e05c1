"""Histories of failing fleets: nothing breaks, the same seed is the same history, and a camera is not dark for long."""

from __future__ import annotations

import pytest

from core.coordination.protocol.profiles import FAST
from core.coordination.simulator.drill import Summary, parts, play_part
from core.coordination.simulator.faults import OLD_LEADER
from core.coordination.simulator.history import History, Setup, play
from core.coordination.simulator.invariants import LIVENESS, SAFETY
from core.coordination.simulator.kills import ASKED, PACES, Kill, Pace, measure, percentile, summed

HISTORIES = 40


@pytest.mark.parametrize("seed", range(5))
def test_no_history_breaks_an_invariant(seed: int) -> None:
    summary = Summary(seed)
    for part in parts(seed, HISTORIES):
        summary.add(play_part(part))
    assert summary.to_json()["violations"] == dict.fromkeys((*SAFETY, *LIVENESS), 0), summary.text()
    assert summary.histories == HISTORIES
    counts = summary.counts
    assert min(counts["faults"], counts["failures"], counts["returns"], counts["mails"], counts["burials"]) > HISTORIES


def test_the_same_seed_plays_the_same_history_to_the_last_line() -> None:
    broken = Setup(raise_epoch=False)
    assert play(1, 7, broken) == play(1, 7, broken)
    assert play(1, 7).counts != play(1, 8).counts


@pytest.mark.parametrize("pace", PACES)
def test_a_camera_is_dark_no_longer_than_was_asked(pace: Pace) -> None:
    dark = measure(pace, 3, 15)
    assert dark.is_fine, dark
    assert dark.worst <= ASKED[pace]
    assert (dark.lost_most == (0, 0, 0)) == (pace == "constant")


def test_kills_are_summed_up_by_nearest_rank() -> None:
    kills = [Kill(float(n), float(n), (n, 0, 1)) for n in range(1, 101)]
    dark = summed("normal", kills)
    assert (dark.median, dark.p99, dark.worst) == (50, 99, 100)
    assert (dark.lost_most, dark.lost_mean) == ((100, 0, 1), (50.5, 0, 1))
    assert not dark.is_fine
    assert percentile([5.0], 0.99) == 5.0


def test_a_voter_that_led_and_answers_what_it_knew_moves_no_camera_and_has_nobody_refuse_the_store() -> None:
    setup = Setup(profile=FAST, faults=(OLD_LEADER, "cut", OLD_LEADER, "order"), gap=3)
    for number in range(40):
        history = History(f"9/{number}", setup)
        assert history.run().violations == ()
        assert [node.name for node in history.nodes.values() if node.state is None or node.state.refused] == []
