"""`overlapse verify --remote --apply`: copies that were lost are delivered again, whether the node runs or not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from peers import webdav
from peers.node import Node, Site, overlapse, running


def shoot(site: Site, node: Node) -> None:
    """Take three pictures and have them delivered; then shoot no more."""
    node.until(lambda: len(site.captured()) >= 3, "it shoots")
    overlapse("ledger", "--site", site.file, "--pause", "north", "--for", "1h", "--reason", "a test")
    node.until(lambda: not site.ask("queue")["deliveries"], "all is delivered")


def harmed(site: Site) -> dict[Path, bytes]:
    """Lose one copy, flip a bit in the next, cut the third; return what each of them was."""
    copies = sorted((site.folder / "nas").rglob("*.jpg"))[:3]
    before = {path: path.read_bytes() for path in copies}
    gone, altered, short = copies
    gone.unlink()
    altered.write_bytes(b"\xfe" + before[altered][1:])
    short.write_bytes(before[short][:1000])
    return before


def verified(site: Site, *words: str) -> Any:
    ended = overlapse("verify", "--remote", *words, "--site", site.file)
    return ended.status, ended.out


def unproven(site: Site) -> int:
    return len(overlapse("queue", "--site", site.file, "--json").json()["deliveries"])


def test_of_a_stopped_node_receipts_are_taken_back_for_good_once_that_is_ordered_and_the_next_run_delivers_again(
    quay: Site,
) -> None:
    quay.camera(every="1s")
    quay.write()
    with running(quay) as node:
        shoot(quay, node)
        assert node.end() == 0
    before = harmed(quay)
    status, out = verified(quay)
    assert (status, unproven(quay)) == (1, 0)
    assert "3 do not hold" in out
    status, out = verified(quay, "--apply")
    assert status == 1
    assert "3 receipts taken back" in out
    assert [line["error"] for line in quay.lines() if line["line"] == "disproof"].count("ObjectNotFound") == 1
    assert unproven(quay) == 3
    assert overlapse("rebuild", "--site", quay.file).status == 0
    assert unproven(quay) == 3
    with running(quay) as node:
        node.until(lambda: not quay.ask("queue")["deliveries"], "they are delivered again")
        assert node.end() == 0
    kept = sorted((quay.folder / "nas").rglob("*.jpg"))
    assert set(before.values()) <= {path.read_bytes() for path in kept}


def test_a_running_node_looks_for_itself_tells_and_delivers_again_and_counts_what_that_cost(quay: Site) -> None:
    quay.camera(every="1s")
    quay.node = 'link = [{ name = "sim" }]'
    quay.destination("nas", more='link = "sim"')
    quay.write()
    with running(quay) as node:
        shoot(quay, node)
        spent = json.loads(overlapse("verify", "--remote", "--json", "--site", quay.file).out)["spent"]["nas"]
        assert spent >= 3 * 700
        assert quay.ask("status")["links"][0]["month"]["classes"].get("audit", 0) >= spent
        before = harmed(quay)
        assert "3 of them back now" in verified(quay, "--apply")[1]
        node.until(lambda: len(quay.events("copy lost")) == 3, "the node finds them lost")
        node.until(lambda: all(p.exists() and p.read_bytes() == b for p, b in before.items()), "they are there again")
        node.until(lambda: not quay.ask("queue")["deliveries"], "they are proven")
        (nas,) = quay.ask("status")["destinations"]
        assert nas["audit"]["lost"] == 3
        assert nas["audit"]["read"] > 0
        assert quay.ask("audit", delivery=10**6) == {"copies": 0}, "one that is gone since stops no other"
        assert node.end() == 0
    stopped = overlapse("verify", "--remote", "--site", quay.file)
    assert re.search("are not in the account of link sim: .*the node does not run", stopped.err)


def test_a_mounted_folder_keeps_no_thief_out_and_the_try_leaves_nothing_behind(quay: Site) -> None:
    nas = quay.destination("nas")
    quay.write()
    ended = overlapse("verify", "--theft", "nas", "--site", quay.file)
    assert ended.status == 1
    assert ended.out.startswith("nas: overwrite SUCCEEDED, delete SUCCEEDED\n")
    assert list(nas.iterdir()) == []
    assert overlapse("verify", "--theft", "nsa", "--site", quay.file).status == 2
    assert overlapse("verify", "--theft", "nas", "--after", "soon", "--site", quay.file).status == 2
    assert overlapse("verify", "--after", "1s", "--site", quay.file).status == 2


def test_a_server_that_writes_once_keeps_a_thief_out(quay: Site, tmp_path: Path) -> None:
    if (missing := webdav.missing_nginx()) is not None:
        pytest.skip(missing)
    (tmp_path / "web").mkdir()
    (tmp_path / "root").mkdir()
    with webdav.nginx(tmp_path / "web", tmp_path / "root") as server:
        quay.destination("office", address=f"{server.url}/once")
        quay.write()
        ended = overlapse("verify", "--theft", "office", "--site", quay.file)
        (left,) = (tmp_path / "root").iterdir()
        assert (ended.status, ended.err) == (0, "")
        assert ended.out.splitlines() == [
            "office: overwrite refused, delete refused",
            "write protected = true for it in site.toml",
            f"{left.name} stays there; whoever may can delete it",
        ]
