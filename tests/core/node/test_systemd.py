from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from peers.node import PROGRAM, Site, environment

from core.intake.daybook import DayBooks
from core.intake.entries import OutcomeEntry
from core.node.systemd import Systemd

UNIT = Path(__file__).parents[3] / "docs" / "overlapse.service"
needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here: apt-get install systemd"
)


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, Systemd]]:
    """Give a datagram socket as systemd's is, and what talks to it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@overlapse-test-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(name.replace("@", "\0", 1) if request.param == "abstract" else name)
        line.settimeout(5)
        yield line, Systemd({"NOTIFY_SOCKET": name})


def test_systemd_hears_that_the_node_is_ready_alive_and_stopping(manager: tuple[socket.socket, Systemd]) -> None:
    line, systemd = manager
    assert systemd.ready()
    assert systemd.status("2 cameras, 14 to deliver")
    assert systemd.alive()
    assert systemd.stopping()
    heard = [line.recv(4096) for _ in range(4)]
    assert heard == [b"READY=1", b"STATUS=2 cameras, 14 to deliver", b"WATCHDOG=1", b"STOPPING=1"]


def test_a_start_that_takes_long_asks_for_more_time_and_owes_no_watchdog_before_it_is_ready(
    manager: tuple[socket.socket, Systemd],
) -> None:
    line, systemd = manager
    assert systemd.starting("quay: 5000 lines\nREADY=1")
    assert line.recv(4096) == b"EXTEND_TIMEOUT_USEC=3600000000\nSTATUS=starting: quay: 5000 lines\\x0aREADY=1"
    systemd.ready()
    systemd.starting("quay: 6000 lines")
    assert line.recv(4096) == b"READY=1"
    assert b"WATCHDOG=1" in line.recv(4096).split(b"\n"), "once it runs, the watchdog waits for it"


def heard_until(line: socket.socket, last: bytes) -> list[bytes]:
    """Return what systemd is told, signs of life left out, up to a message that begins with `last`."""
    heard: list[bytes] = []
    while not heard or not heard[-1].startswith(last):
        said = line.recv(4096)
        heard += [] if said == b"WATCHDOG=1" else [said]
    return heard


def test_a_catalogue_that_is_made_anew_holds_systemd_off_and_starting_again_is_no_stop(tmp_path: Path) -> None:
    site = Site(tmp_path / "quay")
    site.camera(every=None)
    site.write()
    (site.data / "pictures").mkdir(parents=True)
    (site.data / "catalogue.db").write_bytes(b"no catalogue at all")
    at = 1_795_250_000
    DayBooks(site.data / "pictures").append(
        OutcomeEntry(camera="north", slot=at + second, node="unit1", outcome="missed", cause="node down")
        for second in range(2500)
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.settimeout(25)
        command = [*PROGRAM, "run", "--site", str(site.file)]
        told = environment({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stderr=log, env=told) as node:
            try:
                first = heard_until(line, b"STATUS=running: quay")
                site.ask("restart", reason="for a test")
                again = heard_until(line, b"STATUS=running: quay")
                node.terminate()
                heard_until(line, b"STOPPING=1")
                assert node.wait(25) == 0
            finally:
                if node.poll() is None:
                    node.kill()
    made = b"STATUS=starting: quay: the catalogue is made from the day books: "
    steps = [said.split(b"\n")[1] for said in first if said.startswith(b"EXTEND_TIMEOUT_USEC=")]
    assert [step.removeprefix(made).split()[0] for step in steps if step.startswith(made)] == [b"0", b"1000", b"2000"]
    assert first[-2:] == [b"READY=1", b"STATUS=running: quay"]
    assert not [said for said in again if said.startswith(b"STOPPING")], "systemd would kill it"


def test_text_of_others_cannot_say_anything_else_to_systemd(manager: tuple[socket.socket, Systemd]) -> None:
    line, systemd = manager
    systemd.status("camera \x1b[2Jnorth\nMAINPID=1")
    assert line.recv(4096) == b"STATUS=camera \\x1b[2Jnorth\\x0aMAINPID=1"


@pytest.mark.parametrize("name", [None, "", "vsock:2:1234", "relative", "/no/such/socket", "/" + "x" * 200, "@"])
def test_without_systemd_nothing_happens(name: str | None) -> None:
    systemd = Systemd({} if name is None else {"NOTIFY_SOCKET": name})
    assert not systemd.ready()
    assert not systemd.status("x")
    assert not systemd.alive()
    assert not systemd.stopping()


def test_a_systemd_that_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stuck:
        stuck.bind(path)
        systemd = Systemd({"NOTIFY_SOCKET": path})
        told = 0
        while systemd.alive():
            told += 1
        assert told < 10_000


MINE, OTHERS = str(os.getpid()), str(os.getpid() + 1)


@pytest.mark.parametrize(
    ("environment", "interval"),
    [
        pytest.param({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": MINE}, 30.0, id="ours"),
        pytest.param({"WATCHDOG_USEC": "60000000"}, 30.0, id="anybodys"),
        pytest.param({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": OTHERS}, None, id="another-process"),
        pytest.param({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": MINE}, 0.75, id="fractions"),
        pytest.param({"WATCHDOG_PID": MINE}, None, id="no-watchdog"),
        pytest.param({"WATCHDOG_USEC": "0", "WATCHDOG_PID": MINE}, None, id="zero"),
        pytest.param({"WATCHDOG_USEC": "-1", "WATCHDOG_PID": MINE}, None, id="negative"),
        pytest.param({"WATCHDOG_USEC": "soon", "WATCHDOG_PID": MINE}, None, id="no-number"),
        pytest.param({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "me"}, None, id="no-process"),
    ],
)
def test_the_sign_of_life_comes_twice_as_often_as_systemd_waits(
    environment: dict[str, str], interval: float | None
) -> None:
    assert Systemd(environment).watchdog_interval() == interval


def test_it_reads_the_environment_of_the_process_by_itself(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(path)
        line.settimeout(5)
        code = "from core.node.systemd import Systemd; s = Systemd(); s.ready(); print(s.watchdog_interval())"
        environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "4000000"}
        out = subprocess.run(
            [sys.executable, "-I", "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        assert line.recv(4096) == b"READY=1"
    assert out.stdout == "2.0\n"


@pytest.mark.peer
@needs_analyze
def test_the_unit_file_is_valid(tmp_path: Path) -> None:
    unit = tmp_path / "overlapse.service"  # the program is not installed here: any that is stands for it
    unit.write_text(UNIT.read_text().replace("/opt/overlapse/bin/overlapse", "/bin/true"))
    out = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (out.returncode, out.stderr) == (0, "")


@pytest.mark.peer
@needs_analyze
def test_the_unit_file_leaves_little_open() -> None:
    out = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(UNIT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert out.returncode == 0, out.stdout[-300:]


def test_the_unit_file_restarts_for_ever_and_lets_the_camera_through() -> None:
    lines = [line.strip() for line in UNIT.read_text().splitlines() if not line.startswith("#")]
    for line in (
        "Type=notify",
        "TimeoutStartSec=90",
        "Restart=always",
        "StartLimitIntervalSec=0",
        "DeviceAllow=char-usb_device rw",
    ):
        assert line in lines
    assert any(line.startswith("WatchdogSec=") for line in lines)
    assert "PrivateDevices=yes" not in lines
