"""Whether the wall clock is trusted, and whether somebody set it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.catalogue import states
from core.clock import judge
from core.ledger.rhythm import STEERED
from core.node.context import Context
from core.values import utc

LAST_SEEN = "clock/last-seen"

Kernel = Callable[[], tuple[bool, Mapping[str, datetime]]]  # is its clock synchronised; who says what


@dataclass
class Timekeeping:
    """Judges the clock now and then, and when it went otherwise than time. `others`: what cameras and nodes say."""

    context: Context
    kernel: Kernel
    others: Callable[[], Mapping[str, datetime]]
    _judge_at: float = 0.0
    _seen: tuple[datetime, float] | None = None

    def wake(self) -> float:
        """Return the monotonic time at which it is judged next."""
        return self._judge_at

    def tick(self) -> bool:
        """Judge it when it is time, or when it was set; return whether it was judged."""
        if self.context.monotonic() < self._judge_at and not self._was_set():
            return False
        self.judge()
        return True

    def judge(self) -> None:
        """Say anew whether the clock is trusted, and note the latest time seen while it is."""
        context = self.context
        at_start, self._judge_at = not self._judge_at, context.monotonic() + context.pace.judge
        last = states.get(context.catalogue, LAST_SEEN)
        synchronised, witnesses = self.kernel()
        before = context.trust
        context.trust = judge(
            context.now(),
            host=context.site.site.clock == "host",
            synchronised=synchronised,
            witnesses={**witnesses, **self.others()},
            last_seen=None if last is None else utc(last / 1000),
        )
        known = at_start or before.trusted  # at a start, only a clock that is not trusted is news
        if known != context.trust.trusted:
            kind = "clock trusted" if context.trust.trusted else "clock not trusted"
            context.tell(kind, context.node.name, context.trust.why)
        self.note()

    def note(self) -> None:
        """Keep the time of now as the latest seen, while the clock is trusted."""
        if self.context.trust.trusted:
            states.put(self.context.catalogue, LAST_SEEN, self.context.now_ms())

    def _was_set(self) -> bool:
        """Return whether the wall clock went otherwise than time since the last look."""
        now = self.context.now(), self.context.monotonic()
        before, self._seen = self._seen or now, now
        walked = (now[0] - before[0]).total_seconds()
        return abs(walked - (now[1] - before[1])) > STEERED.total_seconds()
