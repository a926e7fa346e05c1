"""Pictures from a unit to a datacentre, and from there on: real nodes, a real SSH server, receipts all the way back."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from peers.cutter import cutting
from peers.fleet import Fleet
from peers.node import known, overlapse
from peers.page import blocks
from peers.sshd import MISSING, SSHD, Sshd
from peers.sshd import running as sshd_running

from core.errors import DestinationRefused
from core.site.model.places import Destination
from core.transfer.registry import make

pytestmark = [pytest.mark.peer, pytest.mark.skipif(SSHD is None, reason=MISSING)]

NODES = ("unit1", "fr", "ca", "office")
RECIPE = '[[recipe]]\nname = "web"\nsteps = [{ resize = "4000x3000", mode = "exact" }]\nquality = 95'


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd_running(tmp_path_factory.mktemp("sshd")) as server:
        yield server


def login(server: Sshd, folder: Path, port: int | None = None) -> str:
    """Return the keys of a place behind the SSH server."""
    address = f'address = "sftp://{server.user}@127.0.0.1:{port or server.port}{folder}"'
    return f'{address}\nkey_file = "{server.key_file}"\nhost_key = "{server.fingerprint}"'


def place(name: str, said: str) -> str:
    return f'[[destination]]\nname = "{name}"\n{said}'


def route(to: str, what: str = '"jpeg"', more: str = "") -> str:
    return f'[[route]]\nwhat = [{what}]\nto = "{to}"\n{more}'


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


@contextmanager
def hardened(folder: Path, inbox: Path) -> Iterator[Sshd]:
    """Run the server of the unit's account as docs/nodes.md shows it."""
    (inbox / "unit1" / "in").mkdir(parents=True)
    chroot = inbox / "unit1" if os.geteuid() == 0 else None
    (page,) = blocks("nodes.md", "sshd")
    options = page.partition("internal-sftp ")[2].splitlines()[0].split()
    with sshd_running(folder, sftp=options, chroot=chroot) as server:
        yield server


def fleet(root: Path, server: Sshd, inbox: Path, unit: Sshd, port: int | None = None, every: str = "2s") -> Fleet:
    """Return unit -> fr; from there to ca, and left for the office, which pulls and brings them to its NAS.

    `unit`: the server at which the unit logs in; fr and the office use `server`.
    """
    arrive, left, nas, site = root / "ca-in", root / "left", root / "nas", root / "website"
    for folder in (arrive / "fr", left, nas, site):
        folder.mkdir(parents=True)
    nodes = {
        "unit1": "",
        "fr": f'kind = "cloud"\ninbox = "{inbox}"',
        "ca": f'kind = "cloud"\ninbox = "{arrive}"',
        "office": 'kind = "office"\npull = ["fr"]',
    }
    made = Fleet(root, nodes, every)
    fetch = login(server, left).replace("\n", ", ")
    drop = Path("/in") if os.geteuid() == 0 else inbox / "unit1" / "in"
    made.tables = {
        "recipe": RECIPE,
        "fr": place("fr", f'node = "fr"\n{login(unit, drop, port)}'),
        "ca": place("ca", f'node = "ca"\n{login(server, arrive / "fr")}'),
        "office": place("office", f'node = "office"\naddress = "folder:{left}"\nfetch = {{ {fetch} }}'),
        "nas": place("nas", f'address = "folder:{nas}"'),
        "website": place("website", f'address = "folder:{site}"'),
        "to fr": route("fr"),
        "at fr": route("ca", more='at = "fr"') + "\n" + route("office", more='at = "fr"'),
        "at office": route("nas", more='at = "office"\nlevel = "read-back"'),
        "web": route("website", '"web"', 'live = "{camera}.jpg"') + "\n" + route("website", '"web"'),
    }
    made.write()
    return made


def left_over(folder: Path) -> list[str]:
    """Return the pictures that stand in drops."""
    return [path.name for path in folder.rglob("*.jpg") if not path.name.startswith(".")]


