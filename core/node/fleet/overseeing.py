"""The vitals of all nodes, read from their sessions: how each is within seconds, whatever the deliveries do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.coordination.base import CoordinationError, Held
from core.coordination.protocol.records import parse_session
from core.node.between.checkins import CheckIns
from core.node.context import Context
from core.status.vitals import read_vitals

EVERY = 30.0  # seconds; a list of a thousand sessions is 400 kB between servers
PREFIX = "sess."
NEVER = float("inf")


@dataclass
class Overseeing:
    """Asks for all sessions now and then, where this node stands in a guarded room: a unit's bytes are for pictures."""

    context: Context
    checkins: CheckIns
    _due: float = 0.0
    _under_way: bool = False

    def tick(self) -> None:
        """Ask when it is time."""
        now = self.context.monotonic()
        if self._oversees and not self._under_way and now >= self._due:
            assert self.context.engine is not None
            self._under_way, self._due = True, now + EVERY
            self.context.engine.ask(lambda store: store.list(PREFIX), self._heard, "overseeing")

    def wake(self) -> float:
        """Return the monotonic time at which it asks next."""
        return self._due if self._oversees and not self._under_way else NEVER

    def _heard(self, answer: Mapping[str, Held] | CoordinationError) -> None:
        """Take note of what the sessions say."""
        self._under_way = False
        if isinstance(answer, CoordinationError):
            return
        for key, held in answer.items():
            try:
                session = parse_session(key, held.value)
            except CoordinationError:
                continue
            said = read_vitals(session.st)
            if said is not None and session.dead is None:
                self.checkins.freshen(key.removeprefix(PREFIX), said, held.rev)

    @property
    def _oversees(self) -> bool:
        return self.context.engine is not None and self.context.node.kind != "unit"
