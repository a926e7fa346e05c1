"""Saying how this node is at a place that is none: soon after what was delivered there, and not too often."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

from core.catalogue.store import Catalogue
from core.node.between.changes import Changes
from core.node.between.placing import APART, SOON, Placing
from core.node.context import Context
from core.node.jobs import Done, Job, Worker
from core.node.sending.delivering import Delivering
from core.site.load import reparse

TEXT = """version = 1
site = { name = "quay", zone = "UTC", data = "data" }
[[node]]
name = "unit1"
check_in = "1h"
[[destination]]
name = "shop"
address = "folder:/shop"
status = true
[[route]]
what = ["jpeg"]
to = "shop"
"""


@dataclass
class Unit:
    """The desk of a unit, whose objects get there when the test says so."""

    now: float = 1000.0
    given: list[Job] = field(default_factory=list)

    def __post_init__(self) -> None:
        site = reparse(TEXT)
        said = {"site": site, "node": site.node[0], "catalogue": Catalogue.in_memory(), "hands": self}
        clock = {"now": lambda: None, "monotonic": lambda: self.now}
        station = SimpleNamespace(is_paused=lambda now: False, rests_until=0.0, worker=Worker("destination", "shop"))
        linking = SimpleNamespace(carries=lambda *which: True, spent=lambda *which: None)
        delivering = cast(Delivering, SimpleNamespace(stations={"shop": station}, linking=linking))
        context = cast(Context, SimpleNamespace(**said, **clock))
        self.desk = Placing(context, delivering, lambda: {"at": self.now}, Changes(context))
        self.desk.apply()

    def give(self, job: Job) -> None:
        """Be the hands: an object is under way."""
        self.given.append(job)

    def arrives(self) -> None:
        self.desk.handle(Done(self.given.pop(), {}, 1.0))


def test_what_was_delivered_while_an_object_was_under_way_is_told_with_the_next_and_not_at_the_next_check_in() -> None:
    unit = Unit()
    unit.desk.tick()
    unit.desk.delivered("shop")
    unit.arrives()
    assert unit.desk.wake() == unit.now + APART


def test_without_a_delivery_it_checks_in_and_with_one_it_tells_soon() -> None:
    unit = Unit()
    unit.desk.tick()
    unit.arrives()
    assert unit.desk.wake() == unit.now + 3600
    unit.now += 600
    unit.desk.delivered("shop")
    assert unit.desk.wake() == unit.now + SOON
