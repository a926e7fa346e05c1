"""What `validate` says of a device that is to be read."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from peers.snmpd import v2c, v3

from core.probes.address import endpoint, transport
from core.probes.check import problems


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "router"
    path.touch(0o600)
    path.write_text(v2c())
    return path


@pytest.mark.parametrize(
    ("host", "machine", "port"),
    [
        ("192.168.1.1", "192.168.1.1", 161),
        ("192.168.1.1:1161", "192.168.1.1", 1161),
        ("router.example", "router.example", 161),
        ("router:161", "router", 161),
        ("fe80::1", "fe80::1", 161),
        ("[fe80::1]", "fe80::1", 161),
        ("[fe80::1]:65535", "fe80::1", 65535),
    ],
)
def test_a_host_is_a_machine_and_perhaps_a_port(secret: Path, host: str, machine: str, port: int) -> None:
    assert endpoint(host) == (machine, port)
    assert problems(host, secret, "wwan0") == []


def test_an_address_is_written_as_net_snmp_takes_it() -> None:
    interface = socket.if_indextoname(1)
    assert transport("127.0.0.1", 161) == "udp:127.0.0.1:161"
    assert transport("::1", 1161) == "udp6:[::1]:1161"
    assert transport(f"fe80::1%{interface}", 161) == f"udp6:[fe80::1%{interface}]:161"


@pytest.mark.parametrize(
    "host",
    ["", ":161", "router:", "router:0", "router:65536", "router:snmp", "[fe80::1", "[fe80::1]x:1", "[]", "a b", "-x",
     "udp:router:161", "1.2.3", "http://router"],
)  # fmt: skip
def test_a_host_that_cannot_be_is_told_with_what_to_write(secret: Path, host: str) -> None:
    [(key, sentence)] = problems(host, secret)
    assert key == "host"
    assert "1 to 65535" in sentence or 'write such as "192.168.1.1"' in sentence


def test_credentials_that_others_can_read_are_not_used(secret: Path) -> None:
    secret.chmod(0o640)
    [(key, sentence)] = problems("router", secret)
    assert (key, "chmod 600" in sentence) == ("credentials_file", True)


def test_credentials_that_are_not_there_are_told(tmp_path: Path) -> None:
    [(key, sentence)] = problems("router", tmp_path / "none")
    assert (key, "no such file" in sentence) == ("credentials_file", True)


def test_each_wrong_line_of_the_credentials_is_told_with_the_files_name(secret: Path) -> None:
    secret.write_text(v3() + "x\ny\n")
    found = problems("router", secret)
    assert [key for key, _ in found] == ["credentials_file"] * 2
    assert [sentence.partition(" it does")[0] for _, sentence in found] == [f"{secret}: line 8:", f"{secret}: line 9:"]


def test_version_3_needs_programs_that_may_not_be_installed(secret: Path, tmp_path: Path) -> None:
    assert problems("router", secret, programs=str(tmp_path)) == []  # 2c does without them
    secret.write_text(v3())
    found = problems("router", secret, programs=str(tmp_path))
    assert [key for key, _ in found] == ["credentials_file"] * 2
    assert all("install net-snmp's programs (Debian: snmp)" in sentence for _, sentence in found)


def test_an_interface_without_a_name_is_told(secret: Path) -> None:
    assert [key for key, _ in problems("router", secret, " ")] == ["interface"]
