"""Ranges and states beside those of others: check_cluster of the monitoring plugins, and plain nagiosplugin."""

from __future__ import annotations

import random
import subprocess

import nagiosplugin
import pytest
from nagiosplugin import Metric, ScalarContext

from checks.base.limits import Limit, Scale

CLUSTER = "/usr/lib/nagios/plugins/check_cluster"  # it counts what is not OK, and judges the count by two ranges
MOST = 6  # of that count
RUNS = 300


def some_range(chance: random.Random) -> str:
    """Return a range about 0..MOST, with bounds that are met exactly as often as not."""
    low, high = sorted(round(chance.uniform(-2, MOST + 2), chance.randrange(2)) for _ in range(2))
    shapes = [f"{low:g}:{high:g}", f"~:{high:g}", f"{low:g}:", f"{abs(high):g}", "~:", "0:"]
    return chance.choice(["@", ""]) + chance.choice(shapes)


def ours(value: float, warning: str, critical: str) -> int:
    return int(Scale("x", warning, critical).evaluate(Metric("x", value), None).state.code)


def by_cluster(count: int, warning: str, critical: str) -> int:
    told = ",".join(["1"] * count + ["0"] * (MOST - count))
    command = [CLUSTER, "--service", "-d", told, "-w", warning, "-c", critical]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30).returncode


@pytest.mark.peer
def test_states_are_those_of_the_monitoring_plugins() -> None:
    chance = random.Random(20261122)
    seen = set()
    for _ in range(RUNS):
        count, warning, critical = chance.randint(0, MOST), some_range(chance), some_range(chance)
        state = ours(count, warning, critical)
        assert by_cluster(count, warning, critical) == state, (count, warning, critical)
        seen.add(state)
    assert seen == {0, 1, 2}


@pytest.mark.peer
def test_a_range_that_is_upside_down_is_refused_by_the_monitoring_plugins_too() -> None:
    for spec in ("6:2", "@6:2", "-5", "1:-1"):
        assert by_cluster(3, spec, "9") == 3
        with pytest.raises(ValueError, match="above its end"):
            Limit(spec)


def test_states_are_those_of_plain_nagiosplugin() -> None:
    chance = random.Random(20261122)
    for _ in range(5_000):
        value, warning, critical = round(chance.uniform(-3, 9), 1), some_range(chance), some_range(chance)
        plain = ScalarContext("x", nagiosplugin.Range(warning), nagiosplugin.Range(critical))
        state = plain.evaluate(Metric("x", value), None).state.code
        assert ours(value, warning, critical) == state, (value, warning, critical)
