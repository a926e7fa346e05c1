"""`overlapse drill --redundancy`: what it tells a person and a machine, and how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from core.coordination.protocol.profiles import FAST, Rules
from core.coordination.simulator.drill import Summary
from core.coordination.simulator.history import Setup, play

Run = Callable[..., tuple[int, str, str]]


def test_it_counts_violations_by_invariant_and_measures_kills(run: Run) -> None:
    status, out, err = run("drill", "--redundancy", "--histories", "3", "--kills", "2", "--seed", "9", "--json")
    told = json.loads(out)
    assert status == 0
    assert (told["seed"], told["histories"], told["broken"]) == (9, 3, [])
    assert told["violations"].keys() == {*(f"S{n}" for n in range(1, 10)), *(f"L{n}" for n in range(1, 6))}
    assert not any(told["violations"].values())
    assert {one["pace"]: one["kills"] for one in told["dark"]} == dict.fromkeys(
        ("normal", "fast", "cellular", "constant"), 2
    )
    assert told["dark"][3]["slots_lost_most"] == {"10": 0, "60": 0, "600": 0}
    assert "3 of 3 histories; all hold" in err


def test_other_processes_play_the_same(run: Run) -> None:
    words = ("drill", "--redundancy", "--histories", "21", "--kills", "0", "--seed", "9", "--json", "--jobs")
    assert json.loads(run(*words, "2")[1]) == json.loads(run(*words, "1")[1])


def test_a_person_reads_what_holds(run: Run) -> None:
    status, out, _ = run("drill", "--redundancy", "--histories", "1", "--kills", "1")
    assert status == 0
    assert "S4   holds  an exclusive camera is never driven by two nodes at one instant" in out
    assert "slots lost at 10s/60s/10m" in out


def test_one_history_is_played_alone(run: Run) -> None:
    _, out, err = run("drill", "--redundancy", "--only", "3", "--json")
    assert (json.loads(out)["histories"], err) == (1, "")


def test_what_to_drill_is_said(run: Run) -> None:
    status, out, err = run("drill")
    assert (status, out) == (2, "")
    assert "--redundancy" in err


@pytest.fixture
def broken() -> Summary:
    """A drill in which something broke, for want of a rule."""
    summary = Summary(1)
    setup = replace(Setup(profile=FAST), rules=Rules(own_session=False), faults=("restart",))
    summary.add(play(1, number, setup) for number in range(2))
    return summary


def test_what_broke_is_told_with_its_story(broken: Summary) -> None:
    told = broken.to_json()
    assert not broken.is_fine
    assert told["violations"]["S7"] > 0
    first = told["broken"][0]
    assert first["history"].startswith("1/")
    assert first["violations"][0]["invariant"] == "S7"
    assert any("*** S7" in line for line in first["story"])
    assert f"History {first['history']}: S7" in broken.text()
