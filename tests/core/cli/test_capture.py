"""`overlapse capture CAMERA`: one shot through the whole path, whether the node runs or not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from peers.node import Site, overlapse, running
from peers.sshd import MISSING, SSHD, Sshd
from peers.sshd import running as sshd_running


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd_running(tmp_path_factory.mktemp("sshd")) as server:
        yield server


def office(site: Site, sshd: Sshd, fingerprint: str) -> Path:
    """Send every JPEG to a real SSH server, too; return the folder that it fills."""
    place = site.folder / "office"
    place.mkdir()
    address = f"sftp://{sshd.user}@{sshd.host}:{sshd.port}{place}"
    site.destination("office", address=address, more=f'key_file = "{sshd.key_file}"\nhost_key = "{fingerprint}"')
    return place


@pytest.fixture
def dam(tmp_path: Path) -> Site:
    """A site whose camera shoots only when it is asked to."""
    site = Site(tmp_path / "dam", name="dam")
    site.camera(every="24h", more='exposure = "1s"')
    site.destination("nas", 'what = ["jpeg", "small"]\nlevel = "read-back"')
    site.tables["recipe"] = '[[recipe]]\nname = "small"\nsteps = [{ resize = "4x4" }]'
    site.write()
    return site


@pytest.mark.peer
@pytest.mark.skipif(SSHD is None, reason=MISSING)
def test_a_stopped_node_takes_one_shot_and_brings_it_home(dam: Site, sshd: Sshd) -> None:
    far = office(dam, sshd, sshd.fingerprint)
    dam.write()
    ended = overlapse("capture", "north", "--site", dam.file)
    assert (ended.status, ended.err) == (0, "")
    [picture] = dam.pictures()
    assert ended.out.splitlines() == [picture.name, "delivered and proven wherever its routes say"]
    whole = {path.name: path.read_bytes() for path in (dam.folder / "nas").rglob("*.jpg")}
    assert set(whole) == {picture.name, f"{picture.stem}.small.jpg"}
    assert [path.read_bytes() for path in far.rglob("*.jpg")] == [whole[picture.name]] == [picture.read_bytes()]
    assert overlapse("ledger", "--site", dam.file, "--json").json() == {"slots": []}
    assert overlapse("queue", "--site", dam.file, "--json").json() == {"deliveries": []}
    places = overlapse("status", "--site", dam.file, "--json").json()["destinations"]
    assert [place["proven"] for place in places] == [2, 1]


def test_a_running_node_takes_the_order(dam: Site) -> None:
    with running(dam) as node:
        ended = overlapse("capture", "north", "--site", dam.file, "--json")
        [name] = ended.json()["pictures"]
        node.until(lambda: list((dam.folder / "nas").rglob(name)), "it is delivered")
        assert node.end() == 0
    assert [picture.name for picture in dam.pictures()] == [name]


def test_a_node_that_was_killed_is_as_good_as_stopped(dam: Site) -> None:
    with running(dam) as node:
        node.kill()
    assert (dam.folder / "run" / "control.sock").exists()
    assert overlapse("capture", "north", "--site", dam.file).status == 0
    assert len(dam.pictures()) == 1


def test_a_node_that_does_not_answer_is_not_pushed_aside(dam: Site) -> None:
    with running(dam) as node:
        (dam.folder / "run" / "control.sock").unlink()
        ended = overlapse("capture", "north", "--site", dam.file)
        assert node.end() == 0
    assert ended.status == 1
    assert "control.sock" in ended.err
    assert dam.pictures() == []


@pytest.mark.parametrize(
    ("source", "told"),
    [
        pytest.param('{ kind = "folder", path = "nowhere" }', "nowhere", id="folder"),
        pytest.param('{ kind = "gphoto2", serial = "0123456789" }', "0123456789", id="usb"),
        pytest.param('{ kind = "http", url = "http://127.0.0.1:9/snap.jpg" }', "127.0.0.1", id="http"),
    ],
)
def test_a_camera_that_is_not_there_is_told_in_one_line(dam: Site, source: str, told: str) -> None:
    dam.tables["camera north"] = f'[[camera]]\nname = "north"\nsource = {source}'
    dam.write()
    ended = overlapse("capture", "north", "--site", dam.file)
    assert ended.status == 1
    assert told in ended.err
    assert len(ended.err.splitlines()) == 1, ended.err


def test_a_camera_that_is_not_configured_is_told_with_those_that_are(dam: Site) -> None:
    ended = overlapse("capture", "noth", "--site", dam.file)
    assert ended.status == 2
    assert "this node drives no camera noth; it drives: north" in ended.err


@pytest.mark.peer
@pytest.mark.skipif(SSHD is None, reason=MISSING)
def test_a_destination_that_shows_another_host_key_is_told_and_the_others_go_on(dam: Site, sshd: Sshd) -> None:
    far = office(dam, sshd, "SHA256:" + "A" * 43)
    dam.write()
    ended = overlapse("capture", "north", "--site", dam.file)
    assert ended.status == 1
    assert "it is safe here, but not yet delivered" in ended.err
    assert list(far.rglob("*.jpg")) == []
    assert len(list((dam.folder / "nas").rglob("*.jpg"))) == 2
    with running(dam) as node:
        [trouble] = node.until(lambda: dam.events("destination trouble")[-1:], "the refusal is told")
        [state] = node.until(
            lambda: [one for one in dam.ask("status")["destinations"] if "error" in one], "its state tells of it"
        )
        assert node.end() == 0
    assert trouble["subject"] == "office"
    assert sshd.fingerprint in trouble["text"]
    assert (state["name"], state["error"]["class"]) == ("office", "HostKeyMismatch")
