"""What is to be told by mail: one message for each cause, folded when the same thing goes on and on. Pure rules."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from core.values import utc

Json = dict[str, Any]

FLAPS = 4  # messages of one family within PERIOD; what comes then goes into a digest
PERIOD = timedelta(hours=1)
CROWD = 100  # messages that wait; what comes then goes into one digest, so that a long silence ends in a readable post
MOST_LINES = 200  # of a digest
REMEMBERED = 1000  # causes that are known: none is told twice
FIRST, LONGEST = timedelta(seconds=30), timedelta(minutes=15)
FIRST_REFUSED, LONGEST_REFUSED = timedelta(minutes=5), timedelta(hours=1)
_ALL = "*"  # the family of a crowd's digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Something that people are told by mail, once.

    `key` names it wherever it is known: the same one makes the same Message-ID on every node of the site. Causes of
    one `family` (a camera's switches, for one) are folded into digests when they come again and again; "" never is.
    """

    key: str
    subject: str
    text: str
    at: int  # milliseconds since the epoch
    family: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message that waits, as the catalogue remembers it. `digest`: of a family, still taking more until it goes."""

    id: str  # of its Message-ID
    keys: tuple[str, ...]
    subject: str
    text: str
    at: int
    due: int  # milliseconds since the epoch: not sent before
    family: str = ""
    digest: bool = False
    lines: tuple[str, ...] = ()  # of a digest
    more: int = 0  # causes that it has no line for
    once: bool = False  # a test: one try tells all
    tries: int = 0
    error: str = ""
    accepted: tuple[str, ...] = ()  # recipients for whom the server took it
    refused: dict[str, str] = field(default_factory=dict)  # recipients for whom it never will, and what it said

    def to_json(self) -> Json:
        """Return it as JSON."""
        return {each: getattr(self, each) for each in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, said: Json) -> Letter:
        """Return what `to_json` wrote."""
        return cls(**{**said, **{each: tuple(said[each]) for each in ("keys", "lines", "accepted")}})

    def for_whom(self, to: Sequence[str]) -> list[str]:
        """Return who of the recipients has not got it and may."""
        return [one for one in to if one not in self.accepted and one not in self.refused]

    @property
    def body(self) -> str:
        """Its text."""
        if not self.digest:
            return self.text
        left = [f"({self.more} more)"] if self.more else []
        return "\n".join([self.text, "", *self.lines, *left])


@dataclass(frozen=True, slots=True)
class Known:
    """A cause that was told, or is going to be."""

    id: str
    at: int
    family: str
    alone: bool  # it had a message of its own


def number_of(site: str, key: str) -> str:
    """Return what makes the Message-ID of a cause: the same on every node of the site."""
    return hashlib.sha256(f"{site}\n{key}".encode()).hexdigest()[:32]


def take(site: str, cause: Cause, waiting: Iterable[Letter], known: Sequence[Known]) -> tuple[Letter, Known] | None:
    """Return the letter that tells a cause, new or with one line more, and what is remembered; None: it is known."""
    number = number_of(site, cause.key)
    if any(one.id == number for one in known):
        return None
    waiting = tuple(waiting)
    family = _folded_into(cause, waiting, known)
    if family is None:
        told = {each: getattr(cause, each) for each in ("subject", "text", "at", "family")}
        letter = Letter(id=number, keys=(cause.key,), due=cause.at, **told)
        return letter, Known(number, cause.at, cause.family, alone=True)
    opened = next((one for one in waiting if one.digest and one.family == family and not one.tries), None)
    return _with_line(opened or _digest(number, site, family, cause), cause), Known(number, cause.at, family, False)


def _folded_into(cause: Cause, waiting: Sequence[Letter], known: Sequence[Known]) -> str | None:
    """Return the family of the digest that takes a cause, None: it has a message of its own."""
    if cause.family:
        since = cause.at - _ms(PERIOD)
        alone = [one for one in known if one.alone and one.family == cause.family and since < one.at <= cause.at]
        if len(alone) >= FLAPS or any(one.digest and one.family == cause.family and not one.tries for one in waiting):
            return cause.family
    return _ALL if len(waiting) >= CROWD else None


def _digest(number: str, site: str, family: str, cause: Cause) -> Letter:
    if family == _ALL:
        subject, due = f"[{site}] more than {CROWD} messages could not be sent; this one tells the rest", cause.at
    else:
        subject, due = f"[{site}] {family}: again and again, folded", cause.at + _ms(PERIOD)
    text = "It happened again and again, so this one message tells what would have been many. All times are UTC."
    return Letter(id=number, keys=(), subject=subject, text=text, at=cause.at, due=due, family=family, digest=True)


def _with_line(digest: Letter, cause: Cause) -> Letter:
    keys = (*digest.keys, cause.key)[-REMEMBERED:]
    if len(digest.lines) >= MOST_LINES:
        return replace(digest, keys=keys, more=digest.more + 1)
    return replace(digest, keys=keys, lines=(*digest.lines, f"{utc(cause.at / 1000):%d %b %H:%M}  {cause.subject}"))


def begun(letter: Letter) -> Letter:
    """Return a letter that is about to be sent: from now on its text stays what it is, as its Message-ID does."""
    return replace(letter, tries=letter.tries + 1)


def answered(letter: Letter, accepted: Iterable[str], refused: Json) -> Letter:
    """Return a letter after the server said of each recipient: taken, or {address: [code, text]}.

    5xx is for good (RFC 5321 section 4.2.1); 4xx, as greylisting says it, is tried again.
    """
    never = {one: f"{code} {text}" for one, (code, text) in refused.items() if code >= 500}
    later = [f"{one}: {code} {text}" for one, (code, text) in refused.items() if code < 500]
    return replace(
        letter,
        error="; ".join(later),
        accepted=(*letter.accepted, *accepted),
        refused={**letter.refused, **never},
    )


def failed(letter: Letter, error: str) -> Letter:
    """Return a letter after a try that the server took no part in."""
    return replace(letter, error=error)


def wait_after(tries: int, transient: bool, jitter: float) -> timedelta:
    """Return how long to wait after the `tries`-th failure in a row; there is no last one. `jitter`: 0 to 1."""
    first, longest = (FIRST, LONGEST) if transient else (FIRST_REFUSED, LONGEST_REFUSED)
    return min(first * (1 << min(max(tries, 1) - 1, 10)), longest) * (1 + 0.25 * jitter)


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
