"""A fleet to practise on: a real program, units that are simulated, a hub that answers."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from peers.node import PATIENCE, PROGRAM, environment

from core.control.client import ask
from core.node.start import make_folders
from core.simulate.fleet import PracticeFleet, site_text
from core.site.load import reparse
from core.site.place import Folders

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
    """Return what the hub knows of each node, as soon as their last hours are over."""
    end = time.monotonic() + 2 * PATIENCE
    while "they live" not in (log := (folder / "log").read_text()):
        assert time.monotonic() < end, log
        time.sleep(POLL)
    return {one["node"]: one for one in ask(folder / "run" / "control.sock", "fleet", {})["nodes"]}


def test_the_hub_knows_every_unit_with_its_camera(folder: Path) -> None:
    known = fleet(folder)
    assert known.keys() == {"hub", "unit001", "unit002", "unit003"}
    cameras = {row["name"] for one in known.values() for row in one["cameras"]}
    assert {"cam001", "cam002", "cam003"} <= cameras


def test_the_hub_judges_what_it_hears_as_a_real_one_does(folder: Path) -> None:
    for one in fleet(folder).values():
        checks = {row["check"] for row in one["verdicts"]}
        assert checks >= {"storage", "node"} | ({"camera"} if one["cameras"] else set())


def test_the_hub_answers_while_its_history_is_made_as_it_was_by_then(tmp_path: Path) -> None:
    text = site_text(2, '"UTC"')
    folders = Folders(tmp_path / "data", tmp_path / "run")
    make_folders(folders)
    made = PracticeFleet(text, reparse(text), folders, timedelta(minutes=90))
    said: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: said.append(ask(folders.control, "status", {}, PATIENCE)))
    shares: list[float] = []  # of the history, each when it was made

    def tell(share: float) -> None:
        if not shares:
            asking.start()
            end = time.monotonic() + PATIENCE
            while made.queue.empty() and time.monotonic() < end:
                time.sleep(POLL / 10)
        elif len(shares) == 1:
            asking.join(PATIENCE)  # the step between took the question
            assert said
        shares.append(share)

    with made.answering():
        made.live_through(tell)
    assert shares[1] < 0.9
    assert said[0]["at"] < time.time() - 300, "a document of the past says so"


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
