"""Rows for people: the ledger in pages that miss nothing and repeat nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.catalogue import slots
from core.catalogue.slots import Outcome
from core.catalogue.store import Catalogue
from core.status.views import ledger_page, ledger_rows
from core.values import seconds_of

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def catalogue() -> Catalogue:
    """Two cameras that shot once a minute for two hours, the second one at half past each minute too."""
    made = Catalogue.in_memory()
    for camera, every in (("north", 60), ("south", 30)):
        for second in range(0, 7200, every):
            at = seconds_of(NOON) + second
            slots.record(made, Outcome(camera=camera, slot=at, node="unit1", outcome="captured"))
    return made


@pytest.mark.parametrize("limit", [1, 2, 7, 100, 359, 360, 1000])
def test_pages_hold_every_slot_once_in_order_of_time(catalogue: Catalogue, limit: int) -> None:
    since, found, pages = NOON, [], 0
    while True:
        page = ledger_page(catalogue, None, since, NOON + DAY, max(limit, 2))
        found += [(row["slot"], row["camera"]) for row in page["slots"]]
        pages += 1
        if "next" not in page:
            break
        since = datetime.fromisoformat(page["next"])
    assert found == sorted(found)
    assert set(found) == {(row["slot"], row["camera"]) for row in ledger_rows(catalogue, None, NOON, NOON + DAY)}
    assert len(found) == 360
    assert pages <= 360 // max(1, max(limit, 2) - 1) + 1


def test_a_page_of_one_camera_holds_no_other(catalogue: Catalogue) -> None:
    page = ledger_page(catalogue, "north", NOON, NOON + DAY, 1000)
    assert {row["camera"] for row in page["slots"]} == {"north"}
    assert len(page["slots"]) == 120
