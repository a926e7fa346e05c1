"""Pictures in the batches and rungs in which a buffer offers them to a plan of retention."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from core.retention.model import Batch, Candidate, Rung

MOMENT = timedelta(microseconds=1)


def one_by_one(candidates: Iterable[Candidate]) -> Iterator[Batch]:
    """Yield each of these in a batch of its own, looked at only when its turn comes."""
    for candidate in candidates:
        yield Batch(1, candidate.size, candidate.at, candidate.at + MOMENT, partial(iter, [candidate]))


def by_day(candidates: Iterable[Candidate]) -> Iterator[Batch]:
    """Yield these, which are oldest first, in one batch for each UTC day."""
    for day, some in groupby(candidates, lambda candidate: candidate.at.date()):
        of_day = list(some)
        begin = datetime(day.year, day.month, day.day, tzinfo=of_day[0].at.tzinfo)
        until = begin + timedelta(days=1)
        yield Batch(len(of_day), sum(one.size for one in of_day), begin, until, partial(iter, of_day))


def step_of(candidate: Candidate) -> int:
    """Return the greatest power of two that divides the index of a picture in its day, 0 where none does."""
    index = candidate.index or 0
    return index & -index


def in_rungs(candidates: Sequence[Candidate]) -> list[Rung]:
    """Return these, which are oldest first, in their rungs, in no useful order."""
    rungs: dict[tuple[str, int], list[Candidate]] = {}
    for candidate in candidates:
        rungs.setdefault((candidate.kind, step_of(candidate)), []).append(candidate)
    return [Rung(some[0].kind, step, partial(by_day, some)) for (_, step), some in rungs.items()]
