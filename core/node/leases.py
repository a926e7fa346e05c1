"""Which cameras this node may shoot now, as what, and under which fence: by itself, or by its lease in a fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from core.coordination.protocol.driving import Right
from core.site.model.cameras import Camera
from core.values import Fence


class Leases(Protocol):
    """Says what this node may do with a camera."""

    def right(self, camera: Camera, shot: float = 0.0) -> Right | None:
        """Return the right to begin a shot of at most `shot` seconds now; None: another node shoots it."""
        ...

    def since(self, camera: str) -> float:
        """Return from when on (seconds since the epoch) slots are this node's, 0.0: from now on."""
        ...


@dataclass(frozen=True)
class Alone:
    """A node that shares no camera: it owns those that are its own, under the fence of its start."""

    node: str
    fence: Fence

    def right(self, camera: Camera, shot: float = 0.0) -> Right | None:
        """Return the owner's right to its own cameras."""
        return Right("owner", self.fence) if camera.primary in (None, self.node) else None

    def since(self, camera: str) -> float:
        """Return that there is nothing to make good for another node."""
        return 0.0
