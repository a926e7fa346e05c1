"""One log-in at an FTP server: what the server can, its folders that we know, and its next data port."""

from __future__ import annotations

import contextlib
import re
import ssl
import time
from dataclasses import dataclass

from core.errors import DestinationRefused, DestinationUnreachable, ObjectNotFound
from core.text import safe
from core.transfer.ftp.channel import Channel
from core.transfer.ftp.control import Control, Patience, reach
from core.transfer.ftp.faults import SPOKEN, Reply, refusal, told

PORT_KEEPS = 15.0  # seconds that a data port is kept unused: fire walls on the way forget it
_EXTENDED = re.compile(r"\((.)\1\1(\d{1,5})\1\)")
_PASSIVE = re.compile(r"\d+,\d+,\d+,\d+,(\d{1,3}),(\d{1,3})")
_SHA256 = re.compile(r"\b[0-9a-fA-F]{64}\b")
_NUMBER = re.compile(r"\s*(\d{1,18})\b")


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are and whom we trust. `ca_file` and `tls`: certificates of that file only, else of the system."""

    host: str
    user: str
    password: str
    port: int = 21
    tls: bool = False
    ca_file: str | None = None

    @property
    def shown(self) -> str:
        """The server, as messages call it."""
        return safe(f"{self.host}:{self.port}")


class Session:
    """A logged-in control connection."""

    def __init__(self, login: Login, patience: Patience) -> None:
        self.patience = patience
        self.known: set[str] = set()  # folders that are there
        self._login = login
        self._context = _context(login) if login.tls else None
        self._passive = "EPSV"
        self._port: tuple[int, float] | None = None  # and when it was given
        self._channel: Channel | None = None  # the last one: a server has one at a time for a log-in
        self.allocates = True  # it may heed ALLO
        try:
            self.control = Control(reach(login.host, login.port, patience), patience, login.password)
        except SPOKEN as error:
            raise told(error, login.shown) from error
        try:
            self._enter()
        except SPOKEN as error:
            self.close()
            raise told(error, login.shown) from error
        except BaseException:
            self.close()
            raise

    @property
    def alive(self) -> bool:
        """Whether the connection still stands, as far as is known."""
        return self.control.alive

    @property
    def open(self) -> bool:
        """Whether nobody closed it yet."""
        return self.control.sock.fileno() >= 0

    def can(self, word: str) -> bool:
        """Tell whether the server named this command among its features."""
        return word in self._features

    @property
    def resumes(self) -> bool:
        """Whether a file can be sent from a byte on."""
        return self._features.get("REST", "").upper().startswith("STREAM")

    def forget(self, word: str) -> None:
        """Ask for this command no more: the server named it and cannot do it."""
        self._features.pop(word, None)

    def ask(self, *commands: str, seconds: float | None = None) -> list[Reply]:
        """Return the answers to commands that transfer nothing; the next data port is asked for on the same way.

        That one goes first: a fire wall that opens data ports looks for the answer at the beginning of a packet.
        """
        if self._has_port():
            return self.control.flight(*commands, seconds=seconds)
        passive, *replies = self.control.flight(self._passive, *commands, seconds=seconds)
        self._keep_port(passive)
        return replies

    def start(self, *commands: str) -> Channel:
        """Send the commands of a transfer and connect its data connection at the same time; no answer is read."""
        if not self._has_port():
            self._keep_port(*self.control.flight(self._passive))
        if self._port is None:  # a server without EPSV
            self._keep_port(*self.control.flight(self._passive))
        if self._port is None:
            raise DestinationRefused(f"{self._login.shown}: gives no data port, neither by EPSV nor by PASV")
        (port, _), self._port = self._port, None
        self.control.post(*commands)
        self._channel = Channel(reach(self.control.peer, port, self.patience), self.patience)
        return self._channel

    def protect(self, channel: Channel, seconds: float | None = None) -> None:
        """Put a data connection under TLS, where the session is."""
        if self._context is not None:
            wait = self.patience.answer if seconds is None else seconds
            channel.protect(self._context, self._login.host, self.control.sock, wait)

    def stat(self, path: str, name: str) -> int:
        """Return the size of a file in bytes; raise ObjectNotFound."""
        return size_in(self.ask(f"SIZE {path}")[0], name)

    def content(self, path: str, name: str) -> tuple[int, str | None]:
        """Return the size and what the server says is the SHA-256 of a file; raise ObjectNotFound."""
        command = self.hashing
        if command is None:
            return self.stat(path, name), None
        size, digest = self.ask(f"SIZE {path}", f"{command} {path}", seconds=self.patience.hash)
        found = _SHA256.search(digest.text) if digest.done else None
        return size_in(size, name), found[0].lower() if found else None

    @property
    def hashing(self) -> str | None:
        """The command that gives a file's SHA-256, None when the server has none."""
        return next((word for word in ("HASH", "XSHA256") if self.can(word)), None)

    def make_folder(self, folder: str, root: str) -> None:
        """Make a folder below the root, from the deepest that exists on; never the root itself."""
        if folder in self.known or self.ask(f"CWD {folder or '/'}")[0].done:
            self.known.add(folder)
            return
        if len(folder) <= len(root):
            raise no_root(root)
        self.make_folder(folder.rpartition("/")[0], root)
        made, there = self.ask(f"MKD {folder}", f"CWD {folder}")  # another may have made it meanwhile
        if not there.done:
            raise refusal(there if made.done else made, folder)
        self.known.add(folder)

    def close(self) -> None:
        """Let go of the connections; safe to call twice."""
        if self._channel is not None:
            self._channel.close()
        self.control.close()

    def _enter(self) -> None:
        self._require(self.control.answer())
        protection: tuple[str, ...] = ()
        if self._context is not None:
            self._require(self.control.flight("AUTH TLS")[0], "offers no TLS")
            self.control.protect(self._context, self._login.host)
            protection = ("PBSZ 0", "PROT P")
        *protected, user = self.control.flight(*protection, f"USER {self._login.user}")
        if protected:
            self._require(protected[-1], "does not protect the data connection")
        if user.code in (331, 332):
            (user,) = self.control.flight(f"PASS {self._login.password}")
        self._require(user, "refuses the user or the password")
        features, kind, _ = self.control.flight("FEAT", "TYPE I", "OPTS UTF8 ON")
        self._require(kind)
        self._features = _features(features)
        self._choose_hash()
        self.control.limit = float("inf")

    def _require(self, reply: Reply, otherwise: str = "does not let us in") -> None:
        if not reply.done:
            raise refusal(reply, f"{self._login.shown} {otherwise}")

    def _choose_hash(self) -> None:
        """Have HASH mean SHA-256; a server that knows others only has none for us."""
        offered = self._features.get("HASH", "").upper()
        if "SHA-256*" in offered:
            return
        if "SHA-256" not in offered or not self.control.flight("OPTS HASH SHA-256")[0].done:
            self.forget("HASH")

    def _has_port(self) -> bool:
        return self._port is not None and time.monotonic() - self._port[1] < PORT_KEEPS

    def _keep_port(self, reply: Reply) -> None:
        """Keep the port that a reply names; its address is ignored, it may be any (CVE-2021-4189)."""
        self._port = None
        if reply.unknown and self._passive == "EPSV":
            self._passive = "PASV"
        if not reply.done:
            return
        port = 0
        if found := _EXTENDED.search(reply.text):
            port = int(found[2])
        elif found := _PASSIVE.search(reply.text):
            port = int(found[1]) * 256 + int(found[2])
        if not 0 < port < 65536:
            raise ValueError("a data port that is none")
        self._port = port, time.monotonic()


