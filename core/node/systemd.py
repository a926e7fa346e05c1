"""Talk to systemd where it started us: how the start goes, ready, stopping, signs of life. Elsewhere: nothing."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

from core.text import safe

log = logging.getLogger(__name__)

STARTING_STEP = 3600.0  # seconds that one step of a start may take: the catalogue's schema, millions of files looked at
_PATIENCE = 1.0  # seconds; whoever decides calls this, and a stuck systemd must not stop it


class Systemd:
    """The service manager that `environment` (by default the process's own) names, if any."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._is_ready = False

    def starting(self, text: str) -> bool:
        """Say what the start is at, and that it needs more time: TimeoutStartSec ends one that says nothing.

        The watchdog waits for nothing before `ready`. After it, when the node starts again by itself, it does.
        """
        lines = [f"EXTEND_TIMEOUT_USEC={STARTING_STEP * 1_000_000:.0f}", f"STATUS=starting: {safe(text)}"]
        return self._notify("\n".join([*lines, "WATCHDOG=1"] if self._is_ready else lines))

    def ready(self) -> bool:
        """Say that the node shoots from now on; like all of these, return whether anybody was told."""
        self._is_ready = True
        return self._notify("READY=1")

    def stopping(self) -> bool:
        """Say that the node is ending by itself."""
        return self._notify("STOPPING=1")

    def status(self, text: str) -> bool:
        """Show one line in `systemctl status`."""
        return self._notify(f"STATUS={safe(text)}")

    def alive(self) -> bool:
        """Give the sign of life that WatchdogSec waits for: only from the loop that does the work."""
        return self._notify("WATCHDOG=1")

    def watchdog_interval(self) -> float | None:
        """Return how often to give it, in seconds: half of what systemd allows; None when it expects none of us."""
        allowed = _whole(self._environment.get("WATCHDOG_USEC"))
        process = self._environment.get("WATCHDOG_PID")
        if not allowed or (process is not None and _whole(process) != os.getpid()):
            return None
        return allowed / 2_000_000

    def _notify(self, message: str) -> bool:
        address = self._environment.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return False
        if address.startswith("@"):  # an abstract socket
            address = "\0" + address[1:]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.settimeout(_PATIENCE)
                line.connect(address)
                line.sendall(message.encode())
        except OSError as error:
            log.debug("systemd not told: error=%s", error)
            return False
        return True


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
