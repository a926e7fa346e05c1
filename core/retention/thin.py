"""Choose which unproven pictures die first: pure, in one pass, rung by rung."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from core.retention.model import Candidate

_FIRST_RUNG = (0, 0)
_WHOLE_DAYS = 64  # past any index of a slot in its day


def thinned(unproven: Iterable[Candidate], missing: int, young: datetime) -> Iterator[Candidate]:
    """Yield unproven pictures older than `young` until their bytes make up for what is `missing`.

    Rung by rung, each oldest first: RAW before JPEG; odd slots of their day, then those whose index two divides once,
    twice..., until a day is down to one slot; then whole days, and with them the extras. `unproven` is oldest first;
    reading stops when the first rung is enough, and no rung keeps more than `missing`, whatever the number of pictures.
    """
    rungs = _sorted_out(unproven, missing, young)
    for candidate in (candidate for key in sorted(rungs) for candidate in rungs[key].candidates):
        if missing <= 0:
            return
        yield candidate
        missing -= candidate.size


class _Rung:
    """The oldest pictures of one rung."""

    def __init__(self) -> None:
        self.candidates: list[Candidate] = []
        self.size = 0

    def add(self, candidate: Candidate, enough: int) -> None:
        if self.size < enough:
            self.candidates.append(candidate)
            self.size += candidate.size


def _sorted_out(unproven: Iterable[Candidate], missing: int, young: datetime) -> dict[tuple[int, int], _Rung]:
    rungs: dict[tuple[int, int], _Rung] = {_FIRST_RUNG: _Rung()}
    for candidate in unproven:
        if candidate.at >= young:
            break
        if not candidate.proven:
            rungs.setdefault(_rung(candidate), _Rung()).add(candidate, missing)
        if rungs[_FIRST_RUNG].size >= missing:
            break
    return rungs


def _rung(candidate: Candidate) -> tuple[int, int]:
    index = candidate.index
    halvings = (index & -index).bit_length() - 1 if index else _WHOLE_DAYS
    return (0 if candidate.kind == "raw" else 1, halvings)
