"""A backup that only the shared store names: all that a node does goes by it, as if site.toml had said so."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from peers.simulation import BEGIN, site_toml

from core.control.peer import Who
from core.control.request import Request
from core.control.verbs import VERBS, Role
from core.coordination.protocol.messages import Call
from core.coordination.protocol.records import CameraPlan, camera_key, encode
from core.node.fleet.assigned import recalled
from core.node.jobs import Job, Worker
from core.simulate.links import SimulatedDestination
from core.simulate.shared import SharedEngine
from core.simulate.site import SimulatedNode, SimulatedSite
from core.simulate.world import Course, World
from core.site.digest import digest
from core.site.load import reparse

WHO = Who(1000, "ana", Role.ADMIN, 1)
ROUTES = (
    '[[route]]\ncameras = ["gate"]\nwhat = ["jpeg"]\nto = "home"\n'
    '[[route]]\ncameras = ["gate"]\nwhat = ["jpeg"]\nto = "home"\nlive = "{camera}.jpg"\nrequired = false\n'
)


def site(every: str = "60s") -> str:
    """Return a site whose gate has no backup, and whose yard has one, so that its primary shares the store."""
    text = site_toml(
        cameras=("gate", "yard"),
        destinations=("home",),
        every=every,
        camera='primary = "unit1"\nreach = ["fr"]',
        routes=ROUTES,
        extra='[[node]]\nname = "fr"\nkind = "cloud"\n',
        head='clock = "host"',
    )
    text = text.replace('name = "yard"', 'name = "yard"\nbackup = "fr"')
    return text.replace('kind = "gphoto2"', 'kind = "http"\nurl = "http://10.0.0.9/a.jpg"')


@dataclass
class Noted:
    """A destination that notes under which fence each name was to be written."""

    inner: SimulatedDestination
    fences: dict[str, str | None] = field(default_factory=dict)

    def do(self, job: Job, now: datetime) -> Course:
        if job.op == "deliver":
            self.fences[job.args["name"]] = job.args["fence"]
        return (yield from self.inner.do(job, now))

    def ended(self, worker: Worker) -> None:
        self.inner.ended(worker)


class Fleet:
    """unit1 and fr, which share a store."""

    def __init__(self) -> None:
        self.world = World(BEGIN)
        self.engine = SharedEngine(self.world)
        self.unit = SimulatedSite(self.world, site(), engine=self.engine)
        self.fr = SimulatedSite(self.world, site(), node="fr", engine=self.engine)
        self.home = Noted(self.fr.destinations["home"])
        self.fr.others[Worker("destination", "home")] = self.home
        self.node = SimulatedNode(self.world, [self.unit, self.fr])

    def run(self, **duration: float) -> None:
        self.node.run(timedelta(**duration))

    def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        said: list[dict[str, Any]] = []
        self.fr.ask(Request(verb, VERBS[verb].parse(args), WHO, said.append))
        self.run(seconds=2)
        return said[0]

    def backup_at(self, one: SimulatedSite) -> str | None:
        """Return the backup of the gate by which a node goes."""
        camera = one.running.context.camera("gate")
        assert camera is not None
        return camera.backup


@pytest.fixture
def fleet() -> Fleet:
    """Return a fleet that was told by hand that fr stands by for the gate."""
    fleet = Fleet()
    fleet.run(minutes=2)
    fleet.ask("redundancy-assign", cameras=["gate"], backup="fr")
    assert "applied" in fleet.ask("redundancy-apply")["done"]
    fleet.run(minutes=2)
    return fleet


def test_it_shoots_and_delivers_by_the_cameras_routes_and_its_live_name_is_fenced(fleet: Fleet) -> None:
    fleet.unit.cut()
    fleet.node.sites = [fleet.fr]
    fleet.run(minutes=5)
    sent = [name for name in fleet.home.fences if "_fr_" in name]
    assert len(sent) >= 3, "the gate has routes of its own, which fr goes by"
    assert fleet.home.fences["gate.jpg"] is not None, "a live name of two nodes is compared by fence"


def test_the_version_of_site_toml_stays_that_of_the_file(fleet: Fleet) -> None:
    assert fleet.backup_at(fleet.unit) == fleet.backup_at(fleet.fr) == "fr"
    assert fleet.ask("redundancy")["done"]["differ"] is False
    assert fleet.fr.running.context.site_digest == digest(reparse(site()))


def test_it_is_remembered_by_a_node_that_starts_while_it_is_cut_off(fleet: Fleet) -> None:
    fleet.engine.is_up = False
    fleet.node.cut_one(fleet.fr)
    fleet.run(minutes=1)
    assert fleet.backup_at(fleet.fr) == "fr"


def test_a_new_site_file_does_not_make_a_node_forget_it_that_is_cut_off(fleet: Fleet) -> None:
    fleet.engine.is_up = False
    fleet.node.cut_one(fleet.fr)
    fleet.run(minutes=1)
    fleet.fr.reload(site("30s"))
    fleet.run(minutes=1)
    fleet.node.cut_one(fleet.fr)
    fleet.run(minutes=1)
    assert fleet.backup_at(fleet.fr) == "fr"


def test_one_that_comes_while_the_disk_is_full_is_taken_over_and_remembered_once_there_is_room() -> None:
    fleet = Fleet()
    fleet.run(minutes=2)
    size, fleet.fr.disk.size = fleet.fr.disk.size, 0
    agreed = CameraPlan(1, primary="unit1", backup="fr", reach=("fr",), slot=60)
    fleet.engine.keys.apply(Call(0, "cas", camera_key("gate"), 0, encode(agreed)))
    fleet.run(minutes=6)
    assert fleet.fr.told("storage trouble")
    assert not fleet.fr.told("session ended"), "its renewals go on"
    fleet.fr.disk.size = size
    fleet.run(minutes=2)
    assert fleet.backup_at(fleet.fr) == "fr"
    assert "home" in fleet.fr.running.desks.delivering.stations
    assert recalled(fleet.fr.catalogue).cameras["gate"] == agreed


def test_it_outlives_a_new_site_file_which_counts_for_all_else(fleet: Fleet) -> None:
    fleet.fr.reload(site("30s"))
    fleet.run(minutes=1)
    assert fleet.backup_at(fleet.fr) == "fr"
    camera = fleet.fr.running.context.camera("gate")
    assert camera is not None
    assert camera.schedule[0].every == timedelta(seconds=30)


def test_a_backup_that_was_taken_away_delivers_no_more(fleet: Fleet) -> None:
    assert "home" in fleet.fr.running.desks.delivering.stations
    assert fleet.ask("redundancy-assign", cameras=["gate"], without=True)["done"]["effects"]
    assert "applied" in fleet.ask("redundancy-apply")["done"]
    fleet.run(minutes=2)
    assert fleet.backup_at(fleet.fr) is None
    assert "home" not in fleet.fr.running.desks.delivering.stations
