"""One HTTP connection with every wait bounded, and a few of them kept between requests."""

from __future__ import annotations

import contextlib
import functools
import http.client
import select
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from core.errors import DestinationRefused, DestinationUnreachable
from core.text import safe
from core.transfer.ways import HERE

PIECE = 16 << 10  # bytes given to the kernel at once: each makes way within `Patience.answer`, or the line is given up
READ = 64 << 10  # bytes taken from it at once
LONGEST = 8 << 20  # bytes of an answer that is no object: a page of 1000 long names has 4 MB
KEEPALIVE = 5  # seconds
UNSENT = 64 << 10  # bytes that may wait in the kernel, so that a grant is spent only when it is on its way


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for the other end."""

    connect: float = 10.0  # for TCP, and again for TLS
    answer: float = 30.0  # for a sign of life
    whole: float = 50.0  # for one answer from its first to its last byte; an object: for each piece of it
    unacknowledged: float = 10.0  # for TCP's acknowledgement: what notices a cut (without: minutes, measured)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the server is. `ca_file`: the only certificates that may vouch for it; None: the system's."""

    host: str
    port: int
    secure: bool
    ca_file: str | None = None

    @property
    def url(self) -> str:
        """The address without a path; the port only where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        scheme, usual = ("https", 443) if self.secure else ("http", 80)
        return f"{scheme}://{host}" + (f":{self.port}" if self.port != usual else "")


class Line:
    """One connection; raises what sockets and http.client raise."""

    def __init__(self, endpoint: Endpoint, patience: Patience) -> None:
        self._patience = patience
        self._socket = _connected(endpoint, patience)
        self._http = http.client.HTTPConnection(endpoint.host, endpoint.port)
        self._http.default_port = 443 if endpoint.secure else 80
        self._http.sock = self._socket
        self.used = False

    @property
    def rested(self) -> bool:
        """Whether nothing came while nobody asked: most often that is the other end's farewell."""
        return self._socket.fileno() >= 0 and not select.select([self._socket], [], [], 0)[0]

    def ask(self, method: str, target: str, headers: Mapping[str, object], body: bytes = b"") -> None:
        """Send a request, or the head of one whose body follows."""
        with self.within():
            self._http.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers.items():
                self._http.putheader(name, value if isinstance(value, bytes) else str(value))
            self._http.endheaders(body or None)

    def send(self, data: bytes | memoryview) -> None:
        """Send a piece of a body."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._socket.send(rest[:PIECE]) :]

    def answer(self, lines: Lines) -> Answer:
        """Wait for the head of the answer; when that is closed the line goes back to `lines`."""
        response: http.client.HTTPResponse | None = None
        try:
            with self.within():
                response = self._http.getresponse()
            if response.length is None and not response.chunked:  # a cut would look like its end
                raise http.client.BadStatusLine("an answer without a length")
        except BaseException:
            if response is not None:
                response.close()
            raise
        return Answer(self, response, lines)

    def close(self) -> None:
        """Let go of the connection; safe to call twice."""
        HERE.leave(self._socket)
        self._http.close()
        self._socket.close()

    def within(self) -> contextlib.AbstractContextManager[None]:
        """End the connection when what follows takes longer than an answer may."""
        return _within(self._patience.whole, self._socket)


class Answer:
    """The answer to one request, as boto3 wants it: `stream` gives all, `read` a piece of an object."""

    def __init__(self, line: Line, response: http.client.HTTPResponse, lines: Lines) -> None:
        self._line: Line | None = line
        self._response, self._lines = response, lines
        self.within = line.within
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    def stream(self) -> Iterator[bytes]:
        """Yield all of it; raise DestinationUnreachable for gigabytes."""
        taken = 0
        with self.within():
            while piece := self._piece(READ):
                taken += len(piece)
                if taken > LONGEST:
                    raise DestinationUnreachable(f"an answer of more than {LONGEST} bytes")
                yield piece

    def read(self, amount: int | None = None) -> bytes:
        """Return the next piece, empty at the end."""
        with self.within():
            return self._piece(min(amount or READ, READ))

    def close(self) -> None:
        """Give the line back when all has been read, else close it; safe to call twice."""
        line, self._line = self._line, None
        if line is None:
            return
        whole = self._response.isclosed()
        self._response.close()
        if whole and not self._response.will_close:
            self._lines.keep(line)
        else:
            line.close()

    def _piece(self, amount: int) -> bytes:
        piece = self._response.read(amount)
        if not piece and self._response.length:
            raise http.client.IncompleteRead(b"", self._response.length)
        return piece


class Lines:
    """Connections to one server: each request has one to itself, and they are kept for the next."""

    def __init__(self, endpoint: Endpoint, patience: Patience) -> None:
        self._endpoint, self._patience = endpoint, patience
        self._idle: list[Line] = []

    def take(self) -> Line:
        """Return one that rests, else a new one."""
        while self._idle:
            line = self._idle.pop()
            if line.rested:
                return line
            line.close()
        return Line(self._endpoint, self._patience)

    def keep(self, line: Line) -> None:
        """Keep a line for the next request."""
        line.used = True
        self._idle.append(line)

    def close(self) -> None:
        """Close those that rest."""
        while self._idle:
            self._idle.pop().close()


def _connected(endpoint: Endpoint, patience: Patience) -> socket.socket:
    line = socket.create_connection((endpoint.host, endpoint.port), timeout=patience.connect)
    try:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(patience.unacknowledged * 1000))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE)
        if endpoint.secure:
            line = _secured(line, endpoint, patience)
        line.settimeout(patience.answer)
    except BaseException:
        line.close()
        raise
    HERE.join(line)
    return line


def _secured(line: socket.socket, endpoint: Endpoint, patience: Patience) -> socket.socket:
    """Return the line with TLS around it; a handshake that drips is cut."""
    wrapped = _trust(endpoint.ca_file).wrap_socket(line, server_hostname=endpoint.host, do_handshake_on_connect=False)
    try:
        with _within(patience.connect, wrapped):
            wrapped.do_handshake()
    except BaseException:
        wrapped.close()
        raise
    return wrapped


@functools.cache
def _trust(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as error:
        raise DestinationRefused(f"ca_file {safe(ca_file)}: no certificates in it ({safe(error)})") from error


@contextlib.contextmanager
def _within(seconds: float, line: socket.socket) -> Iterator[None]:
    """End the connection and raise TimeoutError when the block takes longer: a drip would otherwise have no end."""
    late = threading.Event()

    def cut() -> None:
        late.set()
        with contextlib.suppress(OSError):
            socket.socket.shutdown(line, socket.SHUT_RDWR)  # past TLS, whose own farewell could wait

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        if late.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
    if late.is_set():  # what was read may look whole: the head of an answer may end anywhere
        raise TimeoutError
