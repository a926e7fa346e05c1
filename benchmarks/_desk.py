"""The node's own way of delivering, and nothing else of it: catalogue, desk, real children, receipts on the disk."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from core.catalogue import deliveries, pictures
from core.catalogue.store import Catalogue
from core.clock import SystemClock
from core.intake.daybook import DiskKeeper
from core.intake.durable import Shelf
from core.node.children import Children
from core.node.context import Context
from core.node.jobs import Asked, Report
from core.node.sending.auditing import Auditing
from core.node.sending.delivering import Delivering
from core.node.start import make_folders
from core.node.writing import Writer
from core.site.load import reparse
from core.site.place import Folders
from core.transfer.base import Level
from core.values import Fence, PictureName, Sha256, utc

NOON = 1_795_262_400
SITE = """\
version = 1
site = { name = "bench", zone = "UTC", data = "data" }
[[node]]
name = "unit1"
[[camera]]
name = "north"
source = { kind = "folder", path = "/nowhere" }
schedule = [{ every = "10m" }]
[[destination]]
name = "there"
"""
ROUTE = '[[route]]\nwhat = ["jpeg"]\nto = "there"\n'


@dataclass
class Desk:
    """A node that has pictures to deliver to one destination, "there"."""

    context: Context
    delivering: Delivering
    reports: SimpleQueue[Report]
    level: str
    count: int = 0
    offsets: dict[int, int] = field(default_factory=dict)  # delivery -> bytes when it last asked
    events: list[tuple[float, str, str]] = field(default_factory=list)

    def add(self, content: bytes, remote: str | None = None) -> int:
        """Have a picture of this content to deliver; return the delivery."""
        at = NOON + 600 * self.count
        self.count += 1
        name = PictureName("north", utc(at), "unit1", Fence(1, 7), "jpg")
        path = self.context.folders.pictures / name.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        sha256 = Sha256(hashlib.sha256(content).hexdigest())
        new = pictures.NewPicture(name=name, slot=at, index=0, kind="jpeg", size=len(content), sha256=sha256)
        priority, level = deliveries.Priority.JPEG, int(Level.named(self.level))
        wanted = deliveries.NewDelivery(
            destination="there", remote=remote or f"bench/{name.folder}/{name}", priority=priority, level=level
        )
        with self.context.catalogue.transaction():
            picture = pictures.insert(self.context.catalogue, new)
            (number,) = deliveries.enqueue(self.context.catalogue, picture, [wanted])
        return number

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """Deliver until nothing waits, or `until`; return whether that was reached within `seconds`."""
        end, reached = time.monotonic() + seconds, until or self.is_done
        self.delivering.look(["there"])
        while not reached():
            self.delivering.tick()
            wait = min(self.delivering.wake(), end) - time.monotonic()
            try:
                report = self.reports.get(timeout=max(0.0, min(wait, 0.2)))
            except Empty:
                if time.monotonic() >= end:
                    return False
                continue
            if isinstance(report, Asked):
                self.offsets[report.job.about.id] = report.question["offset"]
            self.delivering.handle(report)
        return True

    def is_done(self) -> bool:
        """Tell whether all is proven and written down."""
        if self.delivering.stations["there"].sending:
            return False
        self.delivering.write_receipts()
        return deliveries.backlog(self.context.catalogue, "there")[0] == 0


@contextmanager
def desk(folder: Path, destination: str, level: str = "hash", link: str = "") -> Iterator[Desk]:
    """Run one whose destination has these keys of site.toml. What is made here lies below `folder`."""
    text = f"{SITE}{destination}\n{ROUTE}"
    if link:
        text = text.replace('name = "unit1"\n', f'name = "unit1"\n{link}\n')
    site, folders = reparse(text), Folders(folder / "data")
    make_folders(folders)
    catalogue = Catalogue.open(folders.catalogue)
    reports: SimpleQueue[Report] = SimpleQueue()
    keeper = DiskKeeper(Shelf(folders.spool, folders.pictures, folders.quarantine, folders.renditions))
    events: list[tuple[float, str, str]] = []
    context = Context(
        site=site,
        base=folder,
        node=site.node[0],
        folders=folders,
        clock=SystemClock(),
        catalogue=catalogue,
        keeper=keeper,
        hands=Children(reports.put),
        fence=Fence(1, 7),
        on_event=lambda kind, subject, said: events.append((time.monotonic(), kind, said)),
    )
    writer = Writer(context)
    auditing = Auditing(context, writer, lambda name: None, lambda: ())
    delivering = Delivering(context, writer, lambda name: None, auditing)
    delivering.apply()
    try:
        yield Desk(context, delivering, reports, level, events=events)
    finally:
        context.hands.close()
        keeper.close()
        catalogue.close()


def secret(folder: Path, name: str, text: str) -> Path:
    """Write a secret as the node wants it."""
    path = folder / name
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return path


def keys(**values: Any) -> str:
    """Return keys of site.toml."""
    return "".join(f"{key} = {value!r}\n".replace("'", '"') for key, value in values.items())
