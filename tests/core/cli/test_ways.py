"""What `overlapse init` writes, put to work: a real SSH server at the far end, and three of its sites on one node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from peers.node import Card, Node, Site, is_gone, kind_of, overlapse, running
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


def test_three_ways_on_one_node_and_a_hung_camera_of_one_delays_no_other(tmp_path: Path) -> None:
    sites = [written(tmp_path / way, way, nas=True) for way in ("jpeg", "reduced", "everything")]
    files = tmp_path / "sites"
    files.mkdir()
    for site in sites:
        run = ('^data = "data"\nrun = "run"$', f'data = "{site.data}"\nrun = "{site.folder}/run"')
        clock = ('^clock = "check"$', 'clock = "host"')
        card = ('virtual = "virtual"', f'virtual = "{site.folder}/virtual"')
        changed(site, ('^every = "10m"$', 'every = "1s"'), run, clock, card)
        site.file.rename(files / f"{site.name}.toml")
    with running(*sites, of=files) as node:
        for site in sites:
            await_home(node, site, 2)
        hung, *others = sites
        hung.cards["north"].hang()
        before = {site.name: len(there(site.folder / "nas")) for site in others}
        for site in others:
            await_home(node, site, before[site.name] + 3)
        slots = {site.name: site.slots() for site in sites}
        children = node.children()
        assert "camera" in {kind_of(pid) for pid in children}
        node.process.terminate()
        hung.cards["north"].let_go()
        assert node.process.wait(30) == 0
    assert all(is_gone(pid) for pid in children)
    for site in others:
        rows = slots[site.name]
        assert {row["outcome"] for row in rows} <= {"captured", "late"}
        assert [later["slot"] - sooner["slot"] for sooner, later in pairwise(rows)] == [1] * (len(rows) - 1)
        pictures = {path.name: path.read_bytes() for path in site.pictures()}
        copies = {path.name: path.read_bytes() for path in (site.folder / "nas").rglob("*.jpg") if path.name[0] != "."}
        assert copies.items() <= pictures.items()


def await_home(node: Node, site: Site, count: int) -> None:
    """Wait until so many pictures of a site are on its NAS and at its far end."""
    ending = ".web.jpg" if site.name == "reduced" else ".jpg"
    for place in ("nas", "remote"):
        names = site.folder / place
        node.until(lambda names=names: len(there(names)) >= count, f"{site.name}: {count} are at {place}")  # type: ignore[misc]
    assert all(name.endswith(ending) for name in there(site.folder / "remote"))
