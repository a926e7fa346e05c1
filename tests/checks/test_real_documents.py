"""What a node that runs writes of itself, and what the checks say of it: the desks' own document, no hand-made one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from peers.guidelines import violations
from peers.plugin import program
from peers.simulation import Simulation, simulate

from checks.base.finding import CRITICAL, OK, WARNING
from checks.base.verdict import Verdict
from checks.evaluate import evaluate, verdicts
from checks.thresholds import DEFAULTS
from core.catalogue import overrides
from core.catalogue.overrides import Override
from core.node.evaluating import evaluation
from core.simulate.cameras import Fault
from core.simulate.links import Outage
from core.site.model.health import Checks
from core.status.document import encode, write
from core.status.read import LIMIT

CHECKS = ("camera", "node", "storage", "transfer")


def document(world: Simulation) -> dict[str, Any]:
    return world.site.running.desks.reporting.document()


def said(world: Simulation) -> dict[str, Verdict]:
    found = evaluate(document(world), world.world.now().timestamp())
    assert [violations(one.state, one.text().encode()) for one in found] == [[]] * len(found)
    return {one.service: one for one in found}


def test_the_programs_say_of_a_real_document_that_all_is_well(tmp_path: Path) -> None:
    world = simulate(begin=datetime.now(UTC) - timedelta(hours=3))
    world.run(hours=3)
    write(tmp_path / "status.json", document(world))
    for check in CHECKS:
        ended = program(f"check_{check}", "--status", tmp_path / "status.json")
        assert violations(*ended) == []
        assert (ended.code, ended.out.startswith(f"{check.upper()} OK".encode())) == (OK, True), ended.out


def test_a_day_without_a_fault_has_every_slot_accounted_for_and_a_picture_that_is_fresh() -> None:
    world = simulate()
    for _ in range(24):
        world.run(hours=1)
        (camera,) = document(world)["cameras"]
        assert "unaccounted" not in camera
        assert "row" not in camera
        assert world.world.now().timestamp() - camera["picture"]["slot"] <= 600
    assert {one.state for one in said(world).values()} == {OK}


def test_a_dead_camera_pages_at_the_third_slot_and_is_well_again_with_its_next_picture() -> None:
    world = simulate()
    world.camera.faults.append(Fault("hang", world.at("21 12:00"), world.at("21 14:00")))
    states = []
    world.run(minutes=10)
    while world.world.now() < world.at("21 14:20"):
        states.append((f"{world.world.now():%H:%M}", said(world)["camera north"].state))
        world.run(minutes=10)
    assert next(at for at, state in states if state == CRITICAL) in ("12:25", "12:35")
    assert {state for at, state in states if "12:35" <= at < "14:00"} == {CRITICAL}
    assert {state for at, state in states if at < "12:00" or at > "14:05"} <= {OK, WARNING}
    assert "unaccounted" not in document(world)["cameras"][0]


def test_a_pause_is_told_with_who_and_until_when() -> None:
    world = simulate()
    world.run(hours=1)
    now = world.world.now()
    until = int((now + timedelta(hours=5)).timestamp() * 1000)
    order = Override(camera="north", at=int(now.timestamp() * 1000), what="pause", who="ana", until=until, why="crane")
    overrides.add(world.site.catalogue, order)
    world.run(hours=1)
    camera = said(world)["camera north"]
    assert (camera.state, f"paused until Sat {now + timedelta(hours=5):%H:%M}Z by ana" in camera.line) == (OK, True)


def test_an_unreachable_destination_is_impaired_and_can_wait_as_long_as_the_buffer_holds() -> None:
    world = simulate()
    world.destination.outages = [Outage(world.at("21 09:00"), world.at("22 09:00"))]
    world.run(hours=6)
    transfer = said(world)["transfer nas"]
    assert transfer.state == WARNING
    assert "nas fails since" in transfer.line
    assert "can wait until" in transfer.line


def test_the_node_judges_its_own_document_by_dotted_name() -> None:
    world = simulate()
    world.run(hours=2)
    assert "verdicts" not in document(world)
    world.site.running.context.evaluate = evaluation()
    rows = document(world)["verdicts"]
    assert [row["check"] for row in rows] == ["camera", "transfer", "storage", "node"]
    assert rows == verdicts(document(world), world.world.now().timestamp())
    assert json.loads(encode(document(world)))["verdicts"] == rows


def test_a_document_of_twenty_cameras_with_its_verdicts_stays_small() -> None:
    names = [f"camera{number:02}" for number in range(20)]
    world = simulate(cameras=names)
    world.run(hours=2)
    world.site.running.context.evaluate = evaluation()
    assert len(encode(document(world))) < LIMIT / 2


def test_the_defaults_of_the_site_file_are_those_of_the_checks() -> None:
    assert vars(Checks()) == DEFAULTS


@pytest.mark.parametrize("name", ["checks.evaluate:nothing", "nowhere:verdicts"])
def test_an_evaluation_that_is_not_there_is_no_silent_one(name: str) -> None:
    with pytest.raises((ImportError, AttributeError)):
        evaluation(name)
