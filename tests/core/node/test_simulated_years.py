"""Whatever happens to a node, in whatever order, no promise is broken."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from peers.simulation import Simulation, simulate

from core.node.context import Pace
from core.simulate.cameras import faults_at_random
from core.simulate.links import outages_at_random

SLOW = Pace(judge=3600, reckon=86_400, plan=7200, plan_soon=1800, report=86_400, report_soon=86_400)


def live_through(world: Simulation, days: int, seed: int, step: timedelta) -> None:
    """Let `days` pass in which cameras, links, disk, power and clock fail at random."""
    dice = random.Random(seed)
    end = world.begin + timedelta(days=days)
    for camera in world.site.cameras.values():
        camera.faults = faults_at_random(dice.randrange(9**9), world.begin, end, mean=step * 8, longest=step * 3)
    for place in world.site.destinations.values():
        place.outages = outages_at_random(dice.randrange(9**9), world.begin, end, mean=step * 12, longest=step * 6)
    while world.world.now() < end:
        world.run(seconds=dice.uniform(0.5, 10) * step.total_seconds())
        match dice.choice(("stop", "cut", "fsync", "full", "nothing", "nothing")):
            case "stop":
                world.node.off(step * dice.uniform(0, 4))
            case "cut":
                world.node.cut()
                world.world.skip(step.total_seconds() * dice.uniform(0, 3))
            case "fsync":
                disk = world.site.disk
                disk.failing = {disk.syncs + dice.randrange(1, 9) for _ in range(dice.randrange(1, 4))}
            case "full":
                world.site.disk.others = world.site.disk.size
                world.run(seconds=dice.uniform(0, 2400))
                world.site.disk.others = 0
    for camera in world.site.cameras.values():
        camera.faults = []
    world.site.disk.failing = set()
    world.run(seconds=5 * step.total_seconds())


@pytest.mark.parametrize("seed", range(4))
def test_days_of_every_trouble_at_once_break_no_promise(seed: int) -> None:
    shoots = ("jpeg", "raw", "raw+jpeg")[seed % 3]
    world = simulate(shoots=shoots, cameras=("north", "south"), destinations=("nas", "home"))
    live_through(world, days=2, seed=seed, step=timedelta(minutes=10))
    assert world.broken() == []
    assert sum(one.outcome == "captured" for one in world.outcomes()) > 50


@pytest.mark.timeout(300)
def test_a_year_of_hours_in_a_zone_with_both_clock_changes_breaks_no_promise() -> None:
    begin = datetime(2026, 1, 1, 11, 30, tzinfo=UTC)
    world = simulate(begin=begin, zone="Europe/Paris", every="6h", pace=SLOW)
    live_through(world, days=365, seed=365, step=timedelta(hours=16))
    assert world.broken() == []
    outcomes = world.outcomes()
    assert len(outcomes) >= 365 * 4
    assert sum(one.outcome == "captured" for one in outcomes) > 900
