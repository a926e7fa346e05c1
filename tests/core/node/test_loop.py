"""The deciding thread, on a clock that jumps."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue

from core.node.loop import Event, Loop, Stop
from core.simulate.world import World

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass
class EveryMinute:
    """A part that has something due each minute."""

    world: World
    seen: list[object] = field(default_factory=list)
    ticks: list[datetime] = field(default_factory=list)
    due: float = 60.0
    in_hand: bool = False
    closed: bool = False

    def handle(self, event: object) -> None:
        self.seen.append(event)
        self.in_hand = False

    def tick(self) -> None:
        if self.world.monotonic() >= self.due:
            self.ticks.append(self.world.now())
            self.due += 60

    def wake(self) -> float:
        return self.due

    def finished(self) -> bool:
        return not self.in_hand

    def stop(self) -> None:
        self.due = float("inf")

    def close(self) -> None:
        self.closed = True


def run(world: World, queue: SimpleQueue[Event | Stop], *parts: EveryMinute) -> None:
    Loop(world, queue).run(parts)


def test_a_day_of_minutes_is_1440_ticks() -> None:
    world, queue = World(NOON), SimpleQueue[Event | Stop]()
    part = EveryMinute(world)
    world.after(86400.5, lambda: queue.put(Stop()))
    run(world, queue, part)
    assert len(part.ticks) == 1440
    assert part.ticks[0] == NOON + timedelta(minutes=1)


def test_an_event_reaches_only_its_part() -> None:
    world, queue = World(NOON), SimpleQueue[Event | Stop]()
    one, other = EveryMinute(world), EveryMinute(world)
    world.after(5, lambda: queue.put(Event(one, "picture")))
    world.after(10, lambda: queue.put(Stop()))
    run(world, queue, one, other)
    assert (one.seen, other.seen) == (["picture"], [])


def test_what_is_in_hand_is_finished_before_the_end() -> None:
    world, queue = World(NOON), SimpleQueue[Event | Stop]()
    part = EveryMinute(world, in_hand=True)
    world.after(10, lambda: queue.put(Stop()))
    world.after(25, lambda: queue.put(Event(part, "shot done")))
    run(world, queue, part)
    assert part.seen == ["shot done"]
    assert part.closed


def test_an_end_does_not_wait_for_ever() -> None:
    world, queue = World(NOON), SimpleQueue[Event | Stop]()
    part = EveryMinute(world, in_hand=True)
    world.after(10, lambda: queue.put(Stop()))
    run(world, queue, part)
    assert part.closed
    assert world.now() - NOON <= timedelta(seconds=130)


def test_a_wall_clock_that_jumps_moves_no_wake() -> None:
    world, queue = World(NOON), SimpleQueue[Event | Stop]()
    part = EveryMinute(world)
    world.after(90, lambda: world.jump(timedelta(days=400)))
    world.after(301, lambda: queue.put(Stop()))
    run(world, queue, part)
    assert len(part.ticks) == 5
