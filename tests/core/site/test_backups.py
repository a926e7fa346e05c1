"""What site.toml may say of nodes that stand by for a camera."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.site.check import warnings
from core.site.load import load, reparse
from core.site.model.nodes import Redundancy

HEAD = """version = 1
site = { name = "harbour", zone = "UTC", data = "data", clock = "host" }
[[node]]
name = "unit1"
kind = "unit"
profile = "cellular"
[[node]]
name = "fr"
kind = "cloud"
redundancy = { constant = true, mail = false, max_cameras = 8 }
"""
GATE = '[[camera]]\nname = "gate"\nprimary = "unit1"\nsource = { kind = "http", url = "http://127.0.0.1/a.jpg" }\n'


def test_a_camera_names_its_backup_and_a_node_says_how_it_stands_by() -> None:
    site = reparse(HEAD + GATE + 'backup = "fr"\nexclusive = true\nreach = ["fr"]\npriority = 2\n')
    assert (site.camera[0].backup, site.camera[0].exclusive, site.camera[0].priority) == ("fr", True, 2)
    assert site.node[1].redundancy == Redundancy(constant=True, max_cameras=8)
    assert site.node[0].redundancy.autoback


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        pytest.param(HEAD + GATE + 'backup = "unit1"\n', "camera[0].backup", "the primary itself", id="itself"),
        pytest.param(HEAD + GATE + 'backup = "fra"\n', "camera[0].backup", "did you mean 'fr'", id="a-slip"),
        pytest.param(HEAD + GATE + 'reach = ["ca"]\n', "camera[0].reach[0]", "no node is named 'ca'", id="reach"),
        pytest.param(
            HEAD + '[[camera]]\nname = "a"\nprimary = "unit1"\nbackup = "fr"\nsource = { kind = "gphoto2" }\n',
            "camera[0].backup",
            "reached by no other node",
            id="usb",
        ),
        pytest.param(
            HEAD.replace("max_cameras = 8", "max_cameras = 0"),
            "node[1].redundancy.max_cameras",
            "at least 1",
            id="none",
        ),
    ],
)
def test_a_backup_that_could_never_stand_by_is_refused(text: str, key: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        _load(text, tmp_path)
    assert any(key in problem and said in problem for problem in str(refused.value).splitlines())


def _load(text: str, folder: Path) -> None:
    (folder / "site.toml").write_text(text)
    load(folder / "site.toml")


NAS = '[[destination]]\nname = "nas"\naddress = "folder:/nas"\nlink = "lan"\n[[route]]\nwhat = ["jpeg"]\nto = "nas"\n'
CELLULAR = 'profile = "cellular"\n'
HOME = '[[destination]]\nname = "home"\nnode = "unit1"\naddress = "folder:/left"\n'


@pytest.mark.parametrize(
    ("more", "stays"),
    [
        pytest.param(NAS, True, id="out-of-reach"),
        pytest.param(NAS + HOME, False, id="a-way-home"),
        pytest.param(NAS.replace('link = "lan"', ""), False, id="within-reach"),
        pytest.param(NAS.replace('link = "lan"', "") + "every_nth = 6\n", True, id="one-slot-in-six"),
    ],
)
def test_pictures_that_would_stay_at_the_backup_are_told_with_what_to_write(more: str, stays: bool) -> None:
    site = reparse(HEAD.replace(CELLULAR, CELLULAR + '[[node.link]]\nname = "lan"\n') + GATE + 'backup = "fr"\n' + more)
    told = [sentence for key, sentence in warnings(site) if key == "camera[0].backup" and "stay there" in sentence]
    assert bool(told) is stays
    assert all('node = "unit1"' in sentence for sentence in told)


@pytest.mark.parametrize(("backup", "costs"), [("fr", False), ("unit2", True)])
def test_what_it_costs_to_watch_another_node_over_a_cellular_link_is_told(backup: str, costs: bool) -> None:
    second = '[[node]]\nname = "unit2"\nprofile = "cellular"\n'
    site = reparse(f'{HEAD}{second}{GATE}backup = "{backup}"\n')
    assert any("110 MB a month" in sentence for _, sentence in warnings(site)) is costs
