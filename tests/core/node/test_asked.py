"""What the node does on an operator's word: a plan agreed to, an allowance that ends, a name that it has not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from peers.simulation import Simulation, simulate

from core.catalogue import buffer
from core.control.peer import Who
from core.control.request import Request
from core.control.verbs import Role
from core.node.context import Pace
from core.simulate.links import Outage

GB = 10**9
WHO = Who(1000, "ana", Role.ADMIN, 1)
QUICK = Pace(judge=600, plan=600, plan_soon=60, report=3600, report_soon=3600)
THIN = '[node.buffer]\nkeep_free = "1GB"\nwhen_full = "thin"\n'


def ask(world: Simulation, verb: str, **args: Any) -> Any:
    said: list[Any] = []
    world.site.ask(Request(verb, args, WHO, said.append))
    return said[0]


def gone(world: Simulation) -> list[buffer.Deletion]:
    return buffer.deletions(world.site.catalogue, 10**6)


@pytest.fixture
def held() -> Simulation:
    """A node on whose disk another program writes: far too much would go to make room."""
    world = simulate(node=THIN, pace=QUICK)
    world.site.disk.size = 3 * GB
    world.run(days=1)
    held = sum(one.present_bytes for one in buffer.tally(world.site.catalogue))
    world.site.disk.others = world.site.disk.size - GB - held // 2
    world.run(hours=2)
    assert gone(world) == []
    assert world.site.told("retention held")
    return world


def test_a_plan_that_is_held_back_goes_as_it_was_shown(held: Simulation) -> None:
    plan = ask(held, "retention-plan")["done"]
    assert (plan["rows"], plan["count"]) == ([], 0)
    assert plan["confirmed"]["count"] > 36
    done = ask(held, "retention-apply", plan=plan["plan"])["done"]
    first = [row["name"] for row in plan["confirmed"]["rows"]][: done["gone"]]
    assert sorted(str(one.name) for one in gone(held)) == sorted(first)


def test_another_plan_than_the_one_that_was_shown_is_refused(held: Simulation) -> None:
    plan = ask(held, "retention-plan")["done"]["plan"]
    held.site.disk.others += 100_000_000
    refused = ask(held, "retention-apply", plan=plan)
    assert "is not the plan any more" in refused["message"]
    held.run(hours=1)
    assert gone(held) == [], "and nothing was confirmed by it"
    held.site.disk.others -= 100_000_000
    assert "is not the plan any more" in ask(held, "retention-apply", plan="0" * 16)["message"]


def test_a_plan_of_a_usual_size_confirms_no_larger_one() -> None:
    world = simulate(node=THIN, pace=QUICK)
    world.run(hours=12)
    plan = ask(world, "retention-plan")["done"]
    assert "confirmed" not in plan
    assert ask(world, "retention-apply", plan=plan["plan"])["done"] == {"gone": 0, "left": 0, "freed": 0}
    kept = sum(one.present_bytes for one in buffer.tally(world.site.catalogue))
    world.site.disk.others = world.site.disk.size - GB - kept // 2
    world.run(minutes=30)
    assert gone(world) == []


def test_an_allowance_to_thin_ends_when_it_was_said_to_end() -> None:
    world = simulate(shoots="raw+jpeg", every="1h", node=THIN, pace=QUICK)
    world.site.disk.size = 1 * GB + 5 * 24 * 32_000_000
    world.destination.outages = [Outage(world.begin, world.begin + timedelta(days=40))]
    world.run(days=5.2)
    assert gone(world) == [], "announced, and not yet due"
    until = world.world.now() + timedelta(hours=12)
    said = ask(world, "thin-allow", until=until, reason="the link is down for a month")
    assert said == {"done": {"until": until.isoformat()}}
    world.run(hours=12)
    during = len(gone(world))
    assert during > 0
    world.run(hours=12)
    assert len(gone(world)) <= during + 1, "after it the announced day counts again"
    assert "until " in world.site.told("thinning allowed")[0]


def test_an_allowance_that_is_past_is_refused() -> None:
    world = simulate(node=THIN, pace=QUICK)
    world.run(hours=1)
    said = ask(world, "thin-allow", until=world.world.now(), reason="too late")
    assert said == {"error": "BadRequest", "message": "until: it is past already"}


def test_the_queue_of_a_destination_that_is_not_there_is_refused_with_those_that_are() -> None:
    world = simulate()
    world.run(hours=1)
    assert ask(world, "queue", destination="nas")["done"]["deliveries"] == []
    said = ask(world, "queue", destination="nsa")
    assert said == {"error": "NoSuchThing", "message": "there is no destination nsa; there are: nas"}


def test_a_preview_is_of_the_newest_picture_one_at_a_time_and_kept_for_who_did_not_wait() -> None:
    world = simulate(every="10m")
    world.run(hours=1, minutes=8)
    said: list[Any] = []
    size = {"columns": 60, "rows": 20, "colours": 8, "most": 9000}

    def asks(**args: Any) -> None:
        world.site.ask(Request("preview", {"camera": "north", **size, **args}, WHO, said.append))

    asks()
    asks()
    assert [one["error"] for one in said] == ["CameraBusy"], "the first one is being made"
    world.run(minutes=1)
    newest = ask(world, "pictures", camera="north", limit=3)["done"]["pictures"]
    assert said[1]["done"]["name"] == newest[0]["name"]
    assert said[1]["done"]["palette"] == [16, 231]
    asks()
    assert said[2] == said[1], "at once"
    asks(picture=newest[2]["name"])
    world.run(minutes=1)
    assert said[3]["done"]["name"] == newest[2]["name"]
    asks(picture="north_20200101T000000Z_unit1_1-1.jpg")
    assert said[4]["error"] == "NoSuchThing"
