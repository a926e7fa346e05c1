from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.cli.options import Selection
from core.cli.sites import read_sites
from core.errors import ConfigurationError

Run = Callable[..., tuple[int, str, str]]
WAYS = ("everything", "jpeg", "reduced", "monitoring")
DOCS = Path(__file__).parents[3] / "docs" / "cameras"


@pytest.fixture
def site(tmp_path: Path, run: Run) -> Path:
    """A site that holds."""
    assert run("init", tmp_path / "harbour", "--way", "jpeg", "--zone", "Europe/Paris")[0] == 0
    return tmp_path / "harbour" / "site.toml"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("nas", [[], ["--nas"]], ids=["alone", "nas"])
def test_what_init_writes_validates(way: str, nas: list[str], tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "new-site"
    status, out, err = run("init", folder, "--way", way, *nas)
    assert (status, err) == (0, "")
    assert f"overlapse validate --site {folder}/site.toml" in out
    status, out, err = run("validate", "--site", folder)
    assert (status, err) == (0, "")
    assert f"OK {folder}/site.toml: site new-site, data in {folder}/data" in out
    assert "camera        north (gphoto2, jpeg): 144 slots a day" in out


def test_init_takes_names_and_zone_and_refuses_what_is_there(tmp_path: Path, run: Run) -> None:
    words = ["init", tmp_path, "--way", "jpeg", "--name", "quay", "--node", "box", "--zone", "Asia/Tokyo"]
    assert run(*words)[0] == 0
    text = (tmp_path / "site.toml").read_text()
    assert all(f'"{word}"' in text for word in ("quay", "box", "Asia/Tokyo"))
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert err == (
        f"overlapse: {tmp_path}/site.toml: there already; --force writes it anew, or choose another folder\n"
    )
    assert run(*words, "--force")[0] == 0


def test_validate_lists_every_problem_of_every_room_with_file_and_line(site: Path, run: Run) -> None:
    text = site.read_text()
    text = text.replace('clock = "check"', 'clock = "chek"').replace('every = "10m"', 'every = "25h"', 1)
    text = text.replace('every = "10m"\n', 'every = "25h"\nfrom = "7 am"\n')
    text = text.replace('address = "folder:/', 'address = "ftb:/').replace('to = "remote"', 'to = "remot"')
    site.write_text(text + '[[recipe]]\nname = "web"\nsteps = [{ resize = "big" }]\n')
    status, out, err = run("validate", "--site", site)
    assert (status, out) == (2, "")
    lines = err.splitlines()
    assert all(line.startswith(f"overlapse: {site}:") for line in lines)
    keys = [line.removeprefix(f"overlapse: {site}:").split(": ")[1] for line in lines]
    assert keys == [
        "site.clock",
        "camera[0].schedule[0].every",
        "camera[0].schedule[0].from",
        "destination[0].address",
        "route[0].to",
        "recipe[0].steps[0].resize",
    ]


def test_validate_tells_a_machine_as_much_as_a_person(site: Path, run: Run) -> None:
    status, out, _ = run("validate", "--site", site, "--json")
    told = json.loads(out)
    assert (status, told["ok"]) == (0, True)
    (about,) = told["sites"]
    assert (about["site"], about["node"], about["nodes"]) == ("harbour", "unit1", ["unit1"])
    assert about["cameras"] == [{"name": "north", "kind": "gphoto2", "shoots": "jpeg", "slots_a_day": 144.0}]
    assert about["routes"] == [{"what": ["jpeg"], "to": "remote", "required": True}]
    site.write_text("version = 2")
    status, out, err = run("validate", "--site", site, "--json")
    told = json.loads(out)
    assert (status, err, told["ok"]) == (2, "", False)
    assert f"{site}:1: version: the number 2 is not 1" in told["problems"]


def test_a_warning_is_told_and_is_no_failure(tmp_path: Path, run: Run) -> None:
    run("init", tmp_path, "--way", "monitoring")
    status, out, _ = run("validate", "--site", tmp_path)
    assert status == 0
    (warning,) = [line for line in out.splitlines() if "only copy" in line]
    assert warning.startswith(f"warning: {tmp_path}/site.toml:")
    assert warning.endswith("no route requires the JPEG pictures of camera 'north': its node will have the only copy")


CAMERA = 'source = { kind = "gphoto2", virtual = "virtual" }'


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        (CAMERA, 'source = { kind = "http", url = "ftp://x" }', "camera[0].source.url"),
        (CAMERA, 'source = { kind = "http", url = "http://" }', "camera[0].source.url"),
        (CAMERA, 'source = { kind = "http", url = "http://[::1" }', "camera[0].source.url"),
        (CAMERA, 'source = { kind = "http", url = "http://x:99999/" }', "camera[0].source.url"),
        (CAMERA, 'source = { kind = "gphoto2", serial = "" }', "camera[0].source.serial"),
        (CAMERA, 'source = { kind = "gphoto2", address = "not an ip" }', "camera[0].source.address"),
        (CAMERA, f'source = {{ kind = "gphoto2", virtual = "{"x" * 300}" }}', "camera[0].source.virtual"),
        (CAMERA, 'source = { kind = "folder", path = "site.toml" }', "camera[0].source.path"),
        (CAMERA, 'source = { kind = "folder", path = "data/drop" }', "camera[0].source.path"),
        (CAMERA, 'source = { kind = "folder", path = "drop", settle = "15m" }', "camera[0].source.settle"),
        ('data = "data"', 'data = "site.toml"', "site.data"),
        ('data = "data"', 'data = "/dev/null"', "site.data"),
        ('data = "data"', 'data = "/proc/overlapse"', "site.data"),
        ('data = "data"', f'data = "{"x" * 300}"', "site.data"),
        ('data = "data"', 'data = "/"', "site.data"),
        ('data = "data"', 'data = "da\\u0000ta"', "site.data"),
        ('data = "data"', 'data = "data"\nrun = "/dev/null/run"', "site.run"),
        ('keep_free = "2GB"', 'keep_free = "99999999999999999999999999GB"', "node[0].buffer.keep_free"),
        ('every = "10m"\n', 'every = "٣m"\n', "camera[0].schedule[0].every"),
        ("required = true", "every_nth = 99999999999999999999", "route[0].every_nth"),
        ("required = true", 'live = "x\\u0000.jpg"', "route[0].live"),
        ("[[camera]]\n", "[[camra]]\n", "camra"),
        ("version = 1", "version = 99999999999999999999999", "version"),
        ('zone = "Europe/Paris"', 'zone = "Europe"', "site.zone"),
        ('link = "internet"', 'link = "internet"\nca_file = "a\\nb"', "destination[0].ca_file"),
    ],
)
def test_what_could_not_run_is_one_problem_and_no_crash(old: str, new: str, key: str, site: Path, run: Run) -> None:
    text = site.read_text()
    assert old in text
    site.write_text(text.replace(old, new, 1) if old != 'every = "10m"\n' else text.replace(f"\n{old}", f"\n{new}"))
    status, out, err = run("validate", "--site", site)
    told = [line.removeprefix(f"overlapse: {site}:").split(": ")[1] for line in err.splitlines()]
    assert (status, out, told) == (2, "", [key])


