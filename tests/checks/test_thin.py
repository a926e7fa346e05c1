"""The first line of all checks: what a real node wrote is read by the programs that Nagios calls."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from peers.simulation import simulate

from core.status.document import write


def ask(program: str, *arguments: str | Path) -> tuple[int, str]:
    path = Path(sys.executable).with_name(program)
    done = subprocess.run([path, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize("program", ["check_camera", "check_node"])
def test_the_programs_say_of_a_real_document_that_all_is_well(program: str, tmp_path: Path) -> None:
    world = simulate(begin=datetime.now(UTC) - timedelta(hours=3))
    world.run(hours=3)
    write(tmp_path / "status.json", world.site.running.reporting.document())
    code, text = ask(program, "--status", tmp_path / "status.json")
    assert (code, text.split(":")[0]) == (0, f"{program[6:].upper()} OK")
