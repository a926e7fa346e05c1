"""`overlapse restore --from NODE` between real nodes: by the drop alone, with the account that delivers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peers.fleet import Fleet
from peers.node import PROGRAM, environment, known, overlapse
from peers.sshd import MISSING, SSHD
from peers.sshd import running as sshd_running

from core.transfer import drops

SHOTS = 4


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


def shoot(nodes: Fleet, count: int) -> None:
    """Take pictures, and wait until all nodes know of all copies."""
    for _ in range(count):
        nodes.card.show()
        seen = len(nodes.names("unit1"))
        nodes.sites["unit1"].ask("capture", camera="north")
        nodes.until(lambda seen=seen: len(nodes.names("unit1")) > seen, "it is taken")  # type: ignore[misc]
    for place in ("fr", "nas"):
        nodes.until(lambda place=place: len(nodes.proven("unit1", place)) == count, f"all at {place}")  # type: ignore[misc]


def contents(nodes: Fleet, node: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in nodes.sites[node].pictures()}


def told(nodes: Fleet, node: str) -> dict[str, dict[str, Any]]:
    """Return the lines of pictures by name, without what each node says for itself."""
    found = [line for line in nodes.sites[node].lines() if line["line"] == "picture"]
    return {line["name"]: {**line, "boot": "", "taken_in": 0, "crc": ""} for line in found}


def empty(nodes: Fleet, node: str) -> None:
    """The disk of a stopped node is replaced."""
    shutil.rmtree(nodes.sites[node].data)


def restore(nodes: Fleet, *words: str) -> subprocess.Popen[str]:
    """Begin it beside the running nodes."""
    command = [*PROGRAM, "restore", "--from", "fr", "--site", str(nodes.sites["unit1"].file), "--node", "unit1", *words]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )


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
        with nodes.running() as running:
            shoot(nodes, SHOTS)
            before, lines = contents(nodes, "unit1"), told(nodes, "unit1")
            running["unit1"].end()
        empty(nodes, "unit1")
        for victim in ("fr", "unit1"):
            with nodes.running() as running:
                if victim == "fr":
                    nodes.sites["unit1"].ask("restore", **{"from": "fr"})
                there = len(nodes.names("unit1"))
                nodes.until(lambda: back(inbox) or len(nodes.names("unit1")) > there, "it is under way")  # noqa: B023
                running[victim].kill()
        with nodes.running():
            nodes.until(lambda: before.keys() <= nodes.names("unit1"), "all are back")
            nodes.until(lambda: not back(inbox), "no copy is left in the drop")
            assert nodes.sites["unit1"].ask("queue")["deliveries"] == []
    after, again = contents(nodes, "unit1"), told(nodes, "unit1")
    assert {name: after[name] for name in before} == before
    for name in lines:
        assert again[name] == lines[name]
    assert nodes.proven("unit1", "fr") >= before.keys()
    assert nodes.proven("unit1", "nas") >= before.keys(), "what fr knew of further copies came with them"
    assert contents(nodes, "fr").keys() == before.keys(), "nothing was delivered again"
    found = known(nodes.sites["unit1"])
    assert overlapse("rebuild", "--site", nodes.sites["unit1"].file, "--node", "unit1").status == 0
    assert known(nodes.sites["unit1"]) == found


def test_the_plan_comes_first_and_what_it_cost_is_told(tmp_path: Path) -> None:
    inbox = tmp_path / "in"
    (inbox / "unit1").mkdir(parents=True)
    nodes = fleet(tmp_path, inbox, f'address = "folder:{inbox}/unit1"')
    with nodes.running() as running:
        shoot(nodes, 2)
        before = contents(nodes, "unit1")
        running["unit1"].end()
    empty(nodes, "unit1")
    with nodes.running("fr"):
        plan, err = restore(nodes, "--dry-run").communicate(timeout=60)
        assert "2 pictures to fetch from fr" in plan, err
        assert "names were listed" not in plan
        assert "asking cost" in plan
        assert contents(nodes, "unit1") == {}
        done, err = restore(nodes, "--json").communicate(timeout=60)  # the unit does not run: the command does it
        nodes.until(lambda: not back(inbox), "no copy is left in the drop")
    state = json.loads(done)
    assert contents(nodes, "unit1") == before, err
    assert (state["restored"], state["proofs"]["day_book"], state["received"]) == (2, 2, sum(map(len, before.values())))
    assert 0 < state["batches"] < 20_000
