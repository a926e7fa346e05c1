"""What `overlapse init` writes, put to work with a real SSH server at the far end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers.node import Card, Site, overlapse
from peers.sshd import MISSING, SSHD, Sshd
from peers.sshd import running as sshd_running

SENT = {"everything": "original", "jpeg": "original", "reduced": "web"}  # over the link


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd_running(tmp_path_factory.mktemp("sshd")) as server:
        yield server


def written(folder: Path, way: str, nas: bool) -> Site:
    """Write a site by `overlapse init`, with a card for its virtual camera that gives another picture each time."""
    ended = overlapse("init", folder, "--way", way, *(["--nas"] if nas else []), "--zone", "UTC")
    assert (ended.status, ended.err) == (0, "")
    site = Site(folder, name=folder.name)
    site.cards["north"] = Card(folder / "virtual")
    changed(site, ('^data = "data"$', 'data = "data"\nrun = "run"'))  # the machine's own is shared by all tests
    return site


def changed(site: Site, *changes: tuple[str, str]) -> None:
    """Change what the hardware asks for, each in the one place where it stands."""
    text = site.file.read_text()
    for pattern, new in changes:
        text, count = re.subn(pattern, new, text, flags=re.MULTILINE)
        assert count == 1, pattern
    site.file.write_text(text)


def there(place: Path) -> list[str]:
    return sorted(path.name for path in place.rglob("*.jpg") if not path.name.startswith("."))


@pytest.mark.peer
@pytest.mark.skipif(SSHD is None, reason=MISSING)
@pytest.mark.parametrize("nas", [False, True], ids=["alone", "nas"])
@pytest.mark.parametrize("way", SENT)
def test_the_far_end_may_be_a_server_as_the_comments_say(way: str, nas: bool, tmp_path: Path, sshd: Sshd) -> None:
    site = written(tmp_path / "harbour", way, nas)
    far = tmp_path / "harbour" / "remote"
    server = f"sftp://{sshd.user}@{sshd.host}:{sshd.port}{far}"
    keys = f'address = "{server}"\nkey_file = "{sshd.key_file}"\nhost_key = "{sshd.fingerprint}"'
    changed(site, (r"^address = \"folder:.*/remote\"$", keys))
    ended = overlapse("capture", "north", "--site", site.file)
    assert (ended.status, ended.err) == (0, "")
    [picture] = site.pictures()
    assert ended.out.splitlines() == [picture.name, "delivered and proven wherever its routes say"]
    assert there(far) == [picture.name if SENT[way] == "original" else f"{picture.stem}.web.jpg"]
    assert there(site.folder / "nas") == ([picture.name] if nas else [])
    for copy in [*far.rglob(picture.name), *(site.folder / "nas").rglob(picture.name)]:
        assert copy.read_bytes() == picture.read_bytes()
    proven = {one["name"]: one["proven"] for one in status(site)["destinations"]}
    assert proven == {"remote": 1, **({"nas": 1} if nas else {})}


def status(site: Site) -> dict[str, list[dict[str, object]]]:
    shown: dict[str, list[dict[str, object]]] = overlapse("status", "--site", site.file, "--json").json()
    return shown


@pytest.mark.parametrize("nas", [False, True], ids=["alone", "nas"])
def test_monitoring_keeps_every_picture_on_site(nas: bool, tmp_path: Path) -> None:
    site = written(tmp_path / "harbour", "monitoring", nas)
    assert overlapse("capture", "north", "--site", site.file).status == 0
    [picture] = site.pictures()
    assert there(site.folder / "nas") == ([picture.name] if nas else [])
    assert [one["name"] for one in status(site)["destinations"]] == (["nas"] if nas else [])
