"""Rungs and budgets, seen by the very same loop: nothing is dropped, and the month is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from peers.simulation import CALM, Simulation, simulate

from core.catalogue import deliveries
from core.node.context import Pace
from core.simulate.links import SimulatedDestination
from core.values import PictureName, utc

LINK = '[[node.link]]\nname = "sim"\n'
HOME = '[[destination]]\nname = "home"\naddress = "folder:/home"\nlink = "sim"\nchunk = "256kB"\n'
JPEG = '[[route]]\nwhat = ["jpeg"]\nto = "home"\n'
LIVE = '[[route]]\nwhat = ["jpeg"]\nto = "home"\nlive = "live.jpg"\nrequired = false\n'


def world(link: str, routes: str = JPEG, pace: Pace = CALM, **more: Any) -> Simulation:
    return simulate(node=LINK + link, destinations=(), routes="", extra=HOME + routes, pace=pace, **more)


def home(simulation: Simulation) -> SimulatedDestination:
    return simulation.site.destinations["home"]


def instants(simulation: Simulation) -> list[datetime]:
    names = [name.rpartition("/")[2] for name in home(simulation).store if "_" in name]
    return sorted(PictureName.parse(name).at for name in names)


def order(simulation: Simulation, rung: str, lasting: timedelta) -> None:
    linking = simulation.site.running.desks.delivering.linking
    linking.order("sim", rung, simulation.world.now() + lasting, "a test")


def test_a_rarer_rung_sends_every_second_slot_and_the_rest_when_it_ends() -> None:
    simulation = world("")
    simulation.run(minutes=1)
    order(simulation, "jpeg/2", timedelta(hours=12))
    simulation.run(hours=11)
    assert {at.minute % 20 for at in instants(simulation)} == {0}
    assert len(instants(simulation)) == 33
    assert deliveries.backlog(simulation.site.catalogue, "home")[0] == 33
    simulation.run(hours=2)
    assert len(instants(simulation)) == 78
    assert simulation.broken() == []


def test_what_a_rung_does_not_send_any_more_stops_where_it_is_and_goes_on_there() -> None:
    simulation = world('rate = "10kB/s"', every="1h")
    simulation.run(minutes=6)
    received = home(simulation).bytes
    assert 0 < received < 6_000_000
    order(simulation, "status", timedelta(minutes=30))
    simulation.run(minutes=29)
    assert home(simulation).bytes <= received + 256_000
    simulation.run(minutes=20)
    assert len(instants(simulation)) == 1
    (picture,) = home(simulation).store.values()
    assert home(simulation).bytes == picture.size, "not one byte was sent twice"


def test_status_means_that_live_pictures_still_go() -> None:
    simulation = world("", JPEG + LIVE)
    simulation.run(minutes=1)
    order(simulation, "status", timedelta(days=1))
    simulation.run(hours=3)
    assert list(home(simulation).store) == ["live.jpg"]
    assert home(simulation).arrivals[-1].at > simulation.world.now() - timedelta(minutes=11)


@pytest.mark.parametrize("budget", [1, 4, 9])
def test_a_months_budget_is_never_passed_and_live_pictures_last_to_its_end(budget: int) -> None:
    simulation = world(f'budget = {{ bytes = "{budget}GB" }}', LIVE + JPEG, every="1h")
    simulation.run(days=9)
    used = home(simulation).bytes * 1.045
    assert used <= budget * 1e9
    if budget > 2:
        assert simulation.world.now() - home(simulation).arrivals[-1].at < timedelta(hours=2)
    else:
        assert used > 0.9e9, "what there is is used"


def test_a_new_month_begins_with_a_new_budget() -> None:
    simulation = world('budget = { bytes = "1GB" }', every="1h")
    simulation.run(days=9)
    before = home(simulation).bytes
    simulation.run(days=2)
    assert simulation.world.now() > utc(simulation.begin.replace(month=12, day=1).timestamp())
    assert home(simulation).bytes > before
    assert simulation.broken() == []
