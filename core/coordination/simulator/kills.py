"""How long a camera is dark when its primary is killed, and how many slots that costs, by the protocol itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from random import Random
from typing import Literal

from core.coordination.protocol.profiles import PROFILES
from core.coordination.simulator.history import History, Setup
from core.coordination.simulator.network import STEADY, STEADY_CELLULAR

Pace = Literal["normal", "fast", "cellular", "constant"]
PACES: tuple[Pace, ...] = ("normal", "fast", "cellular", "constant")
ASKED: dict[Pace, float] = {"normal": 43.0, "fast": 19.0, "cellular": 135.0, "constant": 0.0}  # seconds, p99
INTERVALS = (10, 60, 600)  # seconds between two slots
_CAMERA = "yard"
_PATIENCE = 6.0  # times T in which somebody must have taken it


@dataclass(frozen=True, slots=True)
class Kill:
    """One death of a primary. `committed`: seconds until another node owned its camera; `dark`: until one shot it."""

    committed: float
    dark: float
    lost: tuple[int, ...]  # slots, for each of INTERVALS


@dataclass(frozen=True, slots=True)
class Dark:
    """Many kills of one pace: seconds, and slots lost at the most and on average."""

    pace: Pace
    kills: int
    median: float
    p99: float
    worst: float
    lost_most: tuple[int, ...]
    lost_mean: tuple[float, ...]

    @property
    def is_fine(self) -> bool:
        """Whether it is what was asked: seconds, and no slot at all in constant mode."""
        return self.p99 <= ASKED[self.pace] and (self.pace != "constant" or not any(self.lost_most))


def kill(pace: Pace, seed: int, number: int) -> Kill:
    """Kill the primary at a random phase of its renewals, and see who shoots its camera from when on."""
    random = Random(f"kill/{seed}/{pace}/{number}")  # noqa: S311 - a history, not a secret
    profile = PROFILES["normal" if pace == "constant" else pace]
    unit_line = STEADY_CELLULAR if pace == "cellular" else STEADY
    setup = Setup(
        profile=profile, faults=(), exclusive=False, constant=pace == "constant", line=STEADY, unit_line=unit_line
    )
    history = History(f"kill/{seed}/{pace}/{number}", setup)
    history.start()
    history.time.run((8 + random.random()) * profile.renew)
    history.nodes["unit"].crash()
    at, cloud = history.time.now, history.nodes["cloud"]
    until = at + _PATIENCE * profile.deadline
    history.time.run_while(lambda: cloud.right(_CAMERA) is None, until)
    dark = history.time.now - at if cloud.right(_CAMERA) is not None else until - at
    history.time.run_while(lambda: history.judge.owners[_CAMERA].node != "cloud", until)
    return Kill(history.time.now - at, dark, tuple(_lost(dark, interval, random) for interval in INTERVALS))


def _lost(dark: float, interval: int, random: Random) -> int:
    """Return how many slots of a camera fall into its dark time, at a random phase."""
    phase = random.random() * interval
    return max(0, ceil((dark - phase) / interval))


def measure(pace: Pace, seed: int, kills: int) -> Dark:
    """Kill so many primaries, and tell how dark it was."""
    return summed(pace, [kill(pace, seed, number) for number in range(kills)])


def summed(pace: Pace, kills: Sequence[Kill]) -> Dark:
    """Return what many kills come to; in constant mode only what was not shot counts as dark."""
    times = sorted(one.dark if pace == "constant" else max(one.dark, one.committed) for one in kills)
    columns = list(zip(*(one.lost for one in kills), strict=True))
    return Dark(
        pace=pace,
        kills=len(kills),
        median=percentile(times, 0.5),
        p99=percentile(times, 0.99),
        worst=times[-1],
        lost_most=tuple(max(column) for column in columns),
        lost_mean=tuple(sum(column) / len(column) for column in columns),
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that is not below so large a share of them (nearest rank)."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
