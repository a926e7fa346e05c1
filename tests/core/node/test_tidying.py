"""Renditions are a cache: they leave when nothing waits for them, and are made again when something does."""

from __future__ import annotations

from datetime import timedelta

from peers.simulation import Simulation, simulate

from core.catalogue import deliveries
from core.node.context import Pace
from core.simulate.disk import File
from core.simulate.links import Outage
from core.values import Sha256

PACE = Pace(judge=600, plan=60, plan_soon=5, report=3600, report_soon=3600)
ROUTES = '[[route]]\nwhat = ["jpeg"]\nto = "nas"\n[[route]]\nwhat = ["web"]\nto = "web"\n'
RECIPE = '[[recipe]]\nname = "web"\nsteps = []\n'


def world() -> Simulation:
    return simulate(destinations=("nas", "web"), routes=ROUTES, pace=PACE, extra=RECIPE)


def of_web(one: Simulation) -> dict[str, int]:
    return {line.state: line.n for line in deliveries.tally(one.site.catalogue) if line.destination == "web"}


def test_a_rendition_leaves_when_it_is_delivered_and_stays_while_it_waits() -> None:
    one = world()
    one.site.destinations["web"].outages = [Outage(one.begin, one.begin + timedelta(hours=2))]
    one.run(hours=1)
    waiting = len(one.site.disk.made)
    assert waiting == of_web(one)["queued"] > 4
    one.run(hours=6)
    assert of_web(one) == {"proven": one.counted()["captured"]}
    assert len(one.site.disk.made) <= 1
    assert one.broken() == []


def test_a_rendition_leaves_with_its_last_open_delivery() -> None:
    one = world()
    one.site.destinations["web"].outages = [Outage(one.begin, one.begin + timedelta(days=9))]
    one.run(hours=1)
    assert len(one.site.disk.made) > 4
    deliveries.withdraw_all(one.site.catalogue, "web")
    one.run(minutes=15)
    assert len(one.site.disk.made) <= 1


def test_renditions_that_a_stop_left_are_swept_at_the_start_and_what_waits_is_not() -> None:
    one = world()
    one.site.destinations["web"].outages = [Outage(one.begin, one.begin + timedelta(days=9))]
    one.run(hours=1)
    kept = set(one.site.disk.made)
    folder, name = next(iter(kept)).rsplit("/", 1)
    stray = [f"{folder}/{name.replace('.web.', '.old.')}", f"{folder}/{name.replace('north', 'gone')}.part"]
    one.site.disk.made |= {path: File(9, Sha256("0" * 64)) for path in stray}
    one.site.disk.made |= {f"{folder}/{number}-notes.txt": File(9, Sha256("0" * 64)) for number in range(3)}
    one.node.off(timedelta(minutes=1))
    one.run(minutes=1)
    there = set(one.site.disk.made)
    assert not there & set(stray)
    assert kept <= there
    assert len([path for path in there if path.endswith("-notes.txt")]) == 3, "not ours to delete"


def test_a_rendition_that_is_needed_and_was_lost_is_made_again() -> None:
    one = world()
    one.site.destinations["web"].outages = [Outage(one.begin, one.begin + timedelta(hours=2))]
    one.run(hours=1)
    one.site.disk.made.clear()
    one.run(hours=8)
    assert of_web(one) == {"proven": one.counted()["captured"]}
    assert one.broken() == []
