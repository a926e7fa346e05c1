"""The real program `overlapse` as processes, on virtual cameras, judged from outside: files, sockets, exit statuses."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from core.catalogue.store import Catalogue
from core.control.client import ask
from core.errors import NodeUnreachable
from peers.ptpip import GREY

T = TypeVar("T")
Json = dict[str, Any]

PROGRAM = [sys.executable, "-m", "core.cli.main"]
PATIENCE = 50.0  # seconds that anything may take on a machine with several times more to do than it has cores
POLL = 0.05  # seconds between two looks
SEED_SIZE = 4096  # bytes; the virtual camera remembers the first picture's size


class Card:
    """The folder that a virtual camera takes its pictures from: each is another one, of the same size."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "DCIM" / "100NIKON" / "DSC_0001.jpg"
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._next = root / "next"
        self.given = 0
        self.show()

    def show(self) -> None:
        """Have the next shot give a picture that was never there before: a comment after its first marker."""
        self.given += 1
        comment = f"{os.getpid()} {time.monotonic_ns()} {self.given}".encode()
        self._give(GREY[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + GREY[2:])

    def show_truncated(self) -> None:
        """Have the next shot give a picture whose second half is missing."""
        comment = os.urandom(8).hex().encode()
        head = GREY[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        self._give(head + GREY[2:80])

    def hang(self) -> None:
        """Have the next shot hang in libgphoto2, in C, for as long as nobody writes to the pipe."""
        self.file.unlink()
        os.mkfifo(self.file)

    def let_go(self) -> None:
        """Let a shot that hangs go on, and fail; the next one gives a picture again."""
        pipe = self.root / "pipe"
        self.file.rename(pipe)
        self.show()
        with contextlib.suppress(OSError):
            os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))

    def take_away(self) -> None:
        """Leave nothing that a shot could give."""
        self.file.unlink()

    def _give(self, content: bytes) -> None:
        self._next.write_bytes(content.ljust(SEED_SIZE, b"\0"))
        self._next.replace(self.file)


@dataclass
class Site:
    """A site.toml of one node, put together from its tables, and the folder it lives in."""

    folder: Path
    name: str = "quay"
    keep_free: str = "1MB"
    head: str = ""  # more keys of [site]
    node: str = ""  # more lines of [[node]]
    tables: dict[str, str] = field(default_factory=dict)  # by a key of the test's choice
    cards: dict[str, Card] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def file(self) -> Path:
        return self.folder / "site.toml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def camera(self, name: str = "north", every: str | None = "2s", more: str = "") -> Card:
        """Put a virtual camera in, or another schedule into it; return its card."""
        schedule = f'schedule = [{{ every = "{every}" }}]' if every else ""
        source = f'source = {{ kind = "gphoto2", virtual = "cards/{name}" }}'
        self.tables[f"camera {name}"] = f'[[camera]]\nname = "{name}"\n{source}\n{schedule}\n{more}'
        if name not in self.cards:
            self.cards[name] = Card(self.folder / "cards" / name)
        return self.cards[name]

    def destination(
        self, name: str, route: str = 'what = ["jpeg"]', address: str | None = None, more: str = ""
    ) -> Path:
        """Put a destination and its route in, by default a folder; return the folder."""
        place = self.folder / name
        place.mkdir(exist_ok=True)
        said = address if address is not None else f"folder:{place}"
        self.tables[f"destination {name}"] = f'[[destination]]\nname = "{name}"\naddress = "{said}"\n{more}'
        self.tables[f"route {name}"] = f'[[route]]\n{route}\nto = "{name}"'
        return place

    def write(self) -> Path:
        """Write the file as the tables stand."""
        head = f'site = {{ name = "{self.name}", zone = "UTC", data = "data", run = "run", clock = "host"{self.head} }}'
        node = f'[[node]]\nname = "unit1"\nbuffer = {{ keep_free = "{self.keep_free}" }}\n{self.node}'
        text = "\n\n".join(["version = 1", head, node, *self.tables.values()])
        beside = self.folder / "site.new"
        beside.write_text(text + "\n")
        beside.replace(self.file)
        return self.file

    def show(self) -> None:
        """Give every camera something new to see."""
        for card in self.cards.values():
            if card.file.is_file():
                card.show()

    def ask(self, verb: str, /, **args: Any) -> Json:
        """Ask the running node on its control socket; raise the error that it answers with."""
        return ask(self.folder / "run" / "control.sock", verb, args)

    def events(self, kind: str | None = None) -> list[Json]:
        """Return the events that the running node tells of."""
        told: list[Json] = self.ask("events", limit=500)["events"]
        return [event for event in told if kind in (None, event["kind"])]

    def slots(self, camera: str | None = None) -> list[Json]:
        """Return the ledger of the running node."""
        found: list[Json] = self.ask("ledger", **({"camera": camera} if camera else {}))["slots"]
        return found

    def captured(self, camera: str | None = None) -> list[Json]:
        """Return the slots that gave a picture."""
        return [slot for slot in self.slots(camera) if slot["outcome"] in ("captured", "late")]

    def pictures(self) -> list[Path]:
        """Return the originals that the node keeps."""
        return sorted(self.data.glob("pictures/*/*/*/*/*.jpg"))

    def lines(self) -> list[Json]:
        """Return all lines of the day books, in order, that are whole JSON."""
        found = []
        for book in sorted(self.data.glob("pictures/*/*/*/*/day.jsonl")):
            for line in book.read_text(errors="replace").splitlines():
                with contextlib.suppress(ValueError):
                    found.append(json.loads(line))
        return found


