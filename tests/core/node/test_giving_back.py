"""`overlapse restore --from NODE` between real nodes: by the drop alone, with the account that delivers."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peers.fleet import Fleet
from peers.node import known, overlapse
from peers.sshd import MISSING, SSHD
from peers.sshd import running as sshd_running

from core.transfer import drops

SHOTS = 3


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Path]:
    """A folder that may hold what an account cannot leave: root alone has such."""
    if os.geteuid() != 0:
        yield tmp_path / "fr-in"
        return
    folder = Path(tempfile.mkdtemp(prefix="overlapse-", dir="/run"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def fleet(root: Path, inbox: Path, keys: str, more: str = "") -> Fleet:
    nodes = {"unit1": '[[node.link]]\nname = "sim"', "fr": f'kind = "cloud"\ninbox = "{inbox}"'}
    made = Fleet(root, nodes, every="24h")
    made.tables = {
        "fr": f'[[destination]]\nname = "fr"\nnode = "fr"\nlink = "sim"\n{keys}',
        "nas": f'[[destination]]\nname = "nas"\naddress = "folder:{root / "nas"}"',
        "to fr": '[[route]]\nwhat = ["jpeg"]\nto = "fr"',
        "to nas": '[[route]]\nat = "fr"\nwhat = ["jpeg"]\nto = "nas"',
        "more": more,
    }
    (root / "nas").mkdir()
    made.write()
    return made


def shoot(nodes: Fleet) -> None:
    """Take pictures, and wait until they are at all places."""
    for n in range(SHOTS):
        nodes.card.show()
        nodes.sites["unit1"].ask("capture", camera="north")
        nodes.until(lambda n=n: len(nodes.names("unit1")) > n, "it is taken")  # type: ignore[misc]
    for node, place in (("unit1", "fr"), ("fr", "nas")):
        nodes.until(lambda at=(node, place): len(nodes.proven(*at)) == SHOTS, f"all are at {place}")  # type: ignore[misc]


def contents(nodes: Fleet, node: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in nodes.sites[node].pictures()}


def told(nodes: Fleet, node: str) -> dict[str, dict[str, Any]]:
    """Return the lines of pictures by name, without what each node says for itself: that they came back, for one."""
    found = [line for line in nodes.sites[node].lines() if line["line"] == "picture"]
    own = {"boot": "", "taken_in": 0, "crc": "", "restored": False}
    return {line["name"]: {**line, **own} for line in found}


def abandoned(inbox: Path) -> Path:
    """Leave half of an upload in the unit's folder, as from long ago."""
    (folder,) = inbox.rglob("quay")
    part = folder / "north" / ".north_20260101T000000Z_unit1_1-1.jpg.0123456789abcdef.part"
    part.parent.mkdir(exist_ok=True)
    part.write_bytes(b"half")
    os.utime(part, (1, 1))
    return part


def back(inbox: Path) -> list[str]:
    return [path.name for path in inbox.rglob(f"{drops.BACK}/*/*") if path.is_file()]


@pytest.mark.peer
@pytest.mark.skipif(SSHD is None, reason=MISSING)
def test_by_the_account_that_only_delivers_all_comes_back_through_kills_of_both(tmp_path: Path, inbox: Path) -> None:
    (inbox / "unit1" / "in").mkdir(parents=True)
    chroot = inbox / "unit1" if os.geteuid() == 0 else None
    with sshd_running(tmp_path / "sshd", sftp=("-P", "remove,rmdir,setstat,fsetstat"), chroot=chroot) as server:
        drop = "/in" if chroot else f"{inbox}/unit1/in"
        keys = f'address = "sftp://{server.user}@127.0.0.1:{server.port}{drop}"\n'
        keys += f'key_file = "{server.key_file}"\nhost_key = "{server.fingerprint}"'
        nodes = fleet(tmp_path, inbox, keys)
        unit = nodes.sites["unit1"]
        with nodes.running() as running:
            shoot(nodes)
            before, lines = contents(nodes, "unit1"), told(nodes, "unit1")
            running["unit1"].end()
            shutil.rmtree(unit.data)
            plan = overlapse("restore", "--from", "fr", "--dry-run", "--site", unit.file, "--node", "unit1")
            assert f"{SHOTS} pictures to fetch from fr" in plan.out, plan.err
            assert "asking cost" in plan.out
            assert contents(nodes, "unit1") == {}
            with nodes.one("unit1") as first:
                first.ready()
                unit.ask("restore", **{"from": "fr"})
                nodes.until(lambda: back(inbox), "copies stand in the drop")
                running["fr"].kill()
                left = abandoned(inbox)
                with nodes.one("fr") as fr:
                    fr.ready()
                    nodes.until(lambda: not left.exists(), "an old partial upload is removed")
                    assert left.name in nodes.sites["fr"].events("partial removed")[0]["text"]
                    nodes.until(lambda: before.keys() & nodes.names("unit1"), "it goes on")
                    first.kill()
                    with nodes.one("unit1") as second:
                        second.ready()
                        nodes.until(lambda: before.keys() <= nodes.names("unit1"), "all are back")
                        nodes.until(lambda: not back(inbox), "no copy is left in the drop")
                        assert unit.ask("queue")["deliveries"] == []
    after, again = contents(nodes, "unit1"), told(nodes, "unit1")
    assert {name: after[name] for name in before} == before
    assert {name: again[name] for name in lines} == lines
    assert nodes.proven("unit1", "fr") >= before.keys()
    assert nodes.proven("unit1", "nas") >= before.keys(), "what fr knew of further copies came with them"
    assert contents(nodes, "fr").keys() == before.keys(), "nothing was delivered again"
    found = known(unit)
    assert overlapse("rebuild", "--site", unit.file, "--node", "unit1").status == 0
    assert known(unit) == found
