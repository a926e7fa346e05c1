"""What was sent, what it cost on the way, and how long an answer takes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

OVERHEAD = 140  # bytes a frame: ssh 36 (chacha20-poly1305), TCP/IPv4 52, and the ACK 52; measured with OpenSSH 9.2
PROBE = "\x1b[6n"  # DSR: the terminal answers with its cursor (CPR), ECMA-48 section 8.3.35
UNANSWERED = 3  # then a terminal is taken for one that never answers
LONGEST_WAIT = 5.0  # seconds that a frame waits for an answer
OPEN = 4096  # bytes under way before an answer is waited for


class Figures(NamedTuple):
    """What a session has cost so far."""

    content: int  # bytes written to the terminal
    on_the_wire: int  # estimate with ssh, TCP/IP and acknowledgements, keys included
    frames: int
    last_minute: int  # bytes written in the last 60 s
    round_trip: float | None  # seconds; None when nobody has answered yet, or somebody nearer than the terminal
    interval: float  # seconds between two frames now: what the budget makes of it


@dataclass
class Meter:
    """Bytes and frames of a session."""

    content: int = 0  # bytes written to the terminal
    frames: int = 0
    keys: int = 0
    _recent: deque[tuple[float, int]] = field(default_factory=deque, init=False)

    def sent(self, size: int, now: float) -> None:
        """Count a write of `size` bytes."""
        self.content += size
        self.frames += 1
        self._recent.append((now, size))

    @property
    def on_the_wire(self) -> int:
        """Return an estimate of what ssh, TCP/IP and its acknowledgements made of it, keys included, in bytes."""
        return self.content + (self.frames + self.keys) * OVERHEAD

    def last_minute(self, now: float) -> int:
        """Return the bytes written in the last 60 s."""
        while self._recent and self._recent[0][0] < now - 60:
            self._recent.popleft()
        return sum(size for _, size in self._recent)


@dataclass
class Answers:
    """Ask the terminal now and then, for the round trip and so that no long queue builds up in between."""

    every: float = 30.0  # seconds
    round_trip: float | None = None  # seconds, of the last answer
    under_way: int = 0  # bytes written since the last answered question
    _asked: float | None = field(default=None, init=False)
    _asked_last: float = field(default=-1e9, init=False)
    _behind: int = field(default=0, init=False)  # bytes written after the question
    _unanswered: int = field(default=0, init=False)

    def wants(self, size: int, now: float) -> bool:
        """Tell whether a frame of `size` bytes shall carry a question."""
        if self._asked is not None or self._unanswered >= UNANSWERED:
            return False
        return now - self._asked_last >= self.every or self.under_way + size > OPEN

    def sent(self, size: int, asked: bool, now: float) -> None:
        """Note a frame that is written, and whether it asked."""
        self.under_way += size
        self._behind += size
        if asked:
            self._asked, self._asked_last, self._behind = now, now, 0

    def answered(self, now: float) -> bool:
        """Note an answer; False when nothing was asked."""
        if self._asked is None:
            return False
        self.round_trip = now - self._asked
        self._asked, self._unanswered, self.under_way = None, 0, self._behind
        return True

    def wait(self, now: float) -> float:
        """Return until when the next frame waits for an answer: `now` when it need not."""
        if self._asked is None:
            return now
        until = self._asked + LONGEST_WAIT
        if now >= until:
            self._asked = None
            self._unanswered += 1
            self.under_way = 0
            return now
        return until if self.under_way > OPEN else now
