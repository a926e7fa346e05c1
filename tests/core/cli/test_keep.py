"""`overlapse verify`, `rebuild` and `retention`; and a catalogue that was damaged."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from peers.node import Site, overlapse, running


def facts(site: Site) -> dict[str, Any]:
    """Return what a stopped node's catalogue tells: the ledger, and what is proven where."""
    ledger = overlapse("ledger", "--site", site.file, "--json").json()
    verified = overlapse("verify", "--remote", "--site", site.file, "--json").json()
    waiting = overlapse("queue", "--site", site.file, "--json").json()
    return {"slots": ledger["slots"], **verified, "waiting": [row["what"] for row in waiting["deliveries"]]}


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Return what would change if something were sent again."""
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def ran(quay: Site) -> Site:
    """A node that took a few pictures, delivered them and was stopped."""
    quay.destination("web", 'what = ["small"]')
    quay.tables["recipe"] = '[[recipe]]\nname = "small"\nsteps = [{ resize = "4x4" }]'
    quay.camera(every="1s")
    quay.write()
    with running(quay) as node:
        node.until(lambda: len(quay.captured()) >= 3, "it shoots")
        overlapse("ledger", "--site", quay.file, "--pause", "north", "--for", "1h", "--reason", "a test")
        node.until(lambda: [slot for slot in quay.slots() if slot["outcome"] == "excused"], "a slot is excused")
        node.until(lambda: not quay.ask("queue")["deliveries"] and quay.pictures(), "all is delivered")
        assert node.end() == 0
    return quay


def test_rebuild_gives_the_same_ledger_and_receipts_and_nothing_is_sent_again(ran: Site) -> None:
    before, there = facts(ran), {place: files(ran.folder / place) for place in ("nas", "web")}
    ended = overlapse("rebuild", "--site", ran.file, "--json")
    assert (ended.json()["told"], ended.err) == ([], "")
    assert facts(ran) == before
    assert before["receipts"] == 2 * before["pictures"]
    with running(ran) as node:
        node.until(lambda: not ran.ask("queue")["deliveries"], "nothing waits")
        node.until(lambda: len([s for s in ran.slots() if s["outcome"] == "excused"]) >= 2, "the pause holds")
        assert node.end() == 0
    assert {place: files(ran.folder / place) for place in ("nas", "web")} == there
    assert (ran.data / "catalogue.db.old").exists()


def test_rebuild_of_a_running_node_starts_it_again_on_the_new_catalogue_and_it_goes_on(ran: Site) -> None:
    before, there = facts(ran), {place: files(ran.folder / place) for place in ("nas", "web")}
    with running(ran) as node:
        overlapse("ledger", "--site", ran.file, "--resume", "north")
        node.until(lambda: len(ran.captured()) > before["pictures"], "it shoots")
        ended = overlapse("rebuild", "--site", ran.file)
        assert ended.status == 0
        assert "the node starts again on its new catalogue" in ended.err
        pid, count = node.process.pid, len(ran.captured())
        assert [event["kind"] for event in ran.events()].count("catalogue") >= 1
        node.until(lambda: len(ran.captured()) > count, "it shoots on")
        assert ran.ask("status")["pid"] == pid
        node.until(lambda: not ran.ask("queue")["deliveries"], "all is delivered")
        assert node.end() == 0
    after = facts(ran)
    assert after["slots"][: len(before["slots"])] == before["slots"]
    assert (after["wrong"] if "wrong" in after else [*after["altered"], *after["unproven"]]) in (0, [])
    assert {place: files(ran.folder / place).items() >= there[place].items() for place in there} == {
        "nas": True,
        "web": True,
    }


def test_a_slot_whose_line_is_damaged_stands_as_its_picture_shows_after_a_rebuild(ran: Site) -> None:
    before = facts(ran)["slots"]
    [book] = ran.data.glob("pictures/*/*/*/*/day.jsonl")
    lines = book.read_bytes().splitlines(keepends=True)
    nth = next(nth for nth, line in enumerate(lines) if b'"outcome":"captured"' in line or b'"outcome":"late"' in line)
    lines[nth] = lines[nth].replace(b'"slot":', b'"slto":')
    book.write_bytes(b"".join(lines))
    ended = overlapse("rebuild", "--site", ran.file)
    assert ended.status == 0
    assert "1 slots without a line have a picture" in ended.err
    after = facts(ran)["slots"]
    assert [(row["slot"], row["camera"]) for row in after] == [(row["slot"], row["camera"]) for row in before]


@pytest.mark.parametrize("damage", ["garbage", "torn", "gone"])
def test_a_corrupt_catalogue_is_made_anew_at_the_start_and_told(ran: Site, damage: str) -> None:
    before, there = facts(ran), files(ran.folder / "nas")
    catalogue = ran.data / "catalogue.db"
    if damage == "gone":
        catalogue.unlink()
    else:
        whole = catalogue.read_bytes()
        catalogue.write_bytes(b"x" * len(whole) if damage == "garbage" else whole[: len(whole) // 2])
    with running(ran) as node:
        node.until(lambda: len(ran.slots()) > len(before["slots"]), "it goes on")
        told = [event["text"] for event in ran.events("catalogue")]
        assert node.end() == 0
    after = facts(ran)
    assert after["slots"][: len(before["slots"])] == before["slots"]
    assert {**after, "slots": []} == {**before, "slots": []}
    assert files(ran.folder / "nas") == there
    assert told


def test_verify_tells_what_is_not_as_it_came(ran: Site) -> None:
    whole = overlapse("verify", "--remote", "--site", ran.file)
    assert whole.status == 0
    assert len(whole.err.splitlines()) <= 4, "a line a second, not one a receipt"
    assert re.fullmatch(r"\d+ receipts asked", whole.err.splitlines()[-1])
    first, second, *_ = ran.pictures()
    first.write_bytes(first.read_bytes()[:-1] + b"!")
    second.unlink()
    ended = overlapse("verify", "--site", ran.file, "--json")
    assert ended.status == 1
    assert [(one["name"], one["what"][:9]) for one in json.loads(ended.out)["altered"]] == [
        (first.name, "its bytes"),
        (second.name, second.name[:9]),
    ]
    assert "2 things are not as they should be" in ended.err


def test_retention_shows_its_plan_on_a_running_node_and_on_a_stopped_one(ran: Site) -> None:
    stopped = overlapse("retention", "--dry-run", "--site", ran.file).out
    with running(ran) as node:
        live = overlapse("retention", "--dry-run", "--site", ran.file).out
        assert node.end() == 0
    for text in (stopped, live):
        assert text.startswith("nothing would be deleted now\n")
        assert "\nforecast: never within ten years: " in text
