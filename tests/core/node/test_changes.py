"""Changes of verdicts: numbered, kept over a stop, and few."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from core.catalogue.store import Catalogue
from core.errors import BadRequest, NoSuchThing
from core.node.between.changes import MOST, Changes
from core.node.between.noted import Noted
from core.node.context import Context
from core.values import utc


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    catalogue = Catalogue.open(tmp_path / "catalogue.db")
    ours = SimpleNamespace(name="unit1")
    found = SimpleNamespace(catalogue=catalogue, node=ours, now=lambda: utc(1000), tell=lambda *told: None)
    yield cast(Context, found)
    catalogue.close()


def said(state: int, at: float = 1000.0) -> dict[str, Any]:
    return {"at": at, "verdicts": [{"check": "camera", "subject": "north", "state": state, "line": "CAMERA"}]}


def test_only_what_changes_is_noted_and_each_change_has_the_next_number(context: Context) -> None:
    changes = Changes(context)
    for at, state in enumerate((0, 0, 2, 2, 0)):
        changes.note(said(state, at))
    assert [(row["n"], row["at"], row["state"]) for row in changes.after(0)] == [(1, 2, 2), (2, 4, 0)]
    assert [row["n"] for row in changes.after(1)] == [2]


def test_numbers_go_on_after_a_stop_and_a_change_across_it_is_noted(context: Context) -> None:
    first = Changes(context)
    first.note(said(0))
    first.note(said(2))
    again = Changes(context)
    again.note(said(2))
    assert again.last == 1
    again.note(said(0))
    assert [row["n"] for row in again.after(0)] == [1, 2]


def test_after_a_long_outage_the_oldest_are_missing_and_the_numbers_say_so(context: Context) -> None:
    changes = Changes(context)
    for n in range(MOST + 11):
        changes.note(said(n % 2))
    assert [row["n"] for row in changes.after(0)] == list(range(11, MOST + 11))


def test_a_problem_is_acknowledged_until_it_is_over(context: Context) -> None:
    noted, bad = Noted(context, lambda: {"unit2": said(2)}), said(2)["verdicts"]
    noted.add("camera north", "unit1", "ana", "on my way", bad)
    noted.add("camera north", "unit2", "ben", "me too", bad)
    assert [(row["node"], row["by"]) for row in noted.open(bad)] == [("unit1", "ana"), ("unit2", "ben")]
    assert [row["node"] for row in noted.open(said(0)["verdicts"])] == ["unit2"]
    assert [row["node"] for row in noted.open(bad)] == ["unit2"]


def test_an_acknowledgement_ends_when_it_was_said_to_and_that_is_told() -> None:
    seconds, told = [1000.0], []
    clock = SimpleNamespace(now=lambda: utc(seconds[0]), tell=lambda *said: told.append(said))
    here = SimpleNamespace(catalogue=Catalogue.in_memory(), node=SimpleNamespace(name="unit1"))
    noted = Noted(cast(Context, SimpleNamespace(**vars(here), **vars(clock))), dict)
    bad = said(2)["verdicts"]
    with pytest.raises(BadRequest, match="past"):
        noted.add("camera north", "unit1", "ana", "on my way", bad, utc(1000))
    assert noted.add("camera north", "unit1", "ana", "on my way", bad, utc(4600))["until"] == 4600
    seconds[0] = 4599
    assert noted.open(bad)
    seconds[0] = 4600
    assert noted.open(bad) == noted.open(bad) == []
    assert told[1:] == [("acknowledgement ended", "unit1", "camera north, by ana: it goes on")]


def test_while_the_disk_takes_nothing_an_end_waits_and_is_then_told_once(context: Context) -> None:
    seconds, told = [1000.0], []
    clock = SimpleNamespace(now=lambda: utc(seconds[0]), tell=lambda *said: told.append(said[0]))
    noted, bad = Noted(cast(Context, SimpleNamespace(**vars(context) | vars(clock))), dict), said(2)["verdicts"]
    noted.add("camera north", "unit1", "ana", "on my way", bad, utc(4600))
    seconds[0] = 4600
    context.catalogue.run("PRAGMA query_only = ON")
    assert noted.open(bad) == noted.open(bad) == []
    assert told == ["acknowledged"]
    context.catalogue.run("PRAGMA query_only = OFF")
    assert noted.open(bad) == noted.open(bad) == []
    assert told == ["acknowledged", "acknowledgement ended"]


@pytest.mark.parametrize(
    ("service", "state", "why"),
    [("camera south", 2, "it has: camera north"), ("camera north", 0, "nothing is to be acknowledged")],
    ids=["no-such-service", "no-problem"],
)
def test_what_is_no_problem_is_not_acknowledged(context: Context, service: str, state: int, why: str) -> None:
    with pytest.raises(NoSuchThing, match=why):
        Noted(context, dict).add(service, "unit1", "ana", "x", said(state)["verdicts"])