def no_root(root: str) -> DestinationUnreachable:
    """Return the error for a destination's folder that is not there."""
    return DestinationUnreachable(f"no folder {safe(root or '/')} on the server: make it, or mount what holds it")


def size_in(reply: Reply, name: str) -> int:
    """Return the bytes that an answer to SIZE names; raise ObjectNotFound."""
    if reply.code != 213:
        raise refusal(reply, name, missing=True)
    found = _NUMBER.match(reply.text)
    if found is None:
        raise DestinationUnreachable(f"{safe(name)}: {safe(reply.text)!r} is no size")
    return int(found[1])


def size_or_none(reply: Reply, name: str) -> int | None:
    """Return the bytes that an answer to SIZE names, None when nothing is there."""
    with contextlib.suppress(ObjectNotFound):
        return size_in(reply, name)
    return None


def _features(reply: Reply) -> dict[str, str]:
    """Return what the server can: command -> parameters."""
    if not reply.done:
        return {}
    words = (line.strip().partition(" ") for line in reply.text.split("\n")[1:-1])
    return {word.upper(): rest for word, _, rest in words if word}


def _context(login: Login) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=login.ca_file)
    except (OSError, ValueError) as error:
        raise DestinationRefused(f"ca_file {safe(login.ca_file)}: no certificates can be read from it") from error
