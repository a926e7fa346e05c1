"""What a plan means, in words: which way fits, what makes the next one fit, what is lost first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.planner.bytes import DAY, Reckoning, Shots, Way, buffer_days, reckon, richest, without_raw
from core.units import show_duration, show_size

MONTH = 30  # days
MEANS: dict[Way, str] = {
    "everything": "RAW and JPEG",
    "jpeg": "JPEG only",
    "reduced": "a reduced copy",
    "monitoring": "status only",
}
_ROUND = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is made, on what link, into what storage (bytes); `when_full` is what happens to the rest.

    `taken_in`: other nodes' cameras make it, and hand it on to here. `places`: the bytes a day that go to each.
    """

    shots: Shots
    uplink: float | None = None  # bytes a second
    storage: float | None = None
    when_full: str = "thin"
    taken_in: bool = False
    places: Mapping[str, float] = field(default_factory=dict)
    said: Sequence[str] = ()  # lines on where the uplink comes from

    @property
    def asked(self) -> Way:
        """The richest way that these cameras have."""
        return self.shots.ways[0]

    @property
    def way(self) -> Way:
        """The richest way that fits the link; monitoring also when nothing does."""
        return richest(self.shots, self.uplink)

    def to_json(self) -> dict[str, Any]:
        """Return it for a machine: sizes in bytes, None for what is not limited or never comes."""
        asked = reckon(self.shots, self.asked, self.uplink)
        return {
            "bytes_per_shot": asked.bytes_per_shot,
            "bytes_per_day": round(asked.bytes_per_day),
            "bytes_per_month": round(asked.bytes_per_day * MONTH),
            "bandwidth_needed_Bps": round(asked.needed, 3),
            "link_share": None if asked.share is None else _finite(asked.share),
            "shortest_interval_s": None if asked.shortest_interval is None else _finite(asked.shortest_interval),
            "buffer_days": None if self.storage is None else _finite(buffer_days(self.shots, self.storage)),
            "drain_days_after_1_day": None if asked.drain is None else _finite(asked.drain),
            "way": self.way,
            "taken_in": self.taken_in,
            "destinations": {name: round(size) for name, size in self.places.items()},
            "ways": [self._row(reckon(self.shots, way, self.uplink)) for way in self.shots.ways],
            "advice": [*self.advice()],
        }

    def _row(self, one: Reckoning) -> dict[str, Any]:
        return {
            "way": one.way,
            "fits": one.fits,
            "bytes_per_day": round(one.bytes_per_day),
            "bandwidth_needed_Bps": round(one.needed, 3),
            "link_share": None if one.share is None else _finite(one.share),
        }

    def text(self) -> str:
        """Return it for a person."""
        return "\n".join([*self._made(), *self._sent(), "", *self._ways(), "", *self.advice()])

    def _made(self) -> Iterator[str]:
        shots, asked = self.shots, reckon(self.shots, self.asked, self.uplink)
        yield f"One shot: {_what(shots)}; {shots.per_day:.0f} a day"
        month, word = show_size(asked.bytes_per_day * MONTH), "Taken in" if self.taken_in else "Made"
        yield f"{word}: {show_size(asked.bytes_per_day)} a day, {month} a month; needs {show_size(asked.needed)}/s"

    def _sent(self) -> Iterator[str]:
        if self.places:
            yield f"Sent: {', '.join(f'{show_size(size)} a day to {name}' for name, size in self.places.items())}"

    def _ways(self) -> Iterator[str]:
        for way in self.shots.ways:
            one = reckon(self.shots, way, self.uplink)
            line = f"  {way:<11}{MEANS[way]:<16}{show_size(one.needed) + '/s':>11}"
            if one.share is not None:
                line += f" {_percent(one.share):>6} of the link  {'fits' if one.fits else 'does not fit'}"
            yield line

    def advice(self) -> Iterator[str]:
        """Yield what to know before anything is bought or changed."""
        yield from self.said
        if self.uplink is not None:
            yield from self._of_the_link(reckon(self.shots, self.asked, self.uplink))
        if self.storage is not None:
            yield from self._of_the_buffer(self.storage)

    def _of_the_link(self, asked: Reckoning) -> Iterator[str]:
        way = self.way
        least = reckon(self.shots, way, self.uplink)
        if not least.fits:
            yield f"This link fits nothing: even {MEANS[way]} needs {show_size(least.needed)}/s"
            return
        yield f"This link fits: {way} ({MEANS[way]})"
        if asked.fits:
            if asked.shortest_interval is not None:
                yield f"Shortest interval that it carries: {_seconds(asked.shortest_interval)}"
            yield f"After a day without the link: {_drained(asked)}"
        yield from self._nearest_change(way)

    def _nearest_change(self, way: Way) -> Iterator[str]:
        """Yield what makes the next richer way fit: a rarer shot, smaller pictures or a better link."""
        better = self.shots.ways.index(way) - 1
        if better < 0 or not self.uplink:
            return
        wanted = reckon(self.shots, self.shots.ways[better], self.uplink)
        interval = show_duration(_rounded(wanted.bytes_per_shot / self.uplink))
        size = show_size(self.uplink * self.shots.interval)
        rate = show_size(math.ceil(wanted.needed / 1000) * 1000)
        yield f"{wanted.way} fits with a shot every {interval}, or with {size} a shot, or with {rate}/s"

    def _of_the_buffer(self, storage: float) -> Iterator[str]:
        days = buffer_days(self.shots, storage)
        yield f"With the link down {show_size(storage)} last {_days(days)}"
        jpeg_only = buffer_days(without_raw(self.shots), storage) if self.shots.raw and self.shots.jpeg else None
        if self.when_full == "stop":
            yield 'Then capture stops, as when_full = "stop" says, and nothing is lost that was taken'
        else:
            then = f"; JPEG alone last {_days(jpeg_only)}" if jpeg_only is not None else ""
            first = "RAW goes first, then " if self.shots.raw and self.shots.jpeg else ""
            yield f"Then, announced a week before, {first}every other picture goes, oldest first{then}"


def _what(shots: Shots) -> str:
    parts = [f"{show_size(size)} {kind}" for kind, size in (("JPEG", shots.jpeg), ("RAW", shots.raw)) if size]
    return " and ".join(parts) or "nothing"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share < 100 else ">9999%"


def _drained(asked: Reckoning) -> str:
    assert asked.drain is not None
    if math.isinf(asked.drain):
        return "what waits is never sent: the link has nothing to spare"
    return f"what waits is sent in {show_duration(asked.drain * DAY)}"


def _finite(number: float) -> float | None:
    return None if math.isinf(number) else round(number, 4)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f}s" if seconds < 10 else show_duration(math.ceil(seconds))


def _days(days: float) -> str:
    return "for ever" if math.isinf(days) else show_duration(days * DAY) if days < 3 else f"{days:.0f} days"


def _rounded(seconds: float) -> float:
    """Return an interval that people would choose, not shorter than `seconds`."""
    return next((whole for whole in _ROUND if whole >= seconds), math.ceil(seconds / 86_400) * 86_400.0)
