"""What site.toml says of NAS and firewalls: every problem with its key and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cli.sites import site_checks
from core.errors import ConfigurationError
from core.site.load import load

HEAD = """
version = 1
site = { name = "quarry", zone = "UTC", data = "data" }
[[node]]
name = "unit1"
[[camera]]
name = "north"
source = { kind = "gphoto2" }
[[destination]]
name = "nas"
address = "folder:/mnt/nas"
[[route]]
what = ["jpeg"]
to = "nas"
"""
WELL = """
[[watch]]
kind = "nas"
name = "box"
destination = "nas"
snmp = { host = "192.168.1.20", credentials_file = "secret", expect = { disks = 4 } }
[[watch]]
kind = "firewall"
name = "wall"
snmp = { host = "192.168.1.1", credentials_file = "secret", interfaces = ["wan"] }
opnsense = { url = "https://192.168.1.1", credentials_file = "secret" }
vantage = [{ name = "pc", address = "audit@10.1.0.7", key_file = "secret", known_hosts = "hosts" }]
flows = [
  { from = "unit1", to = "fr.example:443", expect = "pass" },
  { from = "pc", to = "10.1.0.0/24:445", expect = "blocked", control = "10.1.0.5:80" },
]
"""


def problems(folder: Path, text: str, node: str | None = None, head: str = HEAD) -> list[str]:
    secret = folder / "secret"
    secret.write_text("defVersion 2c\ndefCommunity x\n")
    secret.chmod(0o600)
    (folder / "hosts").touch()
    (folder / "site.toml").write_text(head + text)
    try:
        load(folder / "site.toml", checks=site_checks(node), node=node)
    except ConfigurationError as error:
        return [one.partition(": ")[2].replace(str(folder), "HERE") for one in error.problems]
    return []


def test_a_site_with_a_nas_and_a_firewall_is_taken(tmp_path: Path) -> None:
    assert problems(tmp_path, WELL) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            'destination = "nas"\nsnmp',
            'destination = "nass"\nsnmp',
            "watch[0].destination: no destination is named 'nass'",
        ),
        ("disks = 4", "disks = 0", "watch[0].snmp.expect.disks: 1 to 999"),
        ('name = "wall"', 'name = "box"', "watch[1].name: 'box' is taken by watch[0]"),
        (
            'from = "pc"',
            'from = "pcs"',
            "watch[1].flows[1].from: no node or vantage is",
        ),
        ('"fr.example:443"', '"fr.example"', "watch[1].flows[0].to: 'fr.example': write HOST:PORT"),
        ("10.1.0.0/24:445", "10.0.0.0/8:445", "watch[1].flows[1].to: 10.0.0.0/8 has 16777216 addresses; at most 256"),
        ("10.1.0.5:80", "10.2.0.5:80", "watch[1].flows[1].control: not a port of the same machine"),
        ("https://192", "http://192", "watch[1].opnsense.url: 'http://192.168.1.1' is no address of its API"),
        ("audit@10", "10", "watch[1].vantage[0].address: '10.1.0.7': write USER@HOST"),
        (
            "audit@10",
            "-oProxyCommand=x@10",
            "watch[1].vantage[0].address: ",
        ),
        ('known_hosts = "hosts"', 'known_hosts = "no"', "watch[1].vantage[0].known_hosts: HERE/no: no such file"),
        ('expect = "pass"', 'expect = "drop"', "watch[1].flows[0].expect: 'drop' is not one of 'pass' or 'blocked'"),
    ],
)
def test_a_fault_is_told_with_its_key(old: str, new: str, told: str, tmp_path: Path) -> None:
    assert old in WELL
    (found,) = problems(tmp_path, WELL.replace(old, new, 1))
    assert found.startswith(told), found


def test_a_watch_of_nothing_is_told(tmp_path: Path) -> None:
    bare = '[[watch]]\nkind = "nas"\nname = "a"\n[[watch]]\nkind = "firewall"\nname = "b"\n'
    assert [one.partition(";")[0] for one in problems(tmp_path, bare)] == [
        "watch[0]: nothing to watch",
        "watch[1]: nothing to watch",
    ]


def test_the_files_that_a_device_is_read_with_must_be_there_on_the_nodes_that_read_it_alone(tmp_path: Path) -> None:
    head = HEAD.replace('name = "north"', 'name = "north"\nprimary = "unit1"')
    text = WELL.replace('"secret"', '"gone"').replace('name = "wall"', 'name = "wall"\nat = "unit1"')
    text = f'[[node]]\nname = "fr"\nkind = "cloud"\n{text}'.replace('name = "box"', 'name = "box"\nat = "unit1"')
    assert problems(tmp_path, text, "fr", head) == []
    assert {one.partition(":")[0] for one in problems(tmp_path, text, "unit1", head)} == {
        "watch[0].snmp.credentials_file",
        "watch[1].snmp.credentials_file",
        "watch[1].opnsense.credentials_file",
        "watch[1].vantage[0].key_file",
    }
