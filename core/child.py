"""The parent's side of a worker process: start it, ask it with a deadline, kill it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from core.errors import ChildDied, ChildError, ChildTimeout, from_wire
from core.text import safe

log = logging.getLogger(__name__)

Json = dict[str, Any]
Answer = Callable[[Json], Json]
Hear = Callable[[Json], None]

MAX_LINE = 4 << 20  # bytes; a worker that sends more in one line is broken
GRACE = 2.0  # seconds that a worker has to close its camera or connection before SIGKILL


class Child:
    """One worker process, asked one thing at a time by one thread.

    That thread must live as long as the node: the kernel's parent-death signal fires when the *thread* that
    started the worker ends (measured).
    """

    def __init__(self, kind: str, environment: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self.environment: Mapping[str, str] = environment or {}  # beside the node's own, from the next start on
        self._process: subprocess.Popen[bytes] | None = None
        self._stuck: subprocess.Popen[bytes] | None = None  # killed, but it has not ended
        self._line: socket.socket | None = None
        self._unread = b""

    @property
    def pid(self) -> int | None:
        """The worker's process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def alive(self) -> bool:
        """Whether the worker runs; one that ended by itself, or was killed by the kernel, does not."""
        return self.pid is not None

    def start(self) -> None:
        """Start the worker if it is not running; raise ChildError when that cannot be."""
        if self.alive:
            return
        self.kill()
        self._look_at_stuck()
        try:
            self._start()
        except (OSError, RuntimeError) as error:  # no process, no memory, no descriptor; no thread
            said = self._process.stderr if self._process is not None else None
            self.kill()
            if said is not None:
                said.close()
            raise ChildError(f"{self.kind}: the worker cannot be started: {error}") from error

    def _start(self) -> None:
        self._line, theirs = socket.socketpair()
        self._unread = b""
        with theirs, Path(os.devnull).open("rb") as nothing:  # DEVNULL leaks in Python 3.11.2 if no pipe can be had
            command = [sys.executable, "-I", "-m", "core.worker", self.kind, str(theirs.fileno()), str(os.getpid())]
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=nothing,
                stderr=subprocess.PIPE,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )
        assert self._process.stderr is not None
        threading.Thread(target=_log, args=(self.kind, self._process.stderr), daemon=True).start()

    def _look_at_stuck(self) -> None:
        """Raise ChildError while a killed worker has not ended: each that is started after it would get stuck, too."""
        if self._stuck is None:
            return
        if self._stuck.poll() is None:
            raise ChildError(f"{self.kind}: {_stuck(self._stuck)}; no other is started before it ends")
        log.info("worker ended at last: kind=%s pid=%d", self.kind, self._stuck.pid)
        self._stuck = None

    def ask(
        self,
        op: str,
        args: Json,
        deadline: float,
        quiet: float | None = None,
        answer: Answer | None = None,
        hear: Hear | None = None,
    ) -> Json:
        """Have the worker do `op` and return its result; one that was not started yet, or was ended by us, is started.

        `deadline`: seconds for the whole; `quiet`: seconds without any sign of life. Time spent in `answer`, which
        replies to the worker's questions, counts for neither. On either the worker is killed and ChildTimeout raised;
        ChildDied when it ends, or has ended, by itself: what it had open is gone; ChildError when it cannot be
        started; else the OverlapseError that the worker raised.
        """
        if self._process is None:
            self.start()
        self._send({"op": op, "args": args})
        end = time.monotonic() + deadline
        while True:
            message = self._read(op, min(end, time.monotonic() + quiet) if quiet else end)
            if "done" in message:
                done: Json = message["done"]
                return done
            if "error" in message:
                raise from_wire(message)
            if "ask" in message and answer is not None:
                asked = time.monotonic()
                self._send({"reply": answer(message["ask"])})
                end += time.monotonic() - asked
            elif "say" in message and hear is not None:
                hear(message["say"])

    def close(self) -> None:
        """End the worker in order: it sees the line closed and has GRACE seconds to let go."""
        if self._process is None:
            return
        if self._line is not None:
            self._line.close()
            self._line = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        self.kill()

    def kill(self) -> None:
        """End the worker at once. One that is stuck in the kernel is left after GRACE seconds, and told in the log."""
        if self._line is not None:
            self._line.close()
            self._line = None
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._stuck = process
            log.error("worker cannot be killed: kind=%s %s", self.kind, _stuck(process))

    def _send(self, message: Json) -> None:
        assert self._line is not None
        try:
            self._line.sendall(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        except OSError:
            raise self._died() from None

    def _read(self, op: str, until: float) -> Json:
        assert self._line is not None
        while b"\n" not in self._unread:
            ready, _, _ = select.select([self._line], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                self.kill()
                raise ChildTimeout(f"{self.kind}: no answer to {op!r} in time; killed")
            received = self._receive()
            if not received or len(self._unread) > MAX_LINE:
                raise self._died()
            self._unread += received
        line, _, self._unread = self._unread.partition(b"\n")
        message: Json = json.loads(line)
        return message

    def _receive(self) -> bytes:
        assert self._line is not None
        try:
            return self._line.recv(1 << 16)
        except ConnectionError:
            return b""

    def _died(self) -> ChildDied:
        process = self._process
        self.close()
        code = process.returncode if process is not None else None
        how = f"by signal {-code}" if code is not None and code < 0 else f"with status {code}"
        return ChildDied(f"{self.kind}: the worker ended {how}")


def _stuck(process: subprocess.Popen[bytes]) -> str:
    return f"process {process.pid} is stuck in the kernel (a dead network mount, a device that does not answer)"


def _log(kind: str, said: IO[bytes]) -> None:
    """Log what libraries in the worker write to their stderr: text that is not ours."""
    with said:
        for line in said:
            log.info("worker said: kind=%s %s", kind, safe(line.decode(errors="replace").rstrip(), 500))
