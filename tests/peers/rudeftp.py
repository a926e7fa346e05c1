"""An FTP server of our own, in memory, for what real ones never do; and a relay that cuts both connections of one."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

FEATURES = b"211-Features:\r\n EPSV\r\n REST STREAM\r\n SIZE\r\n HASH SHA-256*;MD5\r\n211 End\r\n"
HANG_UP, SILENCE = "hang up", "silence"
ELSEWHERE = "127.0.0.2"
Words = bytes | str | Callable[["Talk", str], None]


@dataclass
class RudeFtp:
    """`says`: what it answers to a command instead; "" is the greeting. `flights`: packets of commands it was sent."""

    port: int = 0
    says: Mapping[str, Words] = field(default_factory=dict)
    drip: float | None = None  # seconds between two bytes of an answer
    files: dict[str, bytes] = field(default_factory=dict)
    flights: int = 0
    log_ins: int = 0
    asked: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    lines: list[socket.socket] = field(default_factory=list)


class Talk:
    """One log-in."""

    def __init__(self, server: RudeFtp, line: socket.socket) -> None:
        self.server, self.line = server, line
        self.listener: socket.socket | None = None
        self.offset = 0
        self.source = ""

    def run(self) -> None:
        try:
            with contextlib.suppress(OSError), self.line:
                self._converse()
        finally:
            if self.listener is not None:
                self.listener.close()

    def _converse(self) -> None:
        self._do("", "")
        rest = b""
        while data := self.line.recv(1 << 16):
            self.server.flights += 1
            *commands, rest = (rest + data).split(b"\r\n")
            for command in commands:
                verb, _, argument = command.decode().partition(" ")
                self.server.asked.append(verb)
                self._do(verb, argument)

    def say(self, words: bytes) -> None:
        if self.server.drip is None:
            return self.line.sendall(words)
        for byte in words:
            self.line.sendall(bytes([byte]))
            self.server.over.wait(self.server.drip)
        return None

    def _do(self, verb: str, argument: str) -> None:
        words = self.server.says.get(verb)
        if words == HANG_UP:
            self.line.shutdown(socket.SHUT_RDWR)
        elif isinstance(words, bytes):
            self.say(words)
        elif callable(words):
            words(self, argument)
        elif words is None:
            getattr(self, f"do_{verb.lower() or 'greet'}", self.unknown)(argument)

    def unknown(self, argument: str) -> None:
        self.say(b"500 Unknown command.\r\n")

    def do_greet(self, argument: str) -> None:
        self.say(b"220 ready\r\n")

    def do_user(self, argument: str) -> None:
        self.say(b"331 password?\r\n")

    def do_pass(self, argument: str) -> None:
        self.server.log_ins += 1
        self.say(b"230 in\r\n")

    def do_feat(self, argument: str) -> None:
        self.say(FEATURES)

    def fine(self, argument: str) -> None:
        self.say(b"250 fine\r\n")

    do_type = do_opts = do_cwd = do_mkd = fine

    def do_epsv(self, argument: str) -> None:
        if self.listener is not None:
            self.listener.close()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.say(b"229 Extended (|||%d|)\r\n" % self.listener.getsockname()[1])

    def do_size(self, argument: str) -> None:
        found = self.server.files.get(argument)
        self.say(b"550 no\r\n" if found is None else b"213 %d\r\n" % len(found))

    def do_hash(self, argument: str) -> None:
        found = self.server.files.get(argument)
        if found is None:
            return self.say(b"550 no\r\n")
        digest = hashlib.sha256(found).hexdigest().encode()
        return self.say(b"213 SHA-256 0-1 %s %s\r\n" % (digest, argument.encode()))

    def do_dele(self, argument: str) -> None:
        gone = self.server.files.pop(argument, None)
        self.say(b"550 no\r\n" if gone is None else b"250 deleted\r\n")

    def do_rest(self, argument: str) -> None:
        self.offset = int(argument)
        self.say(b"350 restarting\r\n")

    def do_rnfr(self, argument: str) -> None:
        self.source = argument
        self.say(b"350 and?\r\n" if argument in self.server.files else b"550 no\r\n")

    def do_rnto(self, argument: str) -> None:
        found = self.server.files.pop(self.source, None)
        if found is None:
            return self.say(b"503 what?\r\n")
        self.server.files[argument] = found
        return self.say(b"250 renamed\r\n")

    def do_stor(self, argument: str) -> None:
        self.store(argument, lambda data: data)

    def store(self, path: str, kept: Callable[[bytes], bytes], ended: bytes = b"226 stored\r\n") -> None:
        """Take a file in, keep what `kept` makes of it, and say `ended`."""
        offset, self.offset = self.offset, 0
        with self.data() as line:
            came = bytearray()
            while data := line.recv(1 << 16):
                came += data
        self.server.files[path] = kept(self.server.files.get(path, b"")[:offset] + bytes(came))
        self.say(ended)

    def do_retr(self, argument: str) -> None:
        offset, self.offset = self.offset, 0
        if argument not in self.server.files:
            return self.say(b"550 no\r\n")
        with self.data() as line:
            line.sendall(self.server.files[argument][offset:])
        return self.say(b"226 sent\r\n")

    def data(self) -> socket.socket:
        assert self.listener is not None
        line, _ = self.listener.accept()
        self.server.lines.append(line)
        self.say(b"150 go\r\n")
        return line


@contextmanager
def rude(says: Mapping[str, Words] | None = None, drip: float | None = None) -> Iterator[RudeFtp]:
    """Run the server until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = RudeFtp(listener.getsockname()[1], says or {}, drip)
        threads: list[threading.Thread] = []
        threads.append(threading.Thread(target=_serve, args=(server, listener, threads), daemon=True))
        threads[0].start()
        try:
            yield server
        finally:
            server.over.set()
            listener.shutdown(socket.SHUT_RDWR)
            for line in server.lines:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(5)
            for line in server.lines:
                line.close()


