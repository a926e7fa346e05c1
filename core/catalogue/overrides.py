"""What operators ordered: pause, resume and the like, kept beside the pictures and found again by a rebuild."""

from __future__ import annotations

from dataclasses import dataclass

from core.catalogue.store import Catalogue, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One order of an operator for one camera."""

    camera: str
    at: int  # milliseconds since the epoch
    what: str
    who: str
    until: int | None = None  # milliseconds since the epoch; None: until further notice
    why: str = ""


_OVERRIDES = "SELECT camera, at, what, who, until, why FROM override "


def _override(row: Row) -> Override:
    return Override(**dict(row))


def add(catalogue: Catalogue, override: Override) -> bool:
    """Write down an order; return False when it is there already."""
    values = {
        "camera": override.camera,
        "at": override.at,
        "what": override.what,
        "who": override.who,
        "until": override.until,
        "why": override.why,
    }
    return catalogue.insert("override", values, "ON CONFLICT DO NOTHING") is not None


def latest(catalogue: Catalogue, camera: str) -> Override | None:
    """Return the last order for a camera, whether it still holds or not."""
    row = catalogue.row(_OVERRIDES + "WHERE camera = ? ORDER BY at DESC, id DESC LIMIT 1", (camera,))
    return None if row is None else _override(row)


def all_of(catalogue: Catalogue, camera: str) -> list[Override]:
    """Return all orders for a camera, oldest first."""
    return [_override(row) for row in catalogue.rows(_OVERRIDES + "WHERE camera = ? ORDER BY at, id", (camera,))]
