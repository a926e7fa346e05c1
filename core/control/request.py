"""One request on its way: read strictly from its line, answered once, its answer remembered for a repeat."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from core.control.key import FINGERPRINT
from core.control.peer import Who
from core.errors import BadRequest, OverlapseError, to_wire

Answer = dict[str, Any]

_ID = re.compile(r"[0-9a-f]{16,64}")
_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody who may asks of the node. Whoever decides calls `done` or `refuse` once, from any thread."""

    verb: str
    args: Mapping[str, Any]  # values: names, whole numbers, aware UTC instants
    who: Who
    reply: Callable[[Answer], None]

    def done(self, result: Answer) -> None:
        """Answer that it was done, with what came of it."""
        self.reply({"done": result})

    def refuse(self, error: OverlapseError) -> None:
        """Answer that it was not done, and why; the client raises an error of the same class."""
        self.reply(dict(to_wire(error)))


@dataclass(frozen=True, slots=True)
class Frame:
    """A line as it was read, before anybody judged it. `id` tells a repeat from a second order."""

    verb: str
    args: Mapping[str, object]
    id: str | None
    key: str | None

    @classmethod
    def parse(cls, line: bytes) -> Frame:
        """Return the frame in `line`; raise BadRequest for anything else than exactly that."""
        try:
            said = json.loads(line, object_pairs_hook=_no_twins, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise BadRequest("the request is not a line of JSON") from error
        if not isinstance(said, dict) or not {"verb"} <= said.keys() <= {"verb", "args", "id", "key"}:
            raise BadRequest('a request is {"verb": ..., "args": {...}} and may have "id" and "key"')
        verb, args = said["verb"], said.get("args", {})
        if not isinstance(verb, str) or not isinstance(args, dict):
            raise BadRequest('"verb" is a text and "args" an object')
        return cls(verb, args, _matching(said, "id", _ID), _matching(said, "key", FINGERPRINT))


@dataclass(slots=True)
class Pending:
    """The answer to one request: the first one counts."""

    verb: str
    args: Mapping[str, object]
    answer: Answer | None = None
    _lock: Lock = field(default_factory=Lock)
    _there: Event = field(default_factory=Event)

    def put(self, answer: Answer) -> None:
        """Keep the answer, if it is the first."""
        with self._lock:
            if self.answer is None:
                self.answer = answer
                self._there.set()

    def wait(self, seconds: float) -> Answer | None:
        """Return the answer, or None when there is none after `seconds`."""
        self._there.wait(seconds)
        return self.answer


class Remembered:
    """The last changes that were asked for, by person and id: a repeat gets their answer and changes nothing."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._pending: OrderedDict[tuple[int, str], Pending] = OrderedDict()

    def take(self, uid: int, frame: Frame) -> tuple[Pending, bool]:
        """Return the request's pending answer, and whether it is new; raise BadRequest for an id used otherwise."""
        new = Pending(frame.verb, frame.args)
        if frame.id is None:
            return new, True
        with self._lock:
            held = self._pending.setdefault((uid, frame.id), new)
            while len(self._pending) > _REMEMBERED:
                self._pending.popitem(last=False)
        if (held.verb, held.args) != (frame.verb, frame.args):
            raise BadRequest("this id belongs to another request")
        return held, held is new


def _matching(said: Mapping[str, object], name: str, pattern: re.Pattern[str]) -> str | None:
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise BadRequest(f'"{name}" is not one')
    return value


def _no_twins(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is not JSON")
