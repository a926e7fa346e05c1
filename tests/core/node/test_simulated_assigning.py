"""Assignments by hand on simulated nodes: staged, refused with reasons, applied together, handed on, rehearsed."""

from __future__ import annotations

import json
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from peers.simulation import BEGIN, site_toml

from core.catalogue import pictures
from core.control.peer import Who
from core.control.request import Request
from core.control.verbs import VERBS, Role
from core.node.jobs import Done, Job, Worker
from core.simulate.shared import SharedEngine
from core.simulate.site import SimulatedNode, SimulatedSite
from core.simulate.world import World
from core.values import seconds_of

WHO = Who(1000, "ana", Role.ADMIN, 1)


def toml(*, more: str = "", fr: str = "", unit: str = "", ca: str = "") -> str:
    text = site_toml(
        cameras=("gate", "yard"),
        every="60s",
        camera='primary = "unit1"\nbackup = "fr"\nreach = ["ca"]',
        node=unit,
        extra=f'[[node]]\nname = "fr"\nkind = "cloud"\n{fr}\n[[node]]\nname = "ca"\nkind = "cloud"\n{ca}\n{more}',
        head='clock = "host"',
    )
    return text.replace('kind = "gphoto2"', 'kind = "http"\nurl = "http://10.0.0.9/a.jpg"')


class Fleet:
    def __init__(self, text: str) -> None:
        self.world = World(BEGIN)
        self.engine = SharedEngine(self.world)
        self.sites = {
            name: SimulatedSite(self.world, text, node=name, engine=self.engine) for name in ("unit1", "fr", "ca")
        }
        self.node = SimulatedNode(self.world, list(self.sites.values()))

    def run(self, **duration: float) -> None:
        self.node.run(timedelta(**duration))

    def ask(self, verb: str, at: str = "unit1", /, **args: Any) -> dict[str, Any]:
        said: list[dict[str, Any]] = []
        self.sites[at].ask(Request(verb, VERBS[verb].parse(args), WHO, said.append))
        for _ in range(20):
            if said:
                break
            self.run(seconds=0.3)
        json.dumps(said[0])
        return said[0]

    def camera(self, name: str) -> dict[str, Any]:
        rows = self.ask("redundancy")["done"]["cameras"]
        return next(row for row in rows if row["name"] == name)

    def crash(self, name: str) -> None:
        one = self.sites[name]
        one.cut()
        self.node.sites = [site for site in self.node.sites if site is not one]

    def holes(self, camera: str) -> list[Any]:
        begin, end = BEGIN + timedelta(minutes=1), self.world.now() - timedelta(minutes=1)
        have = {
            picture.name.at
            for site in self.sites.values()
            for picture in pictures.between(site.catalogue, camera, 0, seconds_of(self.world.now()) + 1)
        }
        return [slot.at for slot in self.sites["unit1"].expected(camera, begin, end) if slot.at not in have]


@pytest.fixture
def fleet() -> Fleet:
    fleet = Fleet(toml())
    fleet.run(minutes=1)
    return fleet


def test_show_has_owner_mode_and_load_of_all(fleet: Fleet) -> None:
    said = fleet.ask("redundancy")["done"]
    assert [(row["name"], row["owner"], row["mode"], row["ready"]) for row in said["cameras"]] == [
        ("gate", "unit1", "normal", True),
        ("yard", "unit1", "normal", True),
    ]
    nodes = {row["name"]: row for row in said["nodes"]}
    assert nodes["fr"]["load"]["normal"]["cameras"] == 0
    assert (nodes["fr"]["load"]["worst"]["cameras"], nodes["fr"]["load"]["failing"]) == (2, "unit1")
    assert {row["site"] for row in nodes.values()} == {nodes["fr"]["site"]}
    assert said["differ"] is False


