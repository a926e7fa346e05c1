"""Several destinations of one route: all of them, or the first that answers, each with its own state."""

from __future__ import annotations

from datetime import timedelta

from peers.simulation import Simulation, simulate

from core.catalogue import buffer, deliveries
from core.simulate.links import Outage

FIRST = '[[route]]\nwhat = ["jpeg"]\nto = { first = ["fr", "ca"] }\n'
ALL = '[[route]]\nwhat = ["jpeg"]\nto = { all = ["fr", "ca"] }\n'


def two(routes: str, **outages: Outage) -> Simulation:
    world = simulate(destinations=("fr", "ca"), routes=routes)
    for name, outage in outages.items():
        world.site.destinations[name].outages = [outage]
    return world


def hours(world: Simulation, begin: float, end: float) -> Outage:
    return Outage(world.begin + timedelta(hours=begin), world.begin + timedelta(hours=end))


def at_risk(world: Simulation) -> int:
    return buffer.at_risk(world.site.catalogue).count


def waiting(world: Simulation, name: str) -> int:
    return deliveries.backlog(world.site.catalogue, name)[0]


def test_all_of_several_get_every_picture_and_one_that_is_down_delays_no_other() -> None:
    world = two(ALL)
    world.site.destinations["ca"].outages = [hours(world, 0, 6)]
    world.run(hours=5)
    assert (len(world.site.destinations["fr"].store), len(world.site.destinations["ca"].store)) == (30, 0)
    assert at_risk(world) == 30, "a route to all is proven when all have it"
    world.run(hours=3)
    assert (at_risk(world), len(world.site.destinations["ca"].store)) == (0, 48)
    assert world.broken() == []


def test_as_long_as_the_first_answers_no_other_is_sent_anything() -> None:
    world = two(FIRST)
    world.run(hours=6)
    assert (len(world.site.destinations["fr"].store), len(world.site.destinations["ca"].store)) == (36, 0)
    assert at_risk(world) == 0


def test_while_the_first_is_silent_the_second_takes_what_comes_and_it_counts() -> None:
    world = two(FIRST)
    world.site.destinations["fr"].outages = [hours(world, 1, 7)]
    world.run(hours=6, minutes=30)
    assert at_risk(world) == 0
    assert len(world.site.destinations["ca"].store) == 33
    assert world.site.told("stand-in") == ["does not answer; ca takes its pictures"]
    world.run(hours=6)
    assert len(world.site.destinations["fr"].store) == 75, "it is made good later"
    assert len(world.site.destinations["ca"].store) <= 37, "and the second is left in peace again"
    assert (at_risk(world), waiting(world, "fr"), waiting(world, "ca")) == (0, 0, 0)
    assert world.broken() == []


def test_a_short_silence_moves_nothing() -> None:
    world = two(FIRST)
    world.site.destinations["fr"].outages = [hours(world, 1, 1.1)]
    world.run(hours=3)
    assert world.site.destinations["ca"].store == {}
    assert at_risk(world) == 0


def test_when_all_are_silent_the_first_that_answers_again_is_enough() -> None:
    world = two(FIRST)
    world.site.destinations["fr"].outages = [hours(world, 1, 20)]
    world.site.destinations["ca"].outages = [hours(world, 2, 40)]
    world.run(hours=22)
    assert at_risk(world) == 0
    assert waiting(world, "ca") == 0, "what stood in and was never sent is not asked for any more"
    assert world.broken() == []
