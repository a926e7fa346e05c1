"""What was agreed upon counts for all that this node does, from when it is known and after the next start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core.coordination.protocol.records import CameraPlan, NodePlan
from core.coordination.protocol.state import State
from core.node.context import Context
from core.node.fleet.assigned import as_assigned, remember

NEVER = float("inf")


@dataclass
class Agreeing:
    """Takes over assignments as they come to be known.

    It is a desk of its own: where disk or catalogue fail in the middle, it rests and tries again, and the renewals of
    the leases go on meanwhile. `known`: where the protocol stands; `on_assigned` hears that a camera has another
    primary or backup, of which the context's site tells already.
    """

    context: Context
    known: Callable[[], State | None]
    on_assigned: Callable[[], None]
    _plans: tuple[Mapping[str, CameraPlan], Mapping[str, NodePlan]] = field(default_factory=lambda: ({}, {}))
    _untold: bool = False  # `on_assigned` was not heard to its end

    def tick(self) -> None:
        """Take over what is new."""
        state = self.known()
        if state is None or (self._plans == (plans := (state.cameras, state.nodes)) and not self._untold):
            return
        site = as_assigned(self.context.file, state.cameras)
        if self._untold or site != self.context.site:
            self.context.site, self._untold = site, True
            self.on_assigned()
            self._untold = False
        remember(self.context.catalogue, state)
        self._plans = plans

    def wake(self) -> float:
        """Return the monotonic time at which something is due: never by itself."""
        return NEVER
