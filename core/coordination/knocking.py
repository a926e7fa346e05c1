"""Find a voter that answers: one after the other is knocked at, and none is waited for."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from core.text import safe

PORT = 443  # of a voter whose address names none
KNOCK = 0.5  # seconds between two knocks
HANDSHAKE = 5  # seconds from the first packet to a connection that can be used


class Door:
    """The voters of a fleet, asked in turn, each node in an order of its own."""

    def __init__(self, servers: Sequence[str]) -> None:
        self._addresses = [address_of(server) for server in servers]
        random.shuffle(self._addresses)  # nodes spread over the voters

    async def open(self, pause: float, tell: Callable[[str], None]) -> tuple[str, int]:
        """Return the first address that takes a connection, and `tell` of those that refuse one.

        Every `pause` seconds the next voter is knocked at, while earlier knocks wait as long as a slow link needs: when
        a link comes back, the newest packet gets through, and not one that TCP sends again seconds later.
        """
        loop = asyncio.get_running_loop()
        knocking: dict[asyncio.Task[None], tuple[str, int]] = {}
        try:
            while True:
                address = self._addresses.pop(0)
                self._addresses.append(address)
                knocking[loop.create_task(_knock(*address))] = address
                found = await self._first(knocking, pause * random.uniform(0.7, 1.0), tell)  # noqa: S311 - no secret
                if found is not None:
                    return found
        finally:
            for task in knocking:
                task.cancel()

    @staticmethod
    async def _first(
        knocking: dict[asyncio.Task[None], tuple[str, int]], pause: float, tell: Callable[[str], None]
    ) -> tuple[str, int] | None:
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
                    return host, port
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


async def _knock(host: str, port: int) -> None:
    _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), HANDSHAKE)
    writer.close()
