"""A program on a terminal of its own: a pty whose other end is this test, with an emulator that shows what came."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from peers.emulator import Emulator

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST = 20.0  # seconds
QUESTION, MODE = b"\x1b[6n", b"\x1b[?2026$p"  # what a terminal is asked: its cursor; whether it knows DECSET 2026


def environment(**more: str) -> dict[str, str]:
    """Return what a program of ours sees after a login: nothing of this process but where programs are."""
    plain = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
    return plain | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"} | more


def python(*arguments: str | Path) -> list[str]:
    """Return the command that runs this Python."""
    return [sys.executable, *map(str, arguments)]


@dataclass
class Pty:
    """`sent`: what the program has written, to the byte; `screen`: what it looks like."""

    child: subprocess.Popen[bytes]
    master: int
    screen: Emulator
    answers: bool = True  # answers questions as xterm does
    sent: bytes = b""
    first: float = 0.0  # when the first byte came, of time.monotonic
    _decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))

    @property
    def cpu(self) -> float:
        """Seconds of CPU that the program has used until now, all threads together."""
        tasks = Path(f"/proc/{self.child.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def type(self, keys: str) -> None:
        """Type keys."""
        os.write(self.master, keys.encode())

    def resize(self, width: int, height: int) -> None:
        """Give the terminal another size; the program is told by SIGWINCH."""
        self.screen.resize(width, height)
        _set_size(self.master, width, height)

    def step(self, seconds: float) -> bytes:
        """Return what comes next, at most `seconds` later; nothing when nothing comes or the program has ended."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        try:
            data = os.read(self.master, 65536) if ready else b""
        except OSError:
            return b""
        if data:
            self.first = self.first or time.monotonic()
            self.sent += data
            self.screen.feed(self._decoder.decode(data))
            if self.answers:
                os.write(self.master, b"\x1b[1;1R" * data.count(QUESTION) + b"\x1b[?2026;2$y" * data.count(MODE))
        return data

    def until(self, happened: Callable[[], object], seconds: float = LONGEST) -> bool:
        """Show what comes until something happened; return whether it did."""
        deadline = time.monotonic() + seconds
        while not happened():
            if time.monotonic() > deadline or not (self.step(0.05) or self.child.poll() is None):
                return bool(happened())
        return True

    def shows(self, text: str, seconds: float = LONGEST) -> bool:
        """Wait until a text is on the screen; return whether it came."""
        return self.until(lambda: any(text in line for line in self.screen.text), seconds)

    def quiet(self, seconds: float = 0.4, longest: float = LONGEST) -> None:
        """Show what comes until nothing has come for so long."""
        deadline = time.monotonic() + longest
        while self.step(seconds) and time.monotonic() < deadline:
            pass

    def cost(self, keys: str, quiet: float = 0.6) -> int:
        """Type keys; return the bytes that came for them."""
        before = len(self.sent)
        self.type(keys)
        self.quiet(quiet)
        return len(self.sent) - before

    def hang_up(self) -> None:
        """Close the terminal, as a lost line does."""
        os.close(self.master)
        self.master = -1

    def status(self, seconds: float = LONGEST) -> int | None:
        """Return how the program ended, waiting for it; negative: by which signal; None: it has not."""
        deadline = time.monotonic() + seconds
        while self.child.poll() is None and time.monotonic() < deadline:
            if self.master < 0:
                with suppress(subprocess.TimeoutExpired):
                    self.child.wait(0.2)
            else:
                self.step(0.05)
        return self.child.returncode


@contextmanager
def on_a_pty(
    command: Sequence[str],
    width: int = 100,
    height: int = 30,
    environ: Mapping[str, str] | None = None,
    *,
    leads: bool = True,
) -> Iterator[Pty]:
    """Run a command as the leader of a session on a new terminal; end it, by its own pid, when left.

    Without `leads` it hears of no hang-up; its CPU time is its own then, and not that of what makes it a leader too.
    """
    master, slave = pty.openpty()
    _set_size(slave, width, height)
    child = subprocess.Popen(
        [*(python("-m", "peers.leader") if leads else []), *command],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=dict(environ or environment()),
        cwd=ROOT,
        start_new_session=True,
    )
    os.close(slave)
    line = Pty(child, master, Emulator(width, height))
    try:
        yield line
    finally:
        for number in (signal.SIGCONT, signal.SIGKILL):
            if child.poll() is None:
                child.send_signal(number)
        child.wait(10)
        if line.master >= 0:
            os.close(line.master)


def _set_size(descriptor: int, width: int, height: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
