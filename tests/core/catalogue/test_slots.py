"""The ledger: one outcome a slot, and the first one stands."""

from __future__ import annotations

import pytest

from core.catalogue import check, slots
from core.catalogue.slots import Outcome
from core.catalogue.store import Catalogue
from core.errors import CatalogueError
from core.values import Fence

NOON = 1_795_262_400


def outcome(slot: int = NOON, **more: object) -> Outcome:
    known: dict[str, object] = {"camera": "north", "slot": slot, "node": "unit1", "outcome": "captured"}
    return Outcome(**(known | more))  # type: ignore[arg-type]


def test_the_first_outcome_of_a_slot_stands(catalogue: Catalogue) -> None:
    first = outcome(outcome="missed", cause="camera gone", index=72, shutter=NOON * 1000, fence=Fence(1, 4))
    assert slots.record(catalogue, first)
    assert not slots.record(catalogue, outcome())
    assert slots.get(catalogue, "north", NOON, "unit1") == first


def test_each_node_has_its_own_row_for_a_slot(catalogue: Catalogue) -> None:
    assert slots.record(catalogue, outcome())
    assert slots.record(catalogue, outcome(node="fr", outcome="missed"))
    assert [one.node for one in slots.between(catalogue, "north", NOON, NOON + 1)] == ["fr", "unit1"]


def test_a_spare_fills_a_slot_once_and_changes_nothing_else(catalogue: Catalogue) -> None:
    slots.record(catalogue, outcome(outcome="missed", cause="node down"))
    assert slots.fill(catalogue, "north", NOON, "unit1", "spare.jpg")
    assert not slots.fill(catalogue, "north", NOON, "unit1", "other.jpg")
    assert not slots.fill(catalogue, "south", NOON, "unit1", "other.jpg")
    found = slots.get(catalogue, "north", NOON, "unit1")
    assert found == outcome(outcome="missed", cause="node down", filled="spare.jpg")
    assert check.damage(catalogue, deep=True) == []


def test_the_latest_slot_of_a_camera_is_that_of_this_node(catalogue: Catalogue) -> None:
    assert slots.latest(catalogue, "north", "unit1") is None
    for slot, node in ((NOON + 600, "unit1"), (NOON, "unit1"), (NOON + 1200, "fr")):
        slots.record(catalogue, outcome(slot, node=node))
    latest = slots.latest(catalogue, "north", "unit1")
    assert latest is not None
    assert latest.slot == NOON + 600


def test_days_are_counted_without_reading_their_slots(catalogue: Catalogue) -> None:
    day = NOON // 86400
    for slot, what in ((0, "captured"), (1, "captured"), (2, "late"), (144, "missed")):
        slots.record(catalogue, outcome(NOON + 600 * slot, outcome=what))
    assert slots.counts(catalogue, "north", day, day + 1) == {day: {"captured": 2, "late": 1}, day + 1: {"missed": 1}}
    assert slots.counts(catalogue, "north", day + 1, day + 9) == {day + 1: {"missed": 1}}


def test_an_outcome_that_nobody_knows_is_refused(catalogue: Catalogue) -> None:
    with pytest.raises(CatalogueError):
        slots.record(catalogue, outcome(outcome="perhaps"))
