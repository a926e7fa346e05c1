"""What the child of a probe pays for."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("asyncio", "core.site", "dataclasses", "inspect", "pathlib", "pydantic", "ssl", "subprocess", "tempfile")


def test_a_probe_starts_light() -> None:
    code = f"import core.worker, core.probes.serve, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    bare = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; print([name for name in {HEAVY!r} if name in sys.modules])"],
        capture_output=True,
        text=True,
        check=True,
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == bare.stdout  # what an interpreter brings anyway is not ours
