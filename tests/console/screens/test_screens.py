"""The other screens: what an operator reads on them, at every size."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from peers.nodesocket import instant, served
from peers.statuses import HOUR, NOW, put, redundant, well, with_

from checks.evaluate import verdicts
from console.pages import hardware
from console.pages.events import LIMIT, fitted
from console.runbook import BOOK
from console.widgets.looks import parts_of

SIZES = [(44, 18), (80, 24), (160, 45), (20, 5)]


def judged(*changes: Any) -> Any:
    document = with_(*changes)
    return {**document, "verdicts": verdicts(document, document["at"])}


def slots(count: int) -> Any:
    rows = [{"camera": "gate", "slot": int(NOW) - 600 * n, "node": "unit1", "cause": ""} for n in range(count, 0, -1)]
    return {"slots": [{**row, "outcome": "missed" if n % 7 == 3 else "captured"} for n, row in enumerate(rows)]}


def events(count: int) -> Any:
    rows = [
        {"at": (NOW - 60 * n) * 1000, "kind": "missed", "subject": "gate", "text": f"number {n}", "data": {}}
        for n in range(count, 0, -1)
    ]
    return {"events": [*rows[:-1], {**rows[-1], "kind": "mail sent", "subject": "oncall"}]}


@pytest.mark.parametrize("size", SIZES)
def test_every_screen_is_there_at_every_size_and_escape_leads_back(
    tmp_path: Path, at_the_console: Any, size: Any
) -> None:
    async def story() -> None:
        with served(tmp_path, judged(put("redundancy", redundant())), node="unit1") as node:
            node.answers |= {"ledger": slots(40), "events": events(40), "queue": {"deliveries": [], "links": []}}
            node.answers |= {
                "orders": {"given": [], "received": []},
                "retention-plan": {"rows": [], "lines": ["0 pictures"]},
            }
            async with at_the_console([node], size) as desk:
                for keys in (
                    ["enter"],
                    ["2"],
                    ["2", "enter"],
                    ["3", "enter"],
                    ["3", "enter", "d"],
                    ["4"],
                    ["5"],
                    ["5", "s"],
                    ["6"],
                    ["7"],
                    ["8"],
                ):
                    await desk.press(*keys)
                    await desk.pilot.pause()
                    assert all(len(line) <= size[0] for line in desk.text)
                    assert any(word in desk.text[-1] for word in ("as of", "[RW]"))
                    await desk.press("1")
                    await desk.sees("2 cameras"[: size[0]]) if size[0] > 20 else None
                await desk.press("6", "escape", "escape", "escape")
                assert type(desk.app.screen).__name__ == "FleetScreen"

    asyncio.run(story())


def test_the_ledger_of_a_day_is_filtered_by_outcome(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        with served(tmp_path, well(), node="unit1") as node:
            node.answers["ledger"] = slots(40)
            async with at_the_console([node], (100, 60)) as desk:
                await desk.press("enter")
                await desk.sees("2026-11-21 11:50:00 captured")
                await desk.type("/outcome:missed")
                await desk.until(lambda: not any(" captured  unit1" in line for line in desk.text))
                assert sum(" missed    unit1" in line for line in desk.text) == 6

    asyncio.run(story())


def test_a_phone_shows_all_of_an_alert_by_scrolling(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        row = {"missed": 6, "since": NOW - HOUR}
        with served(
            tmp_path, judged(put("cameras.0.state", "failing"), put("cameras.0.row", row)), node="unit1"
        ) as node:
            async with at_the_console([node], (44, 18)) as desk:
                await desk.press("4")
                shown = await desk.sees("> CRITICAL      now    11:00 camera gate")
                assert "STATE" in shown[1]
                await desk.press("enter")
                await desk.sees("CRITICAL  camera gate", "Act by      now", "more: down")
                await desk.press(*["down"] * 20)
                await desk.sees("Visit")
                assert not any("more: down" in line for line in desk.text)

    asyncio.run(story())


def test_the_time_line_of_an_incident_is_taken_along(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> str:
        with served(tmp_path, well(), node="unit1") as node:
            node.answers["events"] = events(400)
            async with at_the_console([node]) as desk:
                await desk.press("6")
                await desk.sees("number 2")
                await desk.type("/missed")
                await desk.sees("399 of 400 rows shown")
                await desk.press("enter", "x")
                await desk.pilot.pause()
                return str(desk.app.printed)

    text = asyncio.run(story())
    lines = text.splitlines()
    assert len(text.encode()) < LIMIT
    assert lines[0] == "As of 2026-11-21 12:00:00Z"
    assert "older events left out" in text
    assert lines[-1].endswith("missed: gate: number 2")
    assert "mail sent" not in text


def test_who_asked_for_what_is_paged_and_filtered_and_a_broken_line_stands_out(
    tmp_path: Path, at_the_console: Any
) -> None:
    def page(args: Any) -> Any:
        row = {"user": "anna", "role": "operate", "verb": "pause", "args": "camera gate", "result": "done"}
        if "before" in args:
            assert args["before"] == 4096
            return {"lines": [{**row, "at": NOW - 9000, "request": "aa" * 8}]}
        broken = {"broken": True, "result": "torn"}
        order = {**row, "at": NOW - 60, "user": "ben", "node": "fr", "verb": "retry", "request": "bb" * 8}
        return {"lines": [broken, {**row, "at": NOW - 90, "request": "cc" * 8}, order], "next": 4096}

    async def story() -> None:
        with served(tmp_path, well(), node="unit1") as node:
            node.answers["audit-log"] = page
            async with at_the_console([node], (120, 30)) as desk:
                await desk.press("8")
                shown = await desk.sees(
                    "11-21 11:59:00 ben@fr   retry", "camera gate -> done", "BROKEN LINE torn", "o: older"
                )
                assert "bbbbbbbb" in shown[2]
                await desk.press("o")
                await desk.sees("11-21 09:30:00 anna", "n: newest")
                await desk.press("n")
                await desk.sees("ben@fr")
                await desk.type("/user:ben")
                await desk.sees("1 of 3 rows shown")

    asyncio.run(story())


def test_a_time_line_that_fits_is_whole_and_in_order() -> None:
    assert fitted(["now"], ["c", "b", "a"]) == "now\na\nb\nc\n"


def test_who_holds_what_is_told_by_the_node_that_was_heard_last(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        old, new = redundant(), redundant()
        new["cameras"][0] |= {"owner": "fr", "since": NOW - 60}
        told = with_(put("node", "fr"), put("cameras", []), put("redundancy", new))
        with served(tmp_path, told, with_(put("redundancy", old), put("at", NOW - 100))) as node:
            async with at_the_console([node], (120, 30)) as desk:
                shown = await desk.sees("gate@unit1")
                assert next(line for line in shown if "gate@unit1" in line).endswith(" fr")
                await desk.press("5")
                await desk.sees("on backup", "2 cameras with a backup, 1 to look at")
                await desk.press("s")
                shown = await desk.sees("PRIMARY FOR")
                assert "gate, north" in next(line for line in shown if "unit1" in line)
                assert next(line for line in shown if " fr " in line).endswith("gate, north")

    asyncio.run(story())


def test_raid_drives_mounts_and_a_nas_stand_in_words_and_what_is_not_understood_says_so() -> None:
    array = {"name": "md0", "state": "active", "level": "raid1", "disks": 2, "up": 1, "action": "recovery"}
    nas = {"disks": [{"name": "Drive 1", "status": "crashed", "health": "normal"}], "trouble": ["power"]}
    document = with_(
        put("arrays", [array]),
        put("drives", [{"name": "/dev/sda", "passed": False, "wear": 91}, {"name": "/dev/sdb", "bad": 4, "grew": 2}]),
        put(
            "mounts", [{"name": "nas", "error": "no answer in 10 s", "since": NOW - HOUR}, {"name": "data", "ro": True}]
        ),
        put("watch", [{"name": "nas", "kind": "nas", "snmp": nas, "count": {"objects": "x"}}]),
    )
    said = ["".join(text for text, _ in parts_of(line)) for line in hardware.lines(document, instant(NOW))]
    assert said == [
        "RAID        md0: DEGRADED, active raid1, 1 of 2 disks up, recovery",
        "Drive       /dev/sda: FAILING, 91 % worn",
        "Drive       /dev/sdb: 4 bad sectors, 2 more in a week",
        "Mount       nas: NOT READ since 11:00: no answer in 10 s",
        "Mount       data: READ-ONLY, ? (?)",
        "NAS         nas: TROUBLE: power; 1 disks (Drive 1 crashed)",
        "NAS holds   nas: what it says is not understood",
    ]
    assert hardware.brief(document) == "1 RAID, 2 drives, 1 NAS; d shows them"
    assert len(hardware.lines({}, instant(NOW))) == 1


def test_every_check_has_its_runbook() -> None:
    from checks.evaluate import CHECKS

    assert set(CHECKS) <= set(BOOK)
    assert all(price for one in BOOK.values() for _, price in one.steps)


def test_the_refresh_goes_faster_and_slower(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        with served(tmp_path, well(), node="unit1") as node:
            async with at_the_console([node]) as desk:
                await desk.press("plus")
                await desk.sees("every 2 s")
                await desk.press("minus", "minus")
                await desk.sees("every 10 s")

    asyncio.run(story())
