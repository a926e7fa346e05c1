"""The node's own disk: full, failing, and giving room again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from peers.simulation import Simulation, simulate

from core.catalogue import buffer, pictures
from core.node.context import Pace
from core.simulate.cameras import Fault
from core.simulate.links import Outage

GB = 10**9
QUICK = Pace(judge=600, plan=600, plan_soon=60, report=3600, report_soon=3600)


def node_toml(when_full: str, keep: str = "") -> str:
    return f'[node.buffer]\nkeep_free = "1GB"\nwhen_full = "{when_full}"\n{keep}\n'


def deletions(simulation: Simulation) -> Any:
    return list(reversed(buffer.deletions(simulation.site.catalogue, 10**6)))


def test_proven_pictures_leave_a_full_buffer_oldest_first_and_nothing_is_lost() -> None:
    world = simulate(node=node_toml("thin"), pace=QUICK)
    world.site.disk.size = 2 * GB
    world.run(days=2)
    gone = deletions(world)
    assert world.counted() == {"captured": 288}
    assert len(gone) > 140
    assert {one.why for one in gone} == {"buffer full"}
    assert [one.name.at for one in gone] == sorted(one.name.at for one in gone)
    assert world.broken() == []


def test_a_full_buffer_under_stop_stops_the_cameras_and_no_unproven_picture_goes() -> None:
    world = simulate(node=node_toml("stop"), pace=QUICK)
    world.site.disk.size = 2 * GB
    world.destination.outages = [Outage(world.begin, world.begin + timedelta(days=3))]
    world.run(days=3)
    assert deletions(world) == []
    stopped = world.counted()["missed: stopped"]
    assert 290 <= stopped <= 312
    assert world.site.told("capture stopped")
    world.run(hours=6)
    assert world.site.told("capture goes on")
    assert list(world.ledger().values())[-20:] == ["captured"] * 20
    assert world.broken() == []


def test_thinning_is_announced_seven_days_before_takes_raw_first_and_never_the_last_two_days() -> None:
    world = simulate(shoots="raw+jpeg", every="1h", node=node_toml("thin"), pace=QUICK)
    world.site.disk.size = 1 * GB + 14 * 24 * 32_000_000
    world.destination.outages = [Outage(world.begin, world.begin + timedelta(days=40))]
    world.run(days=20)
    gone = deletions(world)
    announced = next(at for at, kind, _, _ in world.site.events if kind == "loss announced")
    assert gone[0].at / 1000 - announced.timestamp() >= 7 * 86400 - 60
    assert {one.why for one in gone} == {"expired unproven"}
    raws = [one for one in gone if one.name.extension == "nef"]
    assert len(raws) == len(gone), "a RAW is left to give, so no JPEG went"
    assert all(one.at / 1000 - one.name.at.timestamp() > 48 * 3600 for one in gone)
    assert world.counted() == {"captured": 20 * 24}
    assert world.site.document["buffer"]["lost"] == len(gone)
    assert world.broken() == []


def test_a_disk_that_another_program_fills_misses_slots_and_goes_on_when_it_has_room() -> None:
    world = simulate(pace=QUICK)
    world.run(hours=1)
    world.site.disk.others = world.site.disk.size
    world.run(hours=1)
    world.site.disk.others = 0
    world.run(hours=1)
    assert world.counted()["captured"] >= 11
    assert any("disk full" in what or "stopped" in what for what in world.counted())
    assert world.broken() == []


@pytest.mark.parametrize("nth", range(1, 13))
def test_one_failed_fsync_wherever_it_comes_loses_nothing(nth: int) -> None:
    world = simulate(shoots="raw+jpeg")
    world.run(minutes=12)
    world.site.disk.failing = {world.site.disk.syncs + nth}
    world.run(hours=1)
    assert world.broken() == []
    world.node.off(timedelta(minutes=3))
    world.run(minutes=31)
    assert world.broken() == []
    assert world.camera.card == {}


@pytest.mark.parametrize("nth", range(1, 9))
def test_an_fsync_that_fails_for_a_while_is_told_and_nothing_is_lost(nth: int) -> None:
    world = simulate(shoots="raw+jpeg")
    world.run(minutes=12)
    begin = world.site.disk.syncs + nth
    world.site.disk.failing = set(range(begin, begin + 40))
    world.run(hours=2)
    world.site.disk.failing = set()
    world.run(hours=1, minutes=1)
    assert "missed: not durable" in world.counted() or world.counted().get("captured", 0) >= 17
    assert world.broken() == []
    assert world.camera.card == {}


@pytest.mark.parametrize("nth", range(1, 9))
def test_a_power_cut_while_an_fsync_fails_loses_nothing(nth: int) -> None:
    world = simulate(shoots="raw+jpeg")
    world.run(minutes=12)
    begin = world.site.disk.syncs + nth
    world.site.disk.failing = set(range(begin, begin + 4))
    world.run(minutes=8, seconds=6)
    world.node.cut()
    world.site.disk.failing = set()
    world.world.skip(60)
    world.run(hours=1)
    assert world.broken() == []


def test_a_camera_whose_spool_cannot_be_synced_misses_its_slot_and_its_picture_comes_as_an_extra() -> None:
    world = simulate()
    world.run(minutes=12)
    world.camera.faults.append(Fault("not durable", world.at("21 09:10"), world.at("21 09:20")))
    world.run(hours=1)
    assert world.ledger()["21 09:10"] == "missed: not durable"
    assert world.counted()["captured"] == len(world.outcomes()) - 1
    assert world.broken() == []


def test_a_camera_that_gives_the_same_bytes_again_loses_nothing() -> None:
    world = simulate()
    world.camera.faults.append(Fault("same", world.at("21 10:00"), world.at("21 10:30")))
    world.run(hours=3)
    assert world.counted() == {"captured": 18}
    assert world.broken() == []


def test_an_orphan_that_is_here_already_is_not_stored_twice() -> None:
    """The power goes between the commit and the release: the camera hands the same picture over again."""
    world = simulate()
    world.run(minutes=5, seconds=2.1)
    assert len(world.camera.card) == 1, "kept here and not yet released there"
    world.node.cut()
    world.run(minutes=21)
    hashes = [one.sha256 for one in pictures.after(world.site.catalogue, 0)]
    assert len(hashes) == len(set(hashes))
    assert world.camera.card == {}
    assert world.broken() == []
