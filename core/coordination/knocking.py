"""Find a voter that answers: one after the other is knocked at, and none is waited for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from nats.aio.client import DEFAULT_BUFFER_SIZE
from nats.aio.transport import TcpTransport

from core.text import safe

PORT = 443  # of a voter whose address names none
KNOCK = 0.3  # seconds between two knocks at first
KNOCK_LATER = 5.0  # and when nobody has answered for half an hour: on a metered link each one costs
SLOWER = 400.0  # seconds after which they are one second apart
HANDSHAKE = 5  # seconds from the first packet to a connection that can be used


@dataclass(frozen=True, slots=True)
class Entry:
    """A connection to a voter on which nothing was said yet."""

    host: str
    port: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def url(self) -> str:
        """Its address as the library has it."""
        return f"tls://[{self.host}]:{self.port}" if ":" in self.host else f"tls://{self.host}:{self.port}"

    def drop(self) -> None:
        """End it at once, with what waits to be sent."""
        self.writer.transport.abort()

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Carried(TcpTransport):
    """The library's transport on a connection that is there: it saves a round trip."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._bare_io_reader = self._io_reader = entry.reader
        self._bare_io_writer = self._io_writer = entry.writer

    async def connect(self, uri: object, buffer_size: int, connect_timeout: int) -> None:
        """Do nothing: it is connected."""


class Door:
    """The voters of a fleet, asked in turn, each node in an order of its own."""

    def __init__(self, servers: Sequence[str]) -> None:
        self._addresses = [address_of(server) for server in servers]
        random.shuffle(self._addresses)  # nodes spread over the voters

    async def open(self, since: float, tell: Callable[[str], None]) -> Entry:
        """Return the first connection that any voter takes, and `tell` of those that refuse one.

        `since`: when it was last open, by the loop's clock. Again and again, the less often the longer that lasts, the
        next voter is knocked at, while earlier knocks wait as long as a slow link needs: when a link comes back, the
        newest packet gets through, and not one that TCP sends again seconds later.
        """
        loop = asyncio.get_running_loop()
        knocking: dict[asyncio.Task[Entry], tuple[str, int]] = {}
        try:
            while True:
                address = self._addresses.pop(0)
                self._addresses.append(address)
                knocking[loop.create_task(_knock(*address))] = address
                pause = min(KNOCK_LATER, max(KNOCK, (loop.time() - since) / SLOWER))
                found = await self._first(knocking, pause * random.uniform(0.7, 1.0), tell)  # noqa: S311 - no secret
                if found is not None:
                    return found
        finally:
            for task in knocking:
                task.add_done_callback(_close)
                task.cancel()

    @staticmethod
    async def _first(
        knocking: dict[asyncio.Task[Entry], tuple[str, int]], pause: float, tell: Callable[[str], None]
    ) -> Entry | None:
        """Return who answers within `pause`, which passes whole unless somebody does."""
        loop = asyncio.get_running_loop()
        until = loop.time() + pause
        while (left := until - loop.time()) > 0:
            if not knocking:
                await asyncio.sleep(left)
                return None
            done, _ = await asyncio.wait(knocking, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                host, port = knocking.pop(task)
                if (error := task.exception()) is None:
                    return task.result()
                tell(f"{host}:{port}: {said(error)}")
        return None


def address_of(server: str) -> tuple[str, int]:
    """Return host and port of "tls://fr.example:443"; raise ValueError."""
    parts = urlsplit(server)
    if parts.hostname is None:
        raise ValueError(f"{server}: no host")
    return parts.hostname, parts.port or PORT


def said(error: BaseException | None) -> str:
    """Return what an error says, or its name where it says nothing."""
    return safe(str(error).removeprefix("nats: ") or type(error).__name__, 200)


async def _knock(host: str, port: int) -> Entry:
    reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port, limit=DEFAULT_BUFFER_SIZE), HANDSHAKE)
    return Entry(host, port, reader, writer)


def _close(task: asyncio.Task[Entry]) -> None:
    """End a connection that came second."""
    if not task.cancelled() and task.exception() is None:
        task.result().drop()
