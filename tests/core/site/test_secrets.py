from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.site.load import Loaded, reparse
from core.site.secrets import read_secret, secret_problems

Told = Callable[..., list[str]]
Read = Callable[..., Loaded]

WITH_SECRET = """
[[camera]]
name = "gate"
primary = "unit1"
source = { kind = "http", url = "http://10.20.0.11/snap.jpg", user = "view", password_file = "secrets/gate" }
schedule = [{ every = "10m" }]
"""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secrets" / "gate"
    path.parent.mkdir()
    path.write_text("open sesame\n")
    path.chmod(0o600)
    return path


def test_a_secret_is_its_file_without_one_newline(secret: Path, read: Read, good: str) -> None:
    assert read(good + WITH_SECRET).site.camera[1].name == "gate"
    assert read_secret(secret) == "open sesame"
    secret.write_text(" two lines \n\n")
    assert read_secret(secret) == " two lines \n"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o610])
def test_a_secret_that_others_can_reach_is_refused_with_what_to_type(
    mode: int, secret: Path, problems: Told, good: str
) -> None:
    secret.chmod(mode)
    (problem,) = problems(good + WITH_SECRET)
    assert problem == (
        f"31: camera[1].source.password_file: {secret}: others can read it (mode {mode:04o}); type: chmod 600 {secret}"
    )
    with pytest.raises(ConfigurationError, match="chmod 600"):
        read_secret(secret)


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_secret_of_its_owner_alone_is_taken(mode: int, secret: Path, read: Read, good: str) -> None:
    secret.chmod(mode)
    assert read(good + WITH_SECRET)


def test_a_secret_that_is_not_there_is_a_problem(secret: Path, problems: Told, good: str) -> None:
    secret.unlink()
    (problem,) = problems(good + WITH_SECRET)
    assert problem.endswith(f"{secret}: no such file or directory; write the secret into that file")
    secret.mkdir()
    (problem,) = problems(good + WITH_SECRET)
    assert problem.endswith("not a file; name the file that holds the secret")
    with pytest.raises(ConfigurationError):
        read_secret(secret)


def test_an_empty_secret_and_one_that_is_no_text_are_problems(secret: Path, problems: Told, good: str) -> None:
    secret.write_bytes(b"")
    assert problems(good + WITH_SECRET)[0].endswith("0 bytes are not a secret; write the secret into that file")
    secret.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="cannot be read as text"):
        read_secret(secret)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything; run the tests as another user")
def test_a_secret_of_somebody_else_is_a_problem(secret: Path, problems: Told, good: str) -> None:
    secret.chmod(0o200)
    assert "this user may not read it" in problems(good + WITH_SECRET)[0]


def test_a_node_needs_only_the_secrets_of_the_cameras_that_it_drives(
    secret: Path, problems: Told, read: Read, good: str
) -> None:
    secret.unlink()
    text = good.replace('name = "north"', 'name = "north"\nprimary = "unit1"') + WITH_SECRET
    text += '[[node]]\nname = "office"\nkind = "office"\n'
    assert read(text, node="office")
    assert len(problems(text, node="unit1")) == 1
    assert len(problems(text)) == 1


def test_keys_and_passwords_of_destinations_are_secrets_too(problems: Told, good: str, tmp_path: Path) -> None:
    (tmp_path / "id").write_text("x")
    (tmp_path / "id").chmod(0o644)
    told = problems(good.replace('link = "sim"', 'link = "sim"\nkey_file = "id"\npassword_file = "none"'))
    assert [problem.partition(": ")[2].partition(": ")[0] for problem in told] == [
        "destination[0].key_file",
        "destination[0].password_file",
    ]


def test_a_certificate_that_is_not_there_is_a_problem(problems: Told, good: str) -> None:
    source = '{ kind = "http", url = "https://10.20.0.11/", ca_file = "ca.pem" }'
    (problem,) = problems(good.replace('{ kind = "gphoto2" }', source))
    assert problem.endswith("ca.pem: no such file")


@pytest.mark.parametrize("word", ["password", "passphrase", "key"])
def test_a_secret_in_the_file_itself_is_refused_and_never_shown(word: str, problems: Told, good: str) -> None:
    (problem,) = problems(good.replace('link = "sim"', f'link = "sim"\n{word} = "open sesame"'))
    assert f".{word}: a secret does not stand here; write it into a file and name it with " in problem
    assert "sesame" not in problem


def test_no_password_of_an_address_is_ever_shown(problems: Told, good: str) -> None:
    (problem,) = problems(good.replace("folder:/mnt/nas", "sftp://user:sesame@host/pictures"))
    assert "a password does not stand in an address" in problem
    assert "sesame" not in problem


@pytest.mark.parametrize("kind", ['"rtsp", url = "rtsp://gate/1"', '"ftp"'])
def test_the_secrets_of_every_kind_of_camera_are_looked_at(
    kind: str, secret: Path, read: Read, problems: Told, good: str
) -> None:
    source = f'{{ kind = {kind}, user = "gate", password_file = "secrets/gate" }}'
    text = f'{good}\n[[camera]]\nname = "gate"\nsource = {source}\n'
    assert read(text)
    secret.chmod(0o644)
    (problem,) = problems(text)
    assert ".source.password_file:" in problem


def test_no_password_stands_in_the_address_of_a_stream(secret: Path, problems: Told, good: str) -> None:
    text = f'{good}\n[[camera]]\nname = "gate"\nsource = {{ kind = "rtsp", url = "rtsp://a:b@gate/1" }}\n'
    (problem,) = problems(text)
    assert "a password does not stand in an address" in problem


def test_the_certificate_and_key_of_the_ftp_server_are_looked_at(
    tmp_path: Path, read: Read, problems: Told, good: str
) -> None:
    text = good.replace("[[node]]", '[[node]]\nftp = { certificate_file = "c.pem", key_file = "k.pem" }', 1)
    told = problems(text)
    assert [problem.partition(": ")[2].partition(":")[0] for problem in told] == [
        "node[0].ftp.certificate_file",
        "node[0].ftp.key_file",
    ]
    for name in ("c.pem", "k.pem"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o600)
    assert read(text)


@pytest.mark.parametrize(("node", "needs"), [("unit1", True), ("fr", True), ("ca", True), ("nas", False)])
def test_every_node_that_may_come_to_shoot_a_camera_needs_its_secret(node: str, needs: bool, tmp_path: Path) -> None:
    nodes = "".join(f'[[node]]\nname = "{name}"\n' for name in ("unit1", "fr", "ca", "nas"))
    camera = WITH_SECRET.replace('"unit1"', '"unit1"\nbackup = "fr"\nreach = ["ca"]')
    site = reparse(f'version = 1\nsite = {{ name = "quay", zone = "UTC", data = "data" }}\n{nodes}{camera}')
    told = [key for key, _ in secret_problems(site, tmp_path, node)]
    assert ("camera[0].source.password_file" in told) is needs
