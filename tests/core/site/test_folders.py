from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.site.load import Loaded, load

SITE = """\
version = 1
site = {{ name = "harbour", zone = "UTC", data = "{data}" }}
[[node]]
name = "unit1"
[[camera]]
name = "north"
source = {{ kind = "folder", path = "{source}" }}
[[destination]]
name = "nas"
address = "folder:{root}"
[[route]]
what = ["jpeg"]
to = "nas"
{more}
"""

Told = Callable[..., list[str]]


@pytest.fixture
def keys(tmp_path: Path, problems: Told) -> Callable[..., list[str]]:
    """Return the keys of what is wrong with a site of these folders; {here} is that of its file."""

    def keys(**folders: str) -> list[str]:
        said = {"data": "data", "source": "drop", "root": "{here}/nas", "more": "", **folders}
        text = SITE.format(**{word: folder.replace("{here}", str(tmp_path)) for word, folder in said.items()})
        return [problem.split(": ")[1] for problem in problems(text)]

    return keys


ROOTS = [
    ("data", "{here}/data"),
    ("data", "{here}/data/pictures"),
    ("data", "{here}/data/not/there"),
    ("data", "{here}/link"),
    ("data", "{here}/to-data"),  # its folder of the site is a link into the data folder
    ("link", "{here}/data"),
    ("harbour", "{here}"),
    ("harbour/data", "{here}"),
    ("to-data/harbour", "{here}/data"),
]


@pytest.mark.parametrize(("data", "root"), ROOTS)
def test_no_copy_is_the_original_itself(tmp_path: Path, data: str, root: str, keys: Callable[..., list[str]]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    (tmp_path / "to-data").mkdir()
    (tmp_path / "to-data" / "harbour").symlink_to(tmp_path / "data")
    assert keys(data=data, root=root) == ["destination[0].address"]


def test_a_destination_beside_the_data_folder_holds(tmp_path: Path, site_file: Callable[[str], Path]) -> None:
    for root in (f"{tmp_path}", f"{tmp_path}/nas", f"{tmp_path}/data2"):
        loaded: Loaded = load(site_file(SITE.format(data="data", source="drop", root=root, more="")))
        assert loaded.site.destination[0].address == f"folder:{root}"


def test_no_live_picture_is_written_into_the_data_folder(keys: Callable[..., list[str]]) -> None:
    for live in ("data/catalogue.db", "data", "{camera}/pictures/x.jpg"):
        data = "north" if "camera" in live else "data"
        assert keys(data=data, root="{here}", more=f'live = "{live}"') == ["route[0].live"]


@pytest.mark.parametrize("source", ["data", "data/pictures/north", "link/pictures", ".", "/"])
def test_no_camera_takes_the_pictures_of_its_node(tmp_path: Path, source: str, keys: Callable[..., list[str]]) -> None:
    (tmp_path / "link").symlink_to("data")
    assert keys(source=source) == ["camera[0].source.path"]


@pytest.mark.parametrize(
    "folder",
    ["{here}/site.toml", "{here}/site.toml/x", "/dev/null", "/proc/x", "/sys", "{here}/" + "x" * 300, "/x" * 2000],
)
def test_where_no_folder_can_be_nothing_is_kept(tmp_path: Path, folder: str, keys: Callable[..., list[str]]) -> None:
    (tmp_path / "site.toml").touch()
    assert keys(data=folder) == ["site.data"]
    assert keys(data=f'data", run = "{folder}') == ["site.run"]
    assert keys(source=folder) == ["camera[0].source.path"]
    assert keys(root=folder) == ["destination[0].address"]


def test_the_whole_disk_is_no_data_folder(tmp_path: Path, keys: Callable[..., list[str]]) -> None:
    (tmp_path / "disk").symlink_to("/")
    assert keys(data="/") == ["site.data"]
    assert keys(data="disk") == ["site.data"]
    assert keys(data='data", run = "/') == ["site.run"]


BIND = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
MOUNTS = (
    shutil.which("unshare") is not None
    and subprocess.run([*BIND, "mount -t tmpfs x /mnt"], check=False, capture_output=True).returncode == 0
)


@pytest.mark.skipif(not MOUNTS, reason="needs util-linux and the right to mount in a user namespace")
def test_a_mount_hides_no_meeting(tmp_path: Path) -> None:
    for name in ("data", "nas"):
        (tmp_path / name).mkdir()
    ask = f"from core.site.paths import *; print(within(Path('{tmp_path}/nas/x'), Path('{tmp_path}/data')))"
    for mount, met in (("true", "False"), (f"mount --bind '{tmp_path}/data' '{tmp_path}/nas'", "True")):
        command = [*BIND, f'{mount} && exec "$0" -c "$1"', sys.executable, ask]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == met
