"""Coordination for a fleet: one JetStream bucket that the voters keep, behind the same calls as a file.

Of the servers only two things are relied upon: a message is refused unless its subject's last sequence is the one that
it names, and what is acknowledged is on the disks of most voters. No time to live, no watch, nothing put blindly.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import logging
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nats.aio.msg import Msg

from core.clock import Clock
from core.coordination.base import (
    Conflict,
    CoordinationError,
    CoordinationRefused,
    CoordinationUnavailable,
    Held,
    Unknown,
    check_key,
    check_value,
)
from core.coordination.exchange import Lost, NotSent
from core.coordination.line import Line
from core.coordination.subjects import BUCKET, below, stream_of, told_below
from core.text import safe

log = logging.getLogger(__name__)

DEADLINE = 5.0  # seconds for one call; T >= 2 R + this (docs/fleet.md)

_EXPECTED = "Nats-Expected-Last-Subject-Sequence"
# Error codes of the server. Those of a change that was refused before it was proposed: no leader, no resources, no
# JetStream, and another change of the same key under way, of which nobody knows yet what becomes of it.
_WRONG_SEQUENCE = {10071}
_NOT_TAKEN = {10008, 10023, 10039, 10076, 10164}
_NOT_FOUND = {10037}
_LIST_TRIES = 5
_MOST = 1024  # keys that a voter gives at once; with more it says so (413)


class NatsCoordination:
    """The shared store of a fleet. Calls block, at most `deadline` seconds, and come from any thread.

    A voter that leads answers reads by itself; one that was cut off from the others goes on doing so for up to 10 s,
    until it notices. So what was read is no promise: only the `cas` that names it is.
    """

    def __init__(
        self,
        servers: Sequence[str],
        context: ssl.SSLContext,
        user: str,
        clock: Clock,
        *,
        bucket: str = BUCKET,
        deadline: float = DEADLINE,
    ) -> None:
        self._clock = clock
        self._deadline = deadline
        self._stream, self._subject, self._push = stream_of(bucket), below(bucket), told_below(bucket)
        self._line = Line(servers, context, user)

    @property
    def connected(self) -> bool:
        """Whether a voter answers, as far as is known; after a cut it takes up to 30 s to be."""
        return self._line.connected

    @property
    def generation(self) -> int:
        """How many connections there were: with each new one the store may be another."""
        return self._line.made

    def read(self, key: str) -> Held | None:
        """Return the newest committed value of `key`."""
        return self._last(self._subject + check_key(key))

    def read_all(self, keys: Sequence[str]) -> Mapping[str, Held | None]:
        """Return the newest committed values of several keys, in one round trip."""
        asked = [json.dumps({"last_by_subj": self._subject + check_key(key)}).encode() for key in keys]
        with _unsent_is_unavailable():
            answers = self._line.together(f"$JS.API.STREAM.MSG.GET.{self._stream}", asked, self._deadline)
        found = [_message(_json(answer)) for answer in answers]
        return {key: None if one is None else one[1] for key, one in zip(keys, found, strict=True)}

    def cas(self, key: str, rev: int, value: bytes) -> int:
        """Set `key` if its revision is still `rev` and return the new one."""
        subject = self._subject + check_key(key)
        headers = {_EXPECTED: str(rev)}
        try:
            answer = self._line.request(subject, check_value(value), self._deadline, headers)
        except NotSent as error:
            raise CoordinationUnavailable(f"{key} is not changed: {error}") from error
        except CoordinationRefused as error:
            raise CoordinationRefused(f"{key} is not changed: {error}") from error
        except Lost as error:
            raise Unknown(f"whether {key} was changed is not known: {error}") from error
        return _sequence(key, rev, answer)

    def list(self, prefix: str) -> Mapping[str, Held]:
        """Return all keys that begin with `prefix`, in their order.

        Any voter gives them, all at one instant; they count if they are as new as what the leader knew before.
        """
        subjects = self._subject + _whole_words(prefix) + ">"
        for _ in range(_LIST_TRIES):
            newest = self._last(subjects)
            if newest is None:
                return {}
            found = self._all(subjects)
            if found is not None and max((held.rev for held in found.values()), default=0) >= newest.rev:
                return {key: found[key] for key in sorted(found) if key.startswith(prefix)}
        raise CoordinationUnavailable(f"the voter that was asked for {safe(prefix)} lags behind the others")

    def hint(self, prefix: str, callback: Callable[[str], None]) -> Callable[[], None]:
        """Tell of changes as the servers do: nothing is kept for those that are not there.

        A prefix that ends within a word tells of the key of that name and of those below it; so a unit that watches one
        session pays for no other.
        """

        def heard(message: Msg) -> None:
            key = message.subject.removeprefix(self._push)
            if key.startswith(prefix):
                callback(key)

        whole = _whole_words(prefix)
        subjects = [f"{whole}>"] if whole == prefix else [prefix, f"{prefix}.>"] if _is_key(prefix) else []
        with _unsent_is_unavailable():
            ends = [
                self._line.listen(self._push + subject, heard, (lambda: callback(prefix)) if n == 0 else _nothing)
                for n, subject in enumerate(subjects)
            ]

        def end() -> None:
            for each in ends:
                each()

        return end

    def now(self) -> float:
        """Return the clock's seconds, those in which the machine was suspended among them."""
        return self._clock.lapsed()

    def close(self) -> None:
        """End the connection; safe to call twice."""
        self._line.close()

    def api(self, verb: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask the servers themselves, as `fleet` does; return what they say, an `error` included."""
        with _unsent_is_unavailable():
            said: Mapping[str, Any] = _json(
                self._line.request(f"$JS.API.{verb}", json.dumps(request).encode(), self._deadline)
            )
            return said

    def _last(self, subject: str) -> Held | None:
        """Return the newest value of a subject, or of all that match it."""
        found = self._get({"last_by_subj": subject})
        return None if found is None else found[1]

    def _get(self, which: Mapping[str, Any]) -> tuple[str, Held] | None:
        """Return a subject and what it holds: the leader answers."""
        return _message(self.api(f"STREAM.MSG.GET.{self._stream}", which))

    def _all(self, subjects: str) -> dict[str, Held] | None:
        """Return all keys that match, None if they changed meanwhile."""
        asked = json.dumps({"multi_last": [subjects], "batch": _MOST}).encode()
        with _unsent_is_unavailable():
            answers = self._line.gather(f"$JS.API.DIRECT.GET.{self._stream}", asked, self._deadline)
        headers = [answer.headers or {} for answer in answers]
        if headers[-1].get("Status") == "413":
            return self._walk(subjects)
        if headers[-1].get("Status") != "204":
            return None
        return {
            header["Nats-Subject"].removeprefix(self._subject): Held(int(header["Nats-Sequence"]), answer.data)
            for header, answer in zip(headers[:-1], answers[:-1], strict=True)
        }

    def _walk(self, subjects: str) -> dict[str, Held]:
        """Return all keys that match, in the order of their changes, for a store too large to be given at once.

        A key that changes meanwhile is met again at its end, so that the last step is the one instant of all.
        """
        found: dict[str, Held] = {}
        at = 1
        while (step := self._get({"seq": at, "next_by_subj": subjects})) is not None:
            subject, held = step
            found[subject.removeprefix(self._subject)] = held
            at = held.rev + 1
        return found


def _whole_words(prefix: str) -> str:
    """Return the words of a prefix that are whole, each with its dot; a bad one and all after it are left out."""
    *words, _ = prefix.split(".")
    good = 0
    while good < len(words) and words[good] and all(char.isalnum() or char == "-" for char in words[good]):
        good += 1
    return "".join(f"{word}." for word in words[:good])


def _is_key(text: str) -> bool:
    try:
        check_key(text)
    except ValueError:
        return False
    return True


def _nothing() -> None:
    pass


def _message(said: Mapping[str, Any]) -> tuple[str, Held] | None:
    """Return the subject and the value of an answer to STREAM.MSG.GET, None when there is no such message."""
    if "error" in said:
        if said["error"].get("err_code") in _NOT_FOUND:
            return None
        raise CoordinationUnavailable(_told(said["error"]))
    message = said["message"]
    return message["subject"], Held(message["seq"], _bytes(message.get("data", "")))


def _sequence(key: str, rev: int, answer: Msg) -> int:
    said = _json(answer)
    if "error" not in said:
        new: int = said["seq"]
        return new
    error = said["error"]
    if error.get("err_code") in _WRONG_SEQUENCE:
        raise Conflict(f"{key} is not at revision {rev}: {_told(error)}")
    if error.get("err_code") in _NOT_TAKEN:
        raise CoordinationUnavailable(f"{key} is not changed: {_told(error)}")
    raise Unknown(f"whether {key} was changed is not known: {_told(error)}")


def _told(error: Mapping[str, Any]) -> str:
    return f"the voters say: {safe(error.get('description', ''))} ({safe(error.get('err_code', error.get('code')))})"


def _json(answer: Msg) -> Any:
    try:
        return json.loads(answer.data)
    except ValueError as error:
        raise CoordinationError(f"the voters answer something else than JSON: {safe(answer.data[:100])}") from error


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise CoordinationError("the voters answer a value that is not base64") from error


@contextlib.contextmanager
def _unsent_is_unavailable() -> Iterator[None]:
    """Say of what changes nothing that it did not work, whether it was sent or not."""
    try:
        yield
    except (NotSent, Lost) as error:
        raise CoordinationUnavailable(f"the voters do not answer: {error}") from error
