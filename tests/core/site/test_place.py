from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.site import place
from core.site.place import Folders, choose_node, folders_of, glance, place_of, site_files


def test_the_files_asked_for_come_before_all_others(tmp_path: Path) -> None:
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    for file in (one, two):
        file.touch()
    assert site_files([two], {"OVERLAPSE_SITE": str(one)}) == [two]
    assert site_files([], {"OVERLAPSE_SITE": str(one)}) == [one]
    assert site_files([one, two], {}) == [one, two]


def test_a_folder_stands_for_the_site_files_in_it(tmp_path: Path) -> None:
    for name in ("b.toml", "a.toml", "notes.txt"):
        (tmp_path / name).touch()
    assert site_files([tmp_path], {}) == [tmp_path / "a.toml", tmp_path / "b.toml"]


@pytest.mark.skipif(any(place.SITES.glob("*.toml")), reason="this machine has sites of its own")
def test_without_any_word_it_is_the_site_toml_of_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        ConfigurationError, match=r"no site file: neither --site, nor .*; `overlapse init DIR` writes one"
    ):
        site_files([], {})
    Path("site.toml").touch()
    assert site_files([], {}) == [Path("site.toml")]


def test_a_file_that_is_not_there_is_told_with_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file; `overlapse init DIR` writes one"):
        site_files([tmp_path / "site.toml"], {})
    with pytest.raises(ConfigurationError, match=r"no \*.toml in this folder"):
        site_files([tmp_path], {})


@pytest.mark.parametrize(
    ("nodes", "wanted", "host", "chosen"),
    [
        (["unit1", "fr"], "fr", "unit1", "fr"),
        (["unit1", "fr"], None, "unit1", "unit1"),
        (["unit1"], None, "laptop", "unit1"),
    ],
)
def test_the_node_is_the_one_asked_for_or_the_host_or_the_only_one(
    nodes: list[str], wanted: str | None, host: str, chosen: str
) -> None:
    assert choose_node(nodes, wanted, host) == chosen


def test_a_node_that_cannot_be_told_names_the_choices() -> None:
    with pytest.raises(ConfigurationError, match=r"which node is this machine \(laptop\)\? Say --node.*unit1, fr"):
        choose_node(["unit1", "fr"], None, "laptop")
    with pytest.raises(ConfigurationError, match="no node 'ca'; it has: unit1, fr"):
        choose_node(["unit1", "fr"], "ca", "unit1")


def test_a_relative_data_folder_is_beside_the_site_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert folders_of(Path("a/site.toml"), "s", "n", "data").data == tmp_path / "a" / "data"
    assert folders_of(Path("a/site.toml"), "s", "n", "/var/lib/s").data == Path("/var/lib/s")


def test_everything_has_its_place_in_the_data_or_the_run_folder() -> None:
    folders = Folders(Path("/d"), Path("/r"))
    assert folders.catalogue == Path("/d/catalogue.db")
    assert folders.coordination == Path("/d/coordination.db")
    assert {path.parent for path in (folders.lock, folders.spool, folders.pictures, folders.renditions)} == {Path("/d")}
    assert {path.parent for path in (folders.quarantine, folders.applied, folders.audit)} == {Path("/d")}
    assert (folders.status, folders.control, folders.fleet) == (
        Path("/r/status.json"),
        Path("/r/control.sock"),
        Path("/r/fleet"),
    )
    assert Folders(Path("/d")).run == Path("/d/run")


def test_the_run_folder_is_in_memory_where_the_machine_has_a_place_for_it(tmp_path: Path) -> None:
    file, base = tmp_path / "site.toml", tmp_path / "run-overlapse"
    assert folders_of(file, "s", "n", "data", base=base).run == tmp_path / "data" / "run"
    base.mkdir()
    assert folders_of(file, "s", "n", "data", base=base).run == base / "s-n"
    assert folders_of(file, "s", "n", "data", "here", base=base).run == tmp_path / "here"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_reader_finds_the_run_folder_of_the_user_whose_node_it_is(tmp_path: Path) -> None:
    file, base, data = tmp_path / "site.toml", tmp_path / "base", tmp_path / "data"
    base.mkdir()
    data.mkdir()
    os.chown(data, 12345, 12345)
    assert (
        folders_of(file, "s", "n", "data", base=base).run == data / "run"
    )  # root could write in base, its node cannot
    (base / "s-n").mkdir()
    assert folders_of(file, "s", "n", "data", base=base).run == data / "run"  # somebody else's node of the same name
    os.chown(base / "s-n", 12345, 12345)
    assert folders_of(file, "s", "n", "data", base=base).run == base / "s-n"


def test_a_glance_reads_what_the_folders_need_and_no_more(tmp_path: Path, good: str) -> None:
    file = tmp_path / "site.toml"
    file.write_text(good + "nonsense = 5\n")
    assert glance(file) == place.Glance("harbour", ("unit1",), "data", None)
    found = place_of(file)
    assert (found.site, found.node, found.folders.data) == ("harbour", "unit1", tmp_path / "data")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "site = 5",
        "a = = b",
        "site = { name = 5, data = 'd' }\nnode = []",
        "site = { name = 's', data = 'd' }\nnode = [1]",
    ],
)
def test_a_file_that_is_no_site_is_told_and_not_a_crash(text: str, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match="not a site file; `overlapse validate` says why"):
        glance(file)


def test_finding_the_place_costs_no_heavy_import() -> None:
    code = (
        "import sys, core.site.place; print([m for m in ('pydantic', 'click', 'core.site.model') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
