"""Spares and a metered link: they cross it only to fill a hole, whatever becomes of the catalogue meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from peers.simulation import BEGIN, site_toml

from core.catalogue.store import Catalogue
from core.simulate.links import Outage
from core.simulate.shared import SharedEngine
from core.simulate.site import SimulatedNode, SimulatedSite
from core.simulate.world import World

QUEUED = "SELECT p.at || ' ' || d.destination FROM delivery d JOIN picture p ON p.id = d.picture"
LINK = '[[node.link]]\nname = "sim"\nrate = "1MB/s"\nbudget = { bytes = "1GB" }\n'


class Fleet:
    """unit1, and fr that shoots its camera all the time and has one way out that is metered, and one that is not."""

    def __init__(self) -> None:
        text = site_toml(
            cameras=("gate",),
            destinations=("far", "near"),
            every="10s",
            camera='primary = "unit1"\nbackup = "fr"',
            extra=f'[[node]]\nname = "fr"\nkind = "cloud"\nredundancy = {{ constant = true }}\n{LINK}',
            head='clock = "host"',
        )
        text = text.replace('kind = "gphoto2"', 'kind = "http"\nurl = "http://10.0.0.9/a.jpg"')
        text = text.replace('address = "folder:/far"', 'address = "sftp://a@far.example/in"\nlink = "sim"')
        self.world = World(BEGIN)
        engine = SharedEngine(self.world)
        self.unit = SimulatedSite(self.world, text, engine=engine)
        self.fr = SimulatedSite(self.world, text, node="fr", engine=engine)
        self.node = SimulatedNode(self.world, [self.unit, self.fr])

    def run(self, **duration: float) -> None:
        self.node.run(timedelta(**duration))


def sent(catalogue: Catalogue, destination: str) -> list[str]:
    """Return the instants of the pictures that were, or are, to be delivered there."""
    rows = (str(row[0]).split() for row in catalogue.rows(QUEUED))
    return sorted(at for at, place in rows if place == destination)


@pytest.fixture
def fleet() -> Fleet:
    fleet = Fleet()
    fleet.run(minutes=5)
    return fleet


def test_a_spare_goes_where_that_costs_nothing(fleet: Fleet) -> None:
    assert len(sent(fleet.fr.catalogue, "near")) >= 20
    assert sent(fleet.fr.catalogue, "far") == []


def test_a_catalogue_made_anew_queues_no_spare_for_the_metered_link(fleet: Fleet) -> None:
    again, done = fleet.fr.rebuilt()
    assert done.told == []
    assert sent(again, "near") == sent(fleet.fr.catalogue, "near")
    assert sent(again, "far") == []


def test_spares_that_fill_a_hole_cross_it_and_do_so_after_a_rebuild(fleet: Fleet) -> None:
    fleet.unit.cut()
    fleet.node.sites = [fleet.fr]
    fleet.run(minutes=3)
    far = sent(fleet.fr.catalogue, "far")
    assert len(far) >= 10, "those from the last sign of life on, and those that it shot as the owner"
    assert len(far) < len(sent(fleet.fr.catalogue, "near"))
    again, done = fleet.fr.rebuilt()
    assert done.told == []
    assert len(done.needed) >= 2
    assert sent(again, "far") == far


def test_a_cut_between_the_word_that_a_spare_is_needed_and_its_queue_is_made_good(fleet: Fleet) -> None:
    fleet.fr.destinations["far"].outages = [Outage(BEGIN, BEGIN + timedelta(hours=1))]  # no receipt tells of it
    fleet.unit.cut()
    fleet.node.sites = [fleet.fr]
    fleet.run(seconds=25)
    before, done = fleet.fr.rebuilt()
    assert done.needed == set(), "it is not the owner yet"
    fleet.run(minutes=3)
    done = fleet.fr.catch_up(before)
    assert done.needed
    assert sent(before, "far") == sent(fleet.fr.catalogue, "far")
