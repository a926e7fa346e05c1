"""Decide which pictures leave the buffer: pure, and lazy in what it reads.

Pictures come in batches that say how much they are. Those are read in which something is to be listed, and the one in
which the plan ends; of all others the count is enough, so that a plan costs the same at any number of pictures.

- Proven pictures leave first, oldest first: as many as the free space lacks and, with `keep`, those that are
  older, which needs a trusted clock.
- Unproven ones follow only under "thin", only when the proven ones are not enough, only with a trusted clock and
  7 days after the loss was announced: RAW before JPEG, every other slot, then every other of those that remain, and
  whole days only when a day is down to one slot; never the last 48 hours. Under "stop" capture stops instead.
- A plan for more than a quarter of all pictures or bytes is refused until an operator confirms it. Frigate stops a
  clean-up at half of what it holds; ours runs at every shot and needs a few files, so that a quarter is already
  a wrong clock, a mistyped `keep_free`, or another program that fills the disk. A handful of files is never refused,
  or else a small buffer could not turn over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from core.retention.forecast import NOTICE, Forecast, show_instant
from core.retention.model import Batch, Candidate, Deletion, Holdings, Plan, Policy, Rung, Space, Why
from core.retention.thin import thinned
from core.units import show_duration, show_size

__all__ = ["Batch", "Candidate", "Deletion", "Holdings", "Plan", "Policy", "Rung", "Space", "Why", "plan"]

LAST_HOURS = timedelta(hours=48)  # of unproven pictures, never thinned
SHARE = 0.25  # of pictures or bytes, at once
HANDFUL = 20  # pictures: fewer are no share
LISTED = 10_000  # deletions that one plan lists; the next plan goes on
CALM = 2 * NOTICE  # an announcement is withdrawn when the loss is further away than this
TOO_MUCH = f"over {SHARE:.0%} of all pictures or bytes would go at once: nothing is deleted unless an operator confirms"
RESERVE = 200_000_000  # bytes: with less, receipts and catalogue could not be written either


class _Taken:
    """Deletions so far; those past `most` are counted and not kept. `holdings`: a share of them is too much."""

    def __init__(self, most: int = LISTED, holdings: Holdings | None = None) -> None:
        self.listed: list[Deletion] = []
        self.count = 0
        self.size = 0
        self._most = most
        self._holdings = holdings

    @property
    def is_listed(self) -> bool:
        """Whether no more is listed."""
        return self.count >= self._most

    def add(self, candidate: Candidate, why: Why | None) -> None:
        """Take one picture; without a reason it stays."""
        if why is None:
            return
        if not self.is_listed:
            self.listed.append(Deletion(candidate, why))
        self.count += 1
        self.size += candidate.size

    def add_all(self, batch: Batch, why: Callable[[Candidate], Why | None]) -> None:
        """Take a whole batch; of it only what is still to be listed is read."""
        count, size = self.count + batch.pictures, self.size + batch.size
        for candidate in () if self.is_listed else batch.read():
            self.add(candidate, why(candidate))
            if self.is_listed:
                break
        if self.is_listed:
            self.count, self.size = count, size

    @property
    def is_too_much(self) -> bool:
        """Whether it is more than a share of what is held, which an operator must confirm (no holdings: has)."""
        held = self._holdings
        return (
            held is not None
            and self.count > HANDFUL
            and (self.count > SHARE * held.pictures or self.size > SHARE * max(held.size, 1))
        )


def plan(
    proven: Iterable[Batch],
    unproven: Iterable[Rung],
    policy: Policy,
    space: Space,
    *,
    now: datetime,
    clock_trusted: bool,
    holdings: Holdings,
    announced: datetime | None = None,
    forecast: Forecast | None = None,
    confirmed: bool = False,
    most: int = LISTED,
) -> Plan:
    """Return what leaves the buffer. `proven` is oldest first; both iterables are read only as far as needed.

    `announced`: when the loss of unproven pictures was announced; `confirmed`: an operator has seen the share;
    `most`: so many deletions are listed, the rest is counted.
    """
    needed = max(0, policy.keep_free - space.free)
    doubt = _implausible(policy, space)
    if doubt is not None:
        return _made(_Taken(), needed, policy, space, doubt)
    aged = now - policy.keep if policy.keep is not None and clock_trusted else None
    taken = _Taken(most, None if confirmed else holdings)
    all_read = _take_proven(taken, proven, needed, aged)
    held = "clock not trusted: nothing leaves by age" if policy.keep is not None and aged is None else None
    missing = all_read and needed > taken.size
    if missing:
        held = _why_unproven_stay(policy, clock_trusted, announced, now)
        if held is None:
            _take_unproven(taken, unproven, needed, _young(now, holdings))
    if taken.is_too_much:
        return _made(_Taken(), needed, policy, space, TOO_MUCH)
    notice = _notice(policy, announced, forecast, now, missing) if clock_trusted else None
    return _made(taken, needed, policy, space, held, notice)


def _made(
    taken: _Taken, needed: int, policy: Policy, space: Space, refused: str | None, notice: str | None = None
) -> Plan:
    short = max(0, needed - taken.size)
    return Plan(
        deletions=taken.listed,
        freed=sum(deletion.candidate.size for deletion in taken.listed),
        stop_capture=short > 0 and (policy.when_full == "stop" or space.free < min(RESERVE, policy.keep_free)),
        announce=notice == "announce",
        withdraw=notice == "withdraw",
        refused=refused,
        short=short,
        beyond=taken.count - len(taken.listed),
    )


def _implausible(policy: Policy, space: Space) -> str | None:
    if not 0 <= space.free <= space.total:
        return "the file system reports an impossible free space: nothing is deleted on such a word"
    if policy.keep_free >= space.total:
        return f"keep_free = {show_size(policy.keep_free)} is more than the disk has: {show_size(space.total)}"
    return None


def _take_proven(taken: _Taken, proven: Iterable[Batch], needed: int, aged: datetime | None) -> bool:
    """Take proven pictures, oldest first, until enough is free and none is older than `aged`.

    Return whether there are no more of them. It stops early at a share that is refused.
    """

    def old(at: datetime) -> bool:
        return aged is not None and at < aged

    def why(candidate: Candidate) -> Why | None:
        return None if not candidate.proven else Why.AGE if old(candidate.at) else Why.FULL

    for batch in proven if needed or aged is not None else ():
        if (aged is not None and batch.until <= aged) or taken.size + batch.size <= needed:
            taken.add_all(batch, why)
        else:
            for candidate in batch.read():
                if not old(candidate.at) and taken.size >= needed:
                    return False
                taken.add(candidate, why(candidate))
                if taken.is_too_much:
                    return False
        if taken.is_too_much or (taken.size >= needed and aged is None):
            return False
    return True


def _take_unproven(taken: _Taken, unproven: Iterable[Rung], needed: int, young: datetime) -> None:
    """Take unproven pictures that are older than `young`, in the order of thinning, until enough is free."""

    def why(candidate: Candidate) -> Why | None:
        return None if candidate.proven or candidate.at >= young else Why.UNPROVEN

    for batch in thinned(unproven, young):
        if batch.until <= young and taken.size + batch.size <= needed:
            taken.add_all(batch, why)
        else:
            for candidate in batch.read():
                if candidate.at >= young or taken.size >= needed:
                    break
                taken.add(candidate, why(candidate))
        if taken.size >= needed or taken.is_too_much:
            return


def _notice(
    policy: Policy, announced: datetime | None, forecast: Forecast | None, now: datetime, missing: bool
) -> str | None:
    """Return whether the loss of unproven pictures is to be announced now, or its announcement withdrawn.

    Only by a trusted clock: an announcement dated 1970 would be seven days old at once.
    """
    if policy.when_full == "stop":
        return "withdraw" if announced is not None else None
    dies = forecast.first_unproven_dies if forecast is not None else None
    if announced is None:
        return "announce" if missing or (dies is not None and now >= dies - NOTICE) else None
    if missing or forecast is None:
        return None
    return "withdraw" if dies is None or dies > now + CALM else None


def _why_unproven_stay(policy: Policy, clock_trusted: bool, announced: datetime | None, now: datetime) -> str | None:
    if policy.when_full == "stop":
        return 'what is left is unproven, and when_full = "stop"'
    if not clock_trusted:
        return "clock not trusted: no unproven picture leaves"
    if announced is None:
        return f"what is left is unproven: its loss is announced {show_duration(NOTICE)} before"
    if now - announced < NOTICE:
        return f"what is left is unproven: its loss was announced, and begins on {show_instant(announced + NOTICE)}"
    return None


def _young(now: datetime, holdings: Holdings) -> datetime:
    """Return the instant from which on unproven pictures are never thinned."""
    newest = now if holdings.newest is None else min(now, holdings.newest)
    return newest - LAST_HOURS
