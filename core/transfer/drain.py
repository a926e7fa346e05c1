"""When what waits will have gone: by destination, at what the link carries, and what-if for each rung. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.transfer.rungs import Rung

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Flow:
    """What comes for a destination, by class: the bytes that wait, and those that are made a second."""

    waiting: Mapping[str, int]
    made: Mapping[str, float]

    def through(self, rung: Rung) -> Flow:
        """Return the part of it that a rung sends."""
        return Flow(
            {name: round(size / rung.every(name)) for name, size in self.waiting.items() if name in rung.classes},
            {name: rate / rung.every(name) for name, rate in self.made.items() if name in rung.classes},
        )


def seconds(flow: Flow, carried: float) -> float:
    """Return the seconds until nothing waits any more at `carried` bytes a second; infinite: never."""
    waiting, made = sum(flow.waiting.values()), sum(flow.made.values())
    if waiting <= 0:
        return 0.0
    return waiting / (carried - made) if carried > made else NEVER


def drain(flows: Mapping[str, Flow], carried: float) -> dict[str, float]:
    """Return the seconds until each destination has all, when they share a link of `carried` bytes a second fairly.

    Each gets an equal part while it has something waiting or coming; what one does not need goes to the others.
    """
    left = dict(flows)
    found: dict[str, float] = {}
    clock, waiting = 0.0, {name: float(sum(flow.waiting.values())) for name, flow in flows.items()}
    while left:
        shares = _shares({name: sum(flow.made.values()) for name, flow in left.items()}, waiting, carried)
        ends = {name: _end(waiting[name], shares[name] - sum(left[name].made.values())) for name in left}
        first = min(ends.values())
        if first == NEVER:
            return found | dict.fromkeys(left, NEVER)
        for name in left:
            waiting[name] = max(0.0, waiting[name] - first * (shares[name] - sum(left[name].made.values())))
        clock += first
        done = [name for name, end in ends.items() if end <= first]
        for name in done:
            found[name], waiting[name] = clock, 0.0
            carried -= sum(left.pop(name).made.values())  # it goes on needing what is made for it
    return found


def _end(waiting: float, spare: float) -> float:
    if waiting <= 0:
        return 0.0
    return waiting / spare if spare > 0 else NEVER


def _shares(made: Mapping[str, float], waiting: Mapping[str, float], carried: float) -> dict[str, float]:
    """Return the bytes a second of each: those who need less than an equal part take what they need."""
    shares: dict[str, float] = {}
    left, rest = dict(made), max(0.0, carried)
    while left:
        equal = rest / len(left)
        small = [name for name, rate in left.items() if waiting[name] <= 0 and rate <= equal]
        if not small:
            return shares | dict.fromkeys(left, equal)
        for name in small:
            shares[name] = left.pop(name)
            rest -= shares[name]
    return shares


def goodput(samples: Sequence[float]) -> tuple[float, float] | None:
    """Return the median and the tenth percentile of what was carried, in bytes a second; None without samples."""
    if not samples:
        return None
    ordered = sorted(samples)
    return ordered[len(ordered) // 2], ordered[len(ordered) // 10]
