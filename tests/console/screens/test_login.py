"""A login that is the console and nothing else, through a real sshd."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from peers import ptys, sshd
from peers.nodesocket import served
from peers.statuses import NOW, shifted, well

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(sshd.SSHD is None, reason=sshd.MISSING),
]


@contextmanager
def login(folder: Path) -> Iterator[list[str]]:
    """Serve a node and a login to it; yield the client's command."""
    file = folder / "site.toml"
    head = 'version = 1\nsite = { name = "harbour", zone = "UTC", data = "data", run = "run" }\n'
    document = shifted(well(), time.time() - NOW)
    with served(folder, document, node="unit1"), sshd.running(folder / "ssh", True) as server:
        file.write_text(f'{head}[[node]]\nname = "unit1"\n')
        program = " ".join(ptys.python("-I", "-m", "core.cli.main", "console", "--restricted", "--site", file))
        clean = "exec env -i HOME=/nonexistent LANG=C.UTF-8 PATH=/usr/bin:/bin"
        keys = folder / "ssh" / "authorized_keys"
        key = keys.read_text()
        keys.write_text(f'restrict,pty,command="{clean} TERM=\\"$TERM\\" {program}" {key}')
        options = ["-F", "none", "-p", str(server.port), "-i", str(server.key_file), "-l", server.user]
        options += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        yield ["ssh", *options, "127.0.0.1"]


def test_the_console_is_what_a_login_gets_and_ctrl_z_ends_it(tmp_path: Path) -> None:
    with login(tmp_path) as client:
        with ptys.on_a_pty([*client[:1], "-tt", *client[1:], "sh"], leads=False) as line:
            assert line.shows("north@unit1"), line.screen.text
            line.type("\x10:sh\r")  # no palette, and no command of that name
            assert line.shows("no command 'sh'"), line.screen.text
            line.type("\x1a")
            assert line.status() is not None
            assert not any("$" in text for text in line.screen.text)


@pytest.mark.parametrize("term", ["xterm;touch hacked", "$(touch hacked)", "nosuch-terminal"])
def test_a_terminal_of_any_name_runs_nothing_else(tmp_path: Path, term: str) -> None:
    with login(tmp_path) as client:
        environ = ptys.environment(TERM=term)
        with ptys.on_a_pty([*client[:1], "-tt", *client[1:]], environ=environ, leads=False) as line:
            shown = line.until(lambda: any("north" in text or "TERM" in text for text in line.screen.text))
            assert shown, line.screen.text
            line.type("q")
            assert line.status() is not None
    assert list(tmp_path.rglob("hacked")) == []
    assert not Path("hacked").exists()


@pytest.mark.parametrize("asked", [["touch", "made"], ["-s", "sftp"]])
def test_whatever_else_is_asked_for_is_not_given(tmp_path: Path, asked: list[str]) -> None:
    with login(tmp_path) as client:
        command = [*client, *asked] if asked[0] != "-s" else [*client[:-1], "-s", client[-1], "sftp"]
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
        assert done.returncode == 2
    assert not list(tmp_path.rglob("made"))
