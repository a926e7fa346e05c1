"""A pty seen from far away: what is typed arrives later, what is sent takes its time on a thin line."""

from __future__ import annotations

import time
import zlib
from collections import deque

from peers.emulator import Emulator
from peers.ptys import Pty

CARRIED = 88  # bytes that ssh and TCP/IP put around a write


class Slow:
    """`rate`: bit/s towards the operator; `delay`: seconds each way. What the operator sees is `screen`.

    The line reads as fast as ssh does: what has not gone out yet waits here, as it would in the sender's socket.
    """

    def __init__(self, line: Pty, rate: int, delay: float, *, compressed: bool) -> None:
        self._line, self._rate, self._delay = line, rate, delay
        self._compressor = zlib.compressobj(6) if compressed else None  # what `ssh -C` does, a flush each write
        self._free = time.monotonic()  # when the line has carried what it was given
        self._under_way: deque[tuple[float, bytes]] = deque()
        self._typed: deque[tuple[float, str]] = deque()
        self.screen = Emulator(line.screen.screen.columns, line.screen.screen.lines)
        self.screen.feed(line.sent.decode(errors="replace"))
        self._line.answers = False

    def answer(self, keys: str, shows: str, longest: float = 20) -> float:
        """Type; return how long it took until the screen was as it is to be: a text on it, or any change."""
        before, begun = self.screen.looks(), time.monotonic()
        self._typed.append((begun + self._delay, keys))
        while time.monotonic() - begun < longest:
            if self._turn() and (shows in "\n".join(self.screen.text) if shows else self.screen.looks() != before):
                return time.monotonic() - begun
        return longest

    def _turn(self) -> bool:
        """Let a moment pass; return whether something arrived."""
        now = time.monotonic()
        while self._typed and self._typed[0][0] <= now:
            self._line.type(self._typed.popleft()[1])
        if data := self._line.step(0.002):
            now = time.monotonic()
            self._free = max(self._free, now) + (self._size(data) + CARRIED) * 8 / self._rate
            self._under_way.append((self._free + self._delay, data))
            if b"\x1b[6n" in data:
                self._typed.append((self._free + 2 * self._delay, "\x1b[1;1R"))
        arrived = False
        while self._under_way and self._under_way[0][0] <= time.monotonic():
            self.screen.feed(self._under_way.popleft()[1].decode(errors="replace"))
            arrived = True
        return arrived

    def _size(self, data: bytes) -> int:
        if self._compressor is None:
            return len(data)
        return len(self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH))
