"""Failover periods as they are kept: who stood in for whom, for which camera, and what it cost."""

from __future__ import annotations

from typing import Any

from core.catalogue import states
from core.catalogue.store import Catalogue
from core.coordination.periods import Period

KEY = "failover/"


def periods(catalogue: Catalogue) -> list[Period]:
    """Return all periods, by when the backup took over."""
    return _read(catalogue, KEY)


def of_camera(catalogue: Catalogue, camera: str) -> list[Period]:
    """Return the periods of a camera, by when the backup took over."""
    return _read(catalogue, f"{KEY}{camera}/")


def rows(catalogue: Catalogue, camera: str | None, begin: float, end: float) -> list[dict[str, Any]]:
    """Return those that overlap begin <= t < end (seconds since the epoch), as JSON."""
    found = periods(catalogue) if camera is None else of_camera(catalogue, camera)
    return [one.to_json() for one in found if one.begin < end and (one.end is None or one.end >= begin)]


def _read(catalogue: Catalogue, prefix: str) -> list[Period]:
    found = [Period.from_json(states.get(catalogue, key)) for key in states.keys(catalogue, prefix)]
    return sorted(found, key=lambda one: (one.taken, one.camera))
