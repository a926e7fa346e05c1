"""The checks as Nagios calls them: programs, what they print, and what a run of one imports."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 30.0  # seconds
PATHS = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
START = "import sys; sys.path[:0] = {paths!r}; sys.argv = ['check', *{arguments!r}]\n"
NOTING = """
import os
left = os._exit
def leave(code):
    with open({names!r}, "a") as file:
        print(*sys.modules, file=file)
    left(code)
os._exit = leave
"""


class Answer(NamedTuple):
    """What a program came to."""

    code: int
    out: bytes
    err: bytes


def program(name: str, *arguments: str | Path) -> Answer:
    """Run an installed program."""
    path = Path(sys.executable).with_name(name)
    done = subprocess.run(
        [path, *arguments], capture_output=True, stdin=subprocess.DEVNULL, check=False, timeout=PATIENCE
    )
    return Answer(done.returncode, done.stdout, done.stderr)


@contextmanager
def begun(code: str, folder: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a check whose module, checks.sample, is `code`; its working folder is `folder`."""
    (folder / "sample.py").write_text(code)
    start = START.format(paths=PATHS, arguments=list(arguments))
    start += f"import checks; checks.__path__.append({str(folder)!r})\n"
    start += "from checks.base.start import start; start('sample')"
    command = [sys.executable, "-IBS", "-c", start]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def of_module(code: str, folder: Path, *arguments: str) -> Answer:
    """Run a check whose module is `code`."""
    with begun(code, folder, *arguments) as process:
        out, err = process.communicate(timeout=PATIENCE)
    return Answer(process.returncode, out, err)


def imported(check: str, folder: Path, arguments: Sequence[str]) -> set[str]:
    """Return the modules that a run of a check imports, in both of its processes, beside what an interpreter has."""
    names = folder / "modules"
    start = START.format(paths=PATHS, arguments=list(arguments)) + NOTING.format(names=str(names))
    start += f"from checks import programs; programs.{check}()"
    done = subprocess.run([sys.executable, "-IS", "-c", start], capture_output=True, check=False, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, b""), done
    return set(names.read_text().split())
