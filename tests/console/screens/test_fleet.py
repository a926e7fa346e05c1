"""What an operator sees first."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from peers.nodesocket import served
from peers.statuses import NOW, put, with_

from checks.evaluate import verdicts

Json = dict[str, Any]
FAILING = (
    put("cameras.0.state", "failing"),
    put("cameras.0.row", {"missed": 6, "since": NOW - 3600}),
    put("cameras.0.strip", "#" * 18 + "xxxxxx"),
)


def judged(document: Json) -> Json:
    return {**document, "verdicts": verdicts(document, document["at"])}


def hub() -> Json:
    return judged(with_(put("node", "fr"), put("kind", "cloud"), put("cameras", [])))


def unit(name: str, *changes: Any) -> Json:
    return judged(with_(put("node", name), *changes))


@pytest.mark.parametrize("size", [(44, 18), (80, 24), (160, 45)])
def test_the_worst_camera_stands_first_with_its_cause(tmp_path: Path, at_the_console: Any, size: Any) -> None:
    async def story() -> None:
        with served(tmp_path, hub(), unit("unit1"), unit("unit2", *FAILING)) as node:
            async with at_the_console([node], size) as desk:
                shown = await desk.sees("gate@unit2")
                row = next(line for line in shown if line.startswith(">"))
                assert "CRIT failing" in row
                assert "now" in row
                assert ("11:00" in row) == (size[0] != 80)
                assert ("xxxxxx" in row) == (size[0] >= 80)
                assert shown[0].startswith("3 nodes, 4 cameras: 1 CRIT")
                assert shown[1].startswith("unit2: CAMERA CRITICAL: gate no picture")
                assert "as of 12:00Z" in shown[-1]

    asyncio.run(story())


def test_a_filter_leaves_the_rows_of_one_site(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        quay, harbour = served(tmp_path / "a", unit("unit7"), site="quay", node="unit7"), served(tmp_path / "b", hub())
        with quay as one, harbour as other:
            async with at_the_console([one, other], (120, 30)) as desk:
                await desk.sees("quay/gate@unit7", "harbour/fr")
                await desk.type("/site:quay")
                await desk.until(lambda: not any("harbour" in line for line in desk.text))
                await desk.sees("/ site:quay", "quay/north@unit7", "2 of 3 rows shown")

    asyncio.run(story())


def test_a_node_that_stops_answering_is_never_shown_as_fresh(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        with served(tmp_path, unit("unit1"), node="unit1") as node:
            async with at_the_console([node]) as desk:
                await desk.sees("ok           gate@unit1", "[RW] as of 12:00Z")
                node.stop()
                desk.seconds[0] += 600
                await desk.reads()
                shown = await desk.sees("STALE 10 min", "was ok", "[RO]", "WARN silent")
                assert not any(line[2:].startswith("ok") for line in shown)
                node.documents["unit1"] |= {"at": NOW + 600, "heard": NOW + 600}
                node.start()
                await desk.reads()
                await desk.sees("ok           gate@unit1", "as of 12:10Z")

    asyncio.run(story())


def test_a_unit_that_is_silent_is_not_called_down(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        quiet = unit("unit2", put("at", NOW - 7200))
        with served(tmp_path, hub(), quiet) as node:
            async with at_the_console([node], (120, 30)) as desk:
                shown = await desk.sees("WARN silent", "was ok")
                assert "nothing heard for 2h; its buffer was good for 61 days" in shown[1]

    asyncio.run(story())


def test_a_document_of_another_version_and_hostile_names_are_shown_as_such(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        evil = unit("unit3", put("cameras.0.name", "g\x1b]0;x\x07\u202e" + "a" * 300))
        other = {"version": 9, "overlapse": "9.0", "site": "harbour", "node": "unit4", "at": NOW}
        with served(tmp_path, hub(), evil, other) as node:
            async with at_the_console([node], (120, 30)) as desk:
                shown = "\n".join(await desk.sees("UNKN version", "g\\x1b]0;x\\x07"))
                assert not any(character in shown for character in "\x1b\x07\u202e")

    asyncio.run(story())


def test_nothing_is_known_before_the_first_answer(tmp_path: Path, at_the_console: Any) -> None:
    async def story() -> None:
        with served(tmp_path, hub()) as node:
            node.stop()
            async with at_the_console([node]) as desk:
                await desk.sees("NOTHING READ YET", "the node does not run")

    asyncio.run(story())


def test_vitals_freshen_what_they_hold_and_no_more(tmp_path: Path, at_the_console: Any) -> None:
    said = {"a": NOW - 20, "t": 1, "l": NOW - 300, "r": 4, "c": "of", "heard": NOW - 10}
    alone = {"site": "harbour", "node": "unit9", "at": NOW - 20, "heard": NOW - 10, "vitals": said}

    async def story() -> None:
        old = unit("unit2", put("at", NOW - 7200), put("vitals", said))
        with served(tmp_path, hub(), old, alone) as node:
            async with at_the_console([node], (120, 30)) as desk:
                shown = await desk.sees("WARN failing north@unit2", "WARN failing unit9")
                assert "as its vitals say" in shown[1] or "only its vitals are known: 1 of 2 cameras fail" in shown[1]
                assert not any("silent" in line for line in shown)

    asyncio.run(story())
