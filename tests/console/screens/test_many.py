"""A thousand units cost little more than twenty: what did not change, or is not on the screen, is not made again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from peers.manyunits import unit
from peers.statuses import NOW

from console.feed.snapshot import SiteView, Snapshot
from console.pages import fleet
from console.widgets.table import Column, LineTable, Row

AT = datetime.fromtimestamp(NOW, UTC)


def snapshot(count: int) -> Snapshot:
    documents = {one["node"]: {**one, "heard": one["at"]} for one in (unit(n, NOW) for n in range(count))}
    return Snapshot(AT, (SiteView("harbour", "unit00", documents, AT),))


def later(before: Snapshot, seconds: float, **documents: object) -> Snapshot:
    at, site = before.at + timedelta(seconds=seconds), before.sites[0]
    return Snapshot(at, (replace(site, documents={**site.documents, **documents}, read=at),))  # type: ignore[dict-item]


def test_rows_are_made_again_only_of_documents_that_changed() -> None:
    known: fleet.Known = {}
    before = snapshot(5)
    first = fleet.entries(before, known=known)
    changed = unit(3, NOW + 5) | {"heard": NOW + 5}
    second = fleet.entries(later(before, 5, unit03=changed), known=known)
    same = {one.node for one in second if any(one is other for other in first)}
    assert same == {"unit00", "unit01", "unit02", "unit04"}
    assert next(one for one in second if one.node == "unit03").document is changed


def test_a_row_that_did_not_change_is_not_shown_as_fresh_once_its_node_is_silent() -> None:
    known: fleet.Known = {}
    before = snapshot(3)
    fleet.entries(before, known=known)
    for hours in (6, 7):
        old = later(before, hours * 3600)
        assert fleet.entries(old, known=known) == fleet.entries(old)
        assert {one.word for one in fleet.entries(old, known=known) if one.camera} == {"was ok"}
    assert fleet.entries(before, known=known) == fleet.entries(before)  # a clock that was set back


def test_only_rows_that_are_on_the_screen_are_made() -> None:
    made: list[int] = []

    def row(number: int) -> Row:
        return Row(str(number), lambda: made.append(number) or {"name": f"row {number}"})  # type: ignore[func-returns-value]

    table = LineTable([Column(key="name", label="NAME", width=10)])
    table.rows = [row(number) for number in range(1000)]
    shown = ["".join(segment.text for segment in strip) for strip in table.made(40, 10)]
    assert (shown[-1].split(), made) == (["row", "8"], list(range(9)))
    table.made(40, 10)
    assert len(made) == 9
