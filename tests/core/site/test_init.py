from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from core.errors import ConfigurationError, StorageError
from core.site.init import WAYS, Choices, local_zone, write_site
from core.site.load import Loaded, load

EIGHT = list(itertools.product(WAYS, (False, True)))


def written(folder: Path, way: str, nas: bool) -> Loaded:
    return load(write_site(folder, Choices(way=way, nas=nas, zone="Europe/Paris")))  # type: ignore[arg-type]


@pytest.mark.parametrize(("way", "nas"), EIGHT)
def test_each_of_the_eight_files_holds_and_has_what_it_names(tmp_path: Path, way: str, nas: bool) -> None:
    loaded = written(tmp_path / "new" / "site", way, nas)
    assert (loaded.site.site.name, loaded.site.site.zone, loaded.site.site.data) == ("site", "Europe/Paris", "data")
    for destination in loaded.site.destination:
        assert Path(destination.address.removeprefix("folder:")).is_dir()
    only_copy = any("only copy" in warning for warning in loaded.warnings)
    assert only_copy == (not nas and way in ("reduced", "monitoring"))


@pytest.mark.parametrize(
    ("way", "nas", "routes"),
    [
        ("everything", False, [(("raw", "jpeg"), "remote", True)]),
        ("everything", True, [(("raw", "jpeg"), "nas", True), (("raw", "jpeg"), "remote", True)]),
        ("jpeg", False, [(("jpeg",), "remote", True)]),
        ("jpeg", True, [(("raw", "jpeg"), "nas", True), (("jpeg",), "remote", True)]),
        ("reduced", False, [(("web",), "remote", False)]),
        ("reduced", True, [(("raw", "jpeg"), "nas", True), (("web",), "remote", False)]),
        ("monitoring", False, []),
        ("monitoring", True, [(("raw", "jpeg"), "nas", True)]),
    ],
)
def test_each_way_sends_what_it_says(
    tmp_path: Path, way: str, nas: bool, routes: list[tuple[tuple[str, ...], str, bool]]
) -> None:
    site = written(tmp_path, way, nas).site
    assert [(route.what, route.to, route.required) for route in site.route] == routes
    assert all(route.level == "read-back" for route in site.route if route.to == "nas")
    assert [recipe.steps[0].resize for recipe in site.recipe] == (["1920x1280"] if way == "reduced" else [])


def test_the_virtual_camera_sees_one_whole_picture(tmp_path: Path) -> None:
    written(tmp_path, "jpeg", False)
    (picture,) = (tmp_path / "virtual").rglob("*.*")
    assert picture == tmp_path / "virtual" / "DCIM" / "100NIKON" / "DSC_0001.jpg"
    with Image.open(picture) as image:
        image.load()
        assert (image.format, image.size) == ("JPEG", (1200, 800))


@pytest.mark.parametrize(("way", "nas"), EIGHT)
def test_what_stands_in_the_comments_could_be_written(tmp_path: Path, way: str, nas: bool) -> None:
    file = written(tmp_path, way, nas).path
    text = re.sub(r"(?m)^# ((?:\[|[a-z_]+ = |    \{|\]).*)$", r"\1", file.read_text())
    text = text.replace('"SHA256:..."', f'"SHA256:{"A" * 43}"')
    (tmp_path / "logo.png").touch()
    (tmp_path / "secrets").mkdir()
    for name in ("id_unit1", "gate"):
        (tmp_path / "secrets" / name).write_text("x")
        (tmp_path / "secrets" / name).chmod(0o600)
    file.write_text(text)
    assert len(load(file).site.camera[0].event) == 1


@pytest.mark.parametrize("way", WAYS)
def test_each_source_of_the_comments_is_one(tmp_path: Path, way: str) -> None:
    file = written(tmp_path, way, False).path
    text = file.read_text()
    lines = re.findall(r"(?m)^#  .*(source = \{.*)\n(?:# {40,}(.*\})  )?", text)
    sources = [f"{first} {second}".strip() for first, second in lines]
    assert len(sources) == 7
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "gate").write_text("x")
    (tmp_path / "secrets" / "gate").chmod(0o600)
    for source in sources:
        file.write_text(text.replace('source = { kind = "gphoto2", virtual = "virtual" }', source))
        assert load(file)


def test_a_site_that_is_there_is_not_written_over_unless_told(tmp_path: Path) -> None:
    file = written(tmp_path, "jpeg", False).path
    file.write_text("mine")
    with pytest.raises(ConfigurationError, match="there already; --force writes it anew"):
        write_site(tmp_path, Choices(way="jpeg"))
    assert file.read_text() == "mine"
    write_site(tmp_path, Choices(way="jpeg"), force=True)
    assert load(file)


def test_a_picture_that_the_user_put_there_stays(tmp_path: Path) -> None:
    picture = tmp_path / "virtual" / "DCIM" / "100NIKON" / "DSC_0001.jpg"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"mine")
    written(tmp_path, "jpeg", False)
    assert picture.read_bytes() == b"mine"


def test_names_and_zones_that_cannot_be_are_told_together_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        write_site(tmp_path / "x", Choices(way="jpeg", name="My Site", node="", zone="Mars"))
    assert [problem.partition(" ")[0] for problem in refused.value.problems] == ["--name", "--node", "--zone"]
    assert not (tmp_path / "x").exists()


def test_a_folder_with_quotes_and_blanks_in_its_name_is_written_right(tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s "mine" $site \\ é'
    loaded = written(folder, "everything", True)
    assert tomllib.loads(loaded.text)["destination"][0]["address"] == f"folder:{folder}/nas"


def test_a_folder_that_would_write_to_the_terminal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="without control characters"):
        write_site(tmp_path / "a\x1b[2J", Choices(way="jpeg"))


def test_a_disk_that_refuses_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "virtual").write_text("a file in the way")
    with pytest.raises(StorageError, match="virtual"):
        write_site(tmp_path, Choices(way="jpeg"))


def test_the_zone_is_the_machines(tmp_path: Path) -> None:
    (tmp_path / "zoneinfo" / "Europe").mkdir(parents=True)
    (tmp_path / "zoneinfo" / "Europe" / "Paris").touch()
    (tmp_path / "localtime").symlink_to(tmp_path / "zoneinfo" / "Europe" / "Paris")
    assert local_zone(tmp_path / "localtime") == "Europe/Paris"
    assert local_zone(tmp_path / "none") == "UTC"
