"""How a node is goes to its taker by what changed, and never as anything else than it was."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from statistics import median
from typing import Any

import pytest
from peers.simulation import CALM, site_toml

from core.catalogue import states
from core.control.peer import Who
from core.control.request import Request
from core.control.verbs import Role
from core.node.between.bases import OLDEST
from core.node.between.checkins import STAYS
from core.simulate.handover import SimulatedDrop, hand_on
from core.simulate.links import Outage
from core.simulate.site import SimulatedNode, SimulatedSite
from core.simulate.world import World
from core.transfer import drops
from core.values import utc

BEGIN = utc(1_795_000_000)
SEEN = timedelta(minutes=2)  # within which the taker looks and takes in
TEXT = site_toml(
    destinations=(),
    every="12h",
    camera='primary = "unit1"',
    routes="",
    extra="""
[[node]]
name = "fr"
kind = "cloud"
inbox = "/inbox"
[[destination]]
name = "fr"
node = "fr"
address = "folder:/inbox/unit1"
[[route]]
what = ["jpeg"]
to = "fr"
""",
)


class Overheard(SimulatedDrop):
    """Keeps the lines of status that went through it, and how long each batch with one was."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[dict[str, Any]] = []
        self.sizes: list[int] = []
        self.deaf = False  # what the taker says goes astray

    def settle(self, put: Iterable[drops.Json], remove: Iterable[str]) -> drops.Json:
        kept = []
        for one in put:
            data = base64.b64decode(one["data"])
            lines = [line for line in drops.unpack(data) if "status" in line]
            self.said += lines
            self.sizes += [len(data)] if lines else []
            kept += [] if self.deaf and f"/{drops.RECEIPTS}/" in one["name"] else [one]
        return super().settle(kept, remove)


class Pair:
    def __init__(self) -> None:
        pace = replace(CALM, drop=20.0)
        self.world = World(BEGIN)
        self.unit = SimulatedSite(self.world, TEXT, pace=pace)
        self.fr = SimulatedSite(self.world, TEXT, pace=pace, node="fr")
        self.drop = Overheard()
        hand_on(self.world, self.unit, "fr", self.fr, self.drop)
        self.node = SimulatedNode(self.world, [self.unit, self.fr])

    def run(self, **duration: float) -> None:
        self.node.run(timedelta(**duration))

    @property
    def heard(self) -> dict[str, Any]:
        """What the taker knows of the unit."""
        return self.fr.running.desks.checkins.heard["unit1"]

    @property
    def ways(self) -> str:
        """How the last documents went: a letter each, whole or by changes."""
        return "".join("c" if "since" in line else "w" for line in self.drop.said)


@pytest.fixture
def pair() -> Pair:
    made = Pair()
    made.run(minutes=30)
    return made


def test_what_the_taker_has_goes_by_its_changes_and_arrives_as_it_was(pair: Pair) -> None:
    pair.run(hours=3)
    assert pair.ways.startswith("w")
    assert pair.ways[2:].count("w") <= 1, "whole is the first, and one after so much changed that it is no longer"
    by_changes = [size for size, way in zip(pair.drop.sizes, pair.ways, strict=True) if way == "c"]
    assert median(by_changes) < 0.6 * pair.drop.sizes[0]
    ours = pair.unit.running.desks.reporting.document()
    same = {key for key in ours if key not in (*STAYS, "at", "next", "cameras", "at_risk", "buffer")}
    assert {key: pair.heard[key] for key in same} == {key: ours[key] for key in same}
    assert ours["at"] - pair.heard["at"] <= 300 + SEEN.total_seconds()


def test_now_and_then_the_whole_goes_again(pair: Pair) -> None:
    pair.run(seconds=OLDEST + 3600)
    assert pair.ways.rstrip("c").count("w") >= 2
    assert pair.ways.endswith("ccc")


def test_a_taker_that_never_says_what_it_has_is_told_whole_documents() -> None:
    pair = Pair()
    pair.drop.deaf = True
    pair.run(hours=3)
    assert set(pair.ways) == {"w"}
    assert sum("as" in line for line in pair.drop.said) <= 4, "it is not asked each time: each answer costs bytes"
    assert pair.world.now().timestamp() - pair.heard["at"] <= 300 + SEEN.total_seconds()


def test_after_a_start_of_either_nothing_is_misunderstood(pair: Pair) -> None:
    pair.node.cut_one(pair.fr)
    pair.run(minutes=20)
    assert pair.ways.endswith("ccc"), "what the taker has outlives it"
    assert pair.world.now().timestamp() - pair.heard["at"] <= 300 + SEEN.total_seconds()
    told = len(pair.ways)
    pair.node.cut_one(pair.unit)
    pair.run(minutes=30)
    assert pair.ways[told] == "w", "a unit does not know any more what was said to it"
    assert pair.ways.endswith("cc")
    assert pair.world.now().timestamp() - pair.heard["at"] <= 300 + SEEN.total_seconds()


def test_a_taker_that_lost_what_the_changes_refer_to_believes_nothing_and_gets_the_whole(pair: Pair) -> None:
    before = pair.heard["at"]
    for key in states.keys(pair.fr.catalogue, "status/"):
        states.forget(pair.fr.catalogue, key)
    told = len(pair.ways)
    pair.run(minutes=6)
    assert pair.ways[told:].startswith("c")
    assert pair.heard["at"] == before
    pair.run(hours=1, minutes=10)
    assert "w" in pair.ways[told:]
    assert pair.ways.endswith("cc")
    assert pair.world.now().timestamp() - pair.heard["at"] <= 300 + SEEN.total_seconds()


def test_changes_that_make_another_document_than_was_told_are_not_believed(pair: Pair) -> None:
    (key,) = states.keys(pair.fr.catalogue, "status/")
    kept = states.get(pair.fr.catalogue, key)
    for _, document in kept:
        document["zone"] = "Europe/Paris"
    states.put(pair.fr.catalogue, key, kept)
    for _ in range(7):
        pair.run(minutes=10)
        assert pair.heard["zone"] == "UTC"
    assert pair.world.now().timestamp() - pair.heard["at"] <= 300 + SEEN.total_seconds()


def test_a_number_that_no_answer_can_hold_is_not_believed_and_blinds_nobody(pair: Pair) -> None:
    unit, before = pair.unit.running.desks.checkins, pair.heard["at"]
    honest = unit.document
    unit.document = lambda: honest() | {"rate": float("inf")}
    pair.run(minutes=20)
    assert len(pair.ways) > 5
    assert pair.heard["at"] == before
    said: list[dict[str, Any]] = []
    pair.fr.ask(Request("fleet", {}, Who(1000, "ana", Role.ADMIN, 1), said.append))
    json.dumps(said, allow_nan=False)
    unit.document = honest
    pair.run(minutes=10)
    assert pair.heard["at"] > before


def test_through_cuts_of_the_link_the_taker_ends_up_with_what_is(pair: Pair) -> None:
    now = pair.world.now()
    pair.unit.destinations["fr"].outages = [
        Outage(now + timedelta(minutes=n), now + timedelta(minutes=n + 7)) for n in (3, 14, 31, 45)
    ]
    pair.run(hours=2)
    assert pair.world.now().timestamp() - pair.heard["at"] <= 300 + SEEN.total_seconds()
    assert pair.ways.endswith("cc")
