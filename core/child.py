"""The parent's side of a worker process: start it, ask it with a deadline, kill it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
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
    """One worker, whose process is started when it is asked, and again after it was killed or closed.

    Threads that start it must live as long as the node: the kernel's parent-death signal fires when the *thread* that
    started the process ends (measured). Any number of them may ask at once, each in a lane of its own.
    """

    def __init__(self, kind: str, environment: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self.environment: Mapping[str, str] = environment or {}  # beside the node's own, from the next start on
        self._process: Process | None = None
        self._stuck: Process | None = None  # killed, but it has not ended

    @property
    def pid(self) -> int | None:
        """The worker's process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.usable else None

    @property
    def alive(self) -> bool:
        """Whether the worker runs; one that ended by itself, or was killed by the kernel, does not."""
        return self.pid is not None

    @property
    def stuck(self) -> str | None:
        """Why a process of it has not ended although it was killed, while that is so."""
        stuck = self._stuck
        return stuck.stuck if stuck is not None and stuck.running else None

    def start(self) -> Process:
        """Start the worker if it is not running and return its process; raise ChildError when that cannot be."""
        process = self._process
        if process is not None and process.usable:
            return process
        self.kill()
        self._look_at_stuck()
        try:
            process = self._process = Process(self.kind, self.environment)
        except (OSError, RuntimeError) as error:  # no process, no memory, no descriptor; no thread
            raise ChildError(f"{self.kind}: the worker cannot be started: {error}") from error
        return process

    def _look_at_stuck(self) -> None:
        """Raise ChildError while a killed worker has not ended: each that is started after it would get stuck, too."""
        if self._stuck is None:
            return
        if self._stuck.running:
            raise ChildError(f"{self.kind}: {self._stuck.stuck}; no other is started before it ends")
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
        lane: int = 0,
    ) -> Json:
        """Have the worker do `op` as `Process.ask` does; one that was not started yet, or was ended by us, is started.

        Raise ChildError when it cannot be started.
        """
        process = self._process
        if process is None or process.spent:
            process = self.start()
        return process.ask(op, args, deadline, quiet, answer, hear, lane)

    def close(self) -> None:
        """End the worker in order: it sees the line closed and has GRACE seconds to let go."""
        if self._process is not None:
            self._process.hang_up()
            self._process.wait(GRACE)
        self.kill()

    def kill(self) -> None:
        """End the worker at once. One that is stuck in the kernel is left after GRACE seconds, and told in the log."""
        process, self._process = self._process, None
        if process is not None and not process.kill():
            self._stuck = process


