"""Two real nodes, unit1 and fr, that share a camera behind HTTP and one real voter."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.coordination.base import CoordinationUnavailable
from core.coordination.nats import NatsCoordination
from core.coordination.protocol.records import parse_owner
from core.site.load import reparse
from core.values import PictureName
from peers import natsd
from peers.fleet import Fleet
from peers.web import RudeCamera, rude_camera


class Pair(Fleet):
    """unit1 and fr, which share the camera "gate" in fast mode."""

    camera: RudeCamera
    voters: natsd.Voters
    watcher: NatsCoordination

    def text(self) -> str:
        servers = ", ".join(f'"{voter.url}"' for voter in self.voters.all)
        engine = f'coordination = {{ servers = [{servers}], credentials = "fleet", coordinator = "fr" }}'
        nodes = [
            f'[[node]]\nname = "{name}"\nbuffer = {{ keep_free = "1MB" }}\n{more}' for name, more in self.nodes.items()
        ]
        source = f'source = {{ kind = "http", url = "{self.camera.url("snap.jpg")}" }}'
        gate = f'[[camera]]\nname = "gate"\nprimary = "unit1"\nbackup = "fr"\n{source}\nschedule = [{{ every = "2s" }}]'
        home = f'[[destination]]\nname = "home"\nnode = "unit1"\naddress = "folder:{self.folder / "inbox" / "fr"}"'
        head = 'site = { name = "quay", zone = "UTC", data = "data", run = "run", clock = "host" }'
        return "\n\n".join(["version = 1", head, engine, *nodes, gate, home, *self.tables.values()]) + "\n"

    def shot_by(self, name: str) -> set[PictureName]:
        """Return the names of what a node shot, as it has them."""
        return {one for one in map(PictureName.parse, self.names(name)) if one.node == name}

    def owner(self) -> str | None:
        """Return the node that owns the camera, as the voter holds it."""
        return owner_of(self.watcher, "gate")


@contextmanager
def paired(folder: Path, switches: str, *, unit: str = "", mail: str = "") -> Iterator[Pair]:
    """Run the voter and the camera of a pair; `switches` is what both nodes say of redundancy.

    `unit`: more lines of unit1's table; `mail`: the table of a mail server.
    """
    inbox = folder / "nodes" / "inbox"
    (inbox / "fr").mkdir(parents=True)
    nodes = {"unit1": f'kind = "unit"\ninbox = "{inbox}"\n{switches}\n{unit}', "fr": f'kind = "cloud"\n{switches}'}
    with rude_camera() as camera:
        voters = natsd.Voters(folder / "voters", 1)
        pair = Pair(folder / "nodes", nodes, tables={"mail": mail})
        pair.camera, pair.voters = camera, voters
        voters.site = reparse(pair.text())
        voters.write_accounts(voters.accounts())
        try:
            voters.start()
            voters.begin()
            pair.watcher = voters.open("fr")
            for name in nodes:
                give_credentials(voters, pair.sites[name].folder / "fleet", name)
            pair.write()
            yield pair
        finally:
            voters.close()


def owner_of(store: NatsCoordination, camera: str) -> str | None:
    """Return the node that owns a camera, as the voters hold it; None while they do not answer."""
    key = f"own.{camera}"
    try:
        held = store.read(key)
    except CoordinationUnavailable:
        return None
    return None if held is None else parse_owner(key, held.value).node


def give_credentials(voters: natsd.Voters, folder: Path, node: str) -> None:
    """Lay a login where a node looks for it, under the names that `overlapse fleet init` gives."""
    found = voters.credentials(f"{node}@quay")
    folder.mkdir()
    shutil.copy(found.ca, folder / "ca.pem")
    for file in (found.certificate, found.key):
        shutil.copy(file, folder / f"quay-{node}{file.suffix}")
