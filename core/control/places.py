"""The few connections that are served at once, and who gives way when there are more."""

from __future__ import annotations

import contextlib
import socket
import time
from threading import BoundedSemaphore, Event, Lock

AT_ONCE = 8  # connections
_SPEAK_WITHIN = 0.1  # seconds that a silent connection keeps its place while others wait for one


class Places:
    """At most AT_ONCE connections; when others wait, those that have said nothing yet give up their places."""

    def __init__(self) -> None:
        self._free = BoundedSemaphore(AT_ONCE)
        self._lock = Lock()
        self._silent: dict[socket.socket, float] = {}  # since when, monotonic seconds

    def enter(self, connection: socket.socket, closing: Event) -> bool:
        """Wait for a place and take it; False when `closing` is set meanwhile."""
        while not self._free.acquire(timeout=_SPEAK_WITHIN):
            if closing.is_set():
                return False
            self._put_out_the_silent()
        with self._lock:
            self._silent[connection] = time.monotonic()
        return True

    def heard(self, connection: socket.socket) -> None:
        """Note that the request is there: from now on the connection keeps its place."""
        with self._lock:
            self._silent.pop(connection, None)

    def leave(self, connection: socket.socket) -> None:
        """Give the place back."""
        self.heard(connection)
        self._free.release()

    def _put_out_the_silent(self) -> None:
        latest = time.monotonic() - _SPEAK_WITHIN
        with self._lock:
            for connection in [one for one, since in self._silent.items() if since <= latest]:
                del self._silent[connection]
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)  # its thread wakes, says so and ends
