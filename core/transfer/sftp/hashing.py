"""The server's sha256sum: one shell that is told one name after the other, each for one round trip and few bytes."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shlex
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import count
from queue import Empty, SimpleQueue

from paramiko import Channel

ABREAST = 4  # files hashed by the server at once
OF_NOTHING = hashlib.sha256().hexdigest()
LOOP = 'while read -r n && IFS= read -r f; do echo "$n $(sha256sum <"./$f")"; done 2>/dev/null'
SOON = 1.0  # seconds after which a shell that is at work will not be free soon
LONGEST = 1024  # bytes of an answer
_HASH = re.compile(rb"([0-9a-f]{64})\b")


class Hashing:
    """Asks over channels for commands on one connection, from any number of threads. Each call may raise SPOKEN."""

    def __init__(self, channel: Callable[[], Channel]) -> None:
        """`channel` opens one, with its time-out set."""
        self._channel = channel
        self._slots = threading.Semaphore(ABREAST)
        self._awaited: set[object] = set()  # hashes that are being reckoned
        self._idle: dict[str, SimpleQueue[Channel]] = defaultdict(SimpleQueue)  # shells that wait, by their folder
        self._numbers = count(1)  # of questions, repeated in the answers: no shell's greeting is taken for one
        self._running = False  # such a shell was started
        self._loops = True  # until the server's shell turns out to be none that knows the loop

    def of(self, folder: str, name: str) -> str | None:
        """Return the hash of a file below a folder as the server computes it, None when it does not."""
        with self._waiting():
            if self._loops and "\n" not in name and (answer := self._in_loop(folder, name)) is not None:
                return answer or None
            return self._once(f"sha256sum < {shlex.quote(f'{folder}/{name}')}")

    def possible(self) -> bool:
        """Tell whether the server lets us run sha256sum."""
        with self._waiting():
            return self._once("sha256sum", ended=True) == OF_NOTHING

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited."""
        return bool(self._awaited)

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        question = object()
        with self._slots:
            self._awaited.add(question)
            try:
                yield
            finally:
                self._awaited.discard(question)

    def _in_loop(self, folder: str, name: str) -> str | None:
        """Return the hash, "" when the server has none; None when the shell ended instead."""
        known, channel = True, self._idle_one(folder)
        if channel is None:
            known, channel = False, self._channel()
            channel.exec_command(f"cd {shlex.quote(folder)} && {LOOP}")
            self._running = True
        try:
            number = b"%d" % next(self._numbers)
            channel.sendall(number + b"\n" + name.encode() + b"\n")
            answer = _answer(channel, number + b" ")
        except BaseException:
            channel.close()
            raise
        if answer is None:
            channel.close()
            self._loops = self._loops and known
            return None
        self._idle[folder].put(channel)
        return _digest(answer) or ""

    def _idle_one(self, folder: str) -> Channel | None:
        """Return a shell that waits; where there are any, wait for one a while: another one costs bytes of its own."""
        with contextlib.suppress(Empty):
            return self._idle[folder].get(timeout=SOON if self._running else 0)
        return None

    def _once(self, command: str, ended: bool = False) -> str | None:
        """Return the hash that a command prints. `ended`: its input ends at once.

        Only a command that waits for this is ended so: paramiko may send the end after it has answered the server's
        farewell, and for that sshd ends the whole connection (measured).
        """
        with contextlib.closing(self._channel()) as channel:
            channel.exec_command(command)
            if ended:
                channel.shutdown_write()  # a server that runs SFTP whatever is asked ends at once
            return _digest(_all(channel))


def _digest(answer: bytes) -> str | None:
    found = _HASH.match(answer)
    return found[1].decode() if found else None


def _answer(channel: Channel, begins: bytes) -> bytes | None:
    """Return the rest of the line that `begins` so, None when the command ends, or says too much, instead."""
    said = b""
    while len(said) < LONGEST and (more := channel.recv(LONGEST)):
        said += more
        for line in said.split(b"\n")[:-1]:
            if line.startswith(begins):
                return line[len(begins) :]
    return None


def _all(channel: Channel) -> bytes:
    answer = b""
    while len(answer) < LONGEST and (more := channel.recv(LONGEST)):
        answer += more
    return answer