def _serve(server: RudeFtp, listener: socket.socket, threads: list[threading.Thread]) -> None:
    while not server.over.is_set():
        try:
            line, _ = listener.accept()
        except OSError:
            return
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server.lines.append(line)
        threads.append(threading.Thread(target=Talk(server, line).run, daemon=True))
        threads[-1].start()


@dataclass
class Relay:
    """Passes on the control connection at `port`, and the data connections at the ports that the server has itself.

    `cut_at`: end all connections after so many bytes to the server, once. `vanish`: the server does not hear of it, as
    when an address behind NAT is lost.
    """

    host: str
    port: int
    cut_at: int | None = None
    vanish: bool = False
    up: int = 0
    connections: int = 0
    _pairs: list[tuple[socket.socket, socket.socket]] = field(default_factory=list)
    _down: dict[tuple[socket.socket, socket.socket], threading.Thread] = field(default_factory=dict)
    _lost: list[socket.socket] = field(default_factory=list)
    _all: list[socket.socket] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, listener: socket.socket, target: int) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", target))
            except OSError:
                client.close()
                continue
            self.connections += 1
            for line in (client, server):
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._pairs.append((client, server))
            self._all += (client, server)
            self._down[client, server] = self.run(self._downwards, client, server)
            self.run(self._upwards, client, server)

    def run(self, function: Callable[..., None], *arguments: object) -> threading.Thread:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _upwards(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 17):
                with self._lock:
                    left = len(data) if self.cut_at is None else min(len(data), self.cut_at - self.up)
                    self.up += left
                    cut = left < len(data)
                    if cut:
                        self.cut_at = None
                server.sendall(data[:left])
                if cut:
                    return self.cut()
            if server not in self._lost:
                server.shutdown(socket.SHUT_WR)
        return None

    def _downwards(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                with contextlib.suppress(OSError):  # after a cut the server's last words go nowhere
                    client.sendall(data)
            client.shutdown(socket.SHUT_WR)

    def cut(self) -> None:
        """End all connections now."""
        pairs, self._pairs = self._pairs, []
        if self.vanish:
            self._lost += (server for _, server in pairs)
        for client, server in pairs:
            with contextlib.suppress(OSError):
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.shutdown(socket.SHUT_RDWR)
            if not self.vanish:
                with contextlib.suppress(OSError):
                    server.shutdown(socket.SHUT_WR)

    def settle(self) -> None:
        """Wait until the server is done with the connections that were cut, as a node does by its back-off."""
        with self._lock:
            standing = {thread for pair, thread in self._down.items() if pair in self._pairs}
        for thread in set(self._down.values()) - standing:
            thread.join(5)

    def end(self) -> None:
        self.cut()
        for line in self._all:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for line in self._all:
            line.close()


@contextmanager
def relaying(port: int, data_ports: Sequence[int]) -> Iterator[Relay]:
    """Run a relay at another address of loopback for a server with these data ports."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server((ELSEWHERE, one))) for one in (0, *data_ports)]
        relay = Relay(ELSEWHERE, listeners[0].getsockname()[1])
        for listener, target in zip(listeners, (port, *data_ports), strict=True):
            relay.run(relay.serve, listener, target)
        try:
            yield relay
        finally:
            for listener in listeners:
                listener.shutdown(socket.SHUT_RDWR)
            relay.end()
