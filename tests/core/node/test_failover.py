"""Two real nodes that share a real voter and a camera behind HTTP: the primary is killed, the backup goes on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers import natsd
from peers.fleet import Fleet
from peers.web import RudeCamera, rude_camera

from core.coordination.protocol.records import EPOCH, encode, parse_owner
from core.site.load import reparse
from core.values import PictureName

pytestmark = [pytest.mark.peer, pytest.mark.skipif(natsd.SERVER is None, reason=natsd.MISSING)]


class Pair(Fleet):
    """unit1 and fr, which share the camera "gate" in fast mode."""

    camera: RudeCamera
    voters: natsd.Voters

    def text(self) -> str:
        servers = ", ".join(f'"{voter.url}"' for voter in self.voters.all)
        engine = f'coordination = {{ servers = [{servers}], credentials = "fleet", coordinator = "fr" }}'
        nodes = [
            f'[[node]]\nname = "{name}"\nbuffer = {{ keep_free = "1MB" }}\n{more}' for name, more in self.nodes.items()
        ]
        source = f'source = {{ kind = "http", url = "{self.camera.url("snap.jpg")}" }}'
        gate = f'[[camera]]\nname = "gate"\nprimary = "unit1"\nbackup = "fr"\n{source}\nschedule = [{{ every = "2s" }}]'
        head = 'site = { name = "quay", zone = "UTC", data = "data", run = "run", clock = "host" }'
        return "\n\n".join(["version = 1", head, engine, *nodes, gate]) + "\n"

    def shot_by(self, name: str) -> set[PictureName]:
        return {PictureName.parse(path) for path in self.names(name)}

    def owner(self) -> str | None:
        held = self.voters.open("fr").read("own.gate")
        return None if held is None else parse_owner("own.gate", held.value).node


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with rude_camera() as camera:
        nodes = {
            "unit1": 'kind = "unit"\nredundancy = { fast = true }',
            "fr": 'kind = "cloud"\nredundancy = { fast = true }',
        }
        voters = natsd.Voters(tmp_path / "voters", 1)
        fleet = Pair(tmp_path / "nodes", nodes)
        fleet.camera, fleet.voters = camera, voters
        voters.site = reparse(fleet.text())
        voters.write_accounts(voters.accounts())
        try:
            voters.start()
            voters.found()
            voters.operator.cas(EPOCH, 0, encode(1))
            for name in nodes:
                voters.credentials(f"{name}@quay")
                shutil.copytree(tmp_path / "voters" / "nodes", tmp_path / "nodes" / name / "fleet")
            for file in (tmp_path / "nodes").glob("*/fleet/*@quay.*"):
                login, suffix = file.name.split("@quay")
                file.rename(file.with_name(f"quay-{login}{suffix}"))
            fleet.write()
            yield fleet
        finally:
            voters.close()


def test_a_killed_primary_is_stood_in_for_within_seconds_and_has_its_camera_back_afterwards(pair: Pair) -> None:
    with pair.running("fr"):
        with pair.running("unit1") as nodes:
            pair.until(lambda: pair.owner() == "unit1" and pair.shot_by("unit1"), "the primary shoots")
            assert pair.shot_by("fr") == set()
            nodes["unit1"].kill()
        pair.until(lambda: pair.owner() == "fr" and pair.shot_by("fr"), "the backup shoots")
        last, first = max(one.at for one in pair.shot_by("unit1")), min(one.at for one in pair.shot_by("fr"))
        assert (first - last).total_seconds() <= 22, "19 s of a fast failover, and a slot"
        with pair.running("unit1"):
            pair.until(lambda: pair.owner() == "unit1", "the primary owns it again", 60)
            back = max(one.at for one in pair.shot_by("fr"))
            pair.until(lambda: any(one.at > back for one in pair.shot_by("unit1")), "the primary shoots again")
    fences = [min(one.fence for one in pair.shot_by(name)) for name in ("unit1", "fr")]
    assert fences[0] < fences[1] < max(one.fence for one in pair.shot_by("unit1"))
