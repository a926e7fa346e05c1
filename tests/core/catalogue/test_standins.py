"""The first that answers: a stand-in takes what its own destination does not take, and that one is made good later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.catalogue import deliveries, pictures, ready, receipts, standins
from core.catalogue.check import damage
from core.catalogue.deliveries import Delivery, Priority
from core.catalogue.store import Catalogue

Add = Callable[..., tuple[int, list[int]]]


@pytest.fixture(autouse=True)
def _undamaged(catalogue: Catalogue) -> Any:
    yield
    assert damage(catalogue, deep=True) == []


def prove(catalogue: Catalogue, delivery: Delivery) -> None:
    assert delivery.sha256 is not None
    receipts.prove(catalogue, delivery.id, 2, delivery.size or 0, delivery.sha256, 5)


def group(shots: Any, **more: object) -> deliveries.NewDelivery:
    wanted: deliveries.NewDelivery = shots.delivery("fr", instead=("ca", "de"), **more)
    return wanted


def at(catalogue: Catalogue, picture: int, destination: str) -> Delivery:
    return next(one for one in deliveries.of_picture(catalogue, picture) if one.destination == destination)


def is_proven(catalogue: Catalogue, picture: int) -> bool:
    row = catalogue.row("SELECT required, pending FROM picture WHERE id = ?", (picture,))
    assert row is not None
    return bool(row["required"] and not row["pending"])


def test_a_stand_in_finds_the_oldest_that_waits_for_one_that_is_silent(
    catalogue: Catalogue, shots: Any, add: Add
) -> None:
    add(1, group(shots, remote="b.jpg"))
    add(0, group(shots, remote="a.jpg"))
    add(2, shots.delivery("fr", "c.jpg"))
    found = standins.next_for(catalogue, "ca", ["fr"], 0)
    assert found is not None
    assert (found.remote, found.instead) == ("a.jpg", ("ca", "de"))
    assert standins.next_for(catalogue, "nas", ["fr"], 0) is None, "it stands in for nobody"
    assert standins.next_for(catalogue, "ca", [], 0) is None


def test_what_a_stand_in_has_is_proven_and_the_first_gets_it_after_all_else(
    catalogue: Catalogue, shots: Any, add: Add
) -> None:
    picture, (number,) = add(0, group(shots))
    standins.stand_in(catalogue, deliveries.get(catalogue, number), "ca", "there.jpg")
    there, own = at(catalogue, picture, "ca"), at(catalogue, picture, "fr")
    assert (there.required, there.priority, there.stands_for, there.instead) == (True, Priority.JPEG, "fr", ("de",))
    assert (own.required, own.priority, own.instead, own.state) == (False, Priority.AUDIT, (), "queued")
    assert not is_proven(catalogue, picture)
    prove(catalogue, there)
    assert is_proven(catalogue, picture)
    assert ready.next_ready(catalogue, "fr", 9) == own, "it is made good later"


def test_when_the_first_answers_again_before_its_stand_in_took_it_that_is_enough(
    catalogue: Catalogue, shots: Any, add: Add
) -> None:
    picture, (number,) = add(0, group(shots))
    standins.stand_in(catalogue, deliveries.get(catalogue, number), "ca", "there.jpg")
    prove(catalogue, at(catalogue, picture, "fr"))
    assert [one.destination for one in deliveries.of_picture(catalogue, picture)] == ["fr"]
    assert is_proven(catalogue, picture)


def test_a_stand_in_that_is_silent_too_has_the_next_one(catalogue: Catalogue, shots: Any, add: Add) -> None:
    picture, (number,) = add(0, group(shots))
    standins.stand_in(catalogue, deliveries.get(catalogue, number), "ca", "there.jpg")
    found = standins.next_for(catalogue, "de", ["fr", "ca"], 0)
    assert found == at(catalogue, picture, "ca")
    standins.stand_in(catalogue, found, "de", "there.jpg")
    prove(catalogue, at(catalogue, picture, "de"))
    assert is_proven(catalogue, picture)


def test_a_rendition_moves_with_its_file_and_a_live_one_stays_live(catalogue: Catalogue, shots: Any, add: Add) -> None:
    picture, (number,) = add(0, group(shots, rendition="web", priority=Priority.LIVE, required=False))
    assert standins.next_for(catalogue, "ca", ["fr"], 0) is None, "it is not made yet"
    deliveries.made(catalogue, picture, "web", "renditions/a.jpg", 5, "ab" * 32)  # type: ignore[arg-type]
    standins.stand_in(catalogue, deliveries.get(catalogue, number), "ca", "there.jpg")
    there = at(catalogue, picture, "ca")
    assert (there.size, there.path, there.sha256, there.priority) == (5, "renditions/a.jpg", "ab" * 32, Priority.LIVE)
    assert at(catalogue, picture, "fr").priority == Priority.LIVE


def test_a_catalogue_made_anew_asks_no_more_of_the_first_than_before(
    catalogue: Catalogue, shots: Any, add: Add
) -> None:
    picture = pictures.insert(catalogue, shots.picture(0))
    (number,) = deliveries.enqueue(catalogue, picture, [shots.delivery("ca")])
    prove(catalogue, deliveries.get(catalogue, number))
    deliveries.enqueue(catalogue, picture, [group(shots)])
    assert is_proven(catalogue, picture)
    assert at(catalogue, picture, "fr").priority == Priority.AUDIT