def test_an_assignment_is_staged_and_applied_and_obeyed_when_the_primary_dies(fleet: Fleet) -> None:
    told = fleet.ask("redundancy-assign", cameras=["gate"], backup="ca")["done"]
    assert told["effects"] == ["gate: backup fr -> ca"]
    assert fleet.camera("gate")["backup"] == "fr", "staged only"
    assert fleet.ask("redundancy")["done"]["staged"]["effects"] == ["gate: backup fr -> ca"]
    assert fleet.ask("redundancy-apply")["done"]["applied"] == ["cfg.cam.gate"]
    assert "staged" not in fleet.ask("redundancy")["done"]
    fleet.run(minutes=2)
    fleet.crash("unit1")
    fleet.run(minutes=2)
    said = fleet.ask("redundancy", "ca")["done"]["cameras"]
    assert [(row["name"], row["owner"]) for row in said] == [("gate", "ca"), ("yard", "fr")]


def test_many_cameras_of_one_server_and_switches_are_applied_together(fleet: Fleet) -> None:
    fleet.ask("redundancy-assign", of="unit1", backup="ca")
    told = fleet.ask("redundancy-mode", node="ca", constant=True)["done"]
    assert told["effects"] == [
        "gate: backup fr -> ca; mode normal -> constant",
        "yard: backup fr -> ca; mode normal -> constant",
        "ca: constant off -> on",
    ]
    assert "gate will have two connections, from unit1 and from ca: twice the bandwidth" in told["warnings"]
    assert len(fleet.ask("redundancy-apply")["done"]["applied"]) == 3
    assert {fleet.camera(name)["mode"] for name in ("gate", "yard")} == {"constant"}


def test_nodes_to_choose_a_backup_from_are_shown_with_what_speaks_against_them() -> None:
    fleet = Fleet(toml(more='[[node]]\nname = "spare"\nkind = "cloud"\n'))
    fleet.sites["ca"].reach.out.add("yard")
    fleet.run(minutes=1)
    said = fleet.ask("redundancy-candidates", cameras=["gate", "yard"])["done"]["nodes"]
    assert [(row["node"], row["fit"], row["now"]) for row in said] == [
        ("fr", True, 2),
        ("ca", False, 0),
        ("unit1", False, 0),
        ("spare", False, 0),
    ]
    assert said[1]["refused"] == ["ca does not reach yard, as it found itself"]
    assert said[2]["refused"] == ["it is the primary of gate, yard"]
    assert said[0]["load"]["worst"]["cameras"] == 2
    one = fleet.ask("redundancy-candidates", cameras=["gate"])["done"]["nodes"]
    assert {row["node"]: row["fit"] for row in one}["ca"], "it reaches this one"


def test_what_is_staged_says_how_long_cameras_are_dark_and_what_speaks_against_it_now(fleet: Fleet) -> None:
    told = fleet.ask("redundancy-mode", node="unit1", fast=True)["done"]
    assert told["dark"] == [
        f"{name}: when unit1 fails, dark for 11s; at most 1 slot is late or missed" for name in ("gate", "yard")
    ]
    fleet.ask("redundancy-assign", cameras=["gate"], backup="ca")
    fleet.crash("ca")
    fleet.run(minutes=5)
    staged = fleet.ask("redundancy")["done"]["staged"]
    assert staged["cameras"] == {"gate": {"backup": "ca", "mode": "fast"}}
    assert (staged["nodes"]["unit1"]["fast"], staged["by"]) == (True, "ana")
    assert any("ca is silent" in why for why in staged["refused"])
    assert {row["node"] for row in staged["load"]} == {"unit1", "ca"}


def test_a_dry_run_stages_nothing_and_what_was_staged_is_forgotten_after_an_hour(fleet: Fleet) -> None:
    fleet.ask("redundancy-assign", cameras=["gate"], backup="ca", dry_run=True)
    assert "staged" not in fleet.ask("redundancy")["done"]
    fleet.ask("redundancy-assign", cameras=["gate"], backup="ca")
    fleet.world.jump(timedelta(minutes=61))
    fleet.run(minutes=1)
    assert "staged" not in fleet.ask("redundancy")["done"]
    assert fleet.ask("redundancy-apply")["error"] == "NoSuchThing"


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(fleet: Fleet) -> None:
    fleet.ask("redundancy-assign", cameras=["gate"], backup="ca")
    fleet.ask("redundancy-assign", "fr", cameras=["gate"], without=True)
    assert "applied" in fleet.ask("redundancy-apply", "fr")["done"]
    assert fleet.ask("redundancy-apply")["error"] == "StaleEdit"
    assert fleet.camera("gate")["backup"] is None


