from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.site.model.places import Destination
from core.transfer.registry import Address, make, parse_address, problems, twins

PIN = "SHA256:" + "a" * 43


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("folder:/mnt/nas/my pictures#1", Address("folder", None, None, None, "/mnt/nas/my pictures#1")),
        ("sftp://pat@host/srv/p", Address("sftp", "pat", "host", None, "/srv/p")),
        ("sftp://pat@host:2222/a b?c%20d", Address("sftp", "pat", "host", 2222, "/a b?c%20d")),
        ("sftp://pat@[fe80::1]:22/p", Address("sftp", "pat", "fe80::1", 22, "/p")),
        ("sftp://host/p", Address("sftp", None, "host", None, "/p")),
        ("sftp://pat@host", Address("sftp", "pat", "host", None, "")),
    ],
)
def test_an_address_is_taken_apart_and_its_path_literally(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stfp://pat@host/p", "did you mean 'sftp'"),
        ("sftp:/srv/p", "write it as 'sftp://user@host/srv/pictures'"),
        ("sftp://pat:secret@host/p", "password_file"),
        ("sftp://pat@host:0/p", "1 to 65535"),
        ("sftp://pat@host:99999/p", "1 to 65535"),
        ("sftp://pat@/p", "write it as"),
        ("sftp://pat@host:٣/p", "write it as"),
        ("sftp://pat@!/p", "names no machine"),
        ("sftp://pat@[:::]/p", "names no machine"),
        ("sftp://pat@1.2.3.400/p", "names no machine"),
        ("/mnt/nas", "folder:/mnt/nas/pictures"),
        ("", "folder:/mnt/nas/pictures"),
        ("\x1b[2J:x", "\\x1b[2J"),
    ],
)
def test_a_wrong_address_says_what_to_write_instead(text: str, told: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_address(text)
    assert told in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    ("destination", "keys"),
    [
        (Destination(name="nas", address="folder:/mnt/nas/p"), []),
        (Destination(name="nas", address="folder:mnt/nas"), ["address"]),
        (Destination(name="nas", address="folder:/mnt/../etc"), ["address"]),
        (Destination(name="nas", address="folder:/"), ["address"]),
        (Destination(name="nas", address="folder:/./"), ["address"]),
        (Destination(name="nas", address="folder:/p", key_file="k", host_key=PIN), ["key_file", "host_key"]),
        (Destination(name="nas", address="smb://nas/p"), ["address"]),
        (Destination(name="fr", address="sftp://pat@fr/p", key_file="k", host_key=PIN), []),
        (Destination(name="fr", address="sftp://pat@fr/p", password_file="k", host_key=PIN + "="), []),
        (Destination(name="fr", address="sftp://fr"), ["address", "address", "key_file", "host_key"]),
        (
            Destination(name="fr", address="sftp://pat@fr/p", key_file="k", password_file="p", host_key="SHA1:x"),
            ["password_file", "host_key"],
        ),
    ],
)
def test_all_that_is_wrong_with_a_destination_is_told_at_once(destination: Destination, keys: list[str]) -> None:
    assert [key for key, _ in problems(destination)] == keys


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("folder:{here}/nas", "folder:{here}/nas/"),
        ("folder:{here}/nas", "folder:{here}/link"),
        ("folder:{here}/not/there", "folder:{here}/not//there"),
        ("sftp://pat@host/p", "sftp://pat@HOST:22/p/"),
        ("ftp://pat@host/p", "ftp://pat@host:21/p"),
        ("davs://pat@host/p", "https://pat@host.:443/p"),
        ("s3://ONE@host/bucket", "s3://TWO@host/bucket"),
    ],
)
def test_two_destinations_are_not_one_place(tmp_path: Path, one: str, other: str) -> None:
    (tmp_path / "nas").mkdir()
    (tmp_path / "link").symlink_to("nas")
    addresses = [address.format(here=tmp_path) for address in (one, "folder:/elsewhere", other)]
    places = [Destination(name=f"d{n}", address=address) for n, address in enumerate(addresses)]
    ((index, told),) = twins(places)
    assert index == 2
    assert told.startswith("the same place as destination 'd0'")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("folder:/mnt/nas", "folder:/mnt/nas/more"),
        ("sftp://pat@host/p", "sftp://pat@host:2222/p"),
        ("sftp://pat@host/p", "sftp://kim@host/p"),
        ("sftp://pat@host/p", "ftp://pat@host:22/p"),
        ("http://host/p", "http://host/P"),
        ("nonsense", "nonsense"),
    ],
)
def test_what_differs_in_anything_is_another_place(one: str, other: str) -> None:
    assert twins([Destination(name="a", address=one), Destination(name="b", address=other)]) == []


def test_a_missing_host_key_tells_how_to_get_it() -> None:
    told = dict(problems(Destination(name="fr", address="sftp://pat@fr:2222/p", key_file="k")))
    assert "ssh-keyscan -p 2222 fr | ssh-keygen -lf -" in told["host_key"]


def test_making_a_destination_connects_to_nothing() -> None:
    made = make(Destination(name="fr", address="sftp://pat@no-such-host.invalid/p", key_file="k", host_key=PIN))
    assert made.scheme == "sftp"
    made.close()


def test_paramiko_is_paid_for_only_by_those_who_ask_for_sftp() -> None:
    code = (
        "import sys; from core.transfer import registry, serve; from core.site.model.places import Destination;"
        "registry.make(Destination(name='nas', address='folder:/tmp'));"
        "print([name for name in ('paramiko', 'requests', 'boto3') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
