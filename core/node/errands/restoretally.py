"""What a restore has brought back until now, and what did not come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from core.node.errands.errands import Json
from core.node.errands.restoreplan import RestorePlan
from core.units import show_size

How = Literal["differ", "gone", "refused"]


@dataclass
class RestoreTally:
    """Counts pictures and bytes."""

    restored: int = 0
    restored_bytes: int = 0
    received: int = 0  # bytes of pictures, those of an earlier attempt not among them
    batches: int = 0  # bytes of small objects, both ways, with the requests around them
    differ: int = 0
    gone: int = 0
    refused: int = 0

    def pass_over(self, how: How) -> None:
        """Count a picture that does not come."""
        setattr(self, how, getattr(self, how) + 1)

    def to_json(self) -> Json:
        """Return it for the wire."""
        return asdict(self)

    def of(self, plan: RestorePlan) -> str:
        """Return how much of the plan is done."""
        wanted = plan.to_json()
        size = f"{show_size(self.restored_bytes)} of {show_size(wanted['bytes'])}"
        return f"{self.restored} of {wanted['pictures']} pictures, {size}"

    def told(self, proofs: Mapping[str, int]) -> str:
        """Return what came of it all; `proofs`: how many came by what vouches for them."""
        how = ", ".join(f"{count} {proof}" for proof, count in proofs.items() if count) or "none"
        passed = {"differ": self.differ, "gone": self.gone, "refused": self.refused}
        more = "".join(f", {count} {what}" for what, count in passed.items() if count)
        return f"{self.restored} pictures back ({show_size(self.restored_bytes)}; {how}){more}"
