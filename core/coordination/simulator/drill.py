"""Many histories and many kills, summed up: what `overlapse drill --redundancy` tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.coordination.simulator.history import Outcome, play
from core.coordination.simulator.invariants import LIVENESS, MEANING, SAFETY
from core.coordination.simulator.kills import ASKED, INTERVALS, PACES, Dark, measure

STORIES = 5  # histories in which something broke that are told whole

Part = tuple[int, int, int]  # seed, first history, how many


def play_part(part: Part) -> list[Outcome]:
    """Play some histories of a drill; for a process of its own."""
    seed, first, count = part
    return [play(seed, number) for number in range(first, first + count)]


def parts(seed: int, histories: int, size: int = 20) -> Iterator[Part]:
    """Yield the histories of a drill in portions."""
    for first in range(0, histories, size):
        yield seed, first, min(size, histories - first)


@dataclass
class Summary:
    """What the histories of a drill came to so far."""

    seed: int
    histories: int = 0
    violations: Counter[str] = field(default_factory=Counter)
    broken: list[Outcome] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    dark: list[Dark] = field(default_factory=list)

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Count some more histories."""
        for one in outcomes:
            self.histories += 1
            self.counts.update(one.counts)
            self.violations.update(name for name, _ in one.violations)
            if one.violations:
                self.broken.append(one)

    def kill(self, kills: int) -> Iterator[str]:
        """Kill the primary so many times at each pace; yield each pace before it is done."""
        for pace in PACES if kills else ():
            yield pace
            self.dark.append(measure(pace, self.seed, kills))

    @property
    def is_fine(self) -> bool:
        """Whether nothing broke and the figures are reached."""
        return not self.broken and all(one.is_fine for one in self.dark)

    def to_json(self) -> dict[str, Any]:
        """Return it for a machine: seconds, counts, and the whole story of the first that broke."""
        return {
            "seed": self.seed,
            "histories": self.histories,
            "violations": {name: self.violations[name] for name in (*SAFETY, *LIVENESS)},
            "counts": dict(sorted(self.counts.items())),
            "broken": [_broken(one) for one in self.broken[:STORIES]],
            "dark": [_dark(one) for one in self.dark],
        }

    def text(self) -> str:
        """Return it for a person."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        if self.histories:
            counts = self.counts
            yield (
                f"{self.histories} histories of seed {self.seed}: {counts['faults']} faults, {counts['failures']} "
                f"failovers, {counts['returns']} returns, {counts['mails']} mails, {counts['pictures']} pictures"
            )
            for name in (*SAFETY, *LIVENESS):
                yield f"  {name}  {self.violations[name] or 'holds':>6}  {MEANING[name]}"
        for one in self.broken[:STORIES]:
            yield ""
            yield f"History {one.seed}: {one.violations[0][0]} {one.violations[0][1]}"
            yield from (f"  {line}" for line in one.story)
        yield from _dark_lines(self.dark)


def _broken(one: Outcome) -> dict[str, Any]:
    violations = [{"invariant": name, "what": what} for name, what in one.violations]
    return {"history": one.seed, "violations": violations, "story": [*one.story]}


def _dark(one: Dark) -> dict[str, Any]:
    return {
        "pace": one.pace,
        "kills": one.kills,
        "median_s": round(one.median, 2),
        "p99_s": round(one.p99, 2),
        "worst_s": round(one.worst, 2),
        "asked_p99_s": ASKED[one.pace],
        "slots_lost_most": dict(zip(map(str, INTERVALS), one.lost_most, strict=True)),
        "slots_lost_mean": {str(at): round(mean, 2) for at, mean in zip(INTERVALS, one.lost_mean, strict=True)},
    }


def _dark_lines(dark: Sequence[Dark]) -> Iterator[str]:
    if not dark:
        return
    yield ""
    yield f"{dark[0].kills} kills of the primary   median     p99   worst   asked   slots lost at 10s/60s/10m, most"
    for one in dark:
        asked, lost = ASKED[one.pace], "/".join(str(most) for most in one.lost_most)
        row = f"  {one.pace:<23}{one.median:6.1f}s {one.p99:6.1f}s {one.worst:6.1f}s {asked:6.0f}s   {lost}"
        yield row if one.is_fine else f"{row}   MISSED"
