"""A node that is killed again and again, at moments of chance and in the middle of a shot, loses nothing."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
from peers.node import Node, Site, is_gone, known, overlapse, running, stamps

KILLS = 5


def hashes(*folders: Path) -> set[str]:
    """Return the hash of every file below these folders, by its bytes."""
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name != "day.jsonl"]
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.stat().st_size}


def kill(node: Node) -> None:
    """Kill the node; its children die with it."""
    children = node.children()
    node.kill()
    node.until(lambda: all(is_gone(pid) for pid in children), "its children are gone")


@pytest.fixture
def killed(tmp_path: Path) -> tuple[Site, set[str]]:
    """A site whose node was killed several times, and the hash of all that was ever handed over or half handed over."""
    site, handed_over = Site(tmp_path / "harbour", name="harbour"), set()
    site.camera(every="1s")
    site.destination("nas", more='chunk = "1kB"')
    site.write()
    for nth in range(KILLS):
        with running(site) as node:
            seen = len(site.captured())
            node.until(lambda seen=seen: len(site.captured()) > seen, "it shoots")  # type: ignore[misc]
            if nth % 2:
                node.until_handing_over(site)
            node.breathe(random.uniform(0, 0.03 if nth % 2 else 1.0))
            kill(node)
        handed_over |= hashes(site.data / "spool", site.data / "pictures")
    with running(site) as node:
        seen = len(site.captured())
        node.until(lambda: len(site.captured()) > seen, "it goes on")
        node.until(lambda: not site.ask("queue")["deliveries"], "all is delivered")
        assert node.end() == 0
    return site, handed_over


def test_a_node_that_is_killed_at_any_moment_loses_nothing_and_shoots_no_slot_twice(
    killed: tuple[Site, set[str]],
) -> None:
    site, handed_over = killed
    found, pictures = known(site), {path.name: path for path in site.pictures()}
    assert handed_over <= hashes(site.data / "pictures", site.data / "quarantine")
    assert {row[-1].lower() for row in found["pictures"]} == hashes(site.data / "pictures")
    assert len(found["pictures"]) == len(pictures) >= KILLS
    assert list((site.data / "spool").iterdir()) == []

    shot = [(camera, at) for camera, at, *_ in found["pictures"]]
    seconds = [slot for _, slot, *_ in found["slots"]]
    assert len(set(shot)) == len(shot)
    assert seconds == list(range(seconds[0], seconds[0] + len(seconds)))

    there = {path.name: path for path in (site.folder / "nas").rglob("*.jpg") if not path.name.startswith(".")}
    waiting = {remote.rpartition("/")[2] for _, remote in found["waiting"]}
    assert there.keys() | waiting == pictures.keys()
    assert there.keys().isdisjoint(waiting)
    assert [name for name, path in there.items() if path.read_bytes() != pictures[name].read_bytes()] == []

    sent = stamps(site.folder / "nas")
    assert overlapse("rebuild", "--site", site.file, "--json").json()["told"] == []
    assert known(site) == found
    with running(site) as node:
        node.until(lambda: not site.ask("queue")["deliveries"], "nothing waits")
        assert node.end() == 0
    assert stamps(site.folder / "nas").items() >= sent.items()
