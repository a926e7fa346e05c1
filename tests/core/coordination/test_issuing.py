"""The folder of a fleet: what it holds, that the server takes it, and that no secret is ever made anew unasked."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from peers import natsd

from core.coordination import rights
from core.coordination.issuing import FleetFolder
from core.errors import ConfigurationError, NoSuchThing
from core.site.load import reparse
from core.site.model.file import SiteFile

THREE = 'servers = ["tls://fr.example", "tls://ca.example", "tls://[2001:db8::1]:4222"]'
WITNESS = 'servers = ["tls://10.0.0.1", "tls://10.0.0.2"], witness = "tls://pi.local"'
ONE = 'servers = ["tls://10.0.0.1:4222"], coordinator = "fr"'


def site(coordination: str, text: str = natsd.SITE) -> SiteFile:
    return reparse(text.replace("\n[[node]]", f"\ncoordination = {{ {coordination} }}\n[[node]]", 1))


def contents(folder: Path, *suffixes: str) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in suffixes
    }


@pytest.mark.skipif(natsd.SERVER is None, reason=natsd.MISSING)
@pytest.mark.parametrize(("said", "count"), [(THREE, 3), (WITNESS, 3), (ONE, 1)], ids=["three", "witness", "one"])
def test_the_server_takes_every_configuration(said: str, count: int, tmp_path: Path) -> None:
    FleetFolder(tmp_path / "fleet", here=True).write([site(said)])
    found = sorted((tmp_path / "fleet" / "voters").iterdir())
    assert len(found) == count
    for voter in found:
        conf = (voter / "server.conf").read_text()
        assert "sync_interval: always" in conf
        assert ("cluster {" in conf) == (count > 1)
        done = subprocess.run(
            [str(natsd.SERVER), "-t", "-c", str(voter / "server.conf")], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_keys_are_read_by_their_owner_alone_and_each_machine_has_its_own(tmp_path: Path) -> None:
    FleetFolder(tmp_path).write([site(THREE)])
    keys = list(tmp_path.rglob("*.key"))
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}
    assert len({path.read_bytes() for path in keys}) == len(keys) == 2 + 2 * 3 + 3 + 1
    assert {path.name for path in (tmp_path / "nodes" / "unit1").iterdir()} == {
        "ca.pem",
        "harbour-unit1.pem",
        "harbour-unit1.key",
    }


def test_writing_it_again_changes_nothing(tmp_path: Path) -> None:
    FleetFolder(tmp_path).write([site(THREE)])
    before = contents(tmp_path, ".pem", ".key", ".conf", "")
    again = FleetFolder(tmp_path)
    again.write([site(THREE)])
    assert contents(tmp_path, ".pem", ".key", ".conf", "") == before
    assert again.told == []


def test_a_new_node_is_added_and_the_others_keep_their_secrets(tmp_path: Path) -> None:
    FleetFolder(tmp_path).write([site(THREE)])
    before = contents(tmp_path, ".pem", ".key")
    more = natsd.SITE + '[[node]]\nname = "ca"\nkind = "cloud"\n'
    FleetFolder(tmp_path).write([site(THREE, more)])
    after = contents(tmp_path, ".pem", ".key")
    assert before.items() <= after.items()
    assert {name for name in after if name not in before} == {
        f"nodes/ca/{name}" for name in ("ca.pem", "harbour-ca.pem", "harbour-ca.key")
    }
    assert '"ca@harbour"' in (tmp_path / "voters" / "voter2" / "accounts.conf").read_text()


def test_a_voter_that_moves_keeps_its_name_and_the_others_their_keys(tmp_path: Path) -> None:
    FleetFolder(tmp_path).write([site(THREE)])
    before = contents(tmp_path, ".key")
    FleetFolder(tmp_path).write([site(THREE.replace("ca.example", "new.example"))])
    changed = {name for name, key in contents(tmp_path, ".key").items() if before[name] != key}
    assert changed == {"voters/voter2/server.key", "voters/voter2/route.key"}
    assert "new.example" in (tmp_path / "voters" / "voter1" / "server.conf").read_text()


def test_who_is_shut_out_stays_so_until_its_machine_was_replaced(tmp_path: Path) -> None:
    harbour = site(THREE)
    FleetFolder(tmp_path).write([harbour])
    stolen = (tmp_path / "nodes" / "unit1" / "harbour-unit1.key").read_bytes()
    FleetFolder(tmp_path).revoke(harbour, "unit1")
    again = FleetFolder(tmp_path)
    again.write([harbour])
    assert "unit1: shut out; with a new machine: --renew unit1" in again.told
    accounts = tmp_path / "voters" / "voter1" / "accounts.conf"
    assert 'user: "unit1@harbour"' not in accounts.read_text()
    FleetFolder(tmp_path).write([harbour], renew=["unit1"])
    assert '"unit1.2@harbour"' in accounts.read_text()
    assert 'user: "unit1@harbour"' not in accounts.read_text()  # the stolen certificate opens nothing
    assert (tmp_path / "nodes" / "unit1" / "harbour-unit1.key").read_bytes() != stolen


def test_two_sites_share_voters_and_not_their_stores(tmp_path: Path) -> None:
    quay = site(THREE, natsd.SITE.replace("harbour", "quay"))
    FleetFolder(tmp_path).write([site(THREE), quay])
    text = (tmp_path / "voters" / "voter1" / "accounts.conf").read_text()
    assert '  "harbour": {' in text
    assert '  "quay": {' in text
    with pytest.raises(ConfigurationError, match="name other voters"):
        FleetFolder(tmp_path).write([site(THREE), site(ONE, natsd.SITE.replace("harbour", "quay"))])


def test_half_of_a_pair_is_told_and_not_made_anew(tmp_path: Path) -> None:
    FleetFolder(tmp_path).write([site(THREE)])
    (tmp_path / "authority" / "ca.key").unlink()
    with pytest.raises(ConfigurationError, match=r"ca.pem and ca.key belong together"):
        FleetFolder(tmp_path).write([site(THREE)])


def test_names_that_there_are_not_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="names no voters"):
        FleetFolder(tmp_path).write([reparse(natsd.SITE)])
    with pytest.raises(NoSuchThing, match="no node 'unit9'"):
        FleetFolder(tmp_path).revoke(site(THREE), "unit9")
    with pytest.raises(NoSuchThing, match="no site has a node 'unit9'"):
        FleetFolder(tmp_path).write([site(THREE)], renew=["unit9"])
    (tmp_path / "logins.json").write_text("{")
    with pytest.raises(ConfigurationError, match="who is shut out cannot be read"):
        FleetFolder(tmp_path).write([site(THREE)])


def test_the_readme_names_every_file_to_copy(tmp_path: Path) -> None:
    FleetFolder(tmp_path).write([site(WITNESS)])
    text = (tmp_path / "README").read_text()
    for said in ("voters/voter3/", "pi.local:443", "nodes/unit2/*  to  /etc/overlapse/fleet/  on unit2", "6222"):
        assert said in text
    assert max(map(len, text.splitlines())) <= 120


UNITS = (
    natsd.SITE.replace('backup = "fr"', 'backup = "fr"\nreach = ["unit3"]')
    + '[[node]]\nname = "unit3"\nkind = "unit"\n'
)


@pytest.mark.parametrize(
    ("node", "keys"),
    [
        ("unit1", "sess.unit1 order.unit1.> own.gate own.north sess.fr sess.unit2 sess.unit3"),
        ("unit2", "sess.unit2 order.unit2.> own.north sess.unit1"),
        ("unit3", "sess.unit3 order.unit3.> own.gate sess.fr sess.unit1"),
        ("fr", "sess.fr order.fr.> cfg.> sess.> own.> note.> order.>"),
    ],
)
def test_a_node_may_write_what_its_part_needs_and_nothing_else(node: str, keys: str) -> None:
    harbour = reparse(UNITS)
    found = list(rights.writable(harbour, next(each for each in harbour.node if each.name == node)))
    assert sorted(found) == sorted(keys.split())


def test_who_gives_a_unit_orders_writes_them_under_its_name() -> None:
    obeys = '[[node]]\nname = "unit2"\nobeys = [{ node = "unit1", role = "view", key_file = "secrets/unit1" }]\n'
    harbour = reparse(natsd.SITE.replace('[[node]]\nname = "unit2"\n', obeys))
    assert "order.unit2.>" in rights.writable(harbour, harbour.node[0])
