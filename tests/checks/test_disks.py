"""What check_storage says of drives, software RAID and mounts, recorded or probed now."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from peers import deadmount
from peers.guidelines import violations
from peers.plugin import program
from peers.statuses import NOW, Change, put, with_

from checks.base.finding import CRITICAL, OK, WARNING
from checks.evaluate import evaluate


def array(**words: Any) -> Change:
    return put("arrays", [{"name": "md0", "state": "active", "level": "raid1", "disks": 2, "up": 2, **words}])


def drive(**words: Any) -> Change:
    return put("drives", [{"name": "/dev/sda", "model": "A drive", "serial": "S1", "passed": True, "wear": 3, **words}])


def mount(name: str = "nas", **words: Any) -> Change:
    return put("mounts", [{"name": name, "at": "/mnt/nas", "type": "nfs4", "ro": False, "free": 9e9, **words}])


CASES = [
    pytest.param(array(), OK, "300 GB free", id="both-disks"),
    pytest.param(array(action="check", percent=3.0, finish=600), OK, "300 GB free", id="the-monthly-check"),
    pytest.param(array(action="resync delayed"), OK, "300 GB free", id="its-siblings-wait"),
    pytest.param(
        array(action="resync", percent=8.5, finish=3600),
        WARNING,
        "md0 resync 8 % - can wait until Sat 12:59Z",
        id="resync",
    ),
    pytest.param(array(up=1, failed=["sdb1"]), WARNING, "md0 runs on 1 of 2 disks", id="degraded"),
    pytest.param(array(up=0), CRITICAL, "md0 has lost too many disks", id="lost"),
    pytest.param(
        array(level="raid6", disks=6, up=4, action="recovery", percent=1.0), WARNING, "runs on 4 of 6", id="raid6"
    ),
    pytest.param(array(level="raid5", disks=4, up=2), CRITICAL, "too many", id="raid5-without-two"),
    pytest.param(array(state="inactive", up=None), WARNING, "md0 is not active", id="inactive"),
    pytest.param(drive(), OK, "300 GB free", id="a-drive-that-is-well"),
    pytest.param(drive(passed=False), WARNING, "sda foretells its failure - can wait until Sat 23:59Z", id="smart"),
    pytest.param(drive(wear=104), WARNING, "wear 104 % (outside ~:90)", id="worn"),
    pytest.param(drive(grew=3, bad=9), WARNING, "sda has 3 more bad sectors", id="bad-sectors-grow"),
    pytest.param(drive(bad=9), OK, "300 GB free", id="old-bad-sectors"),
    pytest.param(drive(warning=8), WARNING, "sda: it went read-only", id="nvme"),
    pytest.param(drive(error="Permission denied"), OK, "300 GB free", id="smart-not-readable"),
    pytest.param(mount(write_s=0.02), OK, "300 GB free", id="a-mount-that-is-well"),
    pytest.param(mount(ro=True), WARNING, "nas is read-only", id="read-only-destination"),
    pytest.param(mount("data", ro=True), CRITICAL, "data is read-only - losing 12/h", id="read-only-data"),
    pytest.param(mount(error="no answer", since=NOW - 3600), WARNING, "nas fails since Sat 11:00Z", id="dead"),
    pytest.param(mount(write_s=7.5), WARNING, "write 7.5 s (outside ~:5)", id="slow"),
    pytest.param(
        mount(full={"days": 5.0, "soonest": 3.0, "latest": 9.0}),
        WARNING,
        "nas is full in 5 d - can wait until Tue 11:59Z",
        id="full-soon",
    ),
    pytest.param(mount(full={"days": 90.0, "soonest": 60.0}), OK, "300 GB free", id="full-later"),
]


@pytest.mark.parametrize(("change", "state", "says"), CASES)
def test_storage_says_what_the_readings_mean(change: Change, state: int, says: str) -> None:
    verdict = next(one for one in evaluate(with_(change), NOW) if one.check == "storage")
    assert violations(verdict.state, verdict.text().encode()) == []
    assert (verdict.state, says in verdict.line) == (state, True), verdict.line


def test_a_folder_is_probed_by_the_plugin_itself(tmp_path: Path) -> None:
    ended = program("check_storage", "--probe", f"{tmp_path},{tmp_path / 'missing'}")
    assert violations(*ended) == []
    assert ended.code == WARNING
    assert b"missing: no such file or directory" in ended.out
    assert list(tmp_path.iterdir()) == []


HANGS = """
import json, os, signal, subprocess, sys, time
from pathlib import Path
from peers.deadmount import make
server = make(Path(sys.argv[1]))
begin = time.monotonic()
command = [str(Path(sys.executable).with_name("check_storage")), "-t", "4", "--probe", f"{sys.argv[1]},{sys.argv[2]}"]
done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
print(json.dumps([done.returncode, done.stdout, done.stderr, time.monotonic() - begin]))
os.close(server)
"""


@pytest.mark.skipif(not deadmount.possible(), reason=deadmount.MISSING)
def test_a_dead_mount_is_told_within_the_time_out_and_the_others_still_are(tmp_path: Path) -> None:
    dead, well = tmp_path / "dead", tmp_path / "well"
    dead.mkdir()
    well.mkdir()
    code, out, err, seconds = json.loads(deadmount.in_namespace(HANGS, str(dead), str(well)))
    assert violations(code, out.encode(), err.encode()) == []
    assert (code, seconds < 5) == (WARNING, True), seconds
    assert "no answer in time" in out
    assert "write=" in out
