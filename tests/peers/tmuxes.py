"""A real tmux, with a server of its own on a socket of its own."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from peers.emulator import Emulator, Look


def missing() -> bool:
    """Tell whether this machine lacks tmux."""
    return shutil.which("tmux") is None


@dataclass
class Tmux:
    """Windows by name, all of one size."""

    socket: Path
    width: int
    height: int

    def run(self, *arguments: str) -> str:
        """Have the server do this."""
        command = ["tmux", "-S", str(self.socket), "-f", "/dev/null", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout

    def end(self) -> None:
        """End the server, which may have ended with its last window."""
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], capture_output=True, check=False, timeout=20)

    def start(self, name: str, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Run a command in a window."""
        given = " ".join(shlex.quote(f"{key}={value}") for key, value in environ.items() if key != "TERM")
        line = f"env -i TERM=$TERM {given} {shlex.join(command)}"
        size = ("-x", str(self.width), "-y", str(self.height))
        self.run("new-session", "-d", "-s", name, *size, line)

    def type(self, name: str, *keys: str) -> None:
        """Type keys, as tmux calls them."""
        self.run("send-keys", "-t", name, *keys)

    def resize(self, name: str, width: int, height: int) -> None:
        """Give a window another size."""
        self.run("resize-window", "-t", name, "-x", str(width), "-y", str(height))
        self.width, self.height = width, height

    def looks(self, name: str) -> list[list[Look]]:
        """Return what the window shows."""
        shown = Emulator(self.width, self.height)
        shown.feed("\x1b[?7l")
        lines = self.run("capture-pane", "-e", "-p", "-N", "-t", name).split("\n")[: self.height]
        shown.feed("\r\n".join(lines))
        return shown.looks()

    def sessions(self) -> str:
        """Return what goes on, a line each; nothing when the server has ended with its last window."""
        command = ["tmux", "-S", str(self.socket), "list-sessions"]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout

    def text(self, name: str) -> str:
        """Return the text of a window."""
        return self.run("capture-pane", "-p", "-t", name)


@contextmanager
def tmux(width: int, height: int) -> Iterator[Tmux]:
    """Start a server with the first window's session, and end it when left."""
    with tempfile.TemporaryDirectory() as folder:
        server = Tmux(Path(folder) / "socket", width, height)
        try:
            yield server
        finally:
            subprocess.run(
                ["tmux", "-S", str(server.socket), "kill-server"], capture_output=True, check=False, timeout=20
            )


def until(happened: Callable[[], object], seconds: float = 10) -> bool:
    """Wait until something happened; return whether it did."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
