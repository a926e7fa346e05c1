"""Files of renditions stay as long as a delivery waits for them, and the stock counts what may leave when."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from core.catalogue import buffer, deliveries, pictures, receipts, renditions, schema
from core.catalogue.check import damage
from core.catalogue.migrations import STEPS
from core.catalogue.store import Catalogue
from core.values import Sha256

Add = Callable[..., tuple[int, list[int]]]

WEB = Sha256("5" * 64)


def prove(catalogue: Catalogue, number: int) -> None:
    delivery = deliveries.get(catalogue, number)
    assert delivery.size is not None
    assert delivery.sha256 is not None
    receipts.prove(catalogue, number, delivery.level, delivery.size, delivery.sha256, 1)


def test_a_rendition_is_unneeded_when_its_last_delivery_is_proven(catalogue: Catalogue, shots: Any, add: Add) -> None:
    web = [shots.delivery(place, rendition="web", required=False) for place in ("nas", "fr")]
    picture, (nas, fr) = add(0, *web)
    path = f"renditions/{shots.picture(0).name.folder}/{shots.picture(0).name.stem}.web.jpg"
    assert renditions.is_needed(catalogue, path)
    deliveries.made(catalogue, picture, "web", path, 900, WEB)
    prove(catalogue, nas)
    assert renditions.unneeded(catalogue, 10) == []
    prove(catalogue, fr)
    assert renditions.unneeded(catalogue, 10) == [path]
    assert not renditions.is_needed(catalogue, path)
    assert not renditions.is_needed(catalogue, f"{path}.part")
    renditions.forget(catalogue, [path])
    assert renditions.unneeded(catalogue, 10) == []


def test_a_withdrawn_delivery_and_a_picture_that_leaves_free_the_rendition(
    catalogue: Catalogue, shots: Any, add: Add
) -> None:
    for slot in (0, 1):
        picture, (number,) = add(slot, shots.delivery(f"nas{slot}", rendition="web", required=False))
        deliveries.made(catalogue, picture, "web", f"renditions/{slot}", 900, WEB)
    deliveries.withdraw(catalogue, [1])
    assert renditions.unneeded(catalogue, 10) == ["renditions/0"]
    assert buffer.mark_gone(catalogue, picture, 5, "buffer full")
    assert sorted(renditions.unneeded(catalogue, 10)) == ["renditions/0", "renditions/1"]
    assert number == 2


def test_what_has_no_name_of_ours_is_left_alone(catalogue: Catalogue) -> None:
    assert renditions.is_needed(catalogue, "north/holiday.jpg")


def test_only_what_is_not_made_yet_is_to_be_made(catalogue: Catalogue, shots: Any, add: Add) -> None:
    picture, (web, _, _) = add(
        0,
        shots.delivery(rendition="web"),
        shots.delivery("fr", rendition="web"),
        shots.delivery(rendition="small"),
    )
    assert deliveries.unmade_of(catalogue, picture) == {"web", "small"}
    deliveries.made(catalogue, picture, "web", "renditions/web", 900, WEB)
    prove(catalogue, web)
    assert deliveries.unmade_of(catalogue, picture) == {"small"}
    deliveries.unmake(catalogue, picture, "web")
    assert deliveries.unmade_of(catalogue, picture) == {"web", "small"}


def counted(catalogue: Catalogue) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in catalogue.rows("SELECT turn, step, n, bytes FROM stock ORDER BY turn, step, day")]


def test_the_stock_follows_a_picture_from_unproven_to_proven_to_gone(
    catalogue: Catalogue, shots: Any, add: Add
) -> None:
    picture, (nas, fr) = add(4, shots.delivery(), shots.delivery("fr"))  # index 76, which 4 divides and 8 does not
    add(-72, index=0)
    pictures.insert(catalogue, replace(shots.picture(1), slot=None, index=None))
    size = 6_000_004
    assert counted(catalogue) == [("jpeg", 0, 2, 5_999_928 + 6_000_001), ("jpeg", 4, 1, size)]
    prove(catalogue, nas)
    prove(catalogue, fr)
    assert ("proven", 0, 1, size) in counted(catalogue)
    assert list(buffer.steps(catalogue, "jpeg")) == [0]
    receipts.disprove(catalogue, fr, "ObjectDiffers", "gone there")
    assert list(buffer.steps(catalogue, "jpeg")) == [0, 4]
    prove(catalogue, fr)
    assert buffer.mark_gone(catalogue, picture, 5, "buffer full")
    assert [row[0] for row in counted(catalogue)] == ["jpeg"]
    assert damage(catalogue, deep=True) == []


def test_a_catalogue_of_the_first_version_is_brought_up_to_date(tmp_path: Path, shots: Any) -> None:
    path = tmp_path / "catalogue.db"
    connection = sqlite3.connect(path)
    STEPS.apply(Database(connection), stop_before="second")
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert "stock" not in tables
    columns = f"{schema.PICTURE_COLUMNS}, sum, required, pending"
    values = ("north", 1_795_262_400, "unit1", 1, 7, 1, "jpg", 1_795_262_400, 72, "jpeg", 6, b"h" * 32, None, "", None)
    connection.execute(
        f"INSERT INTO picture ({columns}) VALUES ({', '.join('?' * 20)})",  # noqa: S608 - constants
        (*values, 1, 1, 0, 0, 0),
    )
    connection.commit()
    connection.close()
    catalogue = Catalogue.open(path)
    try:
        assert catalogue.value("PRAGMA user_version") == schema.VERSION == 3
        assert counted(catalogue) == [("jpeg", 8, 1, 6)]
        assert [told for told in damage(catalogue, deep=True) if "checksum" not in told] == []
    finally:
        catalogue.close()


@pytest.fixture
def waiting(catalogue: Catalogue, shots: Any, add: Add) -> Catalogue:
    for slot in range(300):
        add(slot, shots.delivery(), shots.delivery("fr"))
    catalogue.run("ANALYZE")
    return catalogue


def plans(catalogue: Catalogue, ask: Callable[[], object]) -> list[str]:
    """Return how SQLite answers each query of `ask`."""
    asked: list[str] = []
    catalogue._connection.set_trace_callback(asked.append)
    ask()
    catalogue._connection.set_trace_callback(None)
    queries = [sql for sql in asked if sql.startswith(("SELECT", "UPDATE", "DELETE"))]
    return [row["detail"] for sql in queries for row in catalogue.rows("EXPLAIN QUERY PLAN " + sql)]


def test_one_delivery_is_tried_again_without_a_look_at_the_others(catalogue: Catalogue, add: Add, shots: Any) -> None:
    _, (number, other) = add(0, shots.delivery(), shots.delivery("fr"))
    for one in (number, other):
        deliveries.fail(catalogue, one, "DestinationUnreachable", "no route", True, 99)
    asked = plans(catalogue, lambda: deliveries.retry(catalogue, number=number))
    assert set(asked) == {"SEARCH delivery USING INTEGER PRIMARY KEY (rowid=?)"}
    assert [deliveries.get(catalogue, one).next_try for one in (number, other)] == [0, 99]
    asked = plans(catalogue, lambda: deliveries.retry(catalogue, "fr"))
    assert {line.split(" USING ")[1].split()[1] for line in asked} == {"delivery_refused", "delivery_waiting"}


def test_what_was_on_its_way_is_found_by_an_index_of_its_own(waiting: Catalogue) -> None:
    deliveries.start(waiting, 7)
    deliveries.start(waiting, 9)
    asked = plans(waiting, lambda: deliveries.resume_all(waiting, {9}))
    assert asked[0] == "SCAN delivery USING INDEX delivery_sending", "in which only those on their way are"
    assert [deliveries.get(waiting, one).state for one in (7, 9)] == ["queued", "sending"]


def test_what_may_leave_is_found_day_by_day_by_index(waiting: Catalogue) -> None:
    def ask() -> None:
        for step in buffer.steps(waiting, "jpeg"):
            for stock in buffer.unproven_by_day(waiting, "jpeg", step):
                assert len(list(buffer.unproven_of(waiting, stock.day, "jpeg", step))) == stock.pictures
        for stock in buffer.proven_by_day(waiting):
            list(buffer.proven_of(waiting, stock.day))

    found = plans(waiting, ask)
    assert [line for line in found if line.startswith("SCAN") or "TEMP B-TREE" in line] == []
    assert any("picture_turn (kind=? AND <expr>=? AND at>? AND at<?)" in line for line in found)