class Node:
    """`overlapse run` on one or several sites."""

    def __init__(self, process: subprocess.Popen[bytes], sites: Sequence[Site], log: Path) -> None:
        self.process = process
        self.sites = sites
        self._log = log

    def log(self) -> str:
        return self._log.read_text()

    def until(self, look: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
        """Return what `look` returns as soon as it is true; meanwhile the cameras see something new each moment."""
        end = time.monotonic() + seconds
        while True:
            for site in self.sites:
                site.show()
            with contextlib.suppress(NodeUnreachable):
                if found := look():
                    return found
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds:g} s: {what}\n{self.log()[-6000:]}")
            self.breathe()

    def until_handing_over(self, site: Site) -> None:
        """Return as soon as a camera's child begins to hand a picture over, within a few milliseconds."""
        end = time.monotonic() + PATIENCE
        while not any((site.data / "spool").iterdir()):
            assert time.monotonic() < end, "no picture comes"
            self.breathe(0.001)

    def breathe(self, seconds: float = POLL) -> None:
        """Let it work for a moment."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)

    def ready(self) -> None:
        """Wait until every site's socket answers."""
        for site in self.sites:
            self.until(lambda site=site: site.ask("status"), f"{site.name} answers")  # type: ignore[misc]

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self, seconds: float = PATIENCE) -> int:
        """Ask it to end; return its exit status."""
        self.process.terminate()
        return self.process.wait(seconds)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def children(self) -> list[int]:
        """Return the processes that it has started and that live."""
        return children_of(self.process.pid)


def children_of(pid: int) -> list[int]:
    """Return the processes that `pid` has started, from /proc."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(word) for word in task.read_text().split()]
    return found


def kind_of(pid: int) -> str:
    """Return what a child is told to be on its command line: camera, destination, images, disk."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return words[4].decode() if len(words) > 4 and words[3] == b"core.worker" else ""


def is_gone(pid: int) -> bool:
    """Return whether a process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


KNOWN = {
    "slots": "SELECT camera, slot, node, idx, outcome, cause, shutter, epoch, token, filled FROM slot ORDER BY slot",
    "pictures": "SELECT camera, at, epoch, token, nth, slot, size, hex(sha256) FROM picture ORDER BY 1, 2, 3, 4, 5",
    "receipts": """SELECT destination, remote, r.level, hex(r.sha256), r.at
        FROM receipt r JOIN delivery d ON d.id = r.delivery ORDER BY destination, remote""",
    "waiting": "SELECT destination, remote FROM delivery WHERE state <> 'proven' ORDER BY destination, remote",
}


def known(site: Site) -> dict[str, list[tuple[Any, ...]]]:
    """Return what the catalogue of a stopped node holds that a catalogue made anew must hold too."""
    catalogue = Catalogue.read(site.data / "catalogue.db")
    try:
        return {what: [tuple(row) for row in catalogue.rows(sql)] for what, sql in KNOWN.items()}
    finally:
        catalogue.close()


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Return what would change of the pictures in a folder if they were sent or written again."""
    files = (path for path in folder.rglob("*.jpg") if not path.name.startswith("."))
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of the program: nothing of the caller's own choice of a site."""
    kept = {key: value for key, value in os.environ.items() if key not in ("OVERLAPSE_SITE", "NOTIFY_SOCKET")}
    return {**kept, **(more or {})}


@contextlib.contextmanager
def running(*sites: Site, ready: bool = True, of: Path | None = None) -> Iterator[Node]:
    """Run the node on these sites until the block ends; the files must be written. `of`: the folder of their files."""
    log = sites[0].folder / "log"
    words = [word for file in ([of] if of else [site.file for site in sites]) for word in ("--site", str(file))]
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [*PROGRAM, "run", *words],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=environment(),
            cwd=sites[0].folder,
        )
    node = Node(process, sites, log)
    try:
        if ready:
            node.ready()
        yield node
    finally:
        if process.poll() is None:
            node.kill()


@dataclass(frozen=True)
class Ended:
    """What a command came to."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.status == 0, self.err
        return json.loads(self.out)


def overlapse(
    *words: str | Path, seconds: float = 60.0, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Ended:
    """Run a command to its end."""
    done = subprocess.run(
        [*PROGRAM, *(str(word) for word in words)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        env=environment(env),
        cwd=cwd,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
