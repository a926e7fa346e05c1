"""`overlapse fleet try`, which `make fleet` runs: a real fleet on this machine, and nothing left of it."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest
from peers import natsd
from peers.node import PROGRAM, environment

pytestmark = pytest.mark.skipif(natsd.SERVER is None, reason=natsd.MISSING)


def test_units_hold_their_leases_at_three_voters_until_somebody_ends_it(tmp_path: Path) -> None:
    command = [*PROGRAM, "fleet", "try", "--units", "2", "--dir", str(tmp_path / "f")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
    assert process.stdout is not None
    lines: list[str] = []
    waiting = {"unit1: has its lease", "unit2: has its lease", "hub: has its lease"}
    for line in process.stdout:
        lines.append(line.strip())
        waiting.discard(line.strip())
        if not waiting:
            break
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=30)
    assert (process.returncode, waiting) == (0, set()), "\n".join([*lines, rest])
    voters = [int(pid) for line in lines for pid in re.findall(r"^voter\d: process (\d+)", line)]
    assert len(voters) == 3
    assert [pid for pid in voters if Path(f"/proc/{pid}").exists()] == []
