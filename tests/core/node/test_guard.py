"""When disk or catalogue fail, the node goes on, and makes good for it once they work again."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from peers.simulation import simulate

from core.catalogue import deliveries
from core.errors import StorageError
from core.node.context import Pace
from core.simulate.links import Outage
from core.status.document import write


def test_a_full_disk_stops_neither_the_node_nor_what_comes_after_it() -> None:
    world = simulate(pace=Pace())
    world.run(minutes=32)
    world.site.disk.others = world.site.disk.size
    world.run(minutes=40)
    assert len(world.site.told("storage trouble")) == 1
    assert "full" in str(world.site.running.guard.trouble)
    world.site.disk.others = 0
    world.run(minutes=41)
    assert world.site.running.guard.trouble is None
    assert len(world.site.told("storage recovered")) == 1
    assert world.broken() == []


def test_the_status_says_what_the_disk_said_while_it_fails() -> None:
    world = simulate(pace=Pace())
    world.run(minutes=12)
    world.site.disk.others = world.site.disk.size
    world.run(minutes=20)
    assert "full" in world.site.document["storage"]
    world.site.disk.others = 0
    world.run(minutes=5)
    assert "storage" not in world.site.document


def test_a_delivery_that_ended_while_the_catalogue_failed_is_not_forgotten() -> None:
    world = simulate(pace=Pace())
    world.run(minutes=9, seconds=59)
    world.destination.rate = 10_000.0
    world.run(seconds=10)
    world.destination.outages = [Outage(world.world.now() + timedelta(minutes=2), world.at("21 09:30"))]
    world.site.disk.others = world.site.disk.size
    world.run(minutes=30)
    world.site.disk.others = 0
    world.destination.rate = 1e6
    world.run(hours=1)
    assert deliveries.backlog(world.site.catalogue, "nas")[0] <= 1
    assert world.broken() == []


def test_a_write_that_fails_is_done_once_when_the_disk_takes_it() -> None:
    world = simulate()
    world.run(minutes=4)
    done: list[str] = []
    writer = world.site.running.desks.writer
    world.site.disk.failing = {world.site.disk.syncs + 3}  # of the day book
    world.run(minutes=1, seconds=3)
    assert (writer.waiting(), world.camera.card != {}) == (1, True), "what is not durable is not released"
    world.run(minutes=1)
    assert (writer.waiting(), world.camera.card) == (0, {})
    writer.write([], lambda: done.append("commit"), then=lambda: done.append("then"))
    assert done == ["commit", "then"]
    assert world.counted() == {"captured": 1}
    assert world.broken() == []


@pytest.mark.parametrize("nth", range(1, 80))
def test_a_catalogue_that_cannot_be_read_for_a_moment_costs_no_slot_its_outcome(nth: int) -> None:
    world = simulate(pace=Pace())
    world.run(minutes=14, seconds=59.9)
    world.site.catalogue.failing = frozenset({world.site.catalogue.statements + nth})
    world.run(minutes=40)
    assert world.counted() == {"captured": 5}
    assert world.broken() == []


def test_a_run_folder_that_is_gone_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "run" / "status.json"
    assert write(path, {"version": 1}) == len(path.read_bytes())
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="file"):
        write(tmp_path / "file" / "status.json", {"version": 1})


def test_a_fault_of_one_desk_is_told_once_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    world = simulate(pace=Pace())
    world.run(minutes=6)

    def fail(path: object, document: object) -> None:
        raise ZeroDivisionError("of a desk")

    world.site.running.context.publish = fail
    world.run(hours=1)
    assert world.counted() == {"captured": 7}
    assert world.site.told("internal fault") == ["ZeroDivisionError: of a desk"]
    assert [record.levelname for record in caplog.records].count("ERROR") == 1