class Process:
    """A worker that runs, and the line to it, which many may use at once: each has a lane of its own."""

    def __init__(self, kind: str, environment: Mapping[str, str]) -> None:
        """Start it; raise OSError or RuntimeError."""
        self.kind = kind
        self._line, theirs = socket.socketpair()
        self._sending = threading.Lock()
        self._lanes: dict[int, SimpleQueue[Json | None]] = {}  # what came in; None: no more comes
        self._over = False  # no more comes in
        self._told_stuck = False
        self.spent = False  # it was ended, or has been found dead: nobody asks it again
        self._popen: subprocess.Popen[bytes] | None = None
        try:
            with theirs:
                self._popen = self._started(theirs, environment)
            assert self._popen.stderr is not None
            threading.Thread(target=_log, args=(kind, self._popen.stderr), daemon=True).start()
            threading.Thread(target=self._receive, daemon=True).start()
        except (OSError, RuntimeError):
            self._undo()
            raise

    def _started(self, theirs: socket.socket, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with Path(os.devnull).open("rb") as nothing:  # DEVNULL leaks in Python 3.11.2 if no pipe can be had
            command = [sys.executable, "-I", "-m", "core.worker", self.kind, str(theirs.fileno()), str(os.getpid())]
            return subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=nothing,
                stderr=subprocess.PIPE,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    def _undo(self) -> None:
        self._line.close()
        if self._popen is not None:
            self.kill()
            assert self._popen.stderr is not None
            self._popen.stderr.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._popen is not None
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        assert self._popen is not None
        return self._popen.poll() is None

    @property
    def usable(self) -> bool:
        """Whether it runs and may be asked."""
        return self.running and not self.spent

    @property
    def stuck(self) -> str:
        """What is said of it when it does not end."""
        return f"process {self.pid} is stuck in the kernel (a dead network mount, a device that does not answer)"

    def ask(
        self,
        op: str,
        args: Json,
        deadline: float,
        quiet: float | None = None,
        answer: Answer | None = None,
        hear: Hear | None = None,
        lane: int = 0,
    ) -> Json:
        """Have the worker do `op` and return its result. A lane is asked one thing at a time.

        `deadline`: seconds for the whole; `quiet`: seconds without any sign of life in this lane. Time spent in
        `answer`, which replies to the worker's questions, counts for neither. On either the worker is killed and
        ChildTimeout raised; ChildDied when it ends, whoever ended it: what it had open is gone; else the
        OverlapseError that the worker raised.
        """
        coming = self._lanes.setdefault(lane, SimpleQueue())
        if self._over:
            coming.put(None)
        self._send({"lane": lane, "op": op, "args": args})
        end = time.monotonic() + deadline
        while True:
            message = self._next(coming, op, min(end, time.monotonic() + quiet) if quiet else end)
            if "done" in message:
                done: Json = message["done"]
                return done
            if "error" in message:
                raise from_wire(message)
            if "ask" in message and answer is not None:
                asked = time.monotonic()
                self._send({"lane": lane, "reply": answer(message["ask"])})
                end += time.monotonic() - asked
            elif "say" in message and hear is not None:
                hear(message["say"])

    def hang_up(self) -> None:
        """Close the line: the worker ends, and who waits for it hears that it died."""
        self.spent = True
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended; return whether it has."""
        assert self._popen is not None
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> bool:
        """End it at once; return whether it has ended after GRACE seconds."""
        self.hang_up()
        assert self._popen is not None
        self._popen.kill()
        if self.wait(0 if self._told_stuck else GRACE):
            return True
        if not self._told_stuck:
            self._told_stuck = True
            log.error("worker cannot be killed: kind=%s %s", self.kind, self.stuck)
        return False

    def _send(self, message: Json) -> None:
        data = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        try:
            with self._sending:
                self._line.sendall(data)
        except OSError:
            raise self._died() from None

    def _next(self, coming: SimpleQueue[Json | None], op: str, until: float) -> Json:
        """Return the next message of a lane; kill the worker when none comes in time."""
        try:
            message = coming.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            self.kill()
            raise ChildTimeout(f"{self.kind}: no answer to {op!r} in time; killed") from None
        if message is None:
            raise self._died()
        return message

    def _receive(self) -> None:
        """Sort what comes by lane until the worker ends or breaks the rules."""
        broken = (OSError, ValueError, LookupError, TypeError, AttributeError)
        with self._line, self._line.makefile("rb") as lines, contextlib.suppress(*broken):
            while (line := lines.readline(MAX_LINE)).endswith(b"\n"):
                message: Json = json.loads(line)
                self._lanes[message["lane"]].put(message)
        self._over = True
        for lane in list(self._lanes.values()):
            lane.put(None)

    def _died(self) -> ChildDied:
        self.hang_up()
        if not self.wait(GRACE):
            self.kill()
        assert self._popen is not None
        code = self._popen.returncode
        how = f"by signal {-code}" if code is not None and code < 0 else f"with status {code}"
        return ChildDied(f"{self.kind}: the worker ended {how}")


def _log(kind: str, said: IO[bytes]) -> None:
    """Log what libraries in the worker write to their stderr: text that is not ours."""
    with said:
        for line in said:
            log.info("worker said: kind=%s %s", kind, safe(line.decode(errors="replace").rstrip(), 500))
