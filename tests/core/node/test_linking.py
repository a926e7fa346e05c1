"""Links: what may go, what it has cost, and who decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from peers.simulation import Simulation, simulate

from core.errors import BadRequest, NoSuchThing
from core.node.context import Pace
from core.node.sending.linking import Linking
from core.node.sending.uplink import Uplink, share
from core.site.model.links import Link
from core.site.model.nodes import Node
from core.transfer.link import CLASSES
from core.transfer.rungs import CLIMB, PATIENCE

GB = 1_000_000_000
PACE = Pace(judge=600, reckon=3600, plan=3600, plan_soon=600, report=3600, report_soon=3600)


def world(link: str, **more: Any) -> Simulation:
    """Return a site whose camera makes 6 MB each ten minutes for "home", at the end of the link "sim"."""
    node = f'[[node.link]]\nname = "sim"\n{link}\n[[node.link]]\nname = "lan"\n'
    words: dict[str, Any] = {
        "node": node,
        "destinations": (),
        "extra": '[[destination]]\nname = "home"\naddress = "sftp://u@home/x"\nlink = "sim"\n'
        '[[destination]]\nname = "nas"\naddress = "folder:/nas"\nlink = "lan"\n'
        '[[route]]\nwhat = ["jpeg"]\nto = { all = ["home", "nas"] }\n',
    }
    simulation = simulate(**{"pace": PACE, **words, **more})
    simulation.run(seconds=1)
    return simulation


class Links:
    """The links of a simulated node, looked at without the rest of it."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation, self.changed = simulation, []  # type: Simulation, list[str]
        self.linking = Linking(simulation.site.running.context, self.changed.extend)
        self.linking.apply()

    @property
    def sim(self) -> Uplink:
        return self.linking.uplinks["sim"]

    def sends(self, size: int, name: str = "jpeg", destination: str = "home") -> None:
        found = next(one for one in self.simulation.site.site.destination if one.name == destination)
        self.linking.charge(found, name, size)

    def pass_time(self, time: timedelta) -> None:
        for _ in range(int(time / timedelta(minutes=10))):
            self.simulation.world.skip(600)
            self.linking.tick()


def test_bytes_to_a_nas_beside_it_move_the_budget_by_nothing() -> None:
    links = Links(world('interface = "eth0"\nbudget = { bytes = "20GB" }'))
    links.sends(GB, destination="nas")
    assert links.sim.account.usage.on_the_wire == 0
    assert links.sim.grants.carries == frozenset(CLASSES)
    assert links.linking.uplinks["lan"].account.usage.sent == GB


def test_a_budget_is_a_limit_and_the_last_of_it_is_kept_for_what_is_missed_first() -> None:
    links = Links(world('budget = { bytes = "20GB" }'))
    links.sends(10 * GB)
    links.pass_time(timedelta(minutes=10))
    assert "raw" in links.sim.grants.carries, "6 MB in ten minutes are 8.7 GB, headers and all, until the month ends"
    links.sends(2 * GB)
    links.pass_time(timedelta(minutes=10))
    assert links.sim.grants.carries == {"status", "live", "thumbnail", "jpeg"}
    links.sends(8 * GB)
    links.pass_time(timedelta(minutes=10))
    assert links.sim.grants.carries == frozenset()
    assert links.changed == ["home", "home"]


def test_outside_its_window_a_link_carries_what_people_look_at() -> None:
    links = Links(world('[[node.link.window]]\nfrom = "22:00"\nto = "06:00"'))
    assert links.sim.grants.carries == {"status", "live"}
    links.pass_time(timedelta(hours=13, minutes=10))
    assert links.sim.grants.carries == frozenset(CLASSES)


def test_a_link_that_is_too_thin_goes_down_its_ladder_and_tells_why() -> None:
    simulation = world('rate = "9kB/s"\nladder = ["everything", "jpeg", "jpeg/2", "status"]')
    links = Links(simulation)
    links.pass_time(PATIENCE + timedelta(minutes=20))
    assert links.sim.rung.name == "jpeg/2"
    assert simulation.site.told("link rung")[-1] == (
        "jpeg/2 instead of everything: everything needs more than what the link carries"
    )
    links.sim.grants.rate = 20_000
    links.pass_time(2 * CLIMB + timedelta(hours=4))
    assert links.sim.rung.name == "everything"