def test_the_originals_are_not_their_own_proof(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "p1"
    run("init", folder, "--way", "jpeg", "--name", "pictures")
    file = folder / "site.toml"
    file.write_text(file.read_text().replace(f'"folder:{folder}/remote"', f'"folder:{folder}/data"'))
    status, _, err = run("validate", "--site", folder)
    assert status == 2
    assert f"destination[0].address: its folder {folder}/data/pictures meets the data folder {folder}/data" in err


def test_a_destination_in_the_data_folder_of_another_site_is_refused(tmp_path: Path, run: Run) -> None:
    sites = three_sites(tmp_path, run)
    jpeg = sites / "jpeg.toml"
    jpeg.write_text(jpeg.read_text().replace(f"{tmp_path}/jpeg/remote", f"{tmp_path}/reduced/data/pictures"))
    _, _, err = run("validate", "--site", sites)
    (line,) = err.splitlines()
    assert line.startswith(f"overlapse: {jpeg}: destination[0].address: its folder ")


def test_two_destinations_that_are_one_place_are_refused(site: Path, run: Run) -> None:
    (site.parent / "twin").symlink_to("remote")
    address = f"folder:{site.parent}/twin"
    site.write_text(site.read_text() + f'\n[[destination]]\nname = "twin"\naddress = "{address}"\n')
    _, _, err = run("validate", "--site", site)
    (line,) = err.splitlines()
    assert "destination[1].address: the same place as destination 'remote'" in line


def three_sites(folder: Path, run: Run) -> Path:
    sites = folder / "sites"
    sites.mkdir()
    for way in ("jpeg", "reduced", "monitoring"):
        run("init", folder / way, "--way", way, "--name", way)
        text = (folder / way / "site.toml").read_text()
        text = text.replace('data = "data"', f'data = "{folder}/{way}/data"').replace(
            '"virtual"', f'"{folder}/{way}/virtual"'
        )
        (sites / f"{way}.toml").write_text(text)
    return sites


def test_three_sites_are_served_by_one_machine(tmp_path: Path, run: Run) -> None:
    sites = three_sites(tmp_path, run)
    status, out, err = run("validate", "--site", sites)
    assert (status, err) == (0, "")
    assert [line.split()[3].rstrip(",") for line in out.splitlines() if line.startswith("OK")] == [
        "jpeg",
        "monitoring",
        "reduced",
    ]
    read = Selection([sites]).load_all()
    assert [(place.site, place.node, place.folders.data) for place, _ in read] == [
        (way, "unit1", tmp_path / way / "data") for way in ("jpeg", "monitoring", "reduced")
    ]
    with pytest.raises(ConfigurationError, match="which site"):
        Selection([sites]).load()
    assert Selection([sites / "jpeg.toml"]).load()[0].site == "jpeg"


def test_the_problems_of_three_sites_are_told_together(tmp_path: Path, run: Run) -> None:
    sites = three_sites(tmp_path, run)
    for file in sites.iterdir():
        file.write_text(file.read_text().replace('every = "10m"\n', 'every = "10"\n'))
    _, _, err = run("validate", "--site", sites)
    assert [line.split(":")[1].strip().rpartition("/")[2] for line in err.splitlines()] == [
        "jpeg.toml",
        "monitoring.toml",
        "reduced.toml",
    ]


def test_two_sites_share_neither_their_name_nor_their_data(tmp_path: Path, run: Run) -> None:
    sites = three_sites(tmp_path, run)
    (sites / "twin.toml").write_text((sites / "jpeg.toml").read_text())
    with pytest.raises(ConfigurationError) as refused:
        read_sites(sorted(sites.iterdir()))
    assert refused.value.problems == [
        f"{sites}/twin.toml: site.name: 'jpeg' is the name of {sites}/jpeg.toml too; take another name",
        f"{sites}/twin.toml: site.data: the data folder of {sites}/jpeg.toml too; each site needs its own",
    ]


def test_two_sites_of_one_machine_do_not_listen_on_one_port(tmp_path: Path, run: Run) -> None:
    sites = three_sites(tmp_path, run)
    for file, port in zip(sorted(sites.iterdir()), (2121, 2122, 2121), strict=True):
        server = f'ftp = {{ listen = "127.0.0.1:{port}" }}'
        file.write_text(file.read_text().replace('kind = "unit"\n', f'kind = "unit"\n{server}\n', 1))
    with pytest.raises(ConfigurationError) as refused:
        read_sites(sorted(sites.iterdir()))
    told = f"{sites}/reduced.toml: node[0].ftp.listen: {sites}/jpeg.toml listens on port 2121 too; take another one"
    assert refused.value.problems == [told]


def test_the_kinds_that_the_documents_show_are_taken(tmp_path: Path, run: Run) -> None:
    run("init", tmp_path, "--way", "jpeg", "--name", "quay")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "gate").write_text("x")
    (tmp_path / "secrets" / "gate").chmod(0o600)
    plain = (tmp_path / "site.toml").read_text()
    for page in ("rtsp", "ftp"):
        shown = (DOCS / f"{page}.md").read_text()
        (source,) = re.findall(r"(?m)^source = .*$", shown)
        servers = re.findall(r"(?m)^ftp = .*$", shown)
        text = plain.replace('kind = "unit"\n', "\n".join(['kind = "unit"', *servers, ""]), 1)
        text = text.replace('source = { kind = "gphoto2", virtual = "virtual" }', source)
        (tmp_path / "site.toml").write_text(text)
        status, _, err = run("validate", "--site", tmp_path / "site.toml")
        assert (status, err) == (0, "")


