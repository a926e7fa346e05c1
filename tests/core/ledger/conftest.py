from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from core.ledger.gap import Stretch, gap
from core.ledger.outcomes import Entry, settle, shot
from core.ledger.rhythm import Due, Rhythm, begin, done, due, is_credible
from core.schedule.slots import Timetable
from core.site.model.cameras import Camera, FolderSource, Schedule

START = datetime(2026, 6, 10, 8, 0, tzinfo=UTC)


def _timetable(*schedule: Schedule, zone: str = "UTC") -> Timetable:
    source = FolderSource(kind="folder", path="in")
    return Timetable(Camera(name="north", source=source, schedule=schedule), zone)


@pytest.fixture(scope="session")
def timetable() -> Callable[..., Timetable]:
    return _timetable


@dataclass
class Node:
    """A node with one camera, driven as the loop drives it, on clocks that the test moves."""

    expected: Timetable
    now: datetime = START
    monotonic: float = 1_000.0
    trusted: bool = True
    shot_seconds: float = 1.0
    ledger: dict[datetime, Entry] = field(default_factory=dict)
    shots: list[tuple[float, str, datetime]] = field(default_factory=list)  # monotonic, kind, at
    looks: int = 0
    state: Rhythm | None = None

    def start(self) -> None:
        highest = max(self.ledger, default=None)
        self.state = begin(highest, self.now, self.monotonic, self.trusted)
        if highest is not None and highest < self.now:
            stretch = Stretch(highest, self.now, "node down")
            if is_credible(stretch, self.trusted):
                self.write(stretch)

    def stop(self, seconds: float = 0.0) -> None:
        """The node ends; its clocks go on, the monotonic one from anew."""
        self.state = None
        self.now += timedelta(seconds=seconds)
        self.monotonic = 5.0

    def write(self, stretch: Stretch) -> None:
        for entry in gap(self.expected, "north", "unit1", stretch, recorded=self.ledger.__contains__).entries:
            assert entry.at not in self.ledger
            self.ledger[entry.at] = entry

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.monotonic += seconds

    def jump(self, **step: float) -> None:
        """Set the wall clock; time itself goes on evenly."""
        self.now += timedelta(**step)

    def look(self) -> Due:
        assert self.state is not None
        self.looks += 1
        self.state, found = due(
            self.state, self.expected, self.now, self.monotonic, self.trusted, self.ledger.__contains__
        )
        if found.missed is not None:
            self.write(found.missed)
        return found

    def run(self, **duration: float) -> None:
        """Go from wake to wake, as the loop does, for so long."""
        end = self.monotonic + timedelta(**duration).total_seconds()
        while self.monotonic < end:
            found = self.look()
            if found.kind == "none":
                wake = end if found.wake is None else found.wake
                self.pass_time(min(max(wake - self.monotonic, 0.000_001), end - self.monotonic))
            else:
                self.shoot(found)

    def shoot(self, found: Due) -> None:
        assert found.at is not None
        assert self.state is not None
        self.shots.append((self.monotonic, found.kind, found.at))
        self.state = done(self.state, found)
        if found.kind == "slot":
            assert found.at not in self.ledger, "a slot with an outcome was shot again"
            assert found.slot is not None
            self.ledger[found.at] = settle(None, shot(found.slot, "north", "unit1", self.now))
        self.pass_time(self.shot_seconds)

    def kinds(self) -> list[str]:
        return [kind for _, kind, _ in self.shots]

    def rhythm(self) -> list[float]:
        """Return the real seconds between shots."""
        seconds = [second for second, _, _ in self.shots]
        return [round(after - before, 3) for before, after in pairwise(seconds)]

    def outcomes(self) -> Iterator[tuple[str, str | None]]:
        return ((entry.outcome, entry.cause) for _, entry in sorted(self.ledger.items()))


@pytest.fixture
def node(timetable: Callable[..., Timetable]) -> Node:
    return Node(timetable(Schedule(every=timedelta(minutes=10))))


@pytest.fixture(scope="session")
def new_node() -> Callable[..., Node]:
    return Node
