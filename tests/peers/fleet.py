"""Several nodes of one site as real processes on this machine, each with a folder of its own for its site file."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from core.catalogue.store import Catalogue
from peers.node import PATIENCE, POLL, PROGRAM, Card, Node, Site, environment

T = TypeVar("T")
HEAD = 'site = { name = "quay", zone = "UTC", data = "data", run = "run", clock = "host" }'


@dataclass
class Fleet:
    """The site file that all nodes share, and the nodes."""

    folder: Path
    nodes: Mapping[str, str]  # name -> more lines of its [[node]]
    every: str = "2s"
    tables: dict[str, str] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sites = {name: Site(self.folder / name) for name in self.nodes}
        self.card = Card(self.folder / "unit1" / "cards" / "north")
        self.sites["unit1"].cards["north"] = self.card

    def text(self) -> str:
        """Return the site file."""
        nodes = [
            f'[[node]]\nname = "{name}"\nbuffer = {{ keep_free = "1MB" }}\n{more}' for name, more in self.nodes.items()
        ]
        source = f'source = {{ kind = "gphoto2", virtual = "{self.card.root}" }}'
        schedule = f'schedule = [{{ every = "{self.every}" }}]'
        camera = f'[[camera]]\nname = "north"\nprimary = "unit1"\n{source}\n{schedule}'
        return "\n\n".join(["version = 1", HEAD, *nodes, camera, *self.tables.values()]) + "\n"

    def write(self) -> None:
        """Write it into the folder of each node."""
        for site in self.sites.values():
            site.file.write_text(self.text())

    @contextlib.contextmanager
    def running(self, *names: str, ready: bool = True) -> Iterator[dict[str, Node]]:
        """Run these nodes, all by default, until the block ends."""
        with contextlib.ExitStack() as stack:
            nodes = {name: stack.enter_context(self.one(name)) for name in names or self.nodes}
            for node in nodes.values() if ready else ():
                node.ready()
            yield nodes

    @contextlib.contextmanager
    def one(self, name: str) -> Iterator[Node]:
        """Run one node."""
        site, log = self.sites[name], self.sites[name].folder / "log"
        with log.open("ab") as stream:
            process = subprocess.Popen(
                [*PROGRAM, "run", "--site", str(site.file), "--node", name],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=environment(),
                cwd=site.folder,
            )
        node = Node(process, [site], log)
        try:
            yield node
        finally:
            if process.poll() is None:
                node.kill()

    def until(self, look: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
        """Return what `look` returns as soon as it is true."""
        end = time.monotonic() + seconds
        while not (found := look()):
            self.sites["unit1"].show()
            if time.monotonic() > end:
                logs = "".join(f"\n--- {name}\n{log_of(site)}" for name, site in self.sites.items())
                raise AssertionError(f"not within {seconds:g} s: {what}{logs}")
            time.sleep(POLL)
        return found

    def rows(self, name: str, sql: str) -> list[tuple[Any, ...]]:
        """Return what the catalogue of a node holds, running or not."""
        catalogue = Catalogue.read(self.sites[name].data / "catalogue.db")
        try:
            return [tuple(row) for row in catalogue.rows(sql)]
        finally:
            catalogue.close()

    def names(self, name: str) -> set[str]:
        """Return the names of the pictures that a node has on its disk."""
        return {path.name for path in self.sites[name].pictures()}

    def proven(self, name: str, destination: str) -> set[str]:
        """Return the names at `destination` of what a node holds for proven there."""
        sql = "SELECT remote FROM delivery d JOIN receipt r ON r.delivery = d.id "
        found = self.rows(name, f"{sql} WHERE destination = '{destination}' AND state = 'proven'")
        return {str(row[0]).rpartition("/")[2] for row in found}


def log_of(site: Site) -> str:
    log = site.folder / "log"
    return log.read_text()[-3000:] if log.exists() else "(never started)"
