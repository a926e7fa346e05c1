"""The tunnel that a unit keeps open: systemd takes the file, and its command line works with a real sshd."""

from __future__ import annotations

import shlex
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from peers import sshd

from console.tunnel import FOLDER, unit
from core.cli.main import overlapse
from core.errors import ConfigurationError

needs_sshd = pytest.mark.skipif(sshd.SSHD is None, reason=sshd.MISSING)


def command(text: str) -> list[str]:
    """Return what the unit runs."""
    line = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    return shlex.split(line.removeprefix("ExecStart="))


def test_the_command_line_prints_the_unit() -> None:
    done = CliRunner().invoke(overlapse, ["console", "--tunnel", "tunnel@hub.example:22022"])
    assert done.output == unit("tunnel@hub.example:22022")
    assert 'permitlisten="127.0.0.1:22022"' in done.output


@pytest.mark.parametrize(
    "place",
    [
        "hub.example:22022",
        "tunnel@hub.example",
        "tunnel@hub.example:22",
        "tunnel@hub.example:70000",
        "tunnel@-oProxyCommand=id:22022",
        "tunnel@hub example:22022",
        "tunnel@hub\nExecStart=/bin/id:22022",
        "%n@hub.example:22022",
    ],
)
def test_what_is_no_place_makes_no_unit(place: str) -> None:
    with pytest.raises(ConfigurationError, match="USER@HUB:PORT"):
        unit(place)


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    file = tmp_path / "overlapse-tunnel.service"
    file.write_text(unit("tunnel@hub.example:22022"))
    done = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True, timeout=60)
    ours = [line for line in done.stderr.splitlines() if "overlapse-tunnel" in line and "/usr/bin/ssh" not in line]
    assert ours == []


@pytest.mark.peer
@needs_sshd
def test_the_tunnel_leads_from_the_hub_to_the_unit_and_nowhere_else(tmp_path: Path) -> None:
    port, other = sshd.free_port(), sshd.free_port()
    with sshd.running(tmp_path / "hub", True) as hub, sshd.running(tmp_path / "unit", True) as far:
        keys = tmp_path / "hub" / "authorized_keys"
        text = unit(f"{hub.user}@127.0.0.1:{port}")
        line = next(line for line in text.splitlines() if "permitlisten" in line).lstrip("# ")
        keys.write_text(f"{line} {keys.read_text()}")
        shutil.copy(hub.key_file, tmp_path / "key")
        public = (tmp_path / "hub" / "host_ed25519.pub").read_text().split()
        (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{hub.port} {public[0]} {public[1]}\n")

        def running(listen: int) -> list[str]:
            made = [word.replace(FOLDER, str(tmp_path)).replace(f":{port}:", f":{listen}:") for word in command(text)]
            made = [word.replace("127.0.0.1:22", f"127.0.0.1:{far.port}") for word in made]
            return [*made[:1], "-p", str(hub.port), *made[1:]]

        refused = subprocess.run(running(other), capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
        assert refused.returncode == 255
        tunnel = subprocess.Popen(running(port), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            assert greeting(port) == b"SSH-2.0", tunnel.poll()
        finally:
            tunnel.terminate()
            tunnel.communicate(timeout=20)


def greeting(port: int) -> bytes:
    """Return how the other end of a port greets, waiting until there is one."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
                return line.recv(7)
        except ConnectionRefusedError:
            time.sleep(0.05)
    return b""
