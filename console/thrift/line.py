"""The terminal's line: raw mode, its size, bytes in and out without ever blocking."""

from __future__ import annotations

import os
import select
import termios
from contextlib import suppress

CHUNK = 4096
DRAINING = 2.0  # seconds that the last words may take
CC, IFLAG, OFLAG, LFLAG = 6, 0, 1, 3  # places in what tcgetattr returns
AS_GIVEN = termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR
COOKED = termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG


class Gone(Exception):
    """The terminal was hung up."""


class Line:
    """One terminal, by the descriptors that are read and written.

    Written is a description of its own where one can be opened, so that not blocking does not leak to whoever shares
    the terminal: a shell, an editor that is started.
    """

    def __init__(self, reading: int, writing: int) -> None:
        self.reading, self._given = reading, writing
        self.writing = _own(writing)
        self.waiting = b""  # accepted, not yet taken by the terminal
        self._before: list[int | list[bytes | int]] | None = None

    def raw(self) -> None:
        """Take keys as they are, and send line feeds as they are."""
        with suppress(termios.error):
            self._before = termios.tcgetattr(self.reading)
            mode = termios.tcgetattr(self.reading)
            mode[IFLAG] &= ~AS_GIVEN
            mode[OFLAG] &= ~termios.OPOST
            mode[LFLAG] &= ~COOKED
            mode[CC][termios.VMIN] = 1
            termios.tcsetattr(self.reading, termios.TCSANOW, mode)

    def cooked(self) -> None:
        """Give the terminal back as it was, without keys that nobody has read."""
        with suppress(termios.error):
            termios.tcflush(self.reading, termios.TCIFLUSH)
            if self._before is not None:
                termios.tcsetattr(self.reading, termios.TCSANOW, self._before)

    def size(self) -> tuple[int, int]:
        """Return columns and lines; 80x24 of a terminal that does not say."""
        try:
            columns, lines = os.get_terminal_size(self._given)
        except OSError:
            columns = lines = 0
        return columns or 80, lines or 24

    def read(self) -> bytes:
        """Return what was typed; raise Gone after a hang-up."""
        try:
            typed = os.read(self.reading, CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise Gone from error
        if not typed:
            raise Gone
        return typed

    def write(self, data: bytes = b"") -> bool:
        """Write this behind what waits; return whether the terminal took all of it. Raise Gone after a hang-up."""
        self.waiting += data
        while self.waiting:
            try:
                self.waiting = self.waiting[os.write(self.writing, self.waiting) :]
            except BlockingIOError:
                return False
            except OSError as error:
                self.waiting = b""
                raise Gone from error
        return True

    def drain(self) -> None:
        """Wait until what waits is taken, not longer than DRAINING; what is left then is dropped."""
        with suppress(Gone):
            if not self.write():
                select.select([], [self.writing], [], DRAINING)
                self.write()
        self.waiting = b""

    def close(self) -> None:
        """Close what was opened."""
        if self.writing != self._given:
            os.close(self.writing)
            self.writing = self._given


def _own(descriptor: int) -> int:
    """Open the terminal of a descriptor once more, not blocking; return the descriptor itself where that fails."""
    with suppress(OSError):
        return os.open(os.ttyname(descriptor), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    return descriptor
