"""Each of the four ways for some minutes over a real thin link with two cuts, beside the same on a modelled one."""

from __future__ import annotations

import hashlib
import io
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from peers.node import Site, running
from peers.simulation import Simulation
from peers.sshd import MISSING, SSHD
from peers.sshd import running as sshd_running
from peers.thinlink import FAR, Link, inside, missing
from PIL import Image

from core.catalogue import deliveries
from core.node.context import Pace
from core.simulate.links import Outage
from core.simulate.site import SimulatedNode, SimulatedSite
from core.simulate.world import World

EVERY = 5.0  # seconds between two slots
JPEG, RAW = 75_000, 300_000  # bytes
CUTS = ((20.0, 45.0), (75.0, 95.0))  # seconds from the first slot; after the second the unit has a new address
END = 125.0
WAYS = ("everything", "jpeg", "reduced", "monitoring")
KINDS = {"everything": '"raw", "jpeg"', "jpeg": '"jpeg"', "reduced": '"web"'}
RECIPE = '[[recipe]]\nname = "web"\nquality = 60\nsteps = [{ resize = "160x107" }]\n'
GOODPUT = 116_000  # bytes a second: what one stream carries of 1 Mbit/s, as the benchmark measures it
BUDGET = 100_000_000_000_000  # enough for the usual size of pictures, which is reckoned with before any came
AGREE = 0.10


def text(way: str, camera: str, destination: str) -> str:
    """Return the tables of a site that goes this way."""
    shoots = "raw+jpeg" if way == "everything" else "jpeg"
    tables = f'[[camera]]\nname = "north"\nshoots = "{shoots}"\n{camera}\nschedule = [{{ every = "{EVERY:g}s" }}]\n'
    if way == "monitoring":
        return tables
    what = KINDS[way]
    tables += f'{RECIPE if way == "reduced" else ""}[[destination]]\nname = "home"\nlink = "sim"\n{destination}\n'
    tables += f'[[route]]\nwhat = [{what}]\nto = "home"\nlevel = "size"\n'
    if way == "reduced":
        tables += '[[route]]\nwhat = ["web"]\nto = "home"\nlevel = "size"\nlive = "live.jpg"\nrequired = false\n'
    return tables


NODE_LINK = f'[[node.link]]\nname = "sim"\nbudget = {{ bytes = "{BUDGET}B" }}\n'


@dataclass
class Feed:
    """A camera that leaves a new pair, or a JPEG alone, in a folder just before each slot."""

    folder: Path
    raw: bool
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Feed:
        self.folder.mkdir()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._thread.join()

    def stop(self) -> None:
        """Leave nothing more there: the slots that follow are missed."""
        self._over.set()

    def _run(self) -> None:
        number = 0
        while not self._over.wait(0.25):
            number += 1
            beside = self.folder / f".{number}"
            beside.mkdir()
            (beside / "a.jpg").write_bytes(jpeg(number))
            if self.raw:
                (beside / "a.nef").write_bytes(b"II*\0" + os.urandom(RAW - 4))
            beside.rename(self.folder / str(number))
            for one in (self.folder / str(number - 40)).glob("*"):
                one.unlink()  # nobody wants it any more


def jpeg(number: int) -> bytes:
    """Return a real JPEG of its own, JPEG bytes long: what it lacks stands in a comment."""
    dice = random.Random(number)
    image = Image.frombytes("RGB", (120, 80), dice.randbytes(120 * 80 * 3)).resize((720, 480), Image.Resampling.BICUBIC)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=50)
    made = stream.getvalue()
    filling = bytes(JPEG - len(made) - 4)
    return made[:2] + b"\xff\xfe" + (len(filling) + 2).to_bytes(2, "big") + filling + made[2:]


@dataclass
class Course:
    """What became of a way: at each moment that was looked at, bytes that had come and bytes that waited."""

    arrived: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    used: int = 0  # of the budget, at the end
    sent: int = 0  # as the interface has counted until then, headers and all
    live_age: float | None = None  # seconds, at the end


LOOKS = (18.0, 43.0, 70.0, 93.0, END)


class Real:
    """One way over a link of its own."""

    def __init__(self, way: str, folder: Path, stack: ExitStack) -> None:
        self.way, self.folder, self.course = way, folder, Course()
        self.link = stack.enter_context(Link())
        folder.mkdir()
        with inside(self.link.far):
            server = stack.enter_context(sshd_running(folder / "far", listen="0.0.0.0"))  # noqa: S104 - a namespace
        self.root = folder / "far" / "root"
        self.root.mkdir()
        keys = f'address = "sftp://{server.user}@{FAR}:{server.port}{self.root}"\n'
        keys += f'key_file = "{server.key_file}"\nhost_key = "{server.fingerprint}"'
        camera = f'source = {{ kind = "folder", path = "{folder / "camera"}", settle = "0s" }}'
        self.site = Site(folder / "site", node=NODE_LINK)
        self.site.tables["all"] = text(way, camera, keys)
        self.site.write()
        self.feed = stack.enter_context(Feed(folder / "camera", way == "everything"))
        with inside(self.link.near):
            self.node = stack.enter_context(running(self.site))

    def look(self) -> None:
        """Note what has come and what waits."""
        self.course.arrived.append(sum(path.stat().st_size for path in self._come()))
        there = self.site.ask("status")["destinations"]
        self.course.waiting.append(there[0]["bytes"] if there else 0)

    def end(self) -> None:
        """Note what the whole came to, and let what waits come home."""
        self.feed.stop()
        if self.way == "monitoring":
            return
        self.course.sent, _ = self.link.counted()
        self.course.used = self.site.ask("status")["links"][0]["month"]["used"]
        live = self.root / "live.jpg"
        self.course.live_age = time.time() - live.stat().st_mtime if live.exists() else None

    def _come(self) -> Iterator[Path]:
        yield from (path for path in self.root.rglob("*_*.*") if not path.name.startswith("."))

    def all_home(self) -> bool:
        """Return whether nothing waits any more."""
        return all(row["waiting"] == 0 for row in self.site.ask("status")["destinations"])


