"""What of the control socket goes into the audit, and what happens when it cannot be written."""

from __future__ import annotations

import logging
import time
from threading import Lock

from core.control.audit import Audit
from core.control.peer import Who
from core.control.request import Answer, Frame
from core.control.verbs import Role, Verb
from core.errors import OverlapseError, StorageError
from core.text import safe

log = logging.getLogger(__name__)

_REFUSALS_EVERY = 10.0  # seconds between the audit lines of refusals of one account: it must not fill the disk


class Trail:
    """Writes every change into the audit, before it is decided and after; refusals too, but not a flood of them.

    A disk that is full must not keep an operator from making room: a line that cannot be written is logged instead.
    """

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._lock = Lock()
        self._last_refusal: dict[int, float] = {}

    def asked(self, verb: Verb, who: Who, frame: Frame) -> None:
        """Write that `who` asks for a change."""
        if verb.role > Role.VIEW:
            self._record(who, frame, "asked")

    def answered(self, verb: Verb, who: Who, frame: Frame, answer: Answer) -> None:
        """Write what came of the change."""
        if verb.role > Role.VIEW:
            self._record(who, frame, f"{answer['error']}: {answer['message']}" if "error" in answer else "done")

    def refused(self, who: Who, frame: Frame, error: OverlapseError) -> None:
        """Write that `who` was refused, unless the same account was a moment ago."""
        now = time.monotonic()
        with self._lock:
            if now - self._last_refusal.get(who.uid, -_REFUSALS_EVERY) < _REFUSALS_EVERY:
                return
            self._last_refusal[who.uid] = now
        short = Frame(safe(frame.verb, 40), {}, None, None)  # what was refused may be anything, and long
        self._record(who, short, f"refused: {type(error).__name__}: {error}")

    def _record(self, who: Who, frame: Frame, result: str) -> None:
        try:
            self._audit.record(who, frame.verb, frame.args, result, frame.id)
        except StorageError as error:
            log.error("audit not written: error=%s uid=%d verb=%s result=%s", error, who.uid, frame.verb, safe(result))
