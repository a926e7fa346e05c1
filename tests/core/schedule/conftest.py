from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.schedule.slots import Timetable
from core.site.model.cameras import Camera, Event, FolderSource, Schedule

Compile = Callable[..., Timetable]
Local = Callable[[str, str], datetime]


def _camera(*schedule: Schedule, event: Sequence[Event] = ()) -> Camera:
    return Camera(name="north", source=FolderSource(kind="folder", path="in"), schedule=schedule, event=tuple(event))


@pytest.fixture(scope="session")
def camera() -> Callable[..., Camera]:
    return _camera


@pytest.fixture(scope="session")
def timetable() -> Compile:
    """Compile schedules into a timetable: timetable(Schedule(...), ..., zone=, event=, place=)."""

    def compiled(
        *schedule: Schedule,
        zone: str = "Europe/Paris",
        event: Sequence[Event] = (),
        place: tuple[float, float] | tuple[None, None] = (None, None),
    ) -> Timetable:
        return Timetable(_camera(*schedule, event=event), zone, *place)

    return compiled


@pytest.fixture(scope="session")
def local() -> Local:
    """Return the first instant at which the wall clock of a zone shows a time: local("Europe/Paris", "2026-01-01")."""

    def instant(zone: str, text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))

    return instant


@pytest.fixture(scope="session")
def day_of(local: Local) -> Callable[[Timetable, str, str], list[str]]:
    """Return the wall-clock times of a day's slots, as an operator would read them."""

    def times(timetable: Timetable, zone: str, day: str) -> list[str]:
        begin = local(zone, day)
        end = local(zone, (datetime.fromisoformat(day) + timedelta(days=1)).isoformat())
        return [slot.at.astimezone(ZoneInfo(zone)).strftime("%H:%M") for slot in timetable.slots(begin, end)]

    return times
