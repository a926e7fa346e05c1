"""The line to the voters: one connection in a thread of its own, made anew as soon as any of them can be reached.

The client library's own reconnecting is not used. It tries one server after the other, each with its whole timeout, and
sends after the return what waited before the cut. Here a dead connection is given up with all that was under way, and
voters are knocked at three times a second, whoever answers first.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
import ssl
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError, Future
from threading import Thread
from typing import Any, TypeVar

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from core.coordination.base import CoordinationRefused
from core.coordination.exchange import Asked, Listener, Lost, NotSent, is_refusal, part, unless_nobody
from core.coordination.knocking import HANDSHAKE, KNOCK, Carried, Door, Entry, said
from core.text import safe

log = logging.getLogger(__name__)
T = TypeVar("T")

IDLE = 60.0  # seconds without a message after which a voter is asked whether it lives
DOUBT = 5.0  # seconds that it has to say so, then and when it owed an answer
NEVER = 86_400  # seconds between the library's own pings: every 10 s they cost 76 kB an hour (docs/fleet.md)
REFUSED = 30.0  # seconds until credentials that were refused are shown again
GRACE = 5.0  # seconds that a caller waits beyond its deadline for the thread to say so


def _is_news(record: logging.LogRecord) -> bool:
    """Tell it apart from what asyncio says of every TLS connection that the other end closed."""
    return "eof_received" not in str(record.msg)


logging.getLogger("asyncio").addFilter(_is_news)


class Line:
    """A connection to whichever voter answers. Every public method may be called from any thread and blocks."""

    def __init__(self, servers: Sequence[str], context: ssl.SSLContext, user: str) -> None:
        self._door = Door(servers)
        self._context = context
        self._inbox = f"_INBOX_{user.partition('@')[0]}.{secrets.token_hex(3)}"
        self._tokens = (f"{number:x}" for number in itertools.count())
        self._listeners: list[Listener] = []
        self._client: Client | None = None
        self.made = 0  # connections so far
        self._why = "no voter has answered yet"
        self._refused: str | None = None  # what a voter said to our credentials
        self._asked: dict[str, Asked] = {}
        ready: Future[None] = Future()
        self._thread = Thread(target=lambda: asyncio.run(self._main(ready)), name="coordination", daemon=True)
        self._thread.start()
        ready.result()

    @property
    def connected(self) -> bool:
        """Whether a voter answers, as far as is known."""
        return self._client is not None

    def request(self, subject: str, payload: bytes, deadline: float, headers: dict[str, str] | None = None) -> Msg:
        """Return the answer; raise NotSent, Lost or CoordinationRefused."""
        return self._do(self._request(subject, payload, headers, deadline), deadline)

    def together(self, subject: str, payloads: Sequence[bytes], deadline: float) -> list[Msg]:
        """Return the answer to each question, all asked at once; raise as `request` does."""

        async def ask() -> list[Msg]:
            return await asyncio.gather(*(self._request(subject, each, None, deadline) for each in payloads))

        return self._do(ask(), deadline)

    def gather(self, subject: str, payload: bytes, deadline: float) -> list[Msg]:
        """Return the answers up to one that carries a status, which is the last; raise as `request` does."""
        return self._do(self._gather(subject, payload, deadline), deadline)

    def listen(self, subject: str, heard: Callable[[Msg], None], again: Callable[[], None]) -> Callable[[], None]:
        """Have `heard` called with each message, `again` after each new connection; return what ends that."""
        listener = Listener(subject, heard, again)

        async def begin() -> None:
            self._listeners.append(listener)
            if self._client is not None:
                await self._subscribe(self._client, listener)

        def end() -> None:
            listener.over = True
            if listener in self._listeners:
                self._listeners.remove(listener)

        self._do(begin(), HANDSHAKE)
        return end

    def close(self) -> None:
        """End the connection and the thread; safe to call twice."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join(HANDSHAKE)

    def _do(self, work: Coroutine[Any, Any, T], deadline: float) -> T:
        if not self._thread.is_alive() or self._over.is_set():
            work.close()
            raise NotSent("the line is closed")
        doing = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return doing.result(deadline + GRACE)
        except (TimeoutError, CancelledError) as error:  # the second: the line was closed meanwhile
            doing.cancel()
            raise Lost("no answer in time") from error

    # From here on all runs in the thread.

    async def _main(self, ready: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._over, self._up = asyncio.Event(), asyncio.Event()
        self._down: asyncio.Future[None] = self._loop.create_future()
        ready.set_result(None)
        keeping, ending = self._loop.create_task(self._keep()), self._loop.create_task(self._over.wait())
        await asyncio.wait([keeping, ending], return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            log.error("line to the voters given up: error=%s", said(keeping.exception()))
        keeping.cancel()
        ending.cancel()
        await asyncio.wait([keeping, ending])

    async def _keep(self) -> None:
        """Have a connection, always."""
        while True:
            client, entry = await self._connect()
            try:
                await self._use(client)
            finally:
                self._up.clear()
                self._client = None
                await part(client, entry)

    async def _use(self, client: Client) -> None:
        """Have a connection used until it is down."""
        self._client, self._refused = client, None
        self.made += 1
        self._up.set()
        for listener in tuple(self._listeners):
            await self._subscribe(client, listener)
            if not listener.over:
                listener.again()
        watching = self._loop.create_task(self._watch(client))
        try:
            await asyncio.wait([self._down])
            log.info("voter lost: why=%s", self._why)
        finally:
            watching.cancel()

    async def _connect(self) -> tuple[Client, Entry]:
        begun = self._loop.time()
        while True:
            entry = await self._door.open(begun, self._note_why)
            self._down = self._loop.create_future()
            client = Client()
            try:
                await asyncio.wait_for(self._greet(client, entry, self._down), HANDSHAKE)
                await client.subscribe(f"{self._inbox}.*", cb=self._answer)
            except (OSError, nats.errors.Error, TimeoutError) as error:
                await self._failed(client, entry, error)
                continue
            except asyncio.CancelledError:
                entry.drop()
                raise
            log.info("voter found: address=%s", entry)
            return client, entry

    async def _greet(self, client: Client, entry: Entry, down: asyncio.Future[None]) -> None:
        async def on_error(error: Exception) -> None:
            self._note(error)

        async def on_end() -> None:
            self._why = safe(client.last_error or "the voter ended the connection", 200)
            if not down.done():
                down.set_result(None)

        client._transport = Carried(entry)  # the library has no other door for a connection that is there already
        await client.connect(
            entry.url,
            tls=self._context,
            tls_hostname=entry.host,
            tls_handshake_first=True,
            allow_reconnect=False,
            connect_timeout=HANDSHAKE,
            ping_interval=NEVER,
            error_cb=on_error,
            closed_cb=on_end,
        )

    async def _failed(self, client: Client, entry: Entry, error: Exception) -> None:
        await part(client, entry)
        self._why = f"{entry}: {said(error)}"
        self._refused = self._why if is_refusal(error) else None
        log.info("voter of no use: %s", self._why)
        await asyncio.sleep(REFUSED if self._refused else KNOCK)

    async def _watch(self, client: Client) -> None:
        """Ask a voter that has been silent for long whether it lives; on a line in use nothing is asked."""
        while True:
            before = client.stats["in_msgs"]
            await asyncio.sleep(IDLE)
            if client.stats["in_msgs"] == before:
                await self._doubt(client, DOUBT)

    async def _doubt(self, client: Client, patience: float) -> None:
        """Give a connection up on which nothing is heard for so long."""
        before, down = client.stats["in_msgs"], self._down
        try:
            await asyncio.wait_for(client.flush(NEVER), patience)
        except (TimeoutError, OSError, nats.errors.Error):
            if client is self._client and client.stats["in_msgs"] == before and not down.done():
                self._why = "the voter was silent"
                down.set_result(None)

    async def _subscribe(self, client: Client, listener: Listener) -> None:
        async def heard(message: Msg) -> None:
            if not listener.over:
                listener.heard(message)

        try:
            await client.subscribe(listener.subject, cb=heard)
        except nats.errors.Error as error:
            self._note(error)

    async def _ready(self, until: float) -> Client:
        """Return the connection, once there is one."""
        while self._client is None:
            if self._refused is not None:
                raise CoordinationRefused(self._refused)
            try:
                await asyncio.wait_for(self._up.wait(), min(KNOCK, until - self._loop.time()))
            except TimeoutError:
                if self._loop.time() >= until:
                    raise NotSent(self._why) from None
        return self._client

    async def _request(self, subject: str, payload: bytes, headers: dict[str, str] | None, deadline: float) -> Msg:
        return (await self._ask(subject, payload, headers, deadline, lambda message: True))[-1]

    async def _gather(self, subject: str, payload: bytes, deadline: float) -> list[Msg]:
        return await self._ask(subject, payload, None, deadline, lambda message: "Status" in (message.headers or {}))

    async def _ask(
        self,
        subject: str,
        payload: bytes,
        headers: dict[str, str] | None,
        deadline: float,
        is_last: Callable[[Msg], bool],
    ) -> list[Msg]:
        """Return the answers, or raise as soon as it is known that none will come."""
        until = self._loop.time() + deadline
        client = await self._ready(until)
        asked = Asked(subject.lower(), is_last, self._loop.create_future())
        token = next(self._tokens)
        self._asked[token] = asked
        try:
            await client.publish(subject, payload, reply=f"{self._inbox}.{token}", headers=headers)
            await asyncio.wait(
                _any(asked.done, self._down),
                timeout=max(0.0, until - self._loop.time()),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if asked.done.done():
                return unless_nobody(asked.done.result())
            if not self._down.done():
                self._doubting = self._loop.create_task(self._doubt(client, min(deadline, DOUBT)))
            raise Lost(self._why if self._down.done() else "no answer in time")
        except (nats.errors.Error, OSError) as error:
            raise Lost(said(error)) from error
        finally:
            del self._asked[token]

    async def _answer(self, message: Msg) -> None:
        asked = self._asked.get(message.subject.rpartition(".")[2])
        if asked is not None and not asked.done.done():
            asked.answers.append(message)
            if asked.is_last(message):
                asked.done.set_result(asked.answers)

    def _note_why(self, why: str) -> None:
        self._why = why

    def _note(self, error: Exception) -> None:
        """Take note of what a voter said aside from answers: above all, that this node may not do that."""
        told = said(error)
        log.info("voter said: %s", told)
        for asked in self._asked.values():
            if f'"{asked.subject}"' in told.lower() and not asked.done.done():
                asked.done.set_exception(CoordinationRefused(told))


def _any(*futures: asyncio.Future[Any]) -> Sequence[asyncio.Future[Any]]:
    return futures
