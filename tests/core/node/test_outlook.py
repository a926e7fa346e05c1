"""What a plan of retention is given is in the order of thinning, and says where the copies of what leaves are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from peers.simulation import simulate, site_toml

from core.catalogue import deliveries, pictures, receipts, slots, states
from core.catalogue.pictures import NewPicture
from core.catalogue.store import Catalogue
from core.ledger.strip import strip
from core.node.context import Pace
from core.node.keeping.outlook import ANNOUNCED, Outlook, look
from core.retention.model import Space, Why
from core.site.load import reparse
from core.status.views import entry_of
from core.values import Fence, Kind, PictureName, Sha256, milliseconds_of, seconds_of, utc

NOON = 1_795_262_400  # 2026-11-21T12:00:00Z
NODE = '[node.buffer]\nkeep_free = "1GB"\nwhen_full = "thin"\n'
SITE = reparse(site_toml(node=NODE))
NOW = utc(NOON + 20 * 86400)
FREE = 10**9
MB = 1_000_000


@pytest.fixture
def catalogue() -> Iterator[Catalogue]:
    made = Catalogue.in_memory()
    states.put(made, ANNOUNCED, milliseconds_of(NOW - timedelta(days=8)))
    yield made
    made.close()


def add(catalogue: Catalogue, number: int, kind: Kind, proven: bool = False, **more: Any) -> int:
    """Add a picture of 10 MB shot at `number` times ten minutes after midnight; return its id."""
    at = NOON - 43_200 + 600 * number
    name = PictureName("north", utc(at), "unit1", Fence(1, 7), {"raw": "cr2", "jpeg": "jpg"}[kind])
    sha256 = Sha256(f"{number:063d}{0 if kind == 'raw' else 1}")
    new = NewPicture(name=name, slot=at, index=number % 144, kind=kind, size=10 * MB, sha256=sha256)
    picture = pictures.insert(catalogue, replace(new, **more))
    wanted = deliveries.NewDelivery(destination="nas", remote=name.path, priority=deliveries.Priority.JPEG, level=2)
    (one,) = deliveries.enqueue(catalogue, picture, [wanted])
    if proven:
        receipts.prove(catalogue, one, 2, 10 * MB, sha256, 1)
    return picture


def outlook(catalogue: Catalogue, missing: int, most: int = 10_000) -> Outlook:
    return look(catalogue, SITE, SITE.node[0], Space(FREE - missing, 10**12), NOW, True, most)


def test_the_unproven_leave_in_their_turns_whatever_there_is(catalogue: Catalogue) -> None:
    for number in range(300):
        add(catalogue, number, "jpeg")
        if number < 20:
            add(catalogue, number, "raw")
    extra = add(catalogue, 7, "jpeg", name=replace_name(7), slot=None, index=None, sha256=Sha256("f" * 64))
    add(catalogue, 2000, "jpeg")  # the last 48 hours begin before this one
    leaving = [one.candidate for one in outlook(catalogue, 75 * 10 * MB).plan.deletions]
    assert len(leaving) == 75

    def turn(index: int, kind: str) -> tuple[bool, int]:
        return kind == "jpeg", index & -index or 999

    everything = [
        (turn(number % 144, kind), number)
        for number in range(300)
        for kind in ("raw", "jpeg")
        if kind == "jpeg" or number < 20
    ]
    right = [number for _, number in sorted(everything)][:75]
    assert [(seconds_of(one.at) - NOON + 43_200) // 600 for one in leaving] == right
    assert extra not in {one.picture for one in leaving}


def replace_name(number: int) -> PictureName:
    return PictureName("north", utc(NOON - 43_200 + 600 * number), "unit1", Fence(1, 8), "jpg")


def steps_of(catalogue: Catalogue) -> Iterator[int]:
    """Count the steps that SQLite takes, in hundreds."""
    steps = count()
    catalogue._connection.set_progress_handler(lambda: next(steps) * 0, 100)
    return steps


def test_a_plan_costs_the_same_however_much_is_unproven(catalogue: Catalogue) -> None:
    costs = []
    for number in range(2000):
        add(catalogue, number, "jpeg")
        if number in (299, 1999):
            steps = steps_of(catalogue)
            assert len(outlook(catalogue, 15 * MB).plan.deletions) == 2
            costs.append(next(steps))
            catalogue._connection.set_progress_handler(None, 0)
    assert costs[1] <= costs[0] * 1.5 + 5


def test_copies_are_looked_up_of_what_is_listed_alone(catalogue: Catalogue) -> None:
    for number in range(300):
        add(catalogue, number, "jpeg", proven=True)
    asked: list[str] = []
    catalogue._connection.set_trace_callback(asked.append)
    plan = outlook(catalogue, 20 * 10 * MB, most=5).plan
    assert [one.candidate.copies for one in plan.deletions] == [(("nas", "hash"),)] * 5
    assert {one.why for one in plan.deletions} == {Why.FULL}
    assert (plan.beyond, plan.short) == (15, 0)
    assert len([sql for sql in asked if "JOIN receipt" in sql]) == 5


def by_entries(catalogue: Catalogue, now: Any) -> Mapping[str, Any]:
    """Return what a camera's last day was, slot by slot."""
    day = timedelta(days=1)
    recorded = slots.between(catalogue, "north", seconds_of(now - day), seconds_of(now) + 1)
    ours = [entry_of(row) for row in recorded if row.node == "unit1"]
    causes = [one.cause for one in ours if one.cause is not None]
    return {
        "strip": strip(ours, now - day, now, 24, now),
        "day": {word: sum(one.outcome == word for one in ours) for word in {one.outcome for one in ours}},
        "missed": {word: causes.count(word) for word in set(causes)},
    }


@pytest.mark.parametrize("seconds", [0, 1, 599.5, 1800.000001])
def test_the_document_counts_a_day_as_slot_by_slot(seconds: float) -> None:
    quiet = Pace(judge=600, plan=6000, plan_soon=6000, report=1e6, report_soon=1e6)
    world = simulate(every="10m", pace=quiet)
    world.run(seconds=60 + seconds)
    now, site = world.world.now(), world.site.catalogue
    said: tuple[slots.OutcomeKind, ...] = ("captured", "late", "missed", "missed", "missed", "excused")
    causes = ("", "", "camera gone", "camera gone: no answer: at all", "never heard of: it", "paused")
    for number in range(160):
        at = seconds_of(now) - 86400 - 3 + number * 600 - number % 7
        outcome = said[number % 6] if number > 60 else said[number % 2]
        cause = causes[number % 6] if outcome in ("missed", "excused") else ""
        node = "unit1" if number % 11 else "unit2"
        slots.record(site, slots.Outcome(camera="north", slot=at, node=node, outcome=outcome, cause=cause, index=1))
    edge = slots.Outcome(camera="north", slot=seconds_of(now) - 86400, node="unit1", outcome="missed", cause="unknown")
    slots.record(site, edge)  # in the second in which the day begins: of a day that begins later, it is counted alone
    (camera,) = world.site.running.desks.reporting.document()["cameras"]
    right = by_entries(site, now)
    assert {key: camera[key] for key in right} == right
    assert len(set(camera["strip"])) >= 2
