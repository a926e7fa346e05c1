"""What an operator does, what is asked before it, and what a node that says no comes to."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from peers.nodesocket import Served, instant, served
from peers.statuses import NOW, put, redundant, well, with_

from console.acts.asking import act_page
from console.acts.intended import intended
from console.feed.snapshot import SiteView, Snapshot
from console.widgets.confirm import Act
from core.control.verbs import VERBS, Role
from core.errors import NodeUnreachable, OverlapseError

Json = dict[str, Any]
LINKS = {
    "deliveries": [],
    "links": [
        {
            "name": "sim",
            "rung": "everything",
            "what_if": [
                {"rung": "everything", "needs": 90_000, "waiting": 4_000_000, "eta": "never", "month": 14e9},
                {"rung": "jpeg/3", "needs": 3_000, "waiting": 1_000_000, "eta": 5400, "month": 7e9},
            ],
        }
    ],
}


def unit(folder: Path, *changes: Any) -> Any:
    return served(folder, with_(*changes), node="unit1")


def test_a_shot_by_hand_is_asked_for_once_however_often_enter_is_pressed(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        with unit(tmp_path) as node:
            node.answers["capture"] = {"order": "anna-1"}
            async with at_the_console([node]) as desk:
                await desk.press("enter", "c")
                await desk.confirms()
                await desk.press("enter", "enter")
                await desk.until(lambda: node.acted)
                await desk.sees("capture: order anna-1")
        assert node.acted == [("capture", {"camera": "gate"})]
        lines = [json.loads(line) for line in node.place.folders.audit.read_text().splitlines()]
        assert {(line["who"]["user"], line["verb"]) for line in lines} == {("anna", "capture")}
        assert len({line["request"] for line in lines}) == 1

    asyncio.run(story())


def test_a_pause_has_an_end_and_says_how_many_slots_it_costs(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        with unit(tmp_path) as node:
            async with at_the_console([node]) as desk:
                await desk.press("enter", "p")
                await desk.sees(": pause gate@unit1 2h")
                await desk.type(" cleaning")
                await desk.press("enter")
                await desk.sees("until 2026-11-21 14:00Z, in 2h", "reason cleaning", "13 slots end as excused")
                await desk.confirms()
                await desk.until(lambda: node.acted)
        verb, args = node.acted[0]
        assert (verb, args["camera"], args["reason"]) == ("pause", "gate", "cleaning")
        assert args["until"].timestamp() == NOW + 7200

    asyncio.run(story())


def test_enter_and_letters_by_accident_do_nothing(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        with unit(tmp_path) as node:
            async with at_the_console([node]) as desk:
                await desk.press("enter", "c")
                await desk.sees("Leave it as it is")
                await desk.press("y", "enter")
                await desk.sees("SLOT (UTC)")
                await desk.press("u")
                await desk.sees("Leave it as it is")
                await desk.press("escape")
                await desk.sees("SLOT (UTC)")
        assert node.acted == []

    asyncio.run(story())


def test_a_viewer_is_told_by_the_node_that_it_may_not(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        with unit(tmp_path) as node:
            node.role = Role.VIEW
            async with at_the_console([node]) as desk:
                await desk.sees("[RO]")
                await desk.press("enter", "c")
                await desk.sees("your role here is view: it may not capture")
                assert "capture" not in desk.app.command_words
        assert node.acted == []

    asyncio.run(story())


def test_a_role_that_was_taken_away_meanwhile_is_refused_by_the_node(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        with unit(tmp_path) as node:
            async with at_the_console([node]) as desk:
                await desk.press("enter", "c")
                await desk.sees("Leave it as it is")
                node.role = Role.VIEW
                await desk.confirms()
                await desk.sees("NOT DONE: capture is for operate; your role is view")
        assert node.acted == []

    asyncio.run(story())


def test_stale_data_refuses_an_act_that_was_already_armed(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        with unit(tmp_path) as node:
            async with at_the_console([node]) as desk:
                await desk.press("enter", "c")
                await desk.sees("Leave it as it is")
                await desk.type(desk.app.screen.state.code)
                desk.seconds[0] += 3600
                await desk.press("enter")
                await desk.sees("refused: what is shown is too old to act on")
        assert node.acted == []

    asyncio.run(story())


def test_an_answer_that_never_came_is_not_known_and_may_be_asked_for_again(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        with unit(tmp_path) as node:
            node.refuses = NodeUnreachable("the node did not decide in time")
            async with at_the_console([node]) as desk:
                await desk.press("enter", "c")
                await desk.confirms()
                await desk.sees("NOT KNOWN: the node did not decide in time")
                await desk.press("escape")

    asyncio.run(story())


def test_what_a_rung_comes_to_is_shown_before_it_is_set(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        with unit(tmp_path, put("destinations.0.waiting", 40), put("destinations.0.bytes", 4_000_000)) as node:
            node.answers["queue"] = LINKS
            async with at_the_console([node]) as desk:
                await desk.press("2", "enter")
                await desk.sees("* everything", "never", "jpeg/3", "7 GB")
                await desk.press("l")
                await desk.sees(": link-rung sim@unit1 everything 6h")
                await desk.press(*["backspace"] * 13)
                await desk.type("jpeg/3 6h")
                await desk.press("enter")
                await desk.sees("It needs 3 kB/s, all is sent in 1h30m")
                await desk.confirms()
                await desk.until(lambda: node.acted)
        assert node.acted[0][0] == "link-rung"
        assert node.acted[0][1]["rung"] == "jpeg/3"

    asyncio.run(story())


def test_another_node_is_given_an_order_whose_end_is_seen(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        order = {"id": "ab12cd34", "from": "fr", "to": "unit1", "verb": "retry", "args": {"destination": "nas"}}
        times = {"asked": NOW, "taken": NOW + 60, "ended": NOW + 61, "expires": NOW + 3600, "sent": None}
        with served(tmp_path, with_(put("node", "fr"), put("cameras", [])), well()) as node:
            node.answers["order"] = {"order": "ab12cd34ef"}
            node.answers["orders"] = {"given": [{**order, **times, "who": "anna", "state": "done"}], "received": []}
            async with at_the_console([node]) as desk:
                await desk.type(":retry nas@unit1")
                await desk.press("enter")
                await desk.sees("an order: it is done when that node checks in")
                await desk.confirms()
                await desk.sees("asked of unit1 as order ab12cd34")
                await desk.press("escape", "7")
                await desk.sees("done     retry to unit1 destination=nas", "12:01")
        assert node.acted == [("order", {"node": "unit1", "verb": "retry", "args": {"destination": "nas"}})]

    asyncio.run(story())


def test_an_alert_is_acknowledged_with_an_end_and_then_stands_behind_those_that_nobody_is_at(
    tmp_path: Path, at_the_console: Any
) -> None:
    async def story() -> None:
        state = {"subject": "", "state": 2, "line": "DISK", "losing": 0.0}
        rows = [{**state, "check": "storage"}, {**state, "check": "camera", "subject": "gate"}]
        with unit(tmp_path, put("verdicts", rows)) as node:
            async with at_the_console([node], (140, 30)) as desk:
                await desk.press("4")
                await desk.sees("> CRITICAL", "camera gate @unit1")
                await desk.press("a")
                await desk.sees(": acknowledge harbour/camera:gate@unit1 2h")
                await desk.type("on my way")
                await desk.press("enter")
                await desk.sees("Acknowledge camera gate", "until 2026-11-21 14:00Z, in 2h", "reason on my way")
                await desk.confirms()
                await desk.until(lambda: node.acted)
                note = {"node": "unit1", "check": "camera", "subject": "gate", "by": "anna", "text": "on my way"}
                node.documents["unit1"]["acknowledged"] = [{**note, "at": NOW, "until": NOW + 7200}]
                await desk.press("escape")
                await desk.reads()
                shown = await desk.sees("ack CRIT", "by anna, until 14:00: on my way")
                assert "storage @unit1" in shown[2]
                assert "ack CRIT" in shown[3]
        verb, args = node.acted[0]
        assert (verb, args["service"], args["node"], args["reason"]) == (
            "acknowledge",
            "camera gate",
            "unit1",
            "on my way",
        )
        assert args["until"].timestamp() == NOW + 7200

    asyncio.run(story())


def test_the_page_before_an_act_names_what_it_is_about_wherever_it_is_done() -> None:
    hub, there = with_(put("node", "hub"), put("kind", "office"), put("cameras", [])), put("redundancy", redundant())
    view = SiteView("harbour", "hub", {"hub": hub, "unit1": with_(there)}, instant(NOW), verbs=frozenset(VERBS))
    snapshot = Snapshot(instant(NOW), (view,))

    def page(*words: str) -> Act:
        return act_page(intended(words, snapshot), snapshot)

    act = page("acknowledge", "harbour/node@unit1", "over")
    assert act.target.startswith("node of unit1, site harbour")
    assert act.state.startswith("unit, as of")
    act = page("redundancy-handover", "gate")
    assert (act.title, act.target) == ("Hand gate over to its backup", "gate of site harbour")
    assert act.state == "ok, with unit1 since 12 12:00Z"
    assert page("redundancy-handback", "harbour/yard").state == "", "nobody tells of it"
    assert page("redundancy-apply", "harbour").target == "node hub, site harbour"


def test_a_delivery_of_the_queue_is_had_go_first(tmp_path: Path, at_the_console: Any) -> None:
    waits = {"id": 4711, "what": "gate.raw", "state": "queued", "class": "raw", "size": 9, "offset": 0, "attempts": 0}

    async def story() -> None:
        with unit(tmp_path) as node:
            node.answers |= {"queue": {**LINKS, "deliveries": [waits]}, "prioritise": {"was": "raw"}}
            async with at_the_console([node]) as desk:
                await desk.press("2", "enter")
                await desk.sees("4711 gate.raw")
                await desk.press("f")
                await desk.sees(": prioritise harbour/unit1 4711 thumbnail")
                await desk.press("enter")
                await desk.sees("Send delivery 4711 before its turn", "class thumbnail")
                await desk.confirms()
                await desk.sees("DONE: prioritise: was raw")
        assert node.acted == [("prioritise", {"delivery": 4711, "class": "thumbnail"})]

    asyncio.run(story())


def test_words_that_are_no_command_say_what_to_write(tmp_path: Path, at_the_console: Any) -> None:
    said = {
        ":pause gate": "until when? such as 2h",
        ":pause gate yesterday": "yesterday is no end",
        ":pause nosuch 2h": "nothing here is called nosuch",
        ":retry nas": "which one?",
        ":capture": "capture CAMERA",
        ":captrue gate": "did you mean 'capture'?",
    }

    async def story() -> None:
        both = served(tmp_path, well(), with_(put("node", "unit2"), put("cameras", [])), node="unit1")
        with both as node:
            async with at_the_console([node], (140, 30)) as desk:
                for words, answer in said.items():
                    await desk.type(words)
                    await desk.press("enter")
                    await desk.sees(answer)
        assert node.acted == []

    asyncio.run(story())


def test_an_error_of_the_node_stays_on_the_page(tmp_path: Path, at_the_console: Any) -> None:
    async def story(node: Served) -> None:
        node.refuses = OverlapseError("the camera\x1b[2J is in hand")
        async with at_the_console([node]) as desk:
            await desk.press("enter", "c")
            await desk.confirms()
            await desk.sees("NOT DONE: the camera\\x1b[2J is in hand")

    with unit(tmp_path) as node:
        asyncio.run(story(node))