def test_only_what_was_seen_is_applied(fleet: Fleet) -> None:
    fleet.ask("redundancy-assign", cameras=["gate"], backup="ca")
    seen = fleet.ask("redundancy-apply", dry_run=True)["done"]["digest"]
    fleet.ask("redundancy-mode", node="ca", constant=True)
    said = fleet.ask("redundancy-apply", digest=seen)
    assert (said["error"], "look again" in said["message"]) == ("StaleEdit", True)
    assert fleet.camera("gate")["backup"] == "fr", "nothing of it was applied"
    again = fleet.ask("redundancy-apply", dry_run=True)["done"]["digest"]
    assert fleet.ask("redundancy-apply", digest=again)["done"]["applied"] == ["cfg.cam.gate", "cfg.node.ca"]


def test_what_is_staged_while_the_engine_applies_stays_staged(fleet: Fleet) -> None:
    fleet.ask("redundancy-assign", cameras=["gate"], backup="ca")
    said: list[dict[str, Any]] = []
    for verb, args in (("redundancy-mode", {"node": "ca", "constant": True}), ("redundancy-apply", {})):
        fleet.sites["unit1"].ask(Request(verb, VERBS[verb].parse(args), WHO, said.append))
    fleet.run(seconds=3)
    assert [one["done"].get("applied", one["done"].get("staged")) for one in said] == [True, ["cfg.cam.gate"]]
    staged = fleet.ask("redundancy")["done"]["staged"]
    assert (staged["cameras"], [*staged["nodes"]], staged["refused"]) == ({}, ["ca"], [])


def refusal(fleet: Fleet, verb: str = "redundancy-assign", **args: Any) -> str:
    said = fleet.ask(verb, **args)
    assert said["error"] == "AssignmentRefused"
    return str(said["message"])


def test_an_assignment_is_refused_with_every_reason() -> None:
    fleet = Fleet(toml(ca="redundancy = { max_cameras = 1 }", more='[[node]]\nname = "spare"\nkind = "cloud"\n'))
    fleet.sites["ca"].reach.out.add("gate")
    fleet.run(minutes=1)
    said = refusal(fleet, of="unit1", backup="ca")
    assert "ca does not reach gate, as it found itself" in said
    assert "ca would serve 2 cameras in the worst single failure; max_cameras is 1" in said
    assert "spare has not reported" in refusal(fleet, cameras=["gate"], backup="spare")
    assert "unit1 is the primary of gate" in refusal(fleet, cameras=["gate"], backup="unit1")
    assert "[notifications.smtp] is missing" in refusal(fleet, "redundancy-mode", node="fr", mail=True)


def test_a_silent_backup_is_refused(fleet: Fleet) -> None:
    fleet.crash("ca")
    fleet.run(minutes=5)
    assert "ca is silent: nothing was heard of it for" in refusal(fleet, cameras=["gate"], backup="ca")


def test_assignments_move_as_text(fleet: Fleet) -> None:
    text = fleet.ask("redundancy-export")["done"]["text"]
    said = json.loads(text)
    said["cameras"]["yard"]["backup"] = "ca"
    told = fleet.ask("redundancy-import", text=json.dumps(said))["done"]
    assert told["effects"] == ["yard: backup fr -> ca"]
    fleet.ask("redundancy-apply")
    assert fleet.camera("yard")["backup"] == "ca"


