"""What each node carries: in normal operation, and when the one worst node for it fails."""

from __future__ import annotations

import pytest

from core.planner.load import FULL, Cost, Machine, NodeLoad, Served, loads, text, to_json

SHOT = Cost(cpu=6.0, stored=6_000_000, sent=600_000)


def camera(name: str, primary: str, backup: str | None = "cloud", constant: bool = False, cost: Cost = SHOT) -> Served:
    everywhere = dict.fromkeys(("unit1", "unit2", "cloud"), cost)
    return Served(name, primary, backup, 60.0, everywhere, constant)


def of(node: str, served: list[Served], /, **more: object) -> NodeLoad:
    [found] = loads([Machine(node, **more)], served)  # type: ignore[arg-type]
    return found


SITE = [camera("a", "unit1"), camera("b", "unit1"), camera("c", "unit2"), camera("own", "cloud", None)]


def test_a_backup_carries_its_own_and_those_of_the_worst_of_its_primaries_and_not_of_two() -> None:
    found = of("cloud", SITE)
    assert (found.normal.cameras, found.worst.cameras, found.failing) == (1, 3, "unit1")
    assert [found.normal.cpu, found.worst.cpu] == pytest.approx([0.1, 0.3])
    assert found.worst.sent == pytest.approx(3 * 600_000 / 60)


def test_what_is_shot_all_the_time_is_carried_all_the_time() -> None:
    cameras = [camera("a", "unit1", constant=True), camera("b", "unit1", constant=True), camera("c", "unit2")]
    found = of("cloud", cameras)
    assert (found.normal.cameras, found.worst.cameras, found.failing) == (2, 3, "unit2")


def test_a_node_that_stands_by_for_nobody_has_no_worst_failure() -> None:
    found = of("unit1", SITE)
    assert (found.normal, found.failing) == (found.worst, None)
    assert [*found.problems()] == []


def test_several_processors_share_the_work() -> None:
    assert of("cloud", SITE, processors=2).worst.cpu == pytest.approx(0.15)


@pytest.mark.parametrize(
    ("more", "cost", "told"),
    [
        ({"cameras": 2}, SHOT, "cloud would serve 3 cameras when unit1 fails; max_cameras is 2"),
        ({"cameras": 3}, SHOT, None),
        ({}, Cost(cpu=FULL * 20), None),
        ({}, Cost(cpu=FULL * 20 + 0.3), "cloud would need 82% of its processors when unit1 fails"),
        ({"uplink": 30_000.0}, SHOT, "cloud would need 100% of its link when unit1 fails"),
    ],
    ids=["one camera too many", "just as many", "just as busy", "too busy", "too much for its link"],
)
def test_what_it_cannot_carry_is_said(more: dict[str, object], cost: Cost, told: str | None) -> None:
    cameras = [
        camera("a", "unit1", cost=cost),
        camera("b", "unit1", cost=cost),
        camera("own", "cloud", None, cost=cost),
    ]
    problems = [*of("cloud", cameras, **more).problems()]
    assert [problem for problem in problems if told and told in problem] == ([problems[0]] if told else [])
    assert bool(problems) == bool(told)


def test_what_was_not_measured_there_is_named_and_not_taken_for_nothing() -> None:
    found = of("cloud", [Served("a", "unit1", "cloud", 60.0, {"unit1": SHOT})])
    assert (found.worst.unknown, found.worst.cameras) == (("a",), 1)
    assert "not measured there yet: a" in text([found])


def test_a_person_and_a_machine_read_the_same_sum() -> None:
    found = loads([Machine("unit1"), Machine("cloud", cameras=1)], SITE)
    shown = text(found)
    assert "unit1 fails: 3 cameras 30% cpu" in shown
    assert "! cloud would serve 3 cameras" in shown
    told = to_json(found)
    assert told[1]["failing"] == "unit1"
    assert told[1]["worst"] == {
        "cameras": 3,
        "cpu_share": 0.3,
        "sent_Bps": 30_000.0,
        "stored_Bps": 300_000.0,
        "not_measured": [],
    }