@pytest.fixture(scope="module")
def courses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Real]]:
    """Run all four ways side by side, each over a link of its own, with the same cuts."""
    folder = tmp_path_factory.mktemp("ways")
    with ExitStack() as stack:
        reals = {way: Real(way, folder / way, stack) for way in WAYS}
        begin = time.monotonic()
        moments = sorted(
            [(at, "look") for at in LOOKS] + [(a, "cut") for a, _ in CUTS] + [(b, "mend") for _, b in CUTS]
        )
        for at, what in moments:
            threading.Event().wait(max(0.0, begin + at - time.monotonic()))
            for real in reals.values():
                if what == "look":
                    real.look()
                elif what == "cut":
                    real.link.cut()
                else:
                    real.link.mend(new_address=at == CUTS[-1][1])
        for real in reals.values():
            real.end()
        yield reals


def modelled(way: str) -> Course:
    """Return the course of the same site on a modelled link."""
    begin = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    head = (
        'version = 1\nsite = { name = "quay", zone = "UTC", data = "data", clock = "host" }\n[[node]]\nname = "unit1"\n'
    )
    site_text = head + NODE_LINK + text(way, 'source = { kind = "gphoto2" }', 'address = "folder:/home"\nlanes = 4')
    world = World(begin)
    site = SimulatedSite(world, site_text, pace=Pace(judge=60, plan=600, plan_soon=60, report=600, report_soon=600))
    for camera in site.cameras.values():
        camera.sizes = {"raw": RAW, "jpeg": JPEG}
    for place in site.destinations.values():
        place.rate, place.latency = GOODPUT, 2.0
        place.outages = [Outage(begin + timedelta(seconds=a), begin + timedelta(seconds=b)) for a, b in CUTS]
    simulation, course = Simulation(world, SimulatedNode(world, [site]), site, begin), Course()
    for at in LOOKS:
        simulation.node.run_until(begin + timedelta(seconds=at))
        home = site.destinations.get("home")
        come = [] if home is None else [file for name, file in home.store.items() if "_" in name]
        course.arrived.append(sum(file.size for file in come))
        course.waiting.append(deliveries.backlog(site.catalogue, "home")[1])
    return course


pytestmark = [
    pytest.mark.peer,
    pytest.mark.timeout(400),
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
    pytest.mark.skipif(SSHD is None, reason=MISSING),
]


@pytest.mark.parametrize("way", ["everything", "jpeg"])
def test_the_model_agrees_with_the_real_link_in_bytes_and_backlog(way: str, courses: dict[str, Real]) -> None:
    real, model = courses[way].course, modelled(way)

    shot = JPEG + (RAW if way == "everything" else 0)
    for came, modelled_bytes, waits, modelled_waits in zip(
        real.arrived, model.arrived, real.waiting, model.waiting, strict=True
    ):
        made = came + waits
        assert came == pytest.approx(modelled_bytes, abs=AGREE * made + shot)
        assert waits == pytest.approx(modelled_waits, abs=AGREE * made + shot)


@pytest.mark.parametrize("way", ["everything", "jpeg", "reduced"])
def test_over_two_cuts_and_a_new_address_nothing_is_lost(way: str, courses: dict[str, Real]) -> None:
    real = courses[way]
    real.node.until(real.all_home, "all is home", 60.0)
    if way == "reduced":
        return
    kept = {path.name: _sha256(path) for path in real.site.data.glob("pictures/north/*/*/*/north_*")}
    there = {path.name: _sha256(path) for path in real.root.rglob("north_*") if path.name in kept}
    assert len(kept) >= 25
    assert there == kept


def test_the_live_picture_is_fresh_and_no_original_goes_the_reduced_way(courses: dict[str, Real]) -> None:
    real = courses["reduced"]
    assert real.course.live_age is not None
    assert real.course.live_age < 10
    assert not [path for path in real.root.rglob("*.jpg") if not path.name.endswith((".web.jpg", "live.jpg"))]


@pytest.mark.parametrize("way", ["everything", "jpeg", "reduced"])
def test_the_account_is_what_the_interface_has_counted(way: str, courses: dict[str, Real]) -> None:
    course = courses[way].course
    assert course.used <= BUDGET
    if way == "reduced":  # with small files, what asks, answers and logs in is more than the headers
        assert course.used <= course.sent <= 2 * course.used
    else:
        assert course.used == pytest.approx(course.sent, rel=AGREE)


def test_monitoring_sends_no_picture(courses: dict[str, Real]) -> None:
    real = courses["monitoring"]
    assert list(real.root.iterdir()) == []
    assert real.link.counted()[0] < 2_000, "but for what the kernel says by itself on a new interface"
    assert len(real.site.pictures()) >= 25


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
