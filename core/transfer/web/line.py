"""Connections to a web server, kept alive, with every wait bounded: the adapter that requests sends through.

requests' own adapter bounds neither an answer that drips nor one without end, and does not look whether the server
has refused a picture before all of it is sent: over a thin link that is minutes and megabytes.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from core.transfer.ways import HERE
from core.transfer.web.tls import Tls

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PIECE = 16 << 10  # bytes of one send: each has its own time-out
BLOCK = 64 << 10
UNSENT = 128 << 10  # bytes that may wait in the kernel, so that a grant is spent only when it is on its way
ONCE = frozenset({"MOVE"})  # done twice, the second time tells of a failure
ONCE_SAID = frozenset({"User-Agent"})  # to each server: a small object costs less than the names around it
AT_ONCE = struct.pack("ii", 1, 0)
SMALL_TALK = 64 << 10  # bytes of an answer without interest that are read, to keep the connection


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for the other end, and the fewest bytes a second that an answer may come with."""

    connect: float = 10.0  # for TCP, and then for TLS
    answer: float = 30.0  # for the head of an answer, and between two pieces of anything
    unacknowledged: float = 10.0  # for TCP's acknowledgement: what notices a cut
    slowest: float = 200.0


class Answered(Exception):
    """The server answered before the whole body was sent: sending more would be for nothing."""


