"""What the image child tells reaches the operator, and a full disk says nothing against a picture."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest
from peers.simulation import Simulation, simulate
from PIL import Image

from core.catalogue import buffer, deliveries
from core.node.children import Children, resident
from core.node.jobs import Done, Job, Report, Setting, Worker
from core.node.pictures.viewing import MEMORY

LIVE = """
[[recipe]]
name = "web"
steps = [{ resize = "1920x1280" }]
[[route]]
what = ["web"]
to = "nas"
"""


def told(world: Simulation) -> list[str]:
    return world.site.told("rendition not made")


def test_a_rendition_that_cannot_be_made_is_told_once_and_not_at_every_picture() -> None:
    world = simulate(extra=LIVE)
    world.site.images.failing = {"web": {"why": "the watermark logo.png cannot be read", "again": False}}
    world.run(hours=2)
    assert len(told(world)) == 1
    assert "web: the watermark logo.png cannot be read" in told(world)[0]
    assert world.site.told("picture broken") == []
    assert len(world.site.images.made) == 0


def test_what_a_full_disk_did_not_take_is_made_when_there_is_room_again() -> None:
    world = simulate(extra=LIVE)
    world.site.images.failing = {"web": {"why": "no space left", "again": True}}
    world.run(minutes=30)
    pictures = world.counted()["captured"]
    assert len(world.site.images.made) == 0
    assert len(told(world)) == 1
    world.site.images.failing = {}
    world.run(minutes=3)
    assert len({one.name for one in world.destination.arrivals if one.name.endswith(".web.jpg")}) == pictures
    assert world.broken() == []


def test_what_cannot_be_made_of_a_broken_picture_is_not_waited_for_and_the_picture_counts_as_proven() -> None:
    world = simulate(extra=LIVE)
    world.site.images.broken = frozenset({2})
    world.run(minutes=46)
    assert deliveries.unmade(world.site.catalogue) == []
    assert buffer.at_risk(world.site.catalogue).count == 0, "the original is all that there is, and it is there"
    assert len(world.destination.store) == 2 * world.counted()["captured"] - 1
    assert len(world.site.told("picture broken")) == 1


def test_hundreds_that_cannot_be_made_hide_none_of_the_others() -> None:
    world = simulate(extra=LIVE, every="1m")
    world.site.images.failing = {"web": {"why": "the watermark logo.png cannot be read", "again": False}}
    world.run(hours=2, minutes=10)
    assert len(deliveries.unmade(world.site.catalogue, 1000)) > 110
    world.site.images.failing = {}
    world.site.running.desks.viewing.apply()
    world.run(minutes=10)
    assert deliveries.unmade(world.site.catalogue) == []


@pytest.fixture
def reports() -> SimpleQueue[Report]:
    return SimpleQueue()


@pytest.fixture
def children(reports: SimpleQueue[Report]) -> Iterator[Children]:
    them = Children(reports.put)
    yield them
    them.close()


def test_an_image_child_that_grew_over_its_share_is_renewed(
    children: Children, reports: SimpleQueue[Report], tmp_path: Path
) -> None:
    images = Worker("images")
    data = io.BytesIO()
    Image.new("RGB", (640, 480), (30, 90, 160)).save(data, "JPEG")
    (tmp_path / "p.jpg").write_bytes(data.getvalue())
    facts = {"camera": "north", "site": "quarry", "time": 0.0, "zone": "UTC"}
    args = {"path": str(tmp_path / "p.jpg"), "kind": "jpeg", "recipes": [], "out": str(tmp_path), "stem": "p"}
    look = Job(images, "process", {**args, "facts": facts, "base": str(tmp_path)}, 30.0)

    def process_id() -> int:
        children.give(look)
        assert isinstance(reports.get(timeout=30), Done)
        return children.running()[images]

    children.equip(images, Setting(idle=None, memory=MEMORY))
    first = process_id()
    assert process_id() == first
    assert 1_000_000 < resident(first) < MEMORY
    children.equip(images, Setting(idle=None, memory=1_000_000))
    second = process_id()
    assert process_id() != second
    assert resident(2**22 + 1) == 0
