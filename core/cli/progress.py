"""Tell how far a long command has come, on stderr: one line that changes on a terminal, few lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import click

from core.text import safe

EVERY = 1.0  # seconds between two lines
SAME = 60.0  # seconds after which a line that says nothing new stands in a file or a log again
WIDTH = 79  # columns; a longer line could not be written over


def step(line: str) -> None:
    """Tell one of a few steps, on a line of its own."""
    click.echo(line, err=True)


@contextmanager
def progress(
    stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[str], None]]:
    """Give what takes each line; the last one stays, even when the command fails. By default on stderr."""
    shown = Progress(sys.stderr if stream is None else stream, clock)
    try:
        yield shown.tell
    finally:
        shown.close()


class Progress:
    """Shows at most one line a second, and the last one; where lines stay, none twice within a minute."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._rewrites = stream.isatty()
        self._next = float("-inf")
        self._waiting: str | None = None
        self._last, self._same_until = "", float("-inf")
        self._open = False  # the line on the terminal is not ended

    def tell(self, line: str) -> None:
        """Show `line` now, or keep it until something newer takes its place."""
        self._waiting = line
        if self._clock() >= self._next:
            self._show()

    def close(self) -> None:
        """Show the last line, and end it."""
        if self._waiting is not None:
            self._show()
        if self._open:
            click.echo("", file=self._stream)
            self._open = False

    def _show(self) -> None:
        line, self._waiting = safe(self._waiting, WIDTH), None
        self._next = self._clock() + EVERY
        if self._rewrites:
            click.echo(f"\r{line:<{WIDTH}}", file=self._stream, nl=False)
            self._open = True
        elif line != self._last or self._next > self._same_until:
            click.echo(line, file=self._stream)
            self._last, self._same_until = line, self._next + SAME
