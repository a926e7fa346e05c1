"""What is asked of assignments in a large fleet is answered while somebody waits, and holds up no lease."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from peers.simulation import BEGIN, site_toml

from core.control.wire import ANSWER_WITHIN
from core.coordination.protocol.records import SessionRecord
from core.coordination.staging import Plans
from core.node.fleet.candidates import Snapshot, Survey
from core.node.fleet.foreseen import MOST, choices
from core.site.load import reparse

CAMERAS, SERVERS = 1000, 40
SOON = ANSWER_WITHIN / 3  # seconds of processor: it waits for the engine, too


@pytest.fixture(scope="module")
def survey() -> Survey:
    """A unit for each camera, that a server backs up; all renew their sessions."""
    site = reparse(site_toml(cameras=("gate",), camera='primary = "unit1"'))
    (unit,), (gate,) = site.node, site.camera
    servers = tuple(replace(unit, name=f"server{n}", kind="cloud", link=()) for n in range(SERVERS))
    units = tuple(replace(unit, name=f"unit{n}") for n in range(CAMERAS))
    cameras = tuple(
        replace(gate, name=f"gate{n}", primary=f"unit{n}", backup=f"server{n % SERVERS}") for n in range(CAMERAS)
    )
    session = SessionRecord(sid="1", n=1000, renew=1.0, deadline=10.0)
    nodes = (*servers, *units)
    documents = {one.name: {"costs": {"cameras": {f"gate{n}": [1.0, 9, 9]}}} for n, one in enumerate(units)}
    snapshot = Snapshot(Plans({}, {}), {one.name: session for one in nodes})
    return Survey(replace(site, node=nodes, camera=cameras), "1", snapshot, documents, BEGIN.timestamp())


def test_who_stands_by_and_what_all_carry_is_told_soon(survey: Survey) -> None:
    begun = time.process_time()
    held = survey.held
    ready = [survey.reaches(str(plan.backup), name, plan) for name, plan in held.cameras.items()]
    loads = survey.loads(held)
    assert time.process_time() - begun < SOON
    assert ready == [True] * CAMERAS
    assert loads[0].worst.cameras == 1


def test_who_may_stand_by_for_one_camera_and_for_many_is_told_soon(survey: Survey) -> None:
    for names in (["gate7"], [*survey.held.cameras][:200]):
        begun = time.process_time()
        rows = choices(survey, survey.held, names)
        assert time.process_time() - begun < SOON
        assert len(rows) == MOST
        assert rows[0]["load"]["normal"]["cameras"] == 0
