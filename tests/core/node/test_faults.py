"""What goes wrong beside a node: cameras that hang, crash or are full, a disk that is full, a user who may not look."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from peers.node import PATIENCE, Card, Node, Site, is_gone, kind_of, known, overlapse, running
from peers.ptpip import STORE_FULL, PtpipCamera, ptpip_camera

from core.cli.sites import read_sites
from core.clock import SystemClock
from core.node.jobs import Worker
from core.node.loop import Event, Loop, Stop
from core.node.part import SitePart
from core.node.start import open_site

ROOT = os.geteuid() == 0
NORTH = Worker("camera", "north")


# --- libgphoto2 hangs


@dataclass
class Onlooker:
    """A part of the loop beside the site's: it gives the camera new things to see, and ends the loop in time."""

    part: SitePart
    card: Card
    queue: SimpleQueue[Event | Stop]
    look: Callable[[Onlooker], bool]
    seen: dict[str, Any] = field(default_factory=dict)
    _end: float = 0.0

    def __post_init__(self) -> None:
        self._end = self.part.context.monotonic() + PATIENCE

    def handle(self, event: object) -> None:
        """Nothing is sent here."""

    def tick(self) -> None:
        if self.card.file.is_file():
            self.card.show()
        if self.look(self):
            self.queue.put(Stop())
        assert self.part.context.monotonic() < self._end, "not in time"

    def wake(self) -> float:
        return self.part.context.monotonic() + 0.05

    def stop(self) -> None:
        """Nothing is begun here."""

    def finished(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is held."""


def watch(site: Site, deadline: float, look: Callable[[Onlooker], bool]) -> Onlooker:
    """Run the site in this process, its cameras' shots with this deadline, until `look` has seen enough."""
    queue: SimpleQueue[Event | Stop] = SimpleQueue()
    place, loaded = read_sites([site.file])[0]
    with ExitStack() as leave:
        opened = open_site(place, loaded, SystemClock(), queue, lambda: loaded)
        leave.callback(opened.close)
        opened.part.context.seconds_for = lambda op, camera: deadline if op == "shoot" else 30.0
        onlooker = Onlooker(opened.part, site.cards["north"], queue, look)
        Loop(SystemClock(), queue).run([opened.part, onlooker])
    return onlooker


def slots_of(onlooker: Onlooker) -> list[tuple[Any, ...]]:
    catalogue = onlooker.part.context.catalogue
    sql = "SELECT slot, outcome, cause, shutter FROM slot ORDER BY slot"
    return [tuple(row) for row in catalogue.rows(sql)]


def test_a_hung_libgphoto2_is_killed_at_its_deadline_and_the_next_slot_is_on_time(tmp_path: Path) -> None:
    site = Site(tmp_path / "quay")
    card = site.camera(every="3s")
    site.write()

    def look(onlooker: Onlooker) -> bool:
        slots, seen = slots_of(onlooker), onlooker.seen
        captured = [slot for slot in slots if slot[1] != "missed"]
        running = onlooker.part.context.hands.running()
        if len(captured) == 1 and "hung" not in seen:
            seen["hung"] = running[NORTH]
            card.hang()
        missed = [slot for slot in slots if slot[1] == "missed"]
        if missed and not card.file.is_file():
            card.file.unlink()  # nobody is left who waits at this pipe
            card.show()
        return len(captured) >= 2

    onlooker = watch(site, 1.5, look)
    slots = known(site)["slots"]
    captured = [slot for slot in slots if slot[4] in ("captured", "late")]
    [missed] = [slot for slot in slots if slot[4] == "missed"]
    assert "timeout" in missed[5]
    assert [slot[1] for slot in slots] == list(range(slots[0][1], slots[0][1] + 3 * len(slots), 3))
    assert slots[1] == missed
    assert all(slot[6] / 1000 - slot[1] < 1.0 for slot in captured[1:]), captured
    assert is_gone(onlooker.seen["hung"])
    assert len(site.pictures()) == len(captured)


# --- the camera's child crashes


def camera_child(node: Node) -> int:
    found: list[int] = node.until(
        lambda: [pid for pid in node.children() if kind_of(pid) == "camera"], "it has a child"
    )
    return found[0]


def test_a_camera_child_that_crashes_costs_at_most_its_slot(tmp_path: Path) -> None:
    site = Site(tmp_path / "quay")
    site.camera(every="1s")
    nas = site.destination("nas")
    site.write()
    killed = []
    with running(site) as node:
        for moment in ("idle", "in a shot"):
            shot = len(site.captured())
            node.until(lambda shot=shot: len(site.captured()) >= shot + 3, "it shoots well")  # type: ignore[misc]
            killed.append(camera_child(node))
            if moment == "in a shot":
                node.until_handing_over(site)
            os.kill(killed[-1], signal.SIGKILL)
        shot = len(site.captured())
        node.until(lambda: len(site.captured()) >= shot + 2, "it goes on")
        node.until(lambda: not site.ask("queue")["deliveries"], "all is delivered")
        slots = site.slots()
        assert node.end() == 0
    assert len(set(killed)) == 2
    assert [slot["slot"] for slot in slots] == list(range(slots[0]["slot"], slots[0]["slot"] + len(slots)))
    missed = [slot for slot in slots if slot["outcome"] == "missed"]
    assert len(missed) <= len(killed), missed
    assert len(list(nas.rglob("*.jpg"))) + len(known(site)["waiting"]) == len(site.pictures())
    assert len(site.pictures()) >= len(slots) - len(missed)


# --- a picture that is not whole


def test_a_truncated_jpeg_is_kept_marked_told_and_delivered(tmp_path: Path) -> None:
    site = Site(tmp_path / "quay")
    card = site.camera(every="24h", more='exposure = "1s"')
    nas = site.destination("nas", 'what = ["jpeg", "small"]')
    site.tables["recipe"] = '[[recipe]]\nname = "small"\nsteps = [{ resize = "4x4" }]'
    site.write()
    card.show_truncated()
    half = card.file.read_bytes()
    with running(site) as node:
        card.show_truncated()
        half = card.file.read_bytes()
        [name] = overlapse("capture", "north", "--site", site.file, "--json").json()["pictures"]
        [event] = node.until(lambda: site.events("picture broken"), "it is told")
        [copy] = node.until(lambda: list(nas.rglob(name)), "it is delivered")
        assert node.end() == 0
    [picture] = site.pictures()
    assert picture.read_bytes() == copy.read_bytes() == half
    assert (event["subject"], event["text"][:17]) == (name, "kept and marked: ")
    assert [line["verdict"] for line in site.lines() if line["line"] == "view"] == ["broken"]
    assert overlapse("verify", "--site", site.file).status == 0


# --- a full card


@pytest.fixture
def body() -> Iterator[PtpipCamera]:
    with ptpip_camera() as camera:
        yield camera


def test_a_full_card_misses_its_slots_with_this_cause_and_shoots_again_when_it_has_room(
    tmp_path: Path, body: PtpipCamera
) -> None:
    site = Site(tmp_path / "quay")
    source = f'source = {{ kind = "gphoto2", address = "{body.address}" }}'
    site.tables["camera"] = f'[[camera]]\nname = "gate"\n{source}\nschedule = [{{ every = "2s" }}]'
    nas = site.destination("nas")
    site.write()
    with running(site) as node:
        node.until(lambda: site.captured(), "it shoots")
        body.fail(answers=[STORE_FULL] * 6)
        missed = node.until(lambda: [slot for slot in site.slots() if slot["outcome"] == "missed"], "a slot is missed")
        body.fail(answers=[])
        [state] = site.ask("status")["cameras"]
        [name] = overlapse("capture", "gate", "--site", site.file, "--json").json()["pictures"]
        node.until(lambda: list(nas.rglob(name)), "it is delivered")
        assert node.end() == 0
    assert all("full" in slot["cause"] for slot in missed), missed
    assert "Store Full" in state["error"]


# --- a full disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Site]:
    """A site whose data folder is a disk of a few megabytes."""
    if not ROOT:
        pytest.skip("only root may mount a small disk")
    site = Site(tmp_path / "quay", keep_free="100kB")
    site.data.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(site.data)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield site
    finally:
        subprocess.run(["umount", "--lazy", str(site.data)], check=True)


def fill(disk: Path) -> Path:
    """Write until not one byte more is taken."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as stream:
        size = 1 << 16
        while size:
            try:
                stream.write(bytes(size))
            except OSError:
                size >>= 1
    return ballast


def test_a_full_disk_ends_nothing_is_told_and_loses_nothing(small_disk: Site) -> None:
    site = small_disk
    site.camera(every="1s")
    nas = site.destination("nas")
    site.write()
    with running(site) as node:
        node.until(lambda: len(site.captured()) >= 3, "it shoots")
        ballast = fill(site.data)
        node.until(lambda: "storage trouble: " in node.log() or "capture stopped: " in node.log(), "it tells")
        said = overlapse("status", "--site", site.file).out
        assert node.process.poll() is None
        ballast.unlink()
        name, *_ = node.until(lambda: by_hand(site), "a shot by hand is kept again")
        node.until(lambda: list(nas.rglob(name)), "and delivered")
        node.until(lambda: "storage" not in site.ask("status"), "it does not complain any more")
        node.until(lambda: not site.ask("queue")["deliveries"], "all is delivered")
        assert node.end() == 0
    found = known(site)
    seconds = [slot[1] for slot in found["slots"]]
    assert "STORAGE" in said or "STOPPED" in said, said
    assert seconds == list(range(seconds[0], seconds[0] + len(seconds)))
    assert list((site.data / "spool").iterdir()) == []
    kept = [slot for slot in found["slots"] if slot[4] in ("captured", "late")]
    assert len(kept) < len(found["pictures"]) == len(list(nas.rglob("*.jpg"))) + len(found["waiting"])
    assert overlapse("verify", "--remote", "--site", site.file).status == 0


def by_hand(site: Site) -> list[str]:
    ended = overlapse("capture", "north", "--site", site.file, "--json")
    return list(ended.json()["pictures"]) if ended.status == 0 else []


# --- another user of the same machine


LOOK_AS_NOBODY = """\
import contextlib, io, os, sys
from core.cli.main import run
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    run(sys.argv[1:])  # all that it imports is read while this still may
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that everybody may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def look_as_nobody(site: Site) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LOOK_AS_NOBODY, "status", "--site", str(site.file)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=site.folder, timeout=60)


@pytest.mark.skipif(not ROOT, reason="only root can be another user for a moment")
def test_another_user_of_the_machine_is_told_in_one_line_whether_the_node_runs_or_not(open_to_all: Path) -> None:
    site = Site(open_to_all / "quay")
    site.camera()
    site.write()
    with running(site) as node:
        node.until(lambda: site.captured(), "it shoots")
        while_it_runs = look_as_nobody(site)
        assert node.end() == 0
    for looked in (while_it_runs, look_as_nobody(site)):
        if looked.returncode == 0:
            assert looked.stdout.startswith("quay/unit1 ")
        else:
            assert looked.stdout == ""
            [line] = looked.stderr.splitlines()
            assert line.startswith("overlapse: ")
            assert str(site.folder / "run") in line