def test_a_file_is_judged_on_a_machine_that_is_none_of_its_nodes(site: Path, run: Run) -> None:
    text = site.read_text().replace('kind = "unit"\n', 'kind = "unit"\n[[node]]\nname = "other"\n', 1)
    site.write_text(text)
    status, out, _ = run("validate", "--site", site)
    assert status == 0
    assert "nodes         unit1, other (which of them this machine is, --node says)" in out
    assert "(this machine: other)" in run("validate", "--site", site, "--node", "other")[1]
    status, _, err = run("validate", "--site", site, "--node", "third")
    assert (status, err) == (2, f"overlapse: {site}: the site has no node 'third'; it has: unit1, other\n")
    with pytest.raises(ConfigurationError, match="Say --node"):
        Selection([site]).load()


def test_the_site_of_the_environment_is_used(site: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OVERLAPSE_SITE", str(site))
    assert run("validate")[0] == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["validate", "--sight", "x"], "--sight"),
        (["vallidate"], "vallidate"),
        (["init", "x"], "--way"),
        (["init", "x", "--way", "fast"], "fast"),
        (["validate", "--site", "/nowhere/site.toml"], "no such file"),
    ],
)
def test_a_wrong_command_is_told_on_one_line_and_ends_with_2(words: list[str], told: str, run: Run) -> None:
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert err.startswith("overlapse: ")
    assert told in err
    assert "Traceback" not in err


