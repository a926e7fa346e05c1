"""The line to the voters: one connection in a thread of its own, made anew as soon as any of them can be reached.

The client library's own reconnecting is not used. It tries one server after the other, each with its whole timeout, and
sends after the return what waited before the cut. Here a dead connection is given up with all that was under way, and
voters are knocked at twice a second, whoever answers first.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from typing import Any, TypeVar

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from core.coordination.base import CoordinationRefused
from core.coordination.knocking import HANDSHAKE, KNOCK, Door, said
from core.text import safe

log = logging.getLogger(__name__)
T = TypeVar("T")

PING = 10  # seconds between two looks at whether the connection lives
PINGS = 2  # unanswered: the next one gives the connection up
KNOCK_LATER = 5.0  # seconds between two knocks when nobody has answered for long: on a metered link each one costs
FRESH = 600.0  # seconds
REFUSED = 30.0  # seconds until credentials that were refused are shown again
GRACE = 5.0  # seconds that a caller waits beyond its deadline for the thread to say so


class NotSent(Exception):
    """The request did not reach any voter that could act on it."""


class Lost(Exception):
    """The request was sent, and no answer came."""


def _is_news(record: logging.LogRecord) -> bool:
    """Tell it apart from what asyncio says of every TLS connection that the other end closed."""
    return "eof_received" not in str(record.msg)


logging.getLogger("asyncio").addFilter(_is_news)


@dataclass(eq=False)
class Listener:
    """Somebody who wants to hear of messages. `again`: called after each new connection."""

    subject: str
    heard: Callable[[Msg], None]
    again: Callable[[], None]
    over: bool = False


class Line:
    """A connection to whichever voter answers. Every public method may be called from any thread and blocks."""

    def __init__(self, servers: Sequence[str], context: ssl.SSLContext, user: str) -> None:
        self._door = Door(servers)
        self._context = context
        self._inbox = f"_INBOX_{user}"
        self._listeners: list[Listener] = []
        self._client: Client | None = None
        self.made = 0  # connections so far
        self._why = "no voter has answered yet"
        self._refused: str | None = None  # what a voter said to our credentials
        self._asked: dict[str, set[asyncio.Future[Msg]]] = {}  # subject in lower letters -> who waits for an answer
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
        except (TimeoutError, asyncio.CancelledError) as error:
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
        if self._client is not None:
            await _part(self._client)

    async def _keep(self) -> None:
        """Have a connection, always."""
        while True:
            client = await self._connect()
            self._client, self._refused = client, None
            self.made += 1
            self._up.set()
            for listener in tuple(self._listeners):
                await self._subscribe(client, listener)
                listener.again()
            await asyncio.wait([self._down])
            log.info("voter lost: why=%s", self._why)
            self._up.clear()
            self._client = None
            await _part(client)

    async def _connect(self) -> Client:
        begun = self._loop.time()
        while True:
            fresh = self._loop.time() - begun < FRESH
            host, port = await self._door.open(KNOCK if fresh else KNOCK_LATER, self._note_why)
            self._down = self._loop.create_future()
            client = Client()
            try:
                await asyncio.wait_for(self._greet(client, host, port, self._down), HANDSHAKE)
            except (TimeoutError, OSError, nats.errors.Error) as error:
                await self._failed(client, f"{host}:{port}", error)
                continue
            log.info("voter found: address=%s:%s", host, port)
            return client

    async def _greet(self, client: Client, host: str, port: int, down: asyncio.Future[None]) -> None:
        async def on_error(error: Exception) -> None:
            self._note(error)

        async def on_end() -> None:
            self._why = safe(client.last_error or "the voter ended the connection", 200)
            if not down.done():
                down.set_result(None)

        await client.connect(
            f"tls://[{host}]:{port}" if ":" in host else f"tls://{host}:{port}",
            tls=self._context,
            tls_hostname=host,
            tls_handshake_first=True,
            inbox_prefix=self._inbox,
            allow_reconnect=False,
            connect_timeout=HANDSHAKE,
            ping_interval=PING,
            max_outstanding_pings=PINGS,
            error_cb=on_error,
            closed_cb=on_end,
        )

    async def _failed(self, client: Client, address: str, error: Exception) -> None:
        await _part(client)
        self._why = f"{address}: {said(error)}"
        self._refused = self._why if _is_refusal(error) else None
        log.info("voter of no use: %s", self._why)
        await asyncio.sleep(REFUSED if self._refused else KNOCK)

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
        until = self._loop.time() + deadline
        client = await self._ready(until)
        return await self._answered(
            subject, client.request(subject, payload, until - self._loop.time(), headers=headers), until
        )

    async def _gather(self, subject: str, payload: bytes, deadline: float) -> list[Msg]:
        until = self._loop.time() + deadline
        client = await self._ready(until)
        found: list[Msg] = []
        last: asyncio.Future[Msg] = self._loop.create_future()

        async def heard(message: Msg) -> None:
            found.append(message)
            if "Status" in (message.headers or {}) and not last.done():
                last.set_result(message)

        async def ask() -> Msg:
            inbox = client.new_inbox()
            hearing = await client.subscribe(inbox, cb=heard)
            try:
                await client.publish(subject, payload, reply=inbox)
                return await asyncio.wait_for(last, until - self._loop.time())
            finally:
                if not client.is_closed:
                    await hearing.unsubscribe()

        await self._answered(subject, ask(), until)
        return found

    async def _answered(self, subject: str, asking: Coroutine[Any, Any, Msg], until: float) -> Msg:
        """Return the answer, or raise as soon as it is known that none will come."""
        refused: asyncio.Future[Msg] = self._loop.create_future()
        waiting = self._asked.setdefault(subject.lower(), set())
        waiting.add(refused)
        task = self._loop.create_task(asking)
        try:
            await asyncio.wait(
                _any(task, refused, self._down),
                timeout=max(0.0, until - self._loop.time()),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if refused.done():
                return refused.result()
            if task.done():
                return task.result()
            raise Lost(self._why if self._down.done() else "no answer in time")
        except nats.errors.NoRespondersError as error:
            raise NotSent("no voter leads: too few of them are alive") from error
        except (TimeoutError, nats.errors.Error, OSError) as error:
            raise Lost(said(error)) from error
        finally:
            task.cancel()
            waiting.discard(refused)
            if not waiting:
                self._asked.pop(subject.lower(), None)

    def _note_why(self, why: str) -> None:
        self._why = why

    def _note(self, error: Exception) -> None:
        """Take note of what a voter said aside from answers: above all, that this node may not do that."""
        told = said(error)
        log.info("voter said: %s", told)
        for subject in [subject for subject in self._asked if f'"{subject}"' in told.lower()]:
            for future in self._asked[subject]:
                if not future.done():
                    future.set_exception(CoordinationRefused(told))


def _any(*futures: asyncio.Future[Any]) -> Sequence[asyncio.Future[Any]]:
    return futures


async def _part(client: Client) -> None:
    """Let go of a connection, whatever state it is in."""
    try:
        await asyncio.wait_for(client.close(), 1.0)
    except (TimeoutError, OSError, nats.errors.Error) as error:
        log.debug("connection not ended in order: %s", said(error))


def _is_refusal(error: BaseException) -> bool:
    """Tell whether the two ends do not trust each other, which a person has to mend."""
    return (
        isinstance(error, ssl.SSLError | nats.errors.AuthorizationError)
        or "authorization violation" in said(error).lower()
    )
