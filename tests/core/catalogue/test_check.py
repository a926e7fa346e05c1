"""Damage of every kind that a query would read is reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.catalogue import buffer, check, events, overrides, pictures, receipts, slots, states
from core.catalogue.store import Catalogue

Add = Callable[..., tuple[int, list[int]]]


@pytest.fixture
def full(catalogue: Catalogue, shots: Any, add: Add) -> Catalogue:
    """A catalogue with a row in every table."""
    proven, (nas,) = add(0, shots.delivery())
    receipts.prove(catalogue, nas, 2, 6_000_000, shots.picture().sha256, 1000)
    gone, _ = add(1, shots.delivery(required=False))
    buffer.mark_gone(catalogue, gone, 5000, "room")
    add(2, shots.delivery())
    pictures.set_view(catalogue, proven, "good")
    slots.record(catalogue, slots.Outcome(camera="north", slot=shots.noon, node="unit1", outcome="captured"))
    overrides.add(catalogue, overrides.Override(camera="north", at=1, what="pause", who="anna"))
    states.put(catalogue, "a", 1)
    events.add(catalogue, 1, "start", "unit1", "started")
    assert check.damage(catalogue, deep=True) == []
    return catalogue


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE picture SET size = size + 1 WHERE id = 1",
        "UPDATE picture SET trusted = 0 WHERE id = 1",
        "UPDATE view SET verdict = 'bad'",
        "UPDATE deletion SET copies = '[\"nas\"]'",
        "UPDATE slot SET outcome = 'late'",
        "UPDATE slot SET filled = 'x'",
        "UPDATE delivery SET remote = 'b.jpg' WHERE id = 1",
        "UPDATE delivery SET level = 1 WHERE id = 1",
        "UPDATE receipt SET level = 3",
        "UPDATE override SET what = 'resume'",
        "UPDATE state SET value = '2'",
        "UPDATE event SET text = ''",
    ],
)
def test_a_row_that_was_altered_is_found_by_the_daily_check(full: Catalogue, damage: str) -> None:
    assert full.run(damage) == 1
    (told,) = check.damage(full)
    assert "do not match their checksum" in told


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE picture SET pending = 1 WHERE id = 1",
        "UPDATE picture SET required = 0 WHERE id = 1",
        "DELETE FROM copy",
        "UPDATE picture SET gone = 5000 WHERE id = 1",
        "UPDATE picture SET gone = 0 WHERE id = 2",
        "UPDATE delivery SET state = 'proven' WHERE id = 3",
        "UPDATE delivery SET state = 'queued' WHERE id = 1",
        "DELETE FROM receipt",
        "UPDATE fence SET token = token + 1",
        "UPDATE fence SET token = token - 1",
        "UPDATE picture_tally SET proven = proven + 1",
        "UPDATE delivery_tally SET bytes = bytes + 1 WHERE state = 'proven'",
        "UPDATE outcome_tally SET n = n - 1",
        "UPDATE view_tally SET n = 2",
        "UPDATE deletion_tally SET why = 'other'",
        "DELETE FROM delivery WHERE id = 3",
    ],
)
def test_what_is_derived_is_counted_anew_by_the_deep_check(full: Catalogue, damage: str) -> None:
    for trigger in ("delivery_changed", "delivery_dropped", "picture_gone", "picture_proof"):
        full.run(f"DROP TRIGGER {trigger}")
    full.run("PRAGMA foreign_keys = OFF")
    before = check.damage(full, deep=True)
    assert full.run(damage) == 1
    assert len(check.damage(full, deep=True)) > len(before)


@pytest.mark.parametrize("what", ["TRIGGER delivery_changed", "INDEX delivery_ready", "TABLE outcome_tally"])
def test_a_schema_that_is_not_ours_is_found(full: Catalogue, what: str) -> None:
    full.run(f"DROP {what}")
    assert f"the schema is not ours: CREATE {what}" in check.damage(full)


def test_a_row_that_refers_to_nothing_is_found(full: Catalogue) -> None:
    full.run("PRAGMA foreign_keys = OFF")
    full.run("DELETE FROM picture WHERE id = 1")
    assert "refer to what is not there" in " ".join(check.damage(full, deep=True))