def assert_out_of_reach(unit: Sshd, inbox: Path, names: set[str]) -> None:
    """Look with the unit's own key for what was taken in, and try to take away what tells of it."""
    drop = "/in" if os.geteuid() == 0 else str(inbox / "unit1" / "in")
    place = Destination(
        name="fr",
        address=f"sftp://{unit.user}@127.0.0.1:{unit.port}{drop}",
        key_file=str(unit.key_file),
        host_key=unit.fingerprint,
    )
    with closing(make(place)) as reached:
        there = {one.name for one in reached.list()}
        assert names
        assert not names & {name.rpartition("/")[2] for name in there}
        receipts = [name for name in there if "/_receipts/" in name]
        with pytest.raises(DestinationRefused):
            reached.delete(receipts[0])
    if os.geteuid() == 0:
        with closing(make(replace(place, address=place.address.removesuffix(drop) + "/"))) as above:
            assert {one.name.partition("/")[0] for one in above.list()} == {"in"}


def test_every_node_has_every_picture_and_the_unit_knows_of_each_copy(sshd: Sshd, tmp_path: Path, inbox: Path) -> None:
    with hardened(tmp_path / "sshd", inbox) as unit, cutting(unit.port) as link:
        nodes = fleet(tmp_path, sshd, inbox, unit, link.port)
        with nodes.running():
            for far in ("fr", "ca", "office", "nas"):
                nodes.until(lambda far=far: nodes.proven("unit1", far), f"the unit knows of {far}")  # type: ignore[misc]
            nodes.until(lambda: list((tmp_path / "website").rglob("*.web.jpg")), "the website has pictures")
        assert_out_of_reach(unit, inbox, nodes.proven("unit1", "fr"))
    names = nodes.proven("unit1", "nas") & nodes.proven("unit1", "ca")
    assert names
    for name in names:
        copies = {path.read_bytes() for path in tmp_path.rglob(name)}
        assert len(copies) == 1
        assert {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob(name)} >= {*NODES, "nas"}
    assert (tmp_path / "website" / "north.jpg").stat().st_size > 50_000
    assert nodes.rows("unit1", "SELECT count(*) FROM delivery WHERE rendition <> ''") == [(0,)]
    sent = len(nodes.names("unit1")) * 4096
    assert link.up < sent + 60_000, "the unit's link carries originals and what is said of them"
    ledger = "SELECT slot, node, outcome, idx, shutter, epoch, token FROM slot WHERE node = 'unit1' ORDER BY slot"
    for far in ("fr", "ca", "office"):
        ours, theirs = nodes.rows("unit1", ledger), nodes.rows(far, ledger)
        assert theirs
        assert set(theirs) <= set(ours)


def test_a_kill_of_either_at_any_moment_loses_nothing_and_doubles_nothing(sshd: Sshd, tmp_path: Path) -> None:
    inbox = tmp_path / "fr-in"
    (inbox / "unit1" / "in").mkdir(parents=True)
    nodes, dice = fleet(tmp_path, sshd, inbox, sshd, every="1s"), random.Random(7)
    nodes.tables["fr"] = place("fr", f'node = "fr"\n{login(sshd, inbox / "unit1" / "in")}')
    nodes.write()
    for victim in ("unit1", "fr", "unit1", "fr"):
        with nodes.running("unit1", "fr") as running:
            running["fr"].breathe(0.3 + dice.random())
            nodes.sites["unit1"].show()
            running["unit1"].breathe(1.5 * dice.random())
            running[victim].kill()
    nodes.every = "1h"
    nodes.write()
    with nodes.running("unit1", "fr"):
        nodes.until(lambda: nodes.names("unit1") and nodes.proven("unit1", "fr") == nodes.names("unit1"), "all proven")
    ours, theirs = ({path.name: path.read_bytes() for path in nodes.sites[one].pictures()} for one in ("unit1", "fr"))
    assert ours == theirs
    assert ours
    assert left_over(inbox) == []
    assert left_over(tmp_path / "fr" / "data" / "spool") == []
    told = {line["name"]: line["sha256"] for line in nodes.sites["fr"].lines() if line["line"] == "picture"}
    assert told.keys() == ours.keys()
    for name in ("unit1", "fr"):
        before = known(nodes.sites[name])
        ended = overlapse("rebuild", "--site", nodes.sites[name].file, "--node", name)
        assert ended.status == 0, ended.err
        assert known(nodes.sites[name]) == before
