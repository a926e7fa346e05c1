"""The demonstration ends by offering the console, to a person who sits there."""

from __future__ import annotations

import subprocess
from pathlib import Path

from peers import ptys
from peers.manyunits import units

PROGRAM = "import sys; from pathlib import Path; from core.cli.demo import _offer; _offer(Path(sys.argv[1]))"


def test_the_console_is_opened_for_who_wants_it_and_nobody_else_is_asked(tmp_path: Path) -> None:
    with units(tmp_path, 1) as hub:
        offer = ptys.python("-c", PROGRAM, hub.node.place.file)
        asked = subprocess.run(offer, capture_output=True, stdin=subprocess.DEVNULL, env=ptys.environment(), timeout=60)
        assert (asked.returncode, asked.stdout, asked.stderr) == (0, b"", b"")
        with ptys.on_a_pty(offer) as line:
            assert line.shows("[y/N]")
            line.type("\r")
            assert line.status() == 0
            assert not line.shows("north-00", 0.1)
        with ptys.on_a_pty(offer) as line:
            assert line.shows("[y/N]")
            line.type("y\r")
            assert line.shows("north-00"), line.screen.text
            line.type("q")
            assert line.status() == 0
