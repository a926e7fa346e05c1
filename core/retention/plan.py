"""Decide which pictures leave the buffer: pure, and lazy in what it reads.

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

from collections.abc import Iterable
from datetime import datetime, timedelta

from core.retention.forecast import NOTICE, Forecast, show_instant
from core.retention.model import Candidate, Deletion, Holdings, Plan, Policy, Space, Why
from core.retention.thin import thinned
from core.units import show_duration, show_size

__all__ = ["Candidate", "Deletion", "Holdings", "Plan", "Policy", "Space", "Why", "plan"]

LAST_HOURS = timedelta(hours=48)  # of unproven pictures, never thinned
SHARE = 0.25  # of pictures or bytes, at once
HANDFUL = 20  # pictures: fewer are no share
LISTED = 10_000  # deletions that one plan lists; the next plan goes on
CALM = 2 * NOTICE  # an announcement is withdrawn when the loss is further away than this
TOO_MUCH = f"over {SHARE:.0%} of all pictures or bytes would go at once: nothing is deleted unless an operator confirms"
RESERVE = 200_000_000  # bytes: with less, receipts and catalogue could not be written either


class _Taken:
    """Deletions so far; those past LISTED are counted and not kept."""

    def __init__(self) -> None:
        self.listed: list[Deletion] = []
        self.count = 0
        self.size = 0

    def add(self, candidate: Candidate, why: Why) -> None:
        if self.count < LISTED:
            self.listed.append(Deletion(candidate, why))
        self.count += 1
        self.size += candidate.size

    def exceeds(self, holdings: Holdings) -> bool:
        return self.count > HANDFUL and (
            self.count > SHARE * holdings.pictures or self.size > SHARE * max(holdings.size, 1)
        )


def plan(
    proven: Iterable[Candidate],
    unproven: Iterable[Candidate],
    policy: Policy,
    space: Space,
    *,
    now: datetime,
    clock_trusted: bool,
    holdings: Holdings,
    announced: datetime | None = None,
    forecast: Forecast | None = None,
    confirmed: bool = False,
) -> Plan:
    """Return what leaves the buffer. Both iterables are oldest first and are read only as far as needed.

    `announced`: when the loss of unproven pictures was announced; `confirmed`: an operator has seen the share.
    """
    needed = max(0, policy.keep_free - space.free)
    doubt = _implausible(policy, space)
    if doubt is not None:
        return _made(_Taken(), needed, policy, space, doubt)
    aged = now - policy.keep if policy.keep is not None and clock_trusted else None
    taken = _Taken()
    all_read = _take_proven(taken, proven, needed, aged, None if confirmed else holdings)
    held = "clock not trusted: nothing leaves by age" if policy.keep is not None and aged is None else None
    missing = all_read and needed > taken.size
    if missing:
        held = _why_unproven_stay(policy, clock_trusted, announced, now)
        if held is None:
            for candidate in thinned(unproven, needed - taken.size, _young(now, holdings)):
                taken.add(candidate, Why.UNPROVEN)
    if not confirmed and taken.exceeds(holdings):
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
    )


def _implausible(policy: Policy, space: Space) -> str | None:
    if not 0 <= space.free <= space.total:
        return "the file system reports an impossible free space: nothing is deleted on such a word"
    if policy.keep_free >= space.total:
        return f"keep_free = {show_size(policy.keep_free)} is more than the disk has: {show_size(space.total)}"
    return None


def _take_proven(
    taken: _Taken, proven: Iterable[Candidate], needed: int, aged: datetime | None, holdings: Holdings | None
) -> bool:
    """Take proven pictures, oldest first, until enough is free and none is older than `aged`.

    Return whether there are no more of them. Reading stops early at a share of `holdings`, which is refused, or,
    when an operator has confirmed it (None), at what one plan lists.
    """
    for candidate in proven if needed or aged is not None else ():
        old = aged is not None and candidate.at < aged
        if not old and taken.size >= needed:
            return False
        if candidate.proven:
            taken.add(candidate, Why.AGE if old else Why.FULL)
        if taken.count >= LISTED if holdings is None else taken.exceeds(holdings):
            return False
        if taken.size >= needed and aged is None:
            return False
    return True


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
