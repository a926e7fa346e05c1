"""Real units and a cloud node that share cameras; the unit that is measured is behind a link of its own."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from peers import natsd
from peers.fleet import HEAD, Fleet
from peers.node import Node
from peers.pair import give_credentials, owner_of
from peers.thinlink import FAR, Link, inside

from core.site.load import reparse

NODES = {"unit1": "unit", "unit2": "unit", "fr": "cloud"}
SHARED = {"gate": ("unit1", "fr")}  # camera -> its primary and its backup
WATCHED = {**SHARED, "north": ("unit2", "unit1")}
SETTLED = 60.0  # seconds after which nothing of a start is heard any more


@dataclass
class Sharing(Fleet):
    """unit1 shares its camera, and may stand by for that of unit2; only it is behind the link."""

    near: int = 0
    owners: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    voters: natsd.Voters = field(init=False)

    def text(self) -> str:
        """Return the site file; no camera is due for hours, so that only leases cross the link."""
        servers = ", ".join(f'"{voter.url}"' for voter in self.voters.all)
        engine = f'coordination = {{ servers = [{servers}], credentials = "fleet", coordinator = "fr" }}'
        nodes = [f'[[node]]\nname = "{name}"\n{more}' for name, more in self.nodes.items()]
        cameras = [
            f'[[camera]]\nname = "{name}"\nprimary = "{primary}"\nbackup = "{backup}"\n'
            f'source = {{ kind = "folder", path = "{self.folder / "drop"}" }}\nschedule = [{{ every = "12h" }}]'
            for name, (primary, backup) in self.owners.items()
        ]
        return "\n\n".join(["version = 1", HEAD, engine, *nodes, *cameras]) + "\n"

    @contextlib.contextmanager
    def one(self, name: str) -> Iterator[Node]:
        """Run one node, unit1 behind the link."""
        with inside(self.near) if name == "unit1" else contextlib.nullcontext():
            running = super().one(name)
            node = running.__enter__()
        try:
            yield node
        finally:
            running.__exit__(None, None, None)


def shared_bytes(seconds: float, round_trip: float, watching: bool) -> tuple[float, float]:
    """Return the bytes an hour, up and down, that sharing costs a cellular unit; `watching`: it stands by, too."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        link = stack.enter_context(Link(up=None, down=None, round_trip=round_trip))
        stack.enter_context(inside(link.far))
        nodes = {name: f'kind = "{kind}"' + '\nprofile = "cellular"' * (kind == "unit") for name, kind in NODES.items()}
        owners = WATCHED if watching else SHARED
        fleet = Sharing(folder / "nodes", nodes, near=link.near, owners=owners)
        (fleet.folder / "drop").mkdir()
        fleet.voters = voters = natsd.Voters(folder / "voters", 1, FAR)
        stack.callback(voters.close)
        voters.site = reparse(fleet.text())
        voters.write_accounts(voters.accounts())
        voters.start()
        voters.begin()
        for name in NODES:
            give_credentials(voters, fleet.sites[name].folder / "fleet", name)
        fleet.write()
        stack.enter_context(fleet.running())
        watcher = voters.open("fr")
        for camera, (primary, _) in owners.items():
            fleet.until(lambda c=camera, p=primary: owner_of(watcher, c) == p, f"{primary} owns {camera}")  # type: ignore[misc]
        time.sleep(SETTLED)
        before, begun = link.counted(), time.monotonic()
        time.sleep(seconds)
        hours = (time.monotonic() - begun) / 3600
        up, down = (after - was for after, was in zip(link.counted(), before, strict=True))
        return up / hours, down / hours
