"""What the node records of drives, mounts, NAS and firewalls: slowly, and into the status document."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from peers.simulation import CALM, Simulation, simulate

from core.errors import OverlapseError, ProbeUnanswered
from core.node.jobs import Job, Worker
from core.simulate.world import Course

WATCH = """
[[watch]]
kind = "nas"
name = "box"
destination = "nas"
[watch.snmp]
host = "192.168.1.20"
credentials_file = "SECRET"
expect = { disks = 4 }
[[watch]]
kind = "firewall"
name = "wall"
flows = [{ from = "unit1", to = "10.1.0.5:445", expect = "blocked", control = "10.1.0.5:80" }]
[watch.opnsense]
url = "https://192.168.1.1"
credentials_file = "SECRET"
"""
FLOW = {"to": "10.1.0.5:445", "vantage": "", "expect": "blocked", "outcome": "dropped", "control": "open"}


class Devices:
    """Stands for all probes; `answers` by operation, an error is raised. It counts what is asked."""

    def __init__(self) -> None:
        self.asked: list[Job] = []
        self.answers: dict[str, Any] = {
            "host": {"temperature": 51.5},
            "arrays": {"arrays": [{"name": "md0", "state": "active", "disks": 2, "up": 2}]},
            "drives": {"drives": [{"name": "/dev/sda", "serial": "S1", "bad": 3}]},
            "mount": {"at": "/", "type": "ext4", "ro": False, "free": 9_000_000_000, "total": 10**11, "write_s": 0.01},
            "nas": {"vendor": "Synology", "disks": [{"name": "Drive 1", "status": "normal"}]},
            "opnsense": {"states": 9, "limit": 100, "rules": 2, "rules_sha256": "a"},
            "flows": {"flows": [{**FLOW, "verdict": "as designed", "why": "by DROP"}]},
            "probe": {"seconds": 0.3, "free": 5},
            "count": {"objects": 0},
        }

    def do(self, job: Job, now: datetime) -> Course:
        yield 0.1
        self.asked.append(job)
        answer = self.answers[job.op]
        if isinstance(answer, OverlapseError):
            raise answer
        return dict(answer)

    def ended(self, worker: Worker) -> None:
        """It holds nothing."""

    def count(self, op: str) -> int:
        return sum(job.op == op for job in self.asked)


@pytest.fixture
def devices() -> Devices:
    return Devices()


def watching(devices: Devices, folder: Path, probe: float = 300, every: str = "1h") -> Simulation:
    """Return a node whose probes are `devices`, asked every `probe` seconds."""
    secret = folder / "secret"
    secret.write_text("defVersion 2c\ndefCommunity x\n")
    secret.chmod(0o600)
    made = simulate(extra=WATCH.replace("SECRET", str(secret)), pace=replace(CALM, probe=probe), every=every)
    machine = ("host", "arrays", "drives", "mount/data", "mount/nas")
    beside = ("watch/box/snmp", "watch/wall/opnsense", "watch/wall/flows")
    made.site.others |= {Worker("probe", name): devices for name in (*machine, *beside)}
    made.site.others[Worker("destination", "nas:watch")] = devices
    return made


@pytest.fixture
def world(devices: Devices, tmp_path: Path) -> Simulation:
    return watching(devices, tmp_path)


def document(world: Simulation) -> dict[str, Any]:
    return world.site.running.desks.reporting.document()


def test_all_that_is_read_stands_in_the_document(world: Simulation, devices: Devices) -> None:
    world.run(minutes=30)
    told = document(world)
    assert told["host"] == {"temperature": 51.5}
    assert told["arrays"][0]["name"] == "md0"
    assert [one["name"] for one in told["mounts"]] == ["data", "nas"]
    box, wall = told["watch"]
    assert (box["snmp"]["vendor"], box["expect"], box["destination"]) == ("Synology", {"disks": 4}, "nas")
    assert (box["place"]["seconds"], box["count"]["objects"]) == (0.3, 0)
    assert (wall["flows"]["total"], wall["flows"]["violated"], wall["flows"]["wrong"]) == (1, 0, [])
    assert 5 <= devices.count("nas") <= 7
    assert devices.count("drives") == 1


def test_flows_are_tried_once_a_day_and_not_again_after_a_restart(world: Simulation, devices: Devices) -> None:
    world.run(hours=30)
    assert devices.count("flows") == 2
    assert devices.count("count") == 2


def test_a_device_that_is_silent_is_told_once_and_when_it_answers_again(world: Simulation, devices: Devices) -> None:
    world.run(minutes=20)
    devices.answers["nas"], well = ProbeUnanswered("192.168.1.20: no answer"), devices.answers["nas"]
    world.run(hours=2)
    (box, _) = document(world)["watch"]
    assert world.world.now().timestamp() - box["snmp"]["since"] >= 6000
    devices.answers["nas"] = well
    world.run(minutes=20)
    assert world.site.told("watch").count("192.168.1.20: no answer") == 1
    assert "it answers again" in world.site.told("watch")


def test_changed_rules_are_told_and_dated(world: Simulation, devices: Devices) -> None:
    world.run(minutes=30)
    assert "rules_changed" not in document(world)["watch"][1]["opnsense"]
    devices.answers["opnsense"] = {**devices.answers["opnsense"], "rules_sha256": "b", "rules": 3}
    world.run(minutes=30)
    at = document(world)["watch"][1]["opnsense"]["rules_changed"]
    assert 0 <= world.world.now().timestamp() - at <= 1800
    assert world.site.told("rules changed") == ["3 rules now"]


def test_bad_sectors_that_grow_within_a_week_are_told_as_growth(world: Simulation, devices: Devices) -> None:
    world.run(minutes=90)
    assert "grew" not in document(world)["drives"][0]
    devices.answers["drives"] = {"drives": [{"name": "/dev/sda", "serial": "S1", "bad": 8}]}
    world.run(hours=2)
    assert document(world)["drives"][0]["grew"] == 5


def test_a_mount_is_missed_where_it_was_and_its_filling_is_foretold(devices: Devices, tmp_path: Path) -> None:
    world = watching(devices, tmp_path, 6 * 3600, "1d")
    for day in range(10):
        devices.answers["mount"] = {**devices.answers["mount"], "at": "/mnt/nas", "free": 9_000_000_000 - day * 10**8}
        world.run(days=1)
    nas = document(world)["mounts"][1]
    assert nas["full"]["soonest"] <= nas["full"]["days"] <= 90
    assert {job.args.get("expect") for job in devices.asked if job.op == "mount"} == {None, "/mnt/nas"}


def test_a_secret_that_is_missing_stops_no_other_reading(devices: Devices, tmp_path: Path) -> None:
    world = watching(devices, tmp_path)
    (tmp_path / "secret").unlink()
    world.run(minutes=20)
    box, wall = document(world)["watch"]
    assert "no such file" in box["snmp"]["error"]
    assert "no such file" in wall["opnsense"]["error"]
    assert (box["place"]["seconds"], wall["flows"]["total"]) == (0.3, 1)
