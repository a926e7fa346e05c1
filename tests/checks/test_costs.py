"""What a run of a check costs beside the smallest script of nagiosplugin and argparse."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parent.parent.parent / "benchmarks" / "checks.py"


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
def test_a_check_takes_no_more_instructions_than_the_smallest_plugin_and_a_tenth() -> None:
    command = [sys.executable, str(BENCHMARK), "--json", "--only", "node", "--quick"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=110)
    smallest, ours = json.loads(done.stdout)["plugins"]
    assert smallest["bare"] > 50_000_000, "the instructions of a whole interpreter were counted"
    assert ours["bare"] > 30_000_000, "those of both processes of a check, too"
    assert ours["ratio_bare"] <= 1.1
