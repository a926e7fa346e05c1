"""Choose which unproven pictures die first: pure, rung by rung, and the first rung that is enough ends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from core.retention.model import Batch, Rung

_WHOLE_DAYS = float("inf")  # after any step


def thinned(rungs: Iterable[Rung], young: datetime) -> Iterator[Batch]:
    """Yield, in the order in which they die, the batches in which unproven pictures older than `young` may be.

    Rung by rung, each oldest first: RAW before JPEG; odd slots of their day, then those whose index two divides once,
    twice..., until a day is down to one slot; then whole days, and with them the extras.
    """
    for rung in sorted(rungs, key=_turn):
        for batch in rung.batches():
            if batch.begin >= young:
                break
            yield batch


def _turn(rung: Rung) -> tuple[int, float]:
    return (0 if rung.kind == "raw" else 1, rung.step or _WHOLE_DAYS)
