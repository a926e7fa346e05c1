"""A web server that says whatever a test wants, on loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Say = Callable[[socket.socket, threading.Event], None]
Answer = bytes | Say
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def head(status: int = 200, *headers: str, body: bytes = b"", length: int | None = None) -> bytes:
    """Return an answer; `length`: what it says of its body, whatever the body is."""
    lines = [f"HTTP/1.1 {status} Said", *headers, f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def endless(begin: bytes, more: bytes, pause: float = 0) -> Say:
    """Return what says `begin` and then `more` for ever."""

    def say(line: socket.socket, over: threading.Event) -> None:
        line.sendall(begin)
        while not over.wait(pause):
            line.sendall(more)

    return say


def silence(line: socket.socket, over: threading.Event) -> None:
    """Say nothing."""
    over.wait(30)


@dataclass
class Hostile:
    """`answers`: by method, one after the other, the last one again and again. `asked`: the heads of all requests."""

    answers: dict[str, list[Answer]]
    early: bool = False  # answer when the head is there, and read no body
    asked: list[str] = field(default_factory=list)
    came: int = 0  # bytes
    port: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def methods(self) -> list[str]:
        return [one.partition(" ")[0] for one in self.asked]

    def _serve(self, listener: socket.socket, threads: list[threading.Thread]) -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=self._talk, args=(line,)))
            threads[-1].start()

    def _talk(self, line: socket.socket) -> None:
        with line, contextlib.suppress(OSError):
            line.settimeout(0.1)
            while (request := self._request(line)) is not None:
                self.asked.append(request)
                answers = self.answers.get(request.partition(" ")[0], [head(501)])
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                line.settimeout(5)
                if isinstance(answer, bytes):
                    line.sendall(answer)
                else:
                    answer(line, self._over)
                line.settimeout(0.1)

    def _request(self, line: socket.socket) -> str | None:
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := self._more(line)):
                return None
            data += more
        words, _, body = data.partition(b"\r\n\r\n")
        length = next((int(one[16:]) for one in words.split(b"\r\n") if one.lower().startswith(b"content-length:")), 0)
        left = 0 if self.early else length - len(body)
        while left > 0 and (more := self._more(line)):
            left -= len(more)
        return words.decode("latin-1")

    def _more(self, line: socket.socket) -> bytes:
        while not self._over.is_set():
            with contextlib.suppress(TimeoutError):
                data = line.recv(1 << 16)
                self.came += len(data)
                return data
        return b""


@contextlib.contextmanager
def hostile(early: bool = False, /, **answers: Answer | list[Answer]) -> Iterator[Hostile]:
    """Run a server with these answers by method until the block ends."""
    given = {method: answer if isinstance(answer, list) else [answer] for method, answer in answers.items()}
    server, threads = Hostile(given, early), list[threading.Thread]()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]
        threads.append(threading.Thread(target=server._serve, args=(listener, threads)))
        threads[0].start()
        try:
            yield server
        finally:
            server._over.set()
            listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(5)
