"""A mount whose server does not answer: FUSE, mounted by hand in a namespace of its own, and never served."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MISSING = "a dead mount needs root and /dev/fuse"


def possible() -> bool:
    """Return whether one can be made here."""
    return os.geteuid() == 0 and Path("/dev/fuse").exists()


def make(folder: Path) -> int:
    """Mount it at `folder`, in this process' namespace, and return the descriptor that holds it: its server's."""
    server = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    data = f"fd={server},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"dead", os.fsencode(folder), b"fuse", 0, data) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    return server


def in_namespace(code: str, *arguments: str, timeout: float = 60) -> str:
    """Run Python code where mounts are its own; return what it prints."""
    paths = [str(ROOT), str(ROOT / "tests"), *(path for path in sys.path if path.endswith("site-packages"))]
    start = f"import sys; sys.path[:0] = {paths!r}\n{code}"
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-I", "-c", start, *arguments]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
