"""Three machines apart, three voters, cameras behind HTTP and PTP/IP: killed and cut, and the pictures counted."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from peers import natsd
from peers.apart import HOME, Switch, missing, switched
from peers.fleet import Fleet
from peers.node import Node
from peers.pair import give_credentials, owner_of
from peers.ptpip import PtpipCamera
from peers.thinlink import inside
from peers.web import RudeCamera, rude_camera

from core.coordination.nats import NatsCoordination
from core.coordination.protocol.ingest import record_of
from core.site.load import reparse
from core.values import PictureName

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(natsd.SERVER is None, reason=natsd.MISSING),
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]

EVERY = 4  # seconds between two slots
DARK = 19.0 + EVERY  # seconds that a fast failover may take, and a slot
NODES = {"unit1": "unit", "fr": "cloud", "ca": "cloud"}


@dataclass
class Machines(Fleet):
    """unit1 and fr share the camera "gate", fr and ca the camera "yard"."""

    switch: Switch = field(default_factory=Switch)

    gate: RudeCamera = field(init=False)
    yard: PtpipCamera = field(init=False)
    voters: natsd.Voters = field(init=False)
    watcher: NatsCoordination = field(init=False)

    def text(self) -> str:
        """Return the site file."""
        servers = ", ".join(f'"{voter.url}"' for voter in self.voters.all)
        nodes = [
            f'[[node]]\nname = "{name}"\nbuffer = {{ keep_free = "1MB" }}\n{more}' for name, more in self.nodes.items()
        ]
        shared = {
            "gate": ("unit1", "fr", f'kind = "http", url = "{self.gate.url("snap.jpg")}"'),
            "yard": ("fr", "ca", f'kind = "gphoto2", address = "{self.yard.address}"'),
        }
        cameras = [
            f'[[camera]]\nname = "{name}"\nprimary = "{primary}"\nbackup = "{backup}"\nsource = {{ {source} }}\n'
            f'schedule = [{{ every = "{EVERY}s" }}]'
            for name, (primary, backup, source) in shared.items()
        ]
        head = 'site = { name = "quay", zone = "UTC", data = "data", run = "run", clock = "host" }'
        engine = f'coordination = {{ servers = [{servers}], credentials = "fleet" }}'
        return "\n\n".join(["version = 1", head, engine, *nodes, *cameras]) + "\n"

    @contextlib.contextmanager
    def one(self, name: str) -> Iterator[Node]:
        """Run one node on its own machine."""
        with inside(self.switch.machines[name]):
            running = super().one(name)
            node = running.__enter__()
        try:
            yield node
        finally:
            running.__exit__(None, None, None)

    def owner(self, camera: str) -> str | None:
        """Return the node that owns a camera, as the voters hold it."""
        return owner_of(self.watcher, camera)

    def shots(self, camera: str) -> dict[datetime, list[PictureName]]:
        """Return all pictures of a camera, wherever they are, by slot."""
        found: dict[datetime, list[PictureName]] = defaultdict(list)
        for name in self.nodes:
            for picture in map(PictureName.parse, self.names(name)):
                if picture.camera == camera:
                    found[picture.at].append(picture)
        return found

    def newest(self, camera: str, node: str) -> datetime | None:
        """Return the newest slot of a camera that a node shot."""
        return max(
            (at for at, all_of in self.shots(camera).items() if node in {one.node for one in all_of}), default=None
        )


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    with contextlib.ExitStack() as stack:
        switch = stack.enter_context(switched(list(NODES)))
        nodes = {name: f'kind = "{kind}"\nredundancy = {{ fast = true }}' for name, kind in NODES.items()}
        fleet = Machines(tmp_path / "nodes", nodes, switch=switch)
        with inside(switch.home):
            fleet.gate = stack.enter_context(rude_camera(HOME))
            fleet.yard = PtpipCamera(HOME)
            stack.callback(fleet.yard.stop)
            fleet.voters = voters = natsd.Voters(tmp_path / "voters", 3, host=HOME)
            stack.callback(voters.close)
            voters.site = reparse(fleet.text())
            voters.write_accounts(voters.accounts())
            voters.start()
            voters.begin()
            fleet.watcher = voters.open("fr")
        for name in NODES:
            give_credentials(voters, fleet.sites[name].folder / "fleet", name)
        fleet.write()
        yield fleet


def count(machines: Machines) -> None:
    """Look at all pictures: no slot is without one for longer than a failover takes, and one of each slot counts."""
    for camera in ("gate", "yard"):
        shots = machines.shots(camera)
        dark = max(after - before for before, after in pairwise(sorted(shots)))
        assert dark <= timedelta(seconds=DARK), f"{camera}: {dark} without a picture"
        for names in shots.values():
            assert record_of(names).fence == max(one.fence for one in names)


def test_a_voter_and_a_primary_are_killed_and_every_slot_but_those_of_the_dark_time_has_a_picture(
    machines: Machines,
) -> None:
    with machines.running("fr", "ca"):
        with machines.running("unit1") as first:
            machines.until(lambda: machines.owner("gate") == "unit1" and machines.owner("yard") == "fr", "owners", 60)
            machines.until(lambda: machines.newest("gate", "unit1") and machines.newest("yard", "fr"), "shots", 60)
            machines.voters.kill(2)
            first["unit1"].kill()
        machines.until(lambda: machines.owner("gate") == "fr" and machines.newest("gate", "fr"), "fr stands in", 60)
        with machines.running("unit1", ready=False):
            machines.until(lambda: machines.owner("gate") == "unit1", "unit1 has its camera back", 90)
    count(machines)


def test_a_machine_is_cut_off_and_every_slot_but_those_of_the_dark_time_has_a_picture(machines: Machines) -> None:
    with machines.running(*NODES):
        machines.until(lambda: machines.owner("gate") == "unit1" and machines.owner("yard") == "fr", "owners", 60)
        machines.until(lambda: machines.newest("gate", "unit1") and machines.newest("yard", "fr"), "shots", 60)
        machines.switch.pull("fr")
        machines.until(lambda: machines.owner("yard") == "ca" and machines.newest("yard", "ca"), "ca stands in", 60)
        machines.switch.push("fr")
        machines.until(lambda: machines.owner("yard") == "fr", "fr has its camera back", 90)
    count(machines)
