"""Show a plan before it is carried out: the rows of `overlapse retention --dry-run`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from core.retention.apply import copies
from core.retention.forecast import Forecast
from core.retention.model import Plan, Why
from core.units import show_size


@dataclass(frozen=True, slots=True)
class Row:
    """One picture that would go."""

    name: str
    camera: str
    at: datetime
    size: int  # bytes
    why: str
    copies: str  # where its proven copies are


def rows(plan: Plan) -> Iterator[Row]:
    """Yield what would go, in the order in which it would go."""
    for candidate, why in plan.deletions:
        yield Row(candidate.name, candidate.camera, candidate.at, candidate.size, why.value, copies(candidate))


def digest(plan: Plan) -> str:
    """Return 16 hexadecimal digits that stand for what would go, and why: another plan has others."""
    text = "".join(f"{why.value} {candidate.name}\n" for candidate, why in plan.deletions)
    return sha256(f"{text}{plan.beyond}".encode()).hexdigest()[:16]


def lines(plan: Plan, forecast: Forecast | None = None) -> list[str]:
    """Return what to say below the rows: the sum, what is held back, what is missing, the forecast."""
    unproven = sum(why is Why.UNPROVEN for _, why in plan.deletions)
    said = [f"{len(plan.deletions)} pictures, {show_size(plan.freed)}, {unproven} of them unproven"]
    if plan.beyond:
        said.append(f"after them {plan.beyond} more")
    if plan.refused is not None:
        said.append(f"held back: {plan.refused}")
    if plan.short:
        said.append(f"still missing: {show_size(plan.short)}")
    if plan.stop_capture:
        said.append("capture stops until there is room")
    if forecast is not None:
        said.append(f"forecast: {forecast.sentence}")
    return said
