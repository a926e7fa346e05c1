"""Probe from within a plugin: each reading in a process of its own, so that one that hangs holds no other."""

from __future__ import annotations

import json
import os
import select
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

MOST = 1 << 20  # bytes of an answer
LEAVE = 0.2  # seconds that those who were killed have to end


def probed(asks: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, Any]:
    """Return what each of `asks` comes to within `seconds`: its value, or {"error": why}."""
    until = time.monotonic() + seconds
    running = {name: _begun(ask) for name, ask in asks.items()}
    found = {name: _answer(reading, until) for name, (_, reading) in running.items()}
    _end([pid for pid, _ in running.values()])
    return found


def _begun(ask: Callable[[], Any]) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    try:
        signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            told = ask()
        except Exception as error:  # noqa: BLE001 - around a whole probe: its words are all that comes back
            told = {"error": str(error) or type(error).__name__}
        data = json.dumps(told).encode()
        while data:
            data = data[os.write(writing, data) :]
    finally:
        os._exit(0)


def _answer(reading: int, until: float) -> Any:
    data = b""
    try:
        while len(data) < MOST:
            if not select.select([reading], [], [], max(0.0, until - time.monotonic()))[0]:
                return {"error": "no answer in time"}
            part = os.read(reading, 1 << 16)
            if not part:
                break
            data += part
        return json.loads(data)
    except ValueError:
        return {"error": "the probe ended without an answer"}
    finally:
        os.close(reading)


def _end(pids: list[int]) -> None:
    """Kill what still runs; who is stuck in the kernel ends when that lets go of it."""
    until = time.monotonic() + LEAVE
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        while not os.waitpid(pid, os.WNOHANG)[0] and time.monotonic() < until:
            time.sleep(0.005)