def test_a_camera_is_handed_over_and_back_without_a_lost_slot(fleet: Fleet) -> None:
    effect = fleet.ask("redundancy-handover", camera="gate", dry_run=True)["done"]["effect"]
    assert effect.startswith("gate: unit1 stops at a slot boundary, then fr shoots it; no slot is lost")
    fleet.run(minutes=2)
    assert fleet.camera("gate")["owner"] == "unit1", "it was only asked what would be"
    fleet.ask("redundancy-handover", camera="gate")
    fleet.run(minutes=4)
    assert (fleet.camera("gate")["owner"], fleet.camera("yard")["owner"]) == ("fr", "unit1")
    assert fleet.ask("redundancy-handover", camera="gate")["error"] == "Forbidden"
    fleet.ask("redundancy-handback", "fr", camera="gate")
    fleet.run(minutes=3)
    assert fleet.camera("gate")["owner"] == "unit1"
    assert fleet.holes("gate") == []


def test_a_camera_with_another_node_is_handed_back_by_an_order_which_that_node_must_obey(fleet: Fleet) -> None:
    fleet.ask("redundancy-handover", camera="gate")
    fleet.run(minutes=3)
    said = fleet.ask("redundancy-handback", camera="gate")
    assert said["error"] == "Forbidden"
    assert "fr does not obey unit1" in said["message"]


def test_a_rehearsal_is_refused_without_a_ready_backup(fleet: Fleet) -> None:
    fleet.sites["fr"].reach.out.add("gate")
    fleet.run(minutes=3)
    said = fleet.ask("redundancy-rehearse", camera="gate")
    assert said["message"] == "fr is not ready: it does not reach gate, as it found itself"


def test_a_node_with_another_version_of_the_site_file_is_told_everywhere(fleet: Fleet) -> None:
    fleet.sites["unit1"].reload(toml().replace('every = "60s"', 'every = "90s"'))
    fleet.run(minutes=3)
    assert fleet.sites["fr"].document["redundancy"]["differ"] == ["unit1"]
    assert fleet.ask("redundancy", "fr")["done"]["differ"] is True
    told = fleet.ask("redundancy-assign", "fr", cameras=["gate"], backup="ca", dry_run=True)["done"]
    assert "unit1 and ca run different versions of site.toml" in told["warnings"]


def test_a_rehearsal_takes_a_camera_over_and_back_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("0123456789abcdef0123456789abcdef")
    (tmp_path / "secret").chmod(0o600)
    fleet = Fleet(toml(fr='obeys = [{ node = "unit1", key_file = "secret" }]'))
    for site in fleet.sites.values():
        site.base = tmp_path
    fleet.run(minutes=2)
    told = fleet.ask("redundancy-rehearse", camera="gate")["done"]
    assert told["effect"] == "fr shoots gate for 2m, then unit1 has it back"
    assert fleet.ask("redundancy-rehearse", camera="yard")["error"] == "Forbidden", "one at a time"
    fleet.run(minutes=8)
    assert fleet.sites["unit1"].told("rehearsal")[-1] == "done: fr took it, shot it, and gave it back"
    assert fleet.camera("gate")["owner"] == "unit1"
    shot = {picture.name.node for picture in pictures.between(fleet.sites["fr"].catalogue, "gate", 0, 2**40)}
    assert "fr" in shot
    assert fleet.holes("gate") == []


def test_a_backup_without_room_for_what_was_measured_is_refused(fleet: Fleet) -> None:
    desks = fleet.sites["unit1"].running.desks
    whole = 60.0 * (os.cpu_count() or 1)  # seconds of processor that there are between two slots of a minute
    for camera in ("gate", "yard"):
        job = Job(Worker("camera", camera), "shoot", {}, 10.0)
        desks.costing.take(Done(job, {}, 1.0, cpu=20 * whole))
    fleet.run(minutes=6)
    cpu, kept, _ = fleet.sites["unit1"].document["costs"]["cameras"]["gate"]
    assert cpu > whole
    assert kept > 0
    load = {row["node"]: row for row in fleet.ask("redundancy-load")["done"]["nodes"]}
    assert load["fr"]["worst"]["not_measured"] == []
    said = refusal(fleet, of="unit1", backup="ca")
    assert re.search(r"ca would need \d+% of its processors when unit1 fails; 80% is the most", said)
