"""The console under a real mosh: its user sees what a terminal shows."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from peers import ptys
from peers.manyunits import units
from peers.ptys import Pty
from peers.sshd import free_port

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("mosh-server") is None, reason="mosh is not installed (package mosh)"),
]


@contextmanager
def mosh_server(command: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Run a command under mosh's server on loopback; yield its port and its key. It is ended by its own pid."""
    environ = ptys.environment(LC_ALL="C.UTF-8")
    asked = ["mosh-server", "new", "-i", "127.0.0.1", "-p", str(free_port()), "-c", "256", "--", *command]
    done = subprocess.run(asked, capture_output=True, text=True, env=environ, timeout=60, check=True, cwd=ptys.ROOT)
    told = re.search(r"MOSH CONNECT (\d+) (\S+)", done.stdout)
    pid = re.search(r"pid = (\d+)", done.stdout + done.stderr)
    assert told is not None, done
    assert pid is not None, done
    try:
        yield told[1], told[2]
    finally:
        with suppress(ProcessLookupError):
            os.kill(int(pid[1]), signal.SIGTERM)


def body(line: Pty) -> list[str]:
    """Return what both show alike: not the line that says what the session cost."""
    return line.screen.text[:-1]


def test_the_console_under_mosh_shows_what_a_terminal_shows(tmp_path: Path) -> None:
    with units(tmp_path) as hub, mosh_server(hub.command) as (port, key):
        client = ["mosh-client", "127.0.0.1", port]
        environ = ptys.environment(LC_ALL="C.UTF-8", MOSH_KEY=key, MOSH_PREDICTION_DISPLAY="never")
        with (
            ptys.on_a_pty(client, environ=environ, leads=False) as far,
            ptys.on_a_pty(hub.command, leads=False) as near,
        ):
            for keys, shown in (("", "north-19"), ("jjj", ">"), ("4", "alerts"), ("\x1b", "LAST DAY"), ("?", "filter")):
                far.type(keys)
                near.type(keys)
                assert near.shows(shown), near.screen.text
                alike = far.until(lambda: not near.step(0.02) and body(far) == body(near))
                assert alike, (keys, far.screen.text, near.screen.text)
            far.type("\x1b")
            assert far.shows("LAST DAY")
            far.type("q")
            assert far.status() == 0
            near.type("\x1bq")
