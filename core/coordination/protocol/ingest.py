"""R11: of several pictures of one slot, which one counts; and who may write where only the newest owner may."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.errors import FenceRefused
from core.values import Fence, PictureName


@dataclass(frozen=True, slots=True)
class Ranks:
    """The order of nodes of one camera, where two pictures have the same fence: the primary's before the backup's."""

    nodes: tuple[str, ...] = ()

    def of(self, node: str) -> int:
        """Return the rank of a node; one that the plan does not name comes last."""
        return self.nodes.index(node) if node in self.nodes else len(self.nodes)


def record_of(pictures: Iterable[PictureName], ranks: Ranks | None = None) -> PictureName:
    """Return the record picture of one slot: the highest fence, then the primary's, then by name; in any order.

    The others are spares. RAW and JPEG of one shot are two kinds: each kind has its own. Raise ValueError for none.
    """
    order = ranks or Ranks()
    return min(pictures, key=lambda one: (-one.fence.epoch, -one.fence.token, order.of(one.node), one.node, one.nth))


def admit(held: Mapping[str, Fence], name: str, fence: Fence) -> dict[str, Fence]:
    """Return what is held once `fence` has written to the mutable place `name`; raise FenceRefused for a stale one.

    Mutable places are live names, camera settings and deletions. The same fence may write again.
    """
    highest = held.get(name)
    if highest is not None and fence < highest:
        raise FenceRefused(f"{name}: written under {highest}; {fence} is stale")
    return {**held, name: fence}
