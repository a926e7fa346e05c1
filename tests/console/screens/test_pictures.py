"""What a camera's pictures show and where they are, and what was tried to have it shoot again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from peers.nodesocket import served
from peers.statuses import NOW, well

from console.pages.pictures import spark

PICTURES = {
    "pictures": [
        {
            "name": f"gate_2026112{n}",
            "at": NOW - 600 * n,
            "kind": "jpeg",
            "slot": True,
            "size": 6_100_000,
            "here": True,
            "proven": n > 0,
            "verdict": "broken" if n == 2 else "whole",
            "why": "cut off" if n == 2 else "",
            "mean": 100.0 - 10 * n,
            "sharpness": 12.0,
            "copies": [{"destination": "nas", "rendition": "", "state": "proven", "level": "hash", "at": NOW - 60}],
        }
        for n in range(4)
    ]
}
LADDER = {
    "camera": "gate",
    "settings": {"iso": "100"},
    "written": True,
    "drift": {"iso": ["100", "400"]},
    "error": "battery flat",
    "rung": 2,
    "means": "respawn",
    "not_before": NOW + 600,
    "history": [[NOW - 60, "CameraGone at open: rung 1 reopen"], [NOW, "CameraGone at open: rung 2 respawn"]],
    "tried": {"reopen": 2},
    "helped": {},
    "next": "hook",
}


@pytest.mark.parametrize("size", [(44, 18), (100, 30)])
def test_the_last_pictures_show_their_looks_and_receipts_and_the_ladder_its_transcript(
    tmp_path: Path, at_the_console: Any, size: Any
) -> None:
    async def story() -> None:
        with served(tmp_path, well(), node="unit1") as node:
            node.answers |= {"ledger": {"slots": []}, "pictures": PICTURES, "camera": LADDER}
            node.answers["recover"] = {"action": "hook", "order": "anna-1"}
            async with at_the_console([node], size) as desk:
                await desk.press("enter", "v")
                await desk.sees("Brightness  [ -*@]", "70 to 100, now 100", "UNPROVEN: nas", "broken")
                await desk.press("down", "enter")
                await desk.sees("Proven      wherever it is required", "nas hash, receipt of")
                await desk.press("escape", "escape", "R")
                await desk.sees("gate  rung 2: a new worker process", "iso is 400, and 100 is wanted", "Next rung")
                await desk.press(*["down"] * 20)
                await desk.sees("11-21 11:59:00  CameraGone at open: rung 1")
                await desk.press("n")
                await desk.sees("next rung of the recovery of gate", "power off and on")
                await desk.confirms()
                await desk.sees("DONE: recover: action hook")
        assert node.acted == [("recover", {"camera": "gate"})]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("values", "line"),
    [([1.0, 2.0, 3.0], " =@"), ([5.0, 5.0], "=="), ([None, 1.0, 9.0], "? @"), ([None], "?"), ([], "")],
)
def test_a_line_goes_from_the_least_to_the_most_and_says_what_nobody_looked_at(values: Any, line: str) -> None:
    assert spark(values) == line


def test_a_preview_says_its_price_before_it_is_drawn(tmp_path: Path, at_the_console: Any) -> None:
    said = {"rows": ["01", "10", "10"], "palette": [196, 21], "price": 4200, "grey": ["@.", " @"], "at": NOW}

    async def story() -> None:
        with served(tmp_path, well(), node="unit1") as node:
            node.answers |= {"ledger": {"slots": []}, "preview": {**said, "name": "x", "size": [4000, 3000]}}
            async with at_the_console([node], (44, 18)) as desk:
                await desk.press("enter", "i")
                await desk.sees("gate 2026-11-21 12:00:00Z", "Enter 4.2kB (840B -C), a ASCII 8B; 2x2")
                assert not any("\u2580" in line for line in desk.text)
                await desk.press("enter")
                assert (await desk.sees("\u2580\u2580"))[2:4] == ["\u2580\u2580", ""]
                await desk.press("a")
                await desk.sees("@.")
                assert not any("\u2580" in line for line in desk.text)

    asyncio.run(story())