def test_an_operators_word_outlives_a_stop_and_ends_by_itself() -> None:
    simulation = world('ladder = ["everything", "jpeg", "status"]')
    links = Links(simulation)
    links.linking.order("sim", "status", simulation.world.now() + timedelta(hours=1), "a concert")
    assert (links.sim.rung.name, links.changed) == ("status", ["home"])
    again = Links(simulation)
    assert again.sim.rung.name == "status"
    again.pass_time(timedelta(hours=1, minutes=10))
    assert again.sim.rung.name == "everything"


def test_an_order_is_taken_back() -> None:
    simulation = world("")
    links = Links(simulation)
    links.linking.order("sim", "status", simulation.world.now() + timedelta(hours=1), "a concert")
    links.linking.release("sim")
    assert (links.sim.rung.name, Links(simulation).sim.rung.name) == ("everything", "everything")


def test_what_nobody_has_is_told() -> None:
    links = Links(world(""))
    with pytest.raises(NoSuchThing, match="there are: sim, lan"):
        links.linking.release("wan")
    with pytest.raises(BadRequest, match="write everything, jpeg"):
        links.linking.order("sim", "raws", links.simulation.world.now(), "")


def test_the_account_outlives_a_stop() -> None:
    simulation = world('budget = { bytes = "20GB" }')
    links = Links(simulation)
    links.sends(3_000_000)
    assert Links(simulation).sim.account.usage.sent == 3_000_000


def test_a_counter_outside_of_us_says_what_the_month_costs() -> None:
    simulation = world('budget = { bytes = "20GB" }')
    simulation.site.counters["sim"] = 5 * GB
    links = Links(simulation)
    links.sends(GB)
    simulation.site.counters["sim"] += 2 * GB
    links.pass_time(timedelta(minutes=10))
    row = next(row for row in links.linking.rows() if row["name"] == "sim")
    assert row["month"]["counted"] == "on the wire"
    assert row["month"]["used"] == pytest.approx(2 * GB, rel=0.1)
    assert row["month"]["classes"]["jpeg"] == GB


def test_nodes_that_share_a_link_have_their_part_of_it() -> None:
    ours, theirs = Link(name="sim", shared=True, weight=2), Link(name="sim", shared=True)
    site = replace(world("").site.site, node=(Node(name="unit1", link=(ours,)), Node(name="unit2", link=(theirs,))))
    assert (share(site, "unit1", ours), share(site, "unit2", theirs)) == (2 / 3, 1 / 3)
    assert share(site, "unit1", Link(name="own")) == 1.0


def test_what_each_rung_would_come_to_is_said_before_it_is_ordered() -> None:
    links = Links(world('rate = "20kB/s"\nladder = ["everything", "jpeg/2", "status"]'))
    told = {row["rung"]: (row["needs"], row["eta"]) for row in links.linking.what_if("sim")}
    assert told == {"everything": (10_000, 0), "jpeg/2": (5_000, 0), "status": (0, 0)}


def test_what_is_kept_back_of_a_budget_goes_by_real_sizes_as_soon_as_there_are_pictures() -> None:
    simulation = world('budget = { bytes = "5GB" }', pace=Pace())
    assert "raw" not in simulation.site.running.desks.delivering.linking.uplinks["sim"].grants.carries
    simulation.camera.sizes["jpeg"] = 40_000
    simulation.run(minutes=5, seconds=30)
    assert simulation.counted() == {"captured": 1}
    assert "raw" in simulation.site.running.desks.delivering.linking.uplinks["sim"].grants.carries


def test_what_the_budget_holds_back_is_told_once_a_month_and_stands_in_the_queue() -> None:
    simulation = world('budget = { bytes = "12GB" }', schedule='from = "00:00"')
    links = Links(simulation)
    simulation.run(minutes=12)  # the size of a picture is known
    links.linking.apply()
    assert simulation.site.told("link budget") == []
    links.sends(4 * GB)
    links.pass_time(timedelta(minutes=20))
    (told,) = simulation.site.told("link budget")
    assert told.startswith("raw, audit may wait until 2026-12-01: 4.18 GB of 12 GB are used, the rest is kept")
    links.sends(8 * GB)
    again = Links(simulation)  # a stop forgets nothing of it
    assert simulation.site.told("link budget")[1:] == [
        "status, live, thumbnail, jpeg may wait until 2026-12-01: 12.5 GB of 12 GB are used"
    ]
    assert (again.linking.why_not("home", "jpeg"), again.linking.why_not("nas", "jpeg")) == ("budget", None)
    again.linking.order("sim", "status", simulation.world.now() + timedelta(hours=1), "a concert")
    assert again.linking.why_not("home", "jpeg") == "rung status"
