"""What pictures show, from the image child to the status document: the owner's are judged, a backup's are not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from peers.simulation import Simulation, simulate

from checks.evaluate import evaluate
from core.node.jobs import Job
from core.processing.view import DAY
from core.simulate.world import Course

DAYLIGHT: dict[str, Any] = {"mean": 120.0, "contrast": 50.0, "sharpness": 12.0, "dark": 0.0, "bright": 0.0}
BLACK: dict[str, Any] = {"mean": 1.0, "contrast": 0.5, "sharpness": 0.2, "dark": 1.0, "bright": 0.0, "hash": "0" * 16}


class Eye:
    """Stands for what the image child sees: another picture each time, or a black one."""

    def __init__(self, world: Simulation) -> None:
        self.black = False
        self._seen = 0
        self._of = world.site.images.do
        world.site.images.do = self.do  # type: ignore[method-assign]

    def do(self, job: Job, now: datetime) -> Course:
        found = yield from self._of(job, now)
        self._seen += 1
        fresh = "".join(f"{(self._seen * 257 + n * 31) % 65_535 + 1:04x}" for n in range(16))
        look = BLACK if self.black else DAYLIGHT | {"hash": f"{0xF0F0_1234_5678_9ABC:016x}"}
        return {**found, "stats": {**look, "zones": fresh}}


def view(world: Simulation) -> Any:
    (camera,) = world.site.running.desks.reporting.document()["cameras"]
    return camera.get("view")


@pytest.fixture
def watched() -> tuple[Simulation, Eye]:
    world = simulate(every="1h")
    return world, Eye(world)


def test_a_lens_that_is_covered_reaches_the_operator_and_is_well_again(watched: tuple[Simulation, Eye]) -> None:
    world, eye = watched
    world.run(days=2)
    assert view(world) == {"verdict": "ok"}
    eye.black = True
    world.run(hours=4)
    told = view(world)
    assert (told["verdict"], told["pictures"]) == ("black", 4)
    document = world.site.running.desks.reporting.document()
    camera = next(one for one in evaluate(document, document["at"]) if one.check == "camera")
    assert "north black since" in camera.line
    eye.black = False
    world.run(hours=2)
    assert view(world) == {"verdict": "ok"}
    assert len(world.site.told("view")) == 1
    assert world.site.told("view well again") == ["no longer black"]


def test_the_history_outlives_a_restart(watched: tuple[Simulation, Eye]) -> None:
    world, eye = watched
    world.run(days=2)
    world.site.cut()
    world.node = type(world.node)(world.world, [world.site], longest_sleep=DAY / 24)
    eye.black = True
    world.run(hours=3)
    assert view(world)["verdict"] == "black"


def test_on_a_backup_node_pictures_are_not_analysed_and_that_is_said(watched: tuple[Simulation, Eye]) -> None:
    world, eye = watched
    world.run(hours=2)
    world.site.running.desks.judging.is_spare = lambda name: True
    eye.black = True
    world.run(days=2)
    assert view(world)["verdict"] == "not analysed"
    assert "another node owns the camera" in view(world)["text"]
    assert world.site.told("view") == []
