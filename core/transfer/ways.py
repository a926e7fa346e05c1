"""What the kernel knows of the connections of this process: how long the round trip is, and what was sent twice.

A child serves one destination, so all that it connects to goes one way, over one link.
"""

from __future__ import annotations

import socket
import threading
from typing import Any
from weakref import WeakKeyDictionary

from core.transfer.pacing import Way, way


class Ways:
    """Counts what went over connections since it was asked last."""

    def __init__(self) -> None:
        self._lines: WeakKeyDictionary[socket.socket, Way] = WeakKeyDictionary()
        self._lock = threading.Lock()
        self._trip, self._sent, self._again = 0.0, 0, 0

    def join(self, line: socket.socket) -> None:
        """Count what goes over a connection from its beginning on."""
        with self._lock:
            self._lines[line] = Way(0, 0, 0.0, 0.0, 0)

    def leave(self, line: socket.socket) -> None:
        """Count the last of a connection that is to be closed."""
        with self._lock:
            if line in self._lines:
                self._look(line)
                del self._lines[line]

    def passed(self) -> dict[str, Any] | None:
        """Return the round trip in seconds, segments sent and sent again since the last time; None: nothing was."""
        with self._lock:
            for line in list(self._lines):
                self._look(line)
            trip, sent, again = self._trip, self._sent, self._again
            self._trip, self._sent, self._again = 0.0, 0, 0
        return {"trip": round(trip, 4), "sent": sent, "again": again} if sent else None

    def _look(self, line: socket.socket) -> None:
        before, now = self._lines[line], way(line, ended=True)
        if now is None or now.sent <= before.sent:
            return
        self._sent += now.sent - before.sent
        self._again += max(0, now.again - before.again)
        self._trip = max(self._trip, now.trip)
        self._lines[line] = now


HERE = Ways()
