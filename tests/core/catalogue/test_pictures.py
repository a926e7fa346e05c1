"""Pictures: found by name and by hash, proven or at risk, and gone with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from core.catalogue import buffer, check, deliveries, pictures, ready, receipts
from core.catalogue.pictures import NewPicture
from core.catalogue.store import Catalogue
from core.errors import NameTaken, NoSuchThing
from core.values import Fence, PictureName, Sha256, utc

Add = Callable[..., tuple[int, list[int]]]


def test_a_picture_comes_back_as_it_was_put_in(catalogue: Catalogue, shots: Any) -> None:
    new = shots.picture(
        3, extension="cr2", shutter=123, source_name="/DCIM/IMG\x1b_1.CR2", source_time=456, trusted=False, taken_in=789
    )
    found = pictures.by_id(catalogue, pictures.insert(catalogue, new))
    assert {name: getattr(found, name) for name in NewPicture.__dataclass_fields__} == {
        name: getattr(new, name) for name in NewPicture.__dataclass_fields__
    }
    assert found == pictures.by_name(catalogue, new.name)
    assert not found.proven


def test_taking_the_same_picture_in_twice_is_no_error(catalogue: Catalogue, shots: Any) -> None:
    assert pictures.insert(catalogue, shots.picture()) == pictures.insert(catalogue, shots.picture())
    assert [one.present for one in buffer.tally(catalogue)] == [1]


def test_a_name_that_belongs_to_other_bytes_is_taken(catalogue: Catalogue, shots: Any) -> None:
    pictures.insert(catalogue, shots.picture())
    with pytest.raises(NameTaken):
        pictures.insert(catalogue, shots.picture(sha256=Sha256("0" * 64)))


def test_the_second_of_a_kind_has_a_name_of_its_own(catalogue: Catalogue, shots: Any) -> None:
    first = shots.picture()
    pictures.insert(catalogue, first)
    pictures.insert(catalogue, shots.picture(name=first.name.numbered(2)))
    assert [str(one.name) for one in pictures.between(catalogue, "north", shots.noon, shots.noon + 1)] == [
        "north_20261121T120000Z_unit1_1-7.jpg",
        "north_20261121T120000Z_unit1_1-7_2.jpg",
    ]


def test_duplicates_are_recognised_by_their_hash(catalogue: Catalogue, shots: Any, add: Add) -> None:
    add(0)
    add(1, sha256=shots.picture(0).sha256)
    near = shots.picture(0).sha256[:16] + "0" * 48  # the same first bytes, by which the index finds it
    add(2, sha256=Sha256(near))
    assert [one.slot for one in pictures.by_sha256(catalogue, shots.picture(0).sha256)] == [
        shots.noon,
        shots.noon + 600,
    ]
    assert pictures.by_sha256(catalogue, Sha256("f" * 64)) == []


def test_the_newest_picture_is_the_latest_by_name_and_not_by_arrival(
    catalogue: Catalogue, shots: Any, add: Add
) -> None:
    add(5)
    add(2)
    newest = pictures.newest(catalogue, "north")
    assert newest is not None
    assert newest.slot == shots.noon + 3000
    assert pictures.newest(catalogue, "south") is None


def test_proven_needs_every_required_destination_at_its_level(catalogue: Catalogue, shots: Any, add: Add) -> None:
    picture, (nas, fr, web) = add(
        0,
        shots.delivery("nas", level=3),
        shots.delivery("fr", level=2),
        shots.delivery("web", level=1, required=False),
    )
    known = pictures.by_id(catalogue, picture)
    steps = []
    for number, level in ((web, 1), (nas, 2), (fr, 2), (nas, 3)):
        receipts.prove(catalogue, number, level, known.size, known.sha256, 1000)
        now = pictures.by_id(catalogue, picture)
        steps.append((now.required, now.pending, now.proven))
    assert steps == [(2, 2, False), (2, 2, False), (2, 1, False), (2, 0, True)]
    assert check.damage(catalogue, deep=True) == []


def test_a_picture_that_no_route_requires_anywhere_is_unproven(catalogue: Catalogue, shots: Any, add: Add) -> None:
    picture, (web,) = add(0, shots.delivery("web", required=False))
    known = pictures.by_id(catalogue, picture)
    receipts.prove(catalogue, web, 3, known.size, known.sha256, 1000)
    assert [one.id for one in buffer.unproven_oldest_first(catalogue)] == [picture]
    assert list(buffer.proven_oldest_first(catalogue)) == []
    assert buffer.at_risk(catalogue) == buffer.AtRisk(count=1, bytes=known.size, oldest=shots.noon)


def test_retention_reads_oldest_first_over_both_kinds_and_stops_early(
    catalogue: Catalogue, shots: Any, add: Add
) -> None:
    for slot in (4, 1, 3, 0, 2):
        _, (nas,) = add(slot, shots.delivery(), extension="cr2" if slot % 2 else "jpg")
        if slot != 3:
            known = shots.picture(slot, extension="cr2" if slot % 2 else "jpg")
            receipts.prove(catalogue, nas, 2, known.size, known.sha256, 1000)

    def slots(some: Iterable[pictures.Picture]) -> list[int]:
        return [(one.slot - shots.noon) // 600 for one in some if one.slot is not None]

    assert slots(buffer.proven_oldest_first(catalogue)) == [0, 1, 2, 4]
    assert slots(buffer.proven_oldest_first(catalogue, "raw")) == [1]
    assert slots(buffer.unproven_oldest_first(catalogue)) == [3]
    assert slots([next(buffer.proven_oldest_first(catalogue))]) == [0]
    assert buffer.mark_gone(catalogue, next(buffer.proven_oldest_first(catalogue)).id, 5, "room")


def test_a_picture_that_left_is_counted_once_with_its_reason(catalogue: Catalogue, shots: Any, add: Add) -> None:
    picture, _ = add(0, shots.delivery("nas"), shots.delivery("fr"))
    add(1)
    assert buffer.mark_gone(catalogue, picture, 5000, "expired unproven", ["nas"])
    assert not buffer.mark_gone(catalogue, picture, 6000, "again")
    (tally,) = buffer.tally(catalogue)
    assert (tally.present, tally.gone, tally.gone_bytes) == (1, 1, 6_000_000)
    assert buffer.deletion_tally(catalogue) == {"expired unproven": (1, 6_000_000)}
    (deletion,) = buffer.deletions(catalogue)
    assert (str(deletion.name), deletion.at, list(deletion.copies)) == (str(shots.picture().name), 5000, ["nas"])
    assert ready.next_ready(catalogue, "nas", 0) is None, "there is nothing left to send"
    assert check.damage(catalogue, deep=True) == []


def test_what_was_seen_is_replaced_by_a_later_look(catalogue: Catalogue, add: Add) -> None:
    picture, _ = add(0)
    assert [one.id for one in pictures.unseen(catalogue)] == [picture]
    pictures.set_view(catalogue, picture, "broken", "truncated", {})
    pictures.set_view(catalogue, picture, "good", "", {"mean": 0.5})
    assert pictures.view(catalogue, picture) == pictures.View(verdict="good", why="", stats={"mean": 0.5})
    assert pictures.views(catalogue) == {"good": 1}
    assert pictures.unseen(catalogue) == []


def test_fences_only_grow(catalogue: Catalogue, shots: Any) -> None:
    for epoch, token in ((1, 9), (2, 1), (1, 12)):
        name = PictureName("north", utc(shots.noon + token), "unit1", Fence(epoch, token), "jpg")
        pictures.insert(catalogue, replace(shots.picture(), name=name, slot=None))
    assert pictures.fences(catalogue, "unit1") == {"north": Fence(2, 1)}
    assert pictures.highest_fence(catalogue) == Fence(2, 1)
    assert pictures.fences(catalogue, "fr") == {}


def test_an_unknown_picture_is_no_such_thing(catalogue: Catalogue) -> None:
    with pytest.raises(NoSuchThing):
        pictures.by_id(catalogue, 1)
    with pytest.raises(NoSuchThing):
        deliveries.enqueue(catalogue, 1, [])
    assert pictures.highest_fence(catalogue) is None


def test_walking_through_all_pictures_misses_none(catalogue: Catalogue, shots: Any, add: Add) -> None:
    for slot in range(5):
        add(slot)
    seen, last = [], 0
    while some := pictures.after(catalogue, last, limit=2):
        seen += [one.slot for one in some]
        last = some[-1].id
    assert seen == [shots.noon + 600 * slot for slot in range(5)]
    assert pictures.days(catalogue) == [("north", shots.noon // 86400)]
