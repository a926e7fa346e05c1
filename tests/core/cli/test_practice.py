"""A fleet to practise on: a real program, units that are simulated, a hub that answers."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peers.node import PATIENCE, PROGRAM, environment

from core.control.client import ask
from core.errors import NodeUnreachable

POLL = 0.1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("practice")
    with (folder / "log").open("wb") as log:
        command = [*PROGRAM, "demo", "--fleet", "3", "--history", "40m", "--dir", str(folder)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment())
    try:
        yield folder
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()


def fleet(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what the hub knows of each node, as soon as it answers."""
    end = time.monotonic() + 2 * PATIENCE
    while True:
        try:
            return {one["node"]: one for one in ask(folder / "run" / "control.sock", "fleet", {})["nodes"]}
        except NodeUnreachable:
            if time.monotonic() > end:
                raise AssertionError((folder / "log").read_text()) from None
            time.sleep(POLL)


def test_the_hub_knows_every_unit_with_its_camera(folder: Path) -> None:
    known = fleet(folder)
    assert known.keys() == {"hub", "unit001", "unit002", "unit003"}
    cameras = {row["name"] for one in known.values() for row in one["cameras"]}
    assert {"cam001", "cam002", "cam003"} <= cameras


def test_its_units_share_cameras(folder: Path) -> None:
    rows = {row["name"]: row for row in fleet(folder)["unit001"]["redundancy"]["cameras"]}
    assert (rows["cam001"]["primary"], rows["cam001"]["backup"]) == ("unit001", "unit002")


def test_it_shows_on_one_screen(folder: Path) -> None:
    fleet(folder)
    command = [*PROGRAM, "status", "--fleet", "--site", str(folder / "site.toml"), "--node", "hub"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env=environment()).stdout
    assert "unit003" in shown
    read = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True, env=environment()).stdout
    assert len(json.loads(read)["nodes"]) == 4
