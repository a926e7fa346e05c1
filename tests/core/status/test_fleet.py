"""What a node keeps of the status documents that others send."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.status.fleet import PAGE, fleet_page, is_newer, read_fleet, received, silent_for
from core.status.vitals import read_vitals

NOW = 1_790_000_000.0


def document(**other: Any) -> dict[str, Any]:
    lists: dict[str, Any] = {"cameras": [], "destinations": [], "links": []}
    return {"version": 1, "site": "harbour", "node": "unit1", "at": NOW - 60, **lists, **other}


def test_a_document_is_kept_with_the_time_at_which_it_came() -> None:
    assert received(document(), "harbour", "unit1", NOW) == {**document(), "heard": NOW}


def test_of_another_version_only_the_head_is_kept() -> None:
    kept = received(document(version=9, overlapse="7.0", cameras="who knows"), "harbour", "unit1", NOW)
    assert (kept["version"], kept["overlapse"], "cameras" in kept) == (9, "7.0", False)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        pytest.param(["unit1"], "not a status document", id="a-list"),
        pytest.param(document(node="unit2"), "not the status of unit1", id="another-node"),
        pytest.param(document(site="quay"), "not the status of unit1", id="another-site"),
        pytest.param(document(at=NOW + 3 * 86400), "still to come", id="from-the-future"),
        pytest.param(document(at="now"), "its time is none", id="no-time"),
        pytest.param(document(at=True), "its time is none", id="a-flag-for-a-time"),
        pytest.param(document(cameras={"north": 1}), "not a whole", id="no-list"),
    ],
)
def test_what_is_no_document_of_that_node_is_not_believed(said: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        received(said, "harbour", "unit1", NOW)


def test_what_comes_twice_or_late_changes_nothing() -> None:
    held = received(document(), "harbour", "unit1", NOW)
    assert not is_newer(document(), held)
    assert not is_newer(document(at=NOW - 120), held)
    assert is_newer(document(at=NOW - 59), held)


@pytest.mark.parametrize(
    ("at", "then_at", "newer"),
    [
        pytest.param(NOW + 3600, NOW + 60, True, id="a-clock-that-was-set-right"),
        pytest.param(NOW + 3600, NOW + 3300, False, id="a-clock-that-is-still-ahead-and-a-replay"),
        pytest.param(NOW + 30, NOW - 10, False, id="a-little-ahead-is-no-wrong-clock"),
        pytest.param(NOW - 7200, NOW - 7300, False, id="one-that-waited-and-an-older-one"),
    ],
)
def test_a_document_from_the_future_does_not_outlive_the_clock_that_made_it(
    at: float, then_at: float, newer: bool
) -> None:
    held = received(document(at=at), "harbour", "unit1", NOW)
    then = received(document(at=then_at), "harbour", "unit1", NOW + 60)
    assert is_newer(then, held) is newer


def test_after_a_start_the_documents_that_lie_there_are_known_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "unit1.json").write_text(json.dumps(document(heard=NOW)))
    (tmp_path / "unit2.json").write_text("{")
    (tmp_path / "unit3.json").write_text(json.dumps(document(heard=NOW)))  # it says that it is unit1
    (tmp_path / "unit4.json").write_text(json.dumps(document(node="unit4", heard=NOW, rate=1)).replace("1}", "1e999}"))
    assert [one["node"] for one in read_fleet(tmp_path)] == ["unit1"]


@pytest.mark.parametrize("said", ['{"a":1e999}', '{"a":1,"d":-1e999}', '{"a":1,"d":NaN}', '{"a":1,"more":[1e999]}'])
def test_vitals_with_a_number_that_no_answer_can_hold_are_none(said: str) -> None:
    assert read_vitals(said) is None
    assert read_vitals('{"a":1,"d":2.5}') == {"a": 1, "d": 2.5}


def test_a_page_ends_where_an_answer_is_full_and_says_where_the_rest_begins() -> None:
    documents = [document(node=f"unit{n}", heard=NOW + n, text="x" * (PAGE // 3)) for n in range(5)]
    pages = [fleet_page(documents, 0)]
    while "next" in pages[-1]:
        pages.append(fleet_page(documents, pages[-1]["next"]))
    assert [[one["node"] for one in page["nodes"]] for page in pages] == [
        ["unit0", "unit1"],
        ["unit2", "unit3"],
        ["unit4"],
    ]


@pytest.mark.parametrize(
    ("check_in", "ago", "silent"),
    [
        pytest.param(300, 660, None, id="one-check-in-may-get-lost"),
        pytest.param(300, 661, 661, id="two-may-not"),
        pytest.param(3600, 3700, None, id="a-unit-that-checks-in-once-an-hour"),
        pytest.param(None, 661, 661, id="a-unit-that-does-not-say-how-often"),
    ],
)
def test_a_node_is_silent_when_two_check_ins_did_not_come(
    check_in: float | None, ago: float, silent: float | None
) -> None:
    known = document(heard=NOW - ago, **({} if check_in is None else {"check_in": check_in}))
    assert silent_for(known, NOW) == silent
