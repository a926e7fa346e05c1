"""What is relied upon at a destination, when it was last looked at, and what becomes of it when it is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from core.catalogue import buffer, copies, deliveries, live, receipts
from core.catalogue.check import damage
from core.catalogue.deliveries import Priority
from core.catalogue.migrations import STEPS
from core.catalogue.store import Catalogue

Add = Callable[..., tuple[int, list[int]]]


def prove(catalogue: Catalogue, shots: Any, slot: int, number: int, at: int) -> None:
    picture = shots.picture(slot)
    receipts.prove(catalogue, number, 2, picture.size, picture.sha256, at)


def test_a_copy_is_listed_from_its_receipt_on_and_the_longest_unseen_comes_first(
    catalogue: Catalogue, shots: Any, add: Add
) -> None:
    numbers = [add(slot, shots.delivery(), shots.delivery("fr"))[1][0] for slot in range(3)]
    for slot, at in ((0, 3000), (1, 1000), (2, 2000)):
        prove(catalogue, shots, slot, numbers[slot], at)
    found = copies.longest_unseen(catalogue, "nas", 9000, 9)
    assert [one.id for one in found] == [numbers[1], numbers[2], numbers[0]]
    assert [one.id for one in copies.longest_unseen(catalogue, "nas", 2000, 9)] == [numbers[1]]
    assert copies.longest_unseen(catalogue, "fr", 9000, 9) == []
    copies.seen(catalogue, numbers[1], 5000)
    assert copies.oldest_look(catalogue, "nas") == 2000
    assert copies.count(catalogue, "nas") == 3
    assert damage(catalogue, deep=True) == []


def test_one_is_chosen_at_random_along_the_times_of_the_last_looks(catalogue: Catalogue, shots: Any, add: Add) -> None:
    assert copies.at_random(catalogue, "nas", 9000, 0.5) == []
    numbers = [add(slot, shots.delivery())[1][0] for slot in range(5)]
    for slot, number in enumerate(numbers):
        prove(catalogue, shots, slot, number, 1000 * slot)
    chosen = [copies.at_random(catalogue, "nas", 3500, dice)[0].id for dice in (0.0, 0.1, 0.4, 0.99)]
    assert chosen == [numbers[0], numbers[1], numbers[2], numbers[3]]


def test_a_live_picture_is_no_copy_that_anybody_relies_on(catalogue: Catalogue, shots: Any, add: Add) -> None:
    _, (number,) = add(0, shots.delivery(priority=Priority.LIVE))
    prove(catalogue, shots, 0, number, 1000)
    assert not copies.is_copy(catalogue, number)
    assert damage(catalogue, deep=True) == []


def test_a_live_picture_that_a_newer_one_replaces_while_somebody_looks_is_not_lost(
    catalogue: Catalogue, shots: Any, add: Add
) -> None:
    def live_one(slot: int) -> int:
        picture, (number,) = add(slot, shots.delivery(priority=Priority.LIVE, remote="north.jpg"))
        live.go_live(catalogue, picture)
        return number

    first = live_one(0)
    prove(catalogue, shots, 0, first, 1000)
    assert copies.may_be_lost(catalogue, first)
    second = live_one(1)
    assert not copies.may_be_lost(catalogue, first), "another one is on its way"
    prove(catalogue, shots, 1, second, 2000)
    assert not copies.may_be_lost(catalogue, first), "it is forgotten"
    assert copies.may_be_lost(catalogue, second)


def test_a_lost_copy_is_one_no_more_and_its_delivery_begins_anew_in_place_of_a_damaged_one(
    catalogue: Catalogue, shots: Any, add: Add
) -> None:
    for slot, (error, resume) in enumerate((("ObjectNotFound", None), ("ObjectDiffers", b""))):
        _, (number,) = add(slot, shots.delivery())
        prove(catalogue, shots, slot, number, 1000)
        assert receipts.disprove(catalogue, number, error, "an audit")
        found = deliveries.get(catalogue, number)
        assert (found.state, found.offset, found.resume, found.attempts) == ("queued", 0, resume, 0)
        assert not copies.is_copy(catalogue, number)
        assert not receipts.disprove(catalogue, number, error, "told again: there is no receipt any more")
        assert deliveries.get(catalogue, number).state == "queued"
    assert damage(catalogue, deep=True) == []


def test_a_lost_copy_of_a_picture_that_has_left_is_forgotten(catalogue: Catalogue, shots: Any, add: Add) -> None:
    picture, (nas, fr) = add(0, shots.delivery(), shots.delivery("fr"))
    for number in (nas, fr):
        prove(catalogue, shots, 0, number, 1000)
    buffer.mark_gone(catalogue, picture, 5000, "buffer full", ["nas (hash)", "fr (hash)"])
    assert not receipts.disprove(catalogue, nas, "ObjectNotFound", "no such file")
    assert [one.id for one in deliveries.of_picture(catalogue, picture)] == [fr]
    assert [one.destination for one in receipts.of_picture(catalogue, picture)] == ["fr"]
    assert damage(catalogue, deep=True) == []


def test_copies_that_an_older_program_proved_are_listed_with_the_time_of_their_receipts(
    tmp_path: Path, catalogue: Catalogue, shots: Any, add: Add
) -> None:
    path = tmp_path / "old.db"
    old = sqlite3.connect(path)
    STEPS.apply(Database(old), stop_before="third")
    _, numbers = add(0, shots.delivery(), shots.delivery("fr"))
    prove(catalogue, shots, 0, numbers[0], 7000)
    for table in ("picture", "delivery", "receipt"):
        for row in catalogue.rows(f"SELECT * FROM {table}"):  # noqa: S608 - constants
            old.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", tuple(row))  # noqa: S608
    old.commit()
    old.close()
    brought = Catalogue.open(path)
    try:
        assert brought.value("PRAGMA user_version") == 3
        assert [one.id for one in copies.longest_unseen(brought, "nas", 9000, 9)] == numbers[:1]
        assert copies.oldest_look(brought, "nas") == 7000
        assert [told for told in damage(brought, deep=True) if "copies" in told or "schema" in told] == []
    finally:
        brought.close()
