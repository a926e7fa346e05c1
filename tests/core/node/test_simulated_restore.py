"""A restore on a clock that jumps: what one picture refuses, what a link that is down delays, and how much is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from peers.simulation import BEGIN, Simulation, simulate

from core.catalogue import buffer
from core.control.peer import Who
from core.control.request import Request
from core.control.verbs import Role
from core.errors import ChildDied, DestinationRefused, DestinationUnreachable, ObjectDiffers, OverlapseError
from core.node.jobs import Job, Json, Said, Worker
from core.simulate.disk import File
from core.simulate.world import Ask, Course
from core.values import Fence, PictureName, Sha256, stamp

WHO = Who(1000, "ana", Role.ADMIN, 1)
SIZE = 6_000_000


def name(number: int) -> PictureName:
    """Return a picture of the day before; a higher number is an older one."""
    at = BEGIN.replace(hour=12, minute=0) - timedelta(days=1, minutes=10 * number)
    return PictureName("north", at, "unit1", Fence(1, 4), "jpg")


@dataclass
class Far:
    """The destination's child: it holds some pictures, and fails at them as it is told to."""

    simulation: Simulation
    count: int
    fail: Callable[[str, int], OverlapseError | None] = lambda name, attempt: None  # (picture, how many times before)
    asked: list[tuple[datetime, str]] = field(default_factory=list)

    def do(self, job: Job, now: datetime) -> Course:
        yield 0.1
        if job.op == "survey":
            rows = [[str(name(n)), SIZE, self.remote(n)] for n in range(self.count)]
            reply = yield Ask({"held": rows})
            assert reply is not None
            return {"days": [self.day(sum(reply["missing"]))], "listed": self.count}
        if job.op == "list":
            objects = [{"name": self.remote(n), "size": SIZE} for n in range(self.count)]
            self.simulation.site.running.handle(Said(job, {"objects": objects}))
            return {"count": self.count}
        return (yield from self.restore(job, now))

    def restore(self, job: Job, now: datetime) -> Course:
        base = job.args["name"].rpartition("/")[2]
        before = sum(text == base for _, text in self.asked)
        self.asked.append((now, base))
        error = self.fail(base, before)
        if error is not None:
            raise error
        yield Ask({"grant": SIZE, "offset": 0})
        yield 50.0
        file = self.simulation.destination.store[job.args["name"]]
        self.simulation.site.disk.receive(job.args["into"].rpartition("/")[2], file)
        return {"size": SIZE, "sha256": file.sha256, "proof": "", "received": SIZE}

    def ended(self, worker: Worker) -> None:
        """Nothing is forgotten."""

    def remote(self, number: int) -> str:
        return f"quarry/{name(number).path}"

    def day(self, missing: int) -> Json:
        sizes = {"bytes": self.count * SIZE, "missing_bytes": missing * SIZE}
        return {"camera": "north", "day": f"{name(0).at:%Y-%m-%d}", "pictures": self.count, "missing": missing, **sizes}


def restoring(count: int, fail: Callable[[str, int], OverlapseError | None]) -> tuple[Simulation, Far]:
    """Return a node that runs, and was just told to restore."""
    simulation = simulate()
    far = Far(simulation, count, fail)
    simulation.site.others[Worker("destination", "nas:restore")] = far
    for n in range(count):
        simulation.destination.store[far.remote(n)] = File(SIZE, Sha256(f"{n:064x}"))
    simulation.run(minutes=1)
    said: list[Any] = []
    simulation.site.ask(Request("restore", {"from": "nas"}, WHO, said.append))
    assert "done" in said[0], said
    return simulation, far


def test_a_link_that_is_down_for_a_night_is_waited_for_and_all_comes_newest_first() -> None:
    night = BEGIN + timedelta(hours=10)

    def cut(base: str, before: int) -> OverlapseError | None:
        down = simulation.world.now() < night and stamp(name(1).at) in base
        return DestinationUnreachable("no route to host") if down else None

    simulation, far = restoring(3, cut)
    simulation.run(hours=2)
    assert simulation.site.running.desks.errands.state()["trouble"] == "no route to host"
    simulation.run(hours=10)
    state = simulation.site.running.desks.errands.state()
    assert (state["ended"], state["error"], state["restored"], state["trouble"]) == (True, None, 3, None)
    assert list(dict.fromkeys(base for _, base in far.asked)) == [str(name(n)) for n in range(3)]
    assert len(far.asked) < 150
    assert simulation.broken() == []
    [tally] = buffer.tally(simulation.site.catalogue)
    assert (tally.present, tally.proven) == (len(simulation.outcomes()),) * 2


@pytest.mark.parametrize(
    ("error", "times", "counted"),
    [
        pytest.param(ObjectDiffers("another hash"), 1, "differ", id="altered"),
        pytest.param(DestinationRefused("permission denied"), 1, "refused", id="refused"),
        pytest.param(ChildDied("by signal 11"), 5, "refused", id="it-ends-the-child-each-time"),
    ],
)
def test_one_picture_that_does_not_come_keeps_no_other_from_coming(
    error: OverlapseError, times: int, counted: str
) -> None:
    simulation, far = restoring(3, lambda base, before: error if base == str(name(1)) else None)
    simulation.run(hours=2)
    state = simulation.site.running.desks.errands.state()
    assert (state["ended"], state["error"], state["restored"], state[counted]) == (True, None, 2, 1)
    assert sum(base == str(name(1)) for _, base in far.asked) == times
    assert simulation.site.told("picture not restored") == [str(error)]


def test_a_destination_that_refuses_everything_ends_it() -> None:
    simulation, far = restoring(30, lambda base, before: DestinationRefused("permission denied"))
    simulation.run(hours=2)
    state = simulation.site.running.desks.errands.state()
    assert (state["ended"], state["restored"], state["refused"]) == (True, 0, 10)
    assert state["error"] == {"error": "DestinationRefused", "message": "permission denied"}
    assert len(far.asked) == 11


def test_it_goes_on_after_the_power_went() -> None:
    simulation, far = restoring(20, lambda base, before: None)
    simulation.run(minutes=6)
    kept = simulation.site.running.desks.errands.state()["restored"]
    simulation.node.cut()
    simulation.run(minutes=1)
    simulation.site.running.desks.errands.resume()
    simulation.run(hours=1)
    state = simulation.site.running.desks.errands.state()
    assert 0 < kept < 20
    assert (state["ended"], state["error"], state["plan"]["here"]) == (True, None, kept)
    assert state["restored"] == 20 - kept
    assert len(far.asked) <= 21
    assert simulation.broken(until=simulation.begin) == []
