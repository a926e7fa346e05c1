"""The control socket's server: threads that accept, judge and wait, so that the node's own thread only decides."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from core.control.audit import Audit
from core.control.listener import Listener
from core.control.peer import Who, identify
from core.control.places import Places
from core.control.request import Answer, Frame, Remembered, Request
from core.control.trail import Trail
from core.control.verbs import Role, permitted
from core.control.wire import ANSWER_WITHIN, MAX_ANSWER, MAX_REQUEST, read_line, write_line
from core.errors import BadRequest, NodeUnreachable, OverlapseError, to_wire
from core.site.model.nodes import Roles
from core.text import safe

log = logging.getLogger(__name__)

_LAST_WORD = 1.0  # seconds more in which an answer may leave
_PAUSE = 0.1  # seconds after a failed accept (no descriptors left)

Identify = Callable[[socket.socket], Who]


class Server:
    """Answers on the socket `path` from `start` to `close`.

    Each connection has one request, one answer, a thread of its own and one deadline for the whole. `submit` hands a
    permitted request to whoever decides; it only queues. `identify` says who asks: by default the kernel.
    """

    def __init__(
        self,
        path: Path,
        roles: Roles,
        submit: Callable[[Request], None],
        audit: Audit,
        identify_peer: Identify | None = None,
        answer_within: float = ANSWER_WITHIN,
    ) -> None:
        self.path = path
        self._roles = roles
        self._submit = submit
        self._trail = Trail(audit)
        self._identify = identify_peer or (lambda connection: identify(connection, roles))
        self._answer_within = answer_within
        self._remembered = Remembered()
        self._places = Places()
        self._closing = Event()
        self._listener: Listener | None = None
        self._acceptor: Thread | None = None

    def start(self) -> None:
        """Make the socket and begin to answer; raise AlreadyRunning, ConfigurationError or StorageError."""
        self._listener = Listener(self.path, self._roles.view)
        self._acceptor = Thread(target=self._accept, args=(self._listener.socket,), name="control", daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """Stop answering and remove the socket; safe to call twice. Requests in hand still get their answer."""
        self._closing.set()
        if self._listener is not None:
            self._listener.close()
        if self._acceptor is not None:
            self._acceptor.join()

    def _accept(self, listener: socket.socket) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = listener.accept()
            except OSError as error:
                if not self._closing.wait(_PAUSE):
                    log.warning("control accept failed: error=%s", error)
                continue
            if not self._places.enter(connection, self._closing):
                connection.close()
                continue
            Thread(target=self._serve, args=(connection,), name="control-request", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        until = time.monotonic() + self._answer_within
        try:
            with connection:
                answer = self._answer(connection, until)
                write_line(connection, _line(answer), max(until, time.monotonic()) + _LAST_WORD)
        except OSError as error:
            log.debug("control answer not taken: error=%s", error)
        finally:
            self._places.leave(connection)

    def _answer(self, connection: socket.socket, until: float) -> Answer:
        try:
            who = self._identify(connection)
            frame = Frame.parse(read_line(connection, MAX_REQUEST, until))
            self._places.heard(connection)
            return self._judge(who, frame, until)
        except OverlapseError as error:
            log.info("control refused: error=%s", safe(error))
            return dict(to_wire(error))
        except (EOFError, TimeoutError):
            return dict(to_wire(BadRequest("the request did not come whole: one line of JSON with its end")))

    def _judge(self, who: Who, frame: Frame, until: float) -> Answer:
        try:
            verb = permitted(frame.verb, who.role)
            values = verb.parse(frame.args)
        except OverlapseError as error:
            self._trail.refused(who, frame, error)
            raise
        if verb.role is Role.VIEW:
            frame = Frame(frame.verb, frame.args, None, None)  # reading twice does no harm
        pending, is_new = self._remembered.take(who.uid, frame)
        if not is_new:
            return pending.wait(until - time.monotonic()) or _undecided()
        who = Who(who.uid, who.user, who.role, who.pid, who.key or frame.key)
        self._trail.asked(verb, who, frame)
        self._submit(Request(verb.name, values, who, pending.put))
        answer = pending.wait(until - time.monotonic()) or _undecided()
        self._trail.answered(verb, who, frame, answer)
        return answer


def _line(answer: Answer) -> bytes:
    try:
        line = json.dumps(answer, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        log.error("control answer is no JSON: error=%s", error)
        line = b""
    if 0 < len(line) < MAX_ANSWER:
        return line
    too_long = f"the answer has {len(line)} bytes, more than fit; ask for fewer rows with limit"
    return json.dumps(to_wire(BadRequest(too_long if line else "the answer could not be written"))).encode()


def _undecided() -> Answer:
    sentence = "the node answers, but did not decide in time; whether it will is not known: look at `overlapse status`"
    return dict(to_wire(NodeUnreachable(sentence)))
