"""`overlapse demo`: what a new user runs first."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from peers.node import PATIENCE, PROGRAM, Ended, environment, overlapse
from peers.sshd import MISSING, SSHD

from core.catalogue import deliveries, pictures
from core.catalogue.pictures import NewPicture
from core.catalogue.store import Catalogue
from core.simulate.director import count
from core.values import Fence, PictureName, Sha256, utc

KEYS = {"slots", "captured", "missed", "pictures", "deliveries", "proven", "lost", "bytes_sent", "seconds"}
SHORT = ("demo", "--shots", "2", "--every", "2", "--dir")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ended]:
    """The folder of a demo, and what it came to, for a machine."""
    folder = tmp_path_factory.mktemp("first") / "demo"
    return folder, overlapse(*SHORT, folder, "--json")


def whole(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.jpg") if not path.name.startswith(".")}


def test_it_tells_a_machine_in_one_object_what_it_came_to(ran: tuple[Path, Ended]) -> None:
    folder, ended = ran
    assert ended.err == ""
    told = ended.json()
    assert told.keys() >= KEYS
    assert (told["captured"] + told["missed"], told["lost"]) == (told["slots"], 0)
    assert told["slots"] >= 4
    assert told["pictures"] == told["captured"] == len(whole(folder / "data" / "pictures"))
    assert whole(folder / "nas") == whole(folder / "data" / "pictures")
    assert whole(folder / "website") == {"north.jpg", "south.jpg"}
    assert told["proven"] == told["deliveries"] == told["pictures"] * (2 if SSHD else 1) + 2
    assert told["bytes_sent"] > sum(path.stat().st_size for path in (folder / "nas").rglob("*.jpg"))


@pytest.mark.parametrize("command", ["status", "ledger", "queue", "events", "verify"])
def test_every_other_command_can_use_its_site(command: str, ran: tuple[Path, Ended]) -> None:
    folder, ended = ran
    shown, told = overlapse(command, "--site", folder / "site.toml", "--json").json(), ended.json()
    if command == "status":
        assert {camera["name"] for camera in shown["cameras"]} == {"north", "south"}
    elif command == "ledger":
        assert len(shown["slots"]) == told["slots"]
    elif command == "queue":
        assert shown["deliveries"] == []
    elif command == "events":
        assert {"destination trouble", "destination back"} <= {event["kind"] for event in shown["events"]}
    else:
        assert (shown["pictures"], shown["altered"]) == (told["pictures"], [])
    assert overlapse(command, "--site", folder / "site.toml").status == 0


def without_sshd(folder: Path) -> dict[str, str]:
    """A search path on which there is nothing."""
    folder.mkdir()
    return {"PATH": str(folder)}


def test_it_tells_a_person_how_it_goes_and_works_without_sshd_and_in_a_folder_that_it_has_used(tmp_path: Path) -> None:
    folder, env = tmp_path / "demo", without_sshd(tmp_path / "bin")
    first = overlapse(*SHORT, folder, env=env)
    second = overlapse(*SHORT, folder, env=env)
    for ended in (first, second):
        assert (ended.status, ended.err) == (0, "")
        lines = ended.out.splitlines()
        assert lines[0].endswith(f"the site is {folder}/site.toml; no sshd here: no office")
        assert any("an outage, on purpose: the NAS is unplugged" in line for line in lines)
        assert any("the NAS is back: what waited for it is sent" in line for line in lines)
        assert len([line for line in lines if ": shot: captured: " in line or ": shot: late: " in line]) >= 4
        assert "lost nothing" in [" ".join(line.split()) for line in lines]
        tried = [line.split() for line in lines[lines.index("Try next:") + 1 :]]
        assert tried[0] == ["overlapse", "status", "--site", f"{folder}/site.toml"]
    assert [words for words in tried if overlapse(*words[1:]).status != 0] == []
    assert not (folder / "office").exists()
    assert len(whole(folder / "nas")) >= 8


@pytest.mark.peer
@pytest.mark.skipif(SSHD is None, reason=MISSING)
def test_its_office_is_a_real_ssh_server_that_ends_with_it(ran: tuple[Path, Ended]) -> None:
    folder, _ = ran
    assert whole(folder / "office") == whole(folder / "nas")
    pid = int((folder / "sshd" / "sshd.pid").read_text()) if (folder / "sshd" / "sshd.pid").exists() else None
    assert pid is None or not Path(f"/proc/{pid}").exists()


def test_it_ends_with_1_when_a_picture_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    env = environment(without_sshd(tmp_path / "bin"))
    command = [*PROGRAM, *SHORT, str(folder), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            lost = _until(process, lambda: whole(folder / "nas") & whole(folder / "data" / "pictures"))
            for path in (folder / "data" / "pictures").rglob(lost.pop()):
                path.unlink()
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    told = json.loads(out)
    assert (process.returncode, told["lost"]) == (1, 1)
    assert err == f"overlapse: 1 pictures are lost: see `overlapse events --site {folder}/site.toml`\n"


def test_an_interrupted_demo_loses_nothing_and_goes_on_with_what_waits(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    words = [*PROGRAM, "demo", "--shots", "9", "--every", "2", "--dir", str(folder), "--json"]
    heard = ["env", "--default-signal=INT", *words]  # who is started in the background ignores it otherwise
    env = environment()
    with subprocess.Popen(
        heard, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env, start_new_session=True
    ) as process:
        try:
            _until(process, lambda: whole(folder / "data" / "pictures"))
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: everybody hears it
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    told = json.loads(out)
    assert (process.returncode, told["lost"], told["interrupted"]) == (130, 0, True)
    assert told["pictures"] == len(whole(folder / "data" / "pictures"))
    assert told["waiting"] == told["deliveries"] - told["proven"]
    assert err.startswith("overlapse: interrupted: every picture is whole here")
    assert err.count("\n") == 1
    assert str(folder) in err or not told["waiting"]


def test_what_an_interrupted_run_has_not_delivered_is_not_lost() -> None:
    catalogue = Catalogue.in_memory()
    name = PictureName("north", utc(1_795_262_400), "unit1", Fence(1, 1), "jpg")
    new = NewPicture(name=name, slot=None, index=None, kind="jpeg", size=7, sha256=Sha256("0" * 64))
    picture = pictures.insert(catalogue, new)
    wanted = deliveries.NewDelivery(destination="nas", remote="x", priority=deliveries.Priority.JPEG, level=2)
    deliveries.enqueue(catalogue, picture, [wanted])
    found = [count(catalogue, 0, 1.0, altered, interrupted=yes) for yes in (True, False) for altered in (0, 1)]
    catalogue.close()
    assert [one.lost for one in found] == [0, 1, 1, 2]
    assert {one.waiting for one in found} == {1}


def _until(process: subprocess.Popen[str], look: Callable[[], set[str]]) -> set[str]:
    for _ in range(int(PATIENCE / 0.05)):
        if found := look():
            return found
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise AssertionError("nothing came")


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    ended = overlapse(*SHORT, tmp_path)
    assert (ended.status, ended.out) == (2, "")
    assert "not empty and not a demo; name another folder with --dir" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
