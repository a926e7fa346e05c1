"""A device on loopback that answers SNMP as a test tells it to, datagram by datagram."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from core.probes.ber import INTEGER, NULL, OCTETS, OID, SEQUENCE, Oid, Reader, integer, oid, oid_of, signed, wrap
from core.probes.message import RESPONSE

Row = tuple[Oid, bytes]  # a name, and a value with its tag and length


@dataclass(frozen=True)
class Asked:
    """A request: `kind` is the tag of its PDU, `rows` what a GETBULK wants at most."""

    kind: int
    id: int
    rows: int
    oids: list[Oid]
    community: bytes

    def answer(self, *rows: Row, status: int = 0, number: int | None = None, version: int = 1) -> bytes:
        """Return an answer to it."""
        values = b"".join(wrap(SEQUENCE, oid(name) + value) for name, value in rows)
        body = integer(self.id if number is None else number) + integer(status) + integer(0) + wrap(SEQUENCE, values)
        return wrap(SEQUENCE, integer(version) + wrap(OCTETS, self.community) + wrap(RESPONSE, body))


Script = Callable[[Asked], Iterable[bytes]]


@dataclass
class Agent:
    """Where it listens, and what it was asked so far. `stranger` has the address, and not the port."""

    port: int
    stranger: socket.socket
    asked: list[Asked] = field(default_factory=list)
    peer: tuple[str, int] | None = None

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def intrude(self, datagram: bytes) -> None:
        """Send `datagram` to who asked last, from another port."""
        assert self.peer is not None
        self.stranger.sendto(datagram, self.peer)


def understood(datagram: bytes) -> Asked:
    """Return what a request asks for."""
    message = Reader(Reader(datagram).content(SEQUENCE))
    message.content(INTEGER)
    community = message.content(OCTETS)
    kind, content = message.take()
    body = Reader(content)
    request_id, _, rows = (signed(body.content(INTEGER)) for _ in range(3))
    oids, listed = [], Reader(body.content(SEQUENCE))
    while listed.more:
        row = Reader(listed.content(SEQUENCE))
        oids.append(oid_of(row.content(OID)))
        row.content(NULL)
    return Asked(kind, request_id, rows, oids, community)


@contextmanager
def answering(script: Callable[[Agent], Script]) -> Iterator[Agent]:
    """Run a device which sends what `script(agent)(request)` yields."""
    with socket.socket(type=socket.SOCK_DGRAM) as line, socket.socket(type=socket.SOCK_DGRAM) as stranger:
        line.bind(("127.0.0.1", 0))
        stranger.bind(("127.0.0.1", 0))
        agent = Agent(line.getsockname()[1], stranger)
        answer = script(agent)

        def serve() -> None:
            while True:
                datagram, agent.peer = line.recvfrom(65_535)
                if not datagram:  # the test is over
                    return
                asked = understood(datagram)
                agent.asked.append(asked)
                for one in answer(asked):
                    line.sendto(one, agent.peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield agent
        finally:
            stranger.sendto(b"", ("127.0.0.1", agent.port))
            thread.join(10)
