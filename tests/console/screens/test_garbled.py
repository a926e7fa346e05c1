"""What another node sends may be damaged: it is seen to be, on every screen, and its neighbours are shown as ever."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from peers import statuses
from peers.nodesocket import served
from peers.statuses import NOW, put, well, with_

from checks.evaluate import verdicts
from console.feed.shape import understood

GARBLED = {
    "waiting": put("destinations.0.waiting", "x"),
    "month": put("links.0.month", 5),
    "buffer": put("buffer", []),
    "verdict": put("verdicts", [5]),
    "interval": put("cameras.0.interval", "x"),
    "picture": put("cameras.0.picture", 7),
    "last": put("cameras.0.last", 3),
    "camera": put("cameras", [5]),
    "cameras": put("cameras", 5),
    "at": put("at", "x"),
    "redundancy": put("redundancy", 7),
    "destination": put("destinations", [None]),
    "error": put("destinations.0.error", [3]),
    "thresholds": put("thresholds", 3),
    "vitals": put("vitals", 3),
}


@pytest.mark.parametrize("name", GARBLED)
def test_of_a_garbled_document_the_head_is_kept(name: str) -> None:
    garbled = with_(put("node", "unit2"), put("heard", NOW), GARBLED[name])
    head = understood(garbled)
    assert set(head) <= {"at", "heard", "site", "node", "kind", "overlapse", "version"}
    assert (head["node"], head["heard"]) == ("unit2", NOW)


def test_every_whole_document_is_understood_and_stays_what_it_is() -> None:
    judged = {**well(), "verdicts": verdicts(well(), NOW)}
    fleet = with_(put("redundancy", statuses.redundant()), put("at_risk", None), put("vitals", {"a": NOW, "c": "of"}))
    for document in (well(), judged, fleet, {"node": "new", "at": NOW}):
        assert understood(document) is document


def test_every_screen_stays_up_with_garbled_documents_among_good_ones(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        with served(tmp_path, well(), node="unit1") as node:
            for number, change in enumerate(GARBLED.values()):
                garbled = with_(put("node", f"bad{number:02}"), put("heard", NOW), change)
                node.documents[f"bad{number:02}"] = {**garbled, "site": "harbour"}
            async with at_the_console([node], (100, 30)) as desk:
                await desk.sees("UNKN version", "north@unit1")
                for key in ("n", "2", "enter", "escape", "3", "enter", "escape", "4", "5", "6", "7", "1", "enter"):
                    await desk.press(key)
                    await desk.reads()
                await desk.press("escape", "1", "G")
                await desk.sees("north@unit1")

    asyncio.run(story())
