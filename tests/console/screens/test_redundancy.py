"""Redundancy as an operator edits it: staged, seen with what it comes to, applied together; handing on by hand."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from peers.assignments import assigned, candidates, staged
from peers.nodesocket import Served, instant, served
from peers.statuses import NOW, put, redundant, well, with_

from console.acts.intended import NotUnderstood, intended
from console.feed.snapshot import Answer, Question, SiteView, Snapshot
from console.pages import redundancy, servers
from console.pages import staged as page_of_staged
from core.errors import AssignmentRefused

Json = dict[str, Any]
VERBS = frozenset(f"redundancy-{one}" for one in ("assign", "mode", "apply", "drop", "handover", "rehearse"))


def shared(folder: Path, **more: Any) -> Any:
    return served(folder, with_(put("redundancy", redundant())), node="unit1")


def known(said: Json, *sites: str) -> Snapshot:
    names = sites or ("harbour",)
    views = [SiteView(name, "unit1", {"unit1": well()}, instant(NOW), verbs=VERBS) for name in names]
    answers = {Question(name, "redundancy"): Answer(said) for name in names}
    return Snapshot(instant(NOW), tuple(views), answers)


def test_a_backup_is_chosen_for_many_seen_with_its_effect_and_applied(tmp_path: Path, at_the_console: Any) -> None:
    async def story(node: Served) -> None:
        node.answers |= {"redundancy": assigned(), "redundancy-candidates": candidates()}
        node.answers["redundancy-assign"] = lambda args: {**staged(), "staged": True}
        node.answers["redundancy-apply"] = lambda args: staged() | ({} if "dry_run" in args else {"applied": ["x"]})
        async with at_the_console([node], (110, 30)) as desk:
            await desk.press("5")
            await desk.sees("yard", "2 cameras with a backup")
            await desk.press("space", "space")
            await desk.sees("2 marked", "+gate", "+north")
            await desk.press("b")
            await desk.sees("gate, north", "yes  ca", "2 cams", "NO   fr", "does not reach yard")
            await desk.press("down", "enter")
            await desk.sees("fr cannot stand by for them:", "Because     fr does not reach yard")
            assert node.acted == []
            await desk.press("escape", "up")
            node.answers["redundancy"] = assigned(staged=staged())
            await desk.press("enter")
            await desk.sees("mode normal -> constant", "twice the bandwidth", "not dark", "unit1 fails: 1 cameras, 20%")
            assert node.acted == [("redundancy-assign", {"cameras": ["gate", "north"], "backup": "ca"})]
            await desk.press("a")
            await desk.sees("Apply all that is staged", "Rehearsed gate: backup fr -> ca", "stage what was before")
            await desk.confirms()
            await desk.sees("DONE: redundancy-apply: gate: backup fr -> ca")
        assert [args for verb, args in node.acted if verb == "redundancy-apply"] == [
            {"dry_run": True},
            {"digest": staged()["digest"]},
        ], "what was seen is what is applied"

    with shared(tmp_path) as node:
        asyncio.run(story(node))


def test_a_camera_is_handed_over_after_the_node_said_what_that_comes_to(tmp_path: Path, at_the_console: Any) -> None:
    async def story(node: Served) -> None:
        node.answers["redundancy"] = assigned(staged=staged())
        node.answers["redundancy-handover"] = {"effect": "gate: unit1 stops at a slot boundary", "way": "here"}
        async with at_the_console([node], (100, 30)) as desk:
            await desk.press("5")
            await desk.sees("* STAGED until 12:59: 2 changes, see w", "*gate")
            await desk.press("enter")
            await desk.sees("Mode        normal: neither unit1 has fast nor fr constant", "Staged      gate: backup")
            await desk.press("h")
            await desk.sees("Hand gate over to its backup", "Rehearsed gate: unit1 stops at a slot boundary")
            await desk.confirms()
            await desk.sees("DONE: redundancy-handover")
            await desk.press("escape")
            node.refuses = AssignmentRefused("fr is not ready: it does not reach gate; it is silent")
            await desk.press("e")
            await desk.sees("redundancy-rehearse: NOT DONE", "fr is not ready: it does not reach gate")
        assert [args for _, args in node.acted] == [{"camera": "gate", "dry_run": True}, {"camera": "gate"}]

    with shared(tmp_path) as node:
        asyncio.run(story(node))


@pytest.mark.parametrize("size", [(44, 18), (100, 30)])
def test_a_switch_of_a_server_is_staged_and_refused_with_every_reason(
    tmp_path: Path, at_the_console: Any, size: Any
) -> None:
    async def story(node: Served) -> None:
        node.answers["redundancy"] = assigned()
        node.refuses = AssignmentRefused("fr is to tell by mail, and there is no smtp; fr may serve no camera")
        async with at_the_console([node], size) as desk:
            await desk.press("5", "s")
            shown = await desk.sees("CONSTA FAST   MAIL   AUTOBA", "off    off    off    on", "2/8")
            assert any("gate, north" in line for line in shown) == (size[0] >= 80)
            await desk.press("down", "enter")
            await desk.sees("Backup for  gate, north", "Slots       8 cameras at most")
            await desk.press("m")
            await desk.sees("NOT STAGED", "fr is to tell by mail, and there is no", "fr may serve no camera")

    with shared(tmp_path) as node:
        asyncio.run(story(node))


def test_the_words_of_a_command_say_which_cameras_switches_and_site() -> None:
    one, two = known(assigned()), known(assigned(), "harbour", "quay")
    said = {
        ("redundancy-assign", "fr", "gate", "north"): {"cameras": ["gate", "north"], "backup": "fr"},
        ("redundancy-assign", "none", "of", "unit1"): {"of": "unit1", "without": True},
        ("redundancy-mode", "harbour/unit1", "fast", "on", "--force"): {"node": "unit1", "fast": True, "force": True},
        ("redundancy-apply", "harbour"): {},
    }
    for words, args in said.items():
        made = intended(words, one)
        assert (made.site, made.node, made.asked) == ("harbour", "unit1", (words[0], args))
    for words, why in {
        ("redundancy-mode", "unit1", "quick", "on"): "which switch",
        ("redundancy-mode", "unit1", "fast"): "which switch",
        ("redundancy-assign", "fr"): "for which cameras",
    }.items():
        with pytest.raises(NotUnderstood, match=why):
            intended(words, one)
    with pytest.raises(NotUnderstood, match="of which site"):
        intended(("redundancy-handover", "gate"), two)
    assert intended(("redundancy-handover", "quay/gate"), two).site == "quay"


def test_the_setting_that_makes_a_mode_is_named() -> None:
    def made(mode: str, **more: Any) -> str:
        row = {"name": "gate", "primary": "unit1", "backup": "fr", "mode": mode, **more}
        nodes = [{"name": "unit1", "constant": False}, {"name": "fr", "constant": True}]
        return redundancy.made_by(redundancy.Held("harbour", row, {}, False), nodes)

    assert made("constant") == "fr has constant"
    assert made("fast") == "unit1 has fast"
    assert made("normal", exclusive=True) == "exclusive: constant of fr is not heeded"
    assert made("normal", backup=None) == "no backup"


def test_what_the_engine_holds_is_newer_than_what_documents_say() -> None:
    said = assigned()
    said["cameras"][0] |= {"owner": "fr", "backup": "ca", "ready": False}
    snapshot = known(said)
    snapshot.sites[0].documents["unit1"]["redundancy"] = redundant()
    found = {one.row["name"]: one for one in redundancy.held(snapshot)}
    assert (found["gate"].row["owner"], found["gate"].row["backup"], found["gate"].said) == ("fr", "ca", "NOT READY")
    assert (found["north"].said, found["yard"].said) == ("ok", "no backup")
    lists = {one.node: (one.for_("primary"), one.for_("backup")) for one in servers.servers(snapshot)}
    assert lists == {"unit1": ("gate, north, yard", ""), "ca": ("", "gate"), "fr": ("", "north")}


def test_whether_a_backup_is_ready_and_that_nobody_owns_a_camera_is_taken_from_the_engine() -> None:
    said, document = assigned(), redundant()
    del said["cameras"][1]["owner"], said["cameras"][1]["since"]
    for row in document["cameras"]:
        del row["ready"]  # the primary does not know
    snapshot = known(said)
    snapshot.sites[0].documents["unit1"]["redundancy"] = document
    found = {one.row["name"]: one.said for one in redundancy.held(snapshot)}
    assert (found["gate"], found["north"]) == ("ok", "NOBODY")


def test_a_switch_that_is_staged_is_turned_back_by_the_same_key() -> None:
    assert page_of_staged.switch(staged(), "ca", "constant", False) is True
    assert page_of_staged.switch(staged(), "fr", "constant", False) is False


def test_an_answer_that_lasts_is_asked_for_once_until_something_is_done(tmp_path: Path) -> None:
    from console.feed.reader import Reader

    asked: list[Json] = []

    def says(args: Any) -> Json:
        asked.append(dict(args))
        return assigned()

    with shared(tmp_path) as node:
        node.answers["redundancy"] = says
        seconds = [NOW]
        reader = Reader([node.place], lambda: instant(seconds[0]))
        question = Question("harbour", "redundancy", lasts=20.0)
        for _ in range(3):
            assert reader.read([question]).answers[question].said["nodes"]
        assert len(asked) == 1
        seconds[0] += 21
        reader.read([question])
        reader.act("harbour", "redundancy-drop", {}, "ab" * 8)
        reader.read([question])
        assert len(asked) == 3
