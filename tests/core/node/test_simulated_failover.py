"""Two simulated nodes, each with cameras behind HTTP that both reach: one falls silent, the other goes on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from peers.simulation import BEGIN, site_toml

from checks.evaluate import evaluate
from core.catalogue import pictures, slots
from core.control.peer import Who
from core.control.request import Request
from core.control.verbs import VERBS, Role
from core.coordination.protocol.ingest import record_of
from core.simulate.cameras import Fault
from core.simulate.shared import SharedEngine
from core.simulate.site import SimulatedNode, SimulatedSite
from core.simulate.world import World
from core.values import PictureName, seconds_of


def site(every: str = "60s", *, switches: str = "", first: str = "", camera: str = "") -> str:
    text = site_toml(
        cameras=("gate",),
        every=every,
        camera=f'primary = "unit1"\nbackup = "fr"\n{camera}',
        node=first,
        extra=f'[[node]]\nname = "fr"\nkind = "cloud"\n{switches}',
        head='clock = "host"',
    )
    return text.replace('kind = "gphoto2"', 'kind = "http"\nurl = "http://10.0.0.9/a.jpg"')


class Fleet:
    """Two machines that share an engine; what both deliver is what a hub would have."""

    def __init__(self, text: str) -> None:
        self.world = World(BEGIN)
        self.engine = SharedEngine(self.world)
        self.unit = SimulatedSite(self.world, text, engine=self.engine)
        self.fr = SimulatedSite(self.world, text, node="fr", engine=self.engine)
        self.node = SimulatedNode(self.world, [self.unit, self.fr])

    def run(self, **duration: float) -> None:
        self.node.run(timedelta(**duration))

    def names(self) -> Iterable[PictureName]:
        for one in (self.unit, self.fr):
            for picture in pictures.between(one.catalogue, "gate", 0, seconds_of(self.world.now()) + 1):
                yield picture.name

    def shutters(self) -> Iterable[tuple[str, float]]:
        """Yield who shot, and when (seconds since the epoch)."""
        for one in (self.unit, self.fr):
            for picture in pictures.between(one.catalogue, "gate", 0, seconds_of(self.world.now()) + 1):
                assert picture.shutter is not None
                yield picture.name.node, picture.shutter / 1000

    def records(self) -> dict[datetime, str]:
        """Return the node of the record picture of every slot that has any picture."""
        by_slot: dict[datetime, list[PictureName]] = {}
        for name in self.names():
            by_slot.setdefault(name.at, []).append(name)
        return {at: record_of(names).node for at, names in sorted(by_slot.items())}

    def holes(self, begin: datetime, end: datetime) -> list[datetime]:
        """Return the slots of which neither node has a picture."""
        have = self.records()
        return [slot.at for slot in self.unit.expected("gate", begin, end) if slot.at not in have]

    def crash(self, one: SimulatedSite) -> None:
        """Let the power of one machine go; the other runs on."""
        one.cut()
        self.node.sites = [site for site in self.node.sites if site is not one]

    def start(self, one: SimulatedSite) -> None:
        self.node.sites = [*self.node.sites, one]
        one.start(self.node._queue)


def told(one: SimulatedSite, kind: str) -> list[str]:
    return [text for _, said, _, text in one.events if said == kind]


def test_the_primary_shoots_and_the_backup_does_not() -> None:
    fleet = Fleet(site())
    fleet.run(hours=1)
    assert {name.node for name in fleet.names()} == {"unit1"}
    assert fleet.holes(BEGIN + timedelta(minutes=1), BEGIN + timedelta(hours=1)) == []
    said = fleet.unit.document["redundancy"]
    assert said["engine"] == {"state": "ok"}
    assert [(row["owner"], row["role"], row["mode"]) for row in said["cameras"]] == [("unit1", "owner", "normal")]


def test_a_backup_that_does_not_reach_the_camera_says_so_before_it_is_needed_and_takes_nothing() -> None:
    fleet = Fleet(site())
    fleet.fr.reach.out.add("gate")
    fleet.run(minutes=20)
    assert len(told(fleet.fr, "backup not ready")) == 1
    assert [row["ready"] for row in fleet.fr.document["redundancy"]["cameras"]] == [False]
    fleet.crash(fleet.unit)
    fleet.run(minutes=10)
    assert told(fleet.fr, "ownership") == []
    fleet.fr.reach.out.clear()
    fleet.run(minutes=10)
    assert len(told(fleet.fr, "backup ready")) == 1
    assert told(fleet.fr, "ownership") != []


def test_a_dead_primary_costs_at_most_one_slot_of_a_minute_and_gets_its_camera_back() -> None:
    fleet = Fleet(site())
    fleet.run(minutes=20, seconds=17)
    died = fleet.world.now()
    fleet.crash(fleet.unit)
    fleet.run(minutes=10)
    assert told(fleet.fr, "ownership") != []
    assert len(fleet.holes(BEGIN + timedelta(minutes=1), fleet.world.now() - timedelta(minutes=1))) <= 1
    fleet.start(fleet.unit)
    back = fleet.world.now()
    fleet.run(minutes=10)
    assert fleet.holes(back, back + timedelta(minutes=9)) == []
    records = fleet.records()
    assert {records[at] for at in records if died + timedelta(minutes=2) < at < back} == {"fr"}
    assert {records[at] for at in records if at > back + timedelta(minutes=3)} == {"unit1"}


def test_a_primary_that_is_cut_off_goes_on_and_each_slot_has_one_record_picture() -> None:
    fleet = Fleet(site())
    fleet.run(minutes=20)
    cut = fleet.world.now()
    fleet.unit.is_cut_off = True
    fleet.run(minutes=20)
    fleet.unit.is_cut_off = False
    fleet.run(minutes=20)
    assert fleet.holes(BEGIN + timedelta(minutes=1), fleet.world.now() - timedelta(minutes=1)) == []
    both = [at for at in {name.at for name in fleet.names()} if sum(name.at == at for name in fleet.names()) == 2]
    assert len(both) >= 15, "both shot while neither knew of the other"
    assert {fleet.records()[at] for at in both if cut + timedelta(minutes=3) < at < cut + timedelta(minutes=19)} == {
        "fr"
    }


def test_an_exclusive_camera_is_never_shot_by_both() -> None:
    fleet = Fleet(site(camera="exclusive = true"))
    fleet.run(minutes=20)
    fleet.unit.is_cut_off = True
    fleet.run(minutes=20)
    fleet.unit.is_cut_off = False
    fleet.run(minutes=10)
    shots = sorted((shutter, node) for node, shutter in fleet.shutters())
    apart = [after[0] - before[0] for before, after in pairwise(shots) if before[1] != after[1]]
    assert apart, "it went over to fr and back"
    assert min(apart) > 5.0, "seconds between a shot of the one and a shot of the other"
    missed = [one for one in slots.between(fleet.unit.catalogue, "gate", 0, 2**40) if one.outcome == "missed"]
    assert all(one.cause.startswith("not the owner") for one in missed)


def test_an_exclusive_camera_that_nobody_shoots_since_both_are_cut_off_pages_at_its_owner() -> None:
    fleet = Fleet(site(camera="exclusive = true"))
    fleet.run(minutes=5)
    fleet.unit.is_cut_off = fleet.fr.is_cut_off = True
    fleet.run(minutes=10)
    now = fleet.world.now()
    assert len(fleet.holes(now - timedelta(minutes=8), now)) >= 7
    found = {one.service: one.line for one in evaluate(fleet.unit.document, now.timestamp())}
    assert found["camera gate"].startswith("CAMERA CRITICAL: gate is not shot: let go")


def cut_off_for_its_last_seconds(left: float) -> Fleet:
    """Return a fleet whose unit is cut off, and has its exclusive gate for less than `left` seconds more."""
    fleet = Fleet(site("1h", camera="exclusive = true"))
    fleet.run(minutes=10)
    fleet.unit.is_cut_off = True
    (gate,) = fleet.unit.site.camera
    while fleet.unit.running.context.leases.right(gate, left) is not None:
        fleet.run(seconds=0.25)
    assert fleet.unit.running.context.leases.right(gate) is not None
    return fleet


def ask(one: SimulatedSite, verb: str) -> dict[str, Any]:
    said: list[dict[str, Any]] = []
    args = VERBS[verb].parse({"camera": "gate"})
    one.ask(Request(verb, args, Who(1000, "ana", Role.ADMIN, 1), said.append))
    return said[0]


def test_an_exclusive_camera_is_not_shot_by_hand_when_the_shot_would_end_after_the_deadline() -> None:
    fleet = cut_off_for_its_last_seconds(5.0)
    shot = list(fleet.unit.cameras["gate"].shutters)
    assert "order" in ask(fleet.unit, "capture")["done"]
    fleet.run(seconds=2)
    assert fleet.unit.cameras["gate"].shutters == shot
    assert told(fleet.unit, "shot failed") == ["FenceRefused: cut off from the fleet"]


def test_an_exclusive_camera_is_not_tried_again_when_the_shot_would_end_after_the_deadline() -> None:
    fleet = cut_off_for_its_last_seconds(6.5)
    now, gate = fleet.world.now(), fleet.unit.cameras["gate"]
    shot = list(gate.shutters)
    gate.faults.append(Fault("gone", now, now + timedelta(seconds=1), times=1))
    ask(fleet.unit, "capture")
    fleet.run(seconds=4)
    assert fleet.unit.running.desks.shooting.posts["gate"].error == "gate: gone", "it was tried once"
    assert gate.shutters == shot
    assert told(fleet.unit, "shot failed") == ["FenceRefused: cut off from the fleet"]


def test_an_exclusive_camera_is_not_recovered_when_its_shot_would_end_after_the_deadline() -> None:
    fleet = cut_off_for_its_last_seconds(5.0)
    assert ask(fleet.unit, "recover")["error"] == "FenceRefused"
    assert fleet.unit.running.finished()


def test_a_machine_that_was_suspended_longer_than_its_deadline_shoots_no_exclusive_camera_when_it_wakes() -> None:
    fleet = Fleet(site(camera="exclusive = true"))
    fleet.run(minutes=5)
    (gate,) = fleet.unit.site.camera
    leases = fleet.unit.running.context.leases
    assert leases.right(gate) is not None
    fleet.world.suspend(timedelta(seconds=31))
    assert leases.right(gate) is None, "the other one may own it by now"
    fleet.run(minutes=5)
    assert [row["owner"] for row in fleet.unit.document["redundancy"]["cameras"]] == ["unit1"]


@pytest.mark.parametrize("dies", ["unit1", "fr"])
def test_in_constant_mode_no_slot_is_lost_whoever_dies(dies: str) -> None:
    fleet = Fleet(site("10s", switches="redundancy = { constant = true }"))
    fleet.run(minutes=5)
    fleet.crash(fleet.unit if dies == "unit1" else fleet.fr)
    fleet.run(minutes=5)
    assert fleet.holes(BEGIN + timedelta(minutes=1), fleet.world.now() - timedelta(seconds=30)) == []


def test_while_the_engine_is_down_nobody_switches_and_owners_go_on() -> None:
    fleet = Fleet(site())
    fleet.run(minutes=10)
    fleet.engine.is_up = False
    fleet.run(minutes=30)
    fleet.engine.is_up = True
    fleet.run(minutes=10)
    assert {name.node for name in fleet.names()} == {"unit1"}
    assert fleet.holes(BEGIN + timedelta(minutes=1), fleet.world.now() - timedelta(minutes=1)) == []
    assert len(told(fleet.unit, "coordination lost")) == 1
    assert len(told(fleet.unit, "coordination back")) == 1


def test_a_hub_sees_within_seconds_how_every_node_is_though_nothing_is_delivered_to_it() -> None:
    fleet = Fleet(site())
    fleet.run(minutes=10)
    known = fleet.fr.running.desks.checkins.documents()["unit1"]
    assert fleet.world.now().timestamp() - known["heard"] < 45
    assert (known["vitals"]["c"], known["vitals"]["t"]) == ("o", 1)
    assert fleet.unit.running.desks.checkins.documents() == {}, "a unit's bytes are for pictures"
