"""Every problem of a schedule is told at once, each with its key and what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.schedule.check import problems
from core.schedule.slots import Timetable
from core.site.model.cameras import Camera, Event, Schedule

Cameras = Callable[..., Camera]

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PLACE = (48.64, -2.02)
POUR = Event(every=MINUTE, begin="2026-06-10T08:00", end="2026-06-10T12:00")


@pytest.mark.parametrize(
    ("entry", "key", "told"),
    [
        pytest.param(Schedule(), "schedule[0]", "neither every nor at", id="neither-every-nor-at"),
        pytest.param(Schedule(every=HOUR, at=("12:00",)), "schedule[0]", "both every and at", id="both"),
        pytest.param(Schedule(every=0.999 * MINUTE / 60), "schedule[0].every", '"1s"', id="just-under-a-second"),
        pytest.param(Schedule(every=timedelta(hours=24, seconds=1)), "schedule[0].every", '"24h"', id="over-a-day"),
        pytest.param(Schedule(every=timedelta(seconds=1.5)), "schedule[0].every", "whole seconds", id="half-a-second"),
        pytest.param(Schedule(every=HOUR, offset=24 * HOUR), "schedule[0].offset", "less than", id="offset-of-a-day"),
        pytest.param(Schedule(every=HOUR, offset=-MINUTE), "schedule[0].offset", "0s", id="offset-below-zero"),
        pytest.param(
            Schedule(at=("12:00",), offset=MINUTE), "schedule[0].offset", "goes with every", id="offset-of-at"
        ),
        pytest.param(Schedule(at=("12:00", "noonish")), "schedule[0].at[1]", "time of day", id="bad-time-in-at"),
        pytest.param(Schedule(every=HOUR, days="mon-"), "schedule[0].days", "is not a day", id="bad-day"),
        pytest.param(Schedule(every=HOUR, begin="8am"), "schedule[0].from", "time of day", id="bad-begin"),
        pytest.param(Schedule(every=HOUR, end=""), "schedule[0].to", "time of day", id="empty-end"),
        pytest.param(Schedule(every=HOUR, begin="24:00"), "schedule[0].from", '"23:59"', id="24-as-begin"),
        pytest.param(
            Schedule(every=6 * HOUR, begin="07:00", end="11:00"),
            "schedule[0]",
            "no slot ever",
            id="never-in-its-window",
        ),
        pytest.param(Schedule(at=("07:00",), begin="08:00"), "schedule[0]", "no slot ever", id="at-outside-its-window"),
    ],
)
def test_a_problem_names_its_key_and_what_to_write(camera: Cameras, entry: Schedule, key: str, told: str) -> None:
    found = problems(camera(entry), "Europe/Paris", *PLACE)
    assert [path for path, _ in found] == [key]
    assert told in found[0][1]


@pytest.mark.parametrize(
    ("event", "key", "told"),
    [
        pytest.param({"end": "2026-06-10T08:00"}, "event[0].to", "not after its begin", id="no-length"),
        pytest.param({"end": "2026-06-09T08:00"}, "event[0].to", "not after its begin", id="ends-before-it-begins"),
        pytest.param({"begin": "10.06.2026"}, "event[0].from", "local date and time", id="bad-begin"),
        pytest.param({"end": "2026-06-10T12:00Z"}, "event[0].to", "without a zone", id="with-a-zone"),
        pytest.param({"every": timedelta(0)}, "event[0].every", '"1s"', id="no-interval"),
        pytest.param({"offset": 25 * HOUR}, "event[0].offset", "less than", id="offset"),
        pytest.param({"every": 7 * HOUR}, "event[0]", "no slot falls", id="shorter-than-its-interval"),
    ],
)
def test_a_problem_of_an_event_names_its_key(camera: Cameras, event: dict[str, Any], key: str, told: str) -> None:
    fields: dict[str, Any] = {"every": MINUTE, "begin": "2026-06-10T08:00", "end": "2026-06-10T12:00", **event}
    found = problems(camera(event=[Event(**fields)]), "Europe/Paris", *PLACE)
    assert [path for path, _ in found] == [key]
    assert told in found[0][1]


def test_all_problems_are_told_at_once(camera: Cameras) -> None:
    wrong = Schedule(every=timedelta(0), days="funday", begin="25:00", end="sunsett")
    found = problems(camera(wrong, Schedule(), event=[POUR, POUR]), "Europe/Paris", *PLACE)
    assert [path for path, _ in found] == [
        "schedule[0].every",
        "schedule[0].days",
        "schedule[0].from",
        "schedule[0].to",
        "schedule[1]",
        "event[1].from",
    ]


@pytest.mark.parametrize(
    "place",
    [
        pytest.param((None, None), id="neither"),
        pytest.param((48.6, None), id="latitude-alone"),
        pytest.param((None, -2.0), id="longitude-alone"),
        pytest.param((90.01, 0.0), id="north-of-the-pole"),
        pytest.param((0.0, -180.01), id="west-of-the-date-line"),
        pytest.param((float("nan"), 0.0), id="not-a-number"),
    ],
)
def test_the_sun_needs_coordinates_that_exist(camera: Cameras, place: tuple[float | None, float | None]) -> None:
    by_sun = camera(Schedule(every=HOUR, begin="sunrise", end="18:00"), Schedule(at=("noon",)), Schedule(every=HOUR))
    found = problems(by_sun, "Europe/Paris", *place)
    assert [path for path, _ in found] == ["schedule[0].from", "schedule[1].at[0]"]
    assert all("latitude" in sentence for _, sentence in found)


def test_an_unknown_zone_is_told_once_beside_what_is_wrong_without_it(camera: Cameras) -> None:
    found = problems(
        camera(Schedule(every=HOUR, days="x"), Schedule(every=HOUR), event=[POUR]), "Europe/Pariss", *PLACE
    )
    assert [path for path, _ in found] == ["schedule", "schedule[0].days"]
    assert "Europe/Pariss" in found[0][1]


def test_events_may_follow_each_other_without_a_break(camera: Cameras) -> None:
    after = Event(every=MINUTE, begin="2026-06-10T12:00", end="2026-06-10T13:00")
    assert problems(camera(event=[POUR, after]), "Europe/Paris", *PLACE) == []


@pytest.mark.parametrize(
    "entry",
    [
        Schedule(every=timedelta(seconds=1)),
        Schedule(every=24 * HOUR, offset=12 * HOUR),
        Schedule(at=("12:00", "noon", "sunset-1h"), days="mon,thu"),
        Schedule(every=10 * MINUTE, days="mon-sat", begin="sunrise-30m", end="sunset+30m"),
        Schedule(every=10 * MINUTE, begin="20:00", end="06:00"),
        Schedule(every=timedelta(hours=24), begin="00:00", end="00:01"),
    ],
)
@pytest.mark.parametrize("place", [PLACE, (78.2, 15.6), (-89.0, 0.0)])
def test_what_has_no_problem_compiles_and_has_slots(
    camera: Cameras, entry: Schedule, place: tuple[float, float]
) -> None:
    good = camera(entry, event=[POUR])
    assert problems(good, "Europe/Paris", *place) == []
    assert Timetable(good, "Europe/Paris", *place).next(datetime(2026, 6, 1, tzinfo=UTC)) is not None
