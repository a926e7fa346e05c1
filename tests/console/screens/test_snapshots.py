"""Whole screens as they were approved: a change of one is seen in review. A text each, without colours."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from peers.assignments import assigned, staged
from peers.nodesocket import served
from peers.statuses import HOUR, NOW, put, redundant, with_

from checks.evaluate import verdicts

APPROVED = Path(__file__).with_name("approved")
SIZES = [(44, 18), (80, 24), (160, 45)]
SCREENS = {"fleet": [], "camera": ["enter"], "alerts": ["4"], "redundancy": ["5"]}


def documents() -> list[Any]:
    part = redundant()
    part["cameras"][1] |= {"ready": False, "why": "it does not reach the camera"}
    failing = with_(
        put("node", "unit2"),
        put("cameras.0.state", "failing"),
        put("cameras.0.error", "battery flat"),
        put("cameras.0.row", {"missed": 6, "since": NOW - HOUR}),
        put("cameras.0.strip", "#" * 18 + "xxxxxx"),
    )
    hub = with_(put("node", "fr"), put("kind", "cloud"), put("cameras", []), put("redundancy", part))
    quiet = with_(put("node", "unit3"), put("at", NOW - 3 * HOUR))
    return [{**one, "verdicts": verdicts(one, one["at"])} for one in (hub, with_(), failing, quiet)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("screen", SCREENS)
def test_the_screen_is_the_one_that_was_approved(
    tmp_path: Path, at_the_console: Any, screen: str, size: tuple[int, int]
) -> None:
    async def story() -> str:
        with served(tmp_path, *documents()) as node:
            node.answers |= {"ledger": {"slots": []}, "redundancy": assigned(staged=staged())}
            async with at_the_console([node], size) as desk:
                await desk.press(*SCREENS[screen])
                await desk.reads()
                await desk.pilot.pause()
                return "\n".join(desk.text) + "\n"

    shown = asyncio.run(story())
    approved = APPROVED / f"{screen}-{size[0]}x{size[1]}.txt"
    actual = tmp_path / approved.name
    actual.write_text(shown)
    assert approved.is_file(), f"look at {actual}, and copy it to {approved} when it is right"
    assert shown == approved.read_text()