class Wire(io.RawIOBase):
    """What a connection receives, never waited for beyond a time. Stands in for the socket that HTTPResponse wants."""

    def __init__(self, line: socket.socket, patience: Patience) -> None:
        self._line, self._patience = line, patience
        self._ahead = b""
        self._began = self._until = time.monotonic()
        self._came = 0

    def expect_head(self) -> None:
        """Give the head of the next answer the whole time that an answer may take."""
        self._until = time.monotonic() + self._patience.answer

    def expect_body(self) -> None:
        """From now on bound the pace instead: a body may be long, and must not drip."""
        self._began, self._came, self._until = time.monotonic(), 0, float("inf")

    def speaks(self) -> bool:
        """Tell whether something came that nobody waits for: an early answer, or the end of the connection."""
        if not self._ahead:
            self._line.settimeout(0)
            try:  # reading is the only way to know: on a TLS line its own messages make the socket readable too
                self._ahead = self._line.recv(1)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
            except OSError:
                return True
            return True
        return True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read what is there, or wait as long as is left."""
        view = memoryview(buffer)
        if self._ahead:
            view[:1], self._ahead = self._ahead, b""
            return 1
        self._line.settimeout(self._left())
        got = self._line.recv_into(view)
        self._came += got
        return got

    def makefile(self, mode: str) -> IO[bytes]:
        """Return a buffered reader, as a socket does."""
        return io.BufferedReader(self, BLOCK)

    def _left(self) -> float:
        now = time.monotonic()
        if self._until == float("inf"):
            spent = now - self._began
            if spent > self._patience.answer and self._came < spent * self._patience.slowest:
                raise TimeoutError("it drips")
            return self._patience.answer
        if now >= self._until:
            raise TimeoutError("no whole answer in time")
        return self._until - now


class Connection(http.client.HTTPConnection):
    """Keeps the head of a request until the first piece of its body, or the wait for its answer, takes it along."""

    auto_open = 0
    held = b""

    def send(self, data: Any) -> None:
        """Keep the head; bodies go another way."""
        self.held += data

    def close(self) -> None:
        """Let go; http.client does so too, where the server said that it will."""
        if isinstance(self.sock, socket.socket):
            HERE.leave(self.sock)
        super().close()


class Exchange:
    """One request on its way and its answer."""

    def __init__(self, line: Line, request: requests.PreparedRequest, connection: Connection) -> None:
        self._line, self._request, self._connection = line, request, connection
        assert isinstance(connection.sock, socket.socket)
        self._socket = connection.sock
        self._held: io.RawIOBase | None = None
        self._wire = Wire(connection.sock, line.patience)
        connection.response_class = self._response  # type: ignore[assignment]

    def head(self) -> None:
        """Make the request without its body: it leaves with what follows, in one packet where it fits."""
        method, path = self._request.method or "GET", self._request.path_url
        self._connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        self._connection.putheader("Host", urlsplit(self._request.url or "").netloc)
        for name, value in self._request.headers.items():
            if not (name in ONCE_SAID and self._line.introduced):
                self._connection.putheader(name, value)
        self._line.introduced = True
        self._connection.endheaders()

    def write(self, data: bytes) -> None:
        """Send a piece of the body; raise Answered when the server has answered already."""
        for start in range(0, len(data), PIECE):
            if self._wire.speaks():
                raise Answered
            self._send(data[start : start + PIECE])

    def _send(self, data: bytes) -> None:
        held, self._connection.held = self._connection.held, b""
        if held or data:
            self._socket.settimeout(self._line.patience.answer)
            self._socket.sendall(held + data)
        if held:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    def answer(self, keep: bool = True) -> requests.Response:
        """Return the answer, its body unread. `keep`: whether the connection may serve another request."""
        self._send(b"")
        self._wire.expect_head()
        self._held = self._socket.makefile("rb", buffering=0)  # `getresponse` closes what the server will close
        raw = self._connection.getresponse()
        body = Body(self, raw, keep and not raw.will_close)
        self._wire.expect_body()
        if not 200 <= raw.status < 300:
            body.skip()
        response = requests.Response()
        response.status_code, response.reason = raw.status, raw.reason
        response.headers = CaseInsensitiveDict(_readable(raw.headers.items()))
        response.raw, response.request, response.url = body, self._request, self._request.url or ""
        response.connection = self._line  # type: ignore[assignment]
        return response

    def settle(self) -> None:
        """Say that no more comes, and wait until the server has taken what did."""
        socket.socket.shutdown(self._socket, socket.SHUT_WR)  # of TCP, whatever lies above it
        self._wire.expect_head()
        while self._wire.read(BLOCK):
            pass

    def done(self, keep: bool) -> None:
        """Give the connection back, or end it."""
        if self._held is not None:
            self._held.close()
        self._line.give_back(self._connection, keep)

    def drop(self) -> None:
        """End the connection."""
        self.done(keep=False)

    def _response(self, *args: Any, **words: Any) -> http.client.HTTPResponse:
        return http.client.HTTPResponse(self._wire, method=words.get("method"))  # type: ignore[arg-type]


class Body:
    """The body of an answer: read in blocks, never more than was promised, and never less without an error."""

    def __init__(self, exchange: Exchange, raw: http.client.HTTPResponse, keep: bool) -> None:
        self._exchange, self._raw, self._keep = exchange, raw, keep
        self._left = raw.length  # None: it ends with the connection or with the last chunk
        self._over = False
        if raw.isclosed() or self._left == 0:
            self._end(keep)

    def read(self, amount: int | None = None) -> bytes:
        """Return at most `amount` bytes, b"" at the end; raise IncompleteRead when it ends early."""
        if self._over:
            return b""
        try:
            block = self._raw.read1(min(amount or BLOCK, BLOCK))
        except BaseException:
            self._end(keep=False)
            raise
        if self._left is not None:
            self._left -= len(block)
        if not block and self._left:
            self._end(keep=False)
            raise http.client.IncompleteRead(b"", self._left)
        if not block or self._left == 0:
            self._end(self._keep)
        return block

    def blocks(self) -> Iterator[bytes]:
        """Yield all of it; who may leave before the end closes the body."""
        while block := self.read():
            yield block

    def skip(self) -> None:
        """Read away what is short, so that the connection stays; end the connection before what is long."""
        if self._left is not None and self._left <= SMALL_TALK:
            with contextlib.suppress(OSError, http.client.HTTPException):
                while self.read():
                    pass
        self.close()

    def close(self) -> None:
        """End the connection unless all was read."""
        if not self._over:
            self._end(keep=False)

    def release_conn(self) -> None:
        """Do what `close` does: requests calls both."""
        self.close()

    def _end(self, keep: bool) -> None:
        self._over = True
        self._raw.close()
        self._exchange.done(keep)


def body_of(response: requests.Response) -> Body:
    """Return the unread body of an answer that came over a Line."""
    return cast(Body, response.raw)


class Line(BaseAdapter):
    """The connections to one server; those that rest are used again."""

    def __init__(self, patience: Patience, tls: Tls) -> None:
        super().__init__()
        self.patience = patience
        self._ended_there = False  # whether the server ended one that rested
        self.introduced = False  # whether the server was told who asks
        self._tls = tls
        self._all: set[Connection] = set()
        self._resting: list[Connection] = []

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: object = True,
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request with its body and return the answer. Time-outs and trust are the line's own.

        A connection that has rested may be dead without our knowing: then once more, on a new one, if doing it
        twice does no harm.
        """
        body = request.body or b""
        assert isinstance(body, bytes)
        if self._rested() and request.method not in ONCE:
            with contextlib.suppress(ConnectionError, http.client.BadStatusLine):
                return self._exchange(request, body)
            self._end_resting()
        return self._exchange(request, body)

    def begin(self, request: requests.PreparedRequest) -> Exchange:
        """Send the head of a request whose body comes in pieces."""
        self._rested()
        exchange = Exchange(self, request, self._connection(request.url or ""))
        try:
            exchange.head()
        except BaseException:
            exchange.drop()
            raise
        return exchange

    def give_back(self, connection: Connection, keep: bool) -> None:
        """Take back a connection that served a request."""
        self._tls.note(connection.sock)
        if keep and connection.sock is not None and connection in self._all:
            self._resting.append(connection)
        else:
            self._end(connection)

    def close(self) -> None:
        """End all connections, those of unfinished uploads too."""
        self._resting.clear()
        for connection in list(self._all):
            self._end(connection)

    def let_go(self) -> None:
        """End what rests, if the server was seen to: by one packet (socket(7), SO_LINGER), where its end costs six."""
        for connection in self._resting if self._ended_there else ():
            if connection.sock is not None:
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        if self._ended_there:
            self._end_resting()

    def _end_resting(self) -> None:
        while self._resting:
            self._end(self._resting.pop())

    def _end(self, connection: Connection) -> None:
        self._all.discard(connection)
        connection.close()

    def _exchange(self, request: requests.PreparedRequest, body: bytes) -> requests.Response:
        exchange = self.begin(request)
        try:
            with contextlib.suppress(Answered):
                exchange.write(body)
                return exchange.answer()
            return exchange.answer(keep=False)
        except BaseException:
            exchange.drop()
            raise

    def _rested(self) -> bool:
        """Tell whether a connection rests here that is not known to have ended."""
        while self._resting:
            resting = self._resting[-1].sock
            if resting is not None and not Wire(resting, self.patience).speaks():
                return True
            self._ended_there = True
            self._end(self._resting.pop())
        return False

    def _connection(self, url: str) -> Connection:
        if self._resting:
            return self._resting.pop()
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme == "https"
        connection = Connection(host, parts.port)
        connection.sock = self._socket(host, parts.port or (443 if secure else 80))
        if secure:
            try:
                connection.sock = self._tls.secured(connection.sock, host, self.patience.connect)
            except BaseException:
                connection.close()
                raise
        HERE.join(connection.sock)
        self._all.add(connection)
        return connection

    def _socket(self, host: str, port: int) -> socket.socket:
        line = _connected(host, port, self.patience.connect)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self.patience.unacknowledged * 1000))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
        return line


def _connected(host: str, port: int, seconds: float) -> socket.socket:
    """Return a connection to the first address that answers; what is said first acknowledges it. Raise OSError."""
    failure: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(seconds)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
            line.connect(address)
        except OSError as error:
            line.close()
            failure = error
        else:
            return line
    raise failure or OSError("it has no address")


def _readable(headers: Any) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        yield str(name), str(value)