def test_nothing_of_a_file_reaches_the_terminal_as_an_escape(site: Path, run: Run) -> None:
    site.write_text('version = 1\n"\\u001b]0;x\\u0007" = 1\n')
    for words in (
        ["--site", str(site)],
        ["--site", "/\x9b2J\x07"],
        ["--\x9b2J"],
        ["--site", str(site), "--node", "\x9b2J"],
    ):
        _, _, err = run("validate", *words)
        assert err
        assert all(character.isprintable() or character == "\n" for character in err)


def test_the_version_and_the_commands_are_told(run: Run) -> None:
    assert run("--version")[1].startswith("overlapse ")
    status, out, _ = run("--help")
    assert status == 0
    assert "init " in out
    assert "validate " in out
    assert run()[0] == 2


def test_help_imports_nothing_that_only_one_command_needs() -> None:
    code = (
        "import sys\nfrom core.cli.main import run\nrun(['--help'])\n"
        "heavy = ('pydantic', 'PIL', 'paramiko', 'gphoto2', 'sqlite3', 'astral', 'tomllib', 'core.cli.configure')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.splitlines()[-1] == "[]"


def test_finding_the_folders_of_a_site_does_not_check_it_whole(site: Path) -> None:
    code = (
        "import sys, pathlib\nfrom core.cli.options import Selection\n"
        f"print(Selection([pathlib.Path({str(site)!r})]).place().folders.status)\n"
        "print([name for name in ('pydantic', 'PIL', 'core.site.model') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    status, heavy = out.stdout.splitlines()
    assert status.endswith("status.json")
    assert heavy == "[]"


def test_an_interrupted_command_ends_with_130(tmp_path: Path) -> None:
    slow = tmp_path / "site.toml"
    os.mkfifo(slow)
    command = [sys.executable, "-I", "-m", "core.cli.main", "validate", "--site", str(slow)]
    heard = ["env", "--default-signal=INT", *command]  # who is started in the background ignores it otherwise
    with subprocess.Popen(heard, stderr=subprocess.PIPE, text=True) as process:
        held = os.open(slow, os.O_WRONLY)  # returns when the command has begun to read
        process.send_signal(signal.SIGINT)
        try:
            _, err = process.communicate(timeout=20)
        finally:
            process.kill()
            os.close(held)
    assert (process.returncode, err.strip()) == (130, "overlapse: interrupted")
