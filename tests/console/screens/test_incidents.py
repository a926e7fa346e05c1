"""Planted incidents: the first two screens name the cause, since when, and what is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from peers.nodesocket import served
from peers.statuses import DAY, HOUR, NOW, put, redundant, with_

from checks.evaluate import verdicts

Json = dict[str, Any]
MISSED = {"missed": 6, "since": NOW - HOUR}


def failing(cause: str, error: str) -> list[Any]:
    last = {"slot": NOW - 600, "outcome": "missed", "cause": cause}
    rows: list[Any] = [put("cameras.0.state", "failing"), put("cameras.0.row", MISSED), put("cameras.0.error", error)]
    return [*rows, put("cameras.0.last", last), put("cameras.0.missed", {cause: 6})]


def held(**more: Any) -> Json:
    part = redundant()
    part["cameras"][0] |= more
    return part


def trouble(name: str, text: str) -> list[Any]:
    error = {"class": name, "text": text, "since": NOW - 30 * HOUR}
    made: list[Any] = [put("destinations.0.state", "trouble"), put("destinations.0.error", error)]
    return [*made, *backlog(30)]


def backlog(hours: float) -> list[Any]:
    return [
        put("destinations.0.waiting", 180),
        put("destinations.0.bytes", 900_000_000),
        put("destinations.0.oldest", NOW - hours * HOUR),
    ]


# what happened: changes, the keys to the second screen, and what must stand on the first two: cause, since when, loss
INCIDENTS: dict[str, tuple[list[Any], list[str], tuple[str, ...]]] = {
    "battery": (failing("camera gone", "battery flat"), ["enter"], ("battery flat", "11:00", "losing 6")),
    "card full": (failing("card full", "no room on its card"), ["enter"], ("no room on its card", "11:00", "losing 6")),
    "hung": (failing("timeout", "no answer in 60 s"), ["enter"], ("no answer in 60 s", "11:00", "losing 6")),
    "focus": (failing("focus", "found no focus"), ["enter"], ("found no focus", "11:00", "losing 6")),
    "claimed": (
        failing("camera busy", "another program holds it"),
        ["enter"],
        ("another program", "11:00", "losing 6"),
    ),
    "password": (failing("refused", "401 wrong password"), ["enter"], ("401 wrong password", "11:00", "losing 6")),
    "black": (
        [put("cameras.0.view", {"verdict": "black", "pictures": 9, "since": NOW - 2 * HOUR, "text": "all black"})],
        ["enter"],
        ("black", "10:00", "9 pictures"),
    ),
    "moved": (
        [put("cameras.0.view", {"verdict": "moved", "pictures": 5, "since": NOW - 3 * HOUR, "text": "31 px"})],
        ["enter"],
        ("moved", "9:00", "5 pictures"),
    ),
    "paused": (
        [
            put("cameras.0.state", "paused"),
            put("cameras.0.paused", {"since": NOW - HOUR, "until": NOW + HOUR, "by": "anna", "text": "lens cleaned"}),
        ],
        ["enter"],
        ("paused", "lens cleaned", "13:00", "as far as is known"),
    ),
    "drift": ([put("cameras.0.drift", {"iso": ["100", "400"]})], ["enter"], ("iso: 100 wanted, found 400",)),
    "destination down": (
        trouble("DestinationUnreachable", "no route to host"),
        ["2"],
        ("no route to host", "30h", "180"),
    ),
    "destination full": (trouble("DestinationFull", "disk quota exceeded"), ["2"], ("quota exceeded", "30h", "180")),
    "host key": (trouble("HostKeyMismatch", "another host key"), ["2"], ("another host key", "30h", "180")),
    "backlog": (backlog(40), ["2"], ("40h", "180", "900M")),
    "buffer": (
        [put("buffer.days", 1.5), put("buffer.dies", NOW + 1.5 * DAY), *backlog(90)],
        ["3"],
        ("1.5", "23 00:00"),
    ),
    "stopped": ([put("buffer.stopped", True), put("buffer.when_full", "stop")], ["3"], ("STOPPED", "losing")),
    "disk": ([put("storage", "Input/output error")], ["enter"], ("Input/output error",)),
    "clock": (
        [put("clock", {"trusted": False, "why": "no time source agrees"})],
        ["enter"],
        ("no time source agrees",),
    ),
    "no backup": (
        [put("redundancy", held(ready=False, why="it does not reach the camera"))],
        ["5"],
        ("NOT READY", "it does not reach the camera", "12 12:00"),
    ),
    "engine": (
        [
            put(
                "redundancy",
                {**redundant(), "engine": {"state": "unreachable", "since": NOW - HOUR, "why": "no quorum"}},
            )
        ],
        ["5"],
        ("engine unreachable since 11:00: no quorum", "owners go on"),
    ),
    "silent": (
        [put("at", NOW - 14 * HOUR)],
        ["4", "enter"],
        ("nothing heard for 14h", "20 22:00", "buffer was good for 61 days"),
    ),
}


@pytest.mark.parametrize("name", INCIDENTS)
def test_the_first_two_screens_say_what_happened(tmp_path: Path, at_the_console: Any, name: str) -> None:
    changes, keys, wanted = INCIDENTS[name]

    async def story() -> str:
        document = with_(put("node", "unit2"), *changes)
        hub = with_(put("node", "fr"), put("kind", "cloud"), put("cameras", []))
        judged = [{**one, "verdicts": verdicts(one, one["at"])} for one in (hub, document)]
        with served(tmp_path, *judged) as node:
            async with at_the_console([node], (200, 45)) as desk:
                first = await desk.sees("unit2")
                await desk.press(*keys)
                await desk.pilot.pause()
                return "\n".join([*first, *desk.text])

    shown = asyncio.run(story())
    assert [word for word in wanted if word not in shown] == [], shown
