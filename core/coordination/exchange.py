"""What passes over a line to the voters: questions, what is listened to, and how either goes wrong."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from core.coordination.knocking import Entry, said

log = logging.getLogger(__name__)


class NotSent(Exception):
    """The request did not reach any voter that could act on it."""


class Lost(Exception):
    """The request was sent, and no answer came."""


@dataclass(eq=False)
class Asked:
    """A question under way. `subject` in lower letters, as refusals name it."""

    subject: str
    is_last: Callable[[Msg], bool]
    done: asyncio.Future[list[Msg]]
    answers: list[Msg] = field(default_factory=list)


@dataclass(eq=False)
class Listener:
    """Somebody who wants to hear of messages. `again`: called after each new connection."""

    subject: str
    heard: Callable[[Msg], None]
    again: Callable[[], None]
    over: bool = False


def unless_nobody(answers: list[Msg]) -> list[Msg]:
    """Return answers of a voter; raise NotSent when the only one is that nobody heard the question."""
    if (answers[-1].headers or {}).get("Status") == "503":
        raise NotSent("no voter leads: too few of them are alive")
    return answers


async def part(client: Client, entry: Entry) -> None:
    """Let go of a connection, whatever state it is in; what was not sent never is."""
    try:
        await asyncio.wait_for(client.close(), 1.0)
    except (TimeoutError, OSError, nats.errors.Error) as error:
        log.debug("connection not ended in order: %s", said(error))
    finally:
        entry.drop()


def is_refusal(error: BaseException) -> bool:
    """Tell whether the two ends do not trust each other, which a person has to mend."""
    return (
        isinstance(error, ssl.SSLError | nats.errors.AuthorizationError)
        or "authorization violation" in said(error).lower()
    )
