"""A node that is killed again and again, at moments of chance and in the middle of a shot, loses nothing."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import subprocess
from pathlib import Path

from peers.node import Node, Site, is_gone, known, overlapse, running, stamps

KILLS = 6


def harbour(folder: Path) -> Site:
    site = Site(folder, name="harbour")
    site.camera(every="1s")
    site.destination("nas", more='chunk = "1kB"')
    site.write()
    return site


def hashes(folder: Path) -> set[str]:
    """Return the hash of every whole picture below a folder."""
    found = set()
    for path in folder.rglob("*.jpg"):
        with contextlib.suppress(FileNotFoundError):
            found.add(hashlib.sha256(path.read_bytes()).hexdigest())
    return found


def await_spooled(node: Node, site: Site) -> None:
    """Return as soon as the camera's child begins to hand a picture over."""
    spool = site.data / "spool"
    node.until(lambda: [name for name in os.listdir(spool)], "a picture is in the spool")


def kill(node: Node) -> None:
    """Kill the node; its children die with it."""
    children = node.children()
    node.kill()
    node.until(lambda: all(is_gone(pid) for pid in children), "its children are gone")


def test_a_node_that_is_killed_at_any_moment_loses_nothing_and_shoots_no_slot_twice(tmp_path: Path) -> None:
    site, chance = harbour(tmp_path / "harbour"), random.Random()  # noqa: S311
    handed_over: set[str] = set()
    for nth in range(KILLS):
        with running(site) as node:
            seen = len(site.captured())
            node.until(lambda seen=seen: len(site.captured()) > seen, "it shoots")  # type: ignore[misc]
            if nth % 2:
                await_spooled(node, site)
            with contextlib.suppress(subprocess.TimeoutExpired):
                node.process.wait(chance.random() * (0.03 if nth % 2 else 1.0))
            kill(node)
        handed_over |= hashes(site.data / "spool") | hashes(site.data / "pictures")
    with running(site) as node:
        seen = len(site.captured())
        node.until(lambda: len(site.captured()) > seen, "it goes on")
        assert node.end() == 0
