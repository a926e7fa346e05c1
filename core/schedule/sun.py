"""When the sun rises and sets on a local day, and what that means where it does neither.

The only home of astral, which is imported when a schedule first asks for the sun.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from core.schedule.days import DAY, LocalDays

if TYPE_CHECKING:
    from astral import Observer

# Degrees of the sun's centre over the horizon, air aside: its upper limb (16') lifted by the air (34'); civil twilight.
HEIGHT = {"dawn": -6.0, "sunrise": -50 / 60, "sunset": -50 / 60, "dusk": -6.0}
NEEDS_PLACE = "a time by the sun needs the site's latitude (-90 to 90) and longitude (-180 to 180); write both"
RISING = ("dawn", "sunrise")
WORDS = ("dawn", "sunrise", "noon", "sunset", "dusk")


def is_place(latitude: float | None, longitude: float | None) -> bool:
    """Return whether both coordinates are given and exist."""
    return latitude is not None and longitude is not None and abs(latitude) <= 90 and abs(longitude) <= 180


@dataclass(frozen=True, slots=True)
class SunTime:
    """An instant of the sun on one local day.

    `happens` is False where the sun does not cross that height on that day. Then `seconds` is what keeps windows
    sensible: with the sun above it all day, light lasts from the day's begin to its end (so "sunrise" to "sunset" is
    the whole day and "sunset" to "sunrise" is nothing); with the sun below it all day, it rises and sets at noon (so
    the first is nothing and the second runs from noon to noon). An offset does not apply to such a time.
    """

    seconds: int
    happens: bool = True


class Sun:
    """The sun at one place, cached by day.

    Sunrise and sunset are those before and after the solar noon of the local day, so that a sunset after midnight
    still belongs to the day that it ends.
    """

    def __init__(self, latitude: float, longitude: float, days: LocalDays) -> None:
        self._place = (latitude, longitude)
        self._days = days
        self._noon = lru_cache(maxsize=64)(self._find_noon)
        self.time = lru_cache(maxsize=256)(self._time)

    def _time(self, day: int, word: str) -> SunTime:
        """Return the instant of `word`, one of WORDS, on the local day."""
        noon = self._noon(day)
        if word == "noon":
            return SunTime(noon)
        height = HEIGHT[word]
        midnight = noon + (-DAY if word in RISING else DAY) // 2
        if self._height(noon) < height:
            return SunTime(noon, happens=False)
        if self._height(midnight) >= height:
            return SunTime(self._days.start(day if word in RISING else day + 1), happens=False)
        return SunTime(self._crossing(midnight, noon, height))

    def _find_noon(self, day: int) -> int:
        from astral.sun import noon

        middle = (self._days.start(day) + self._days.start(day + 1)) // 2
        near = (noon(self._observer(), date.fromordinal(day + step)) for step in (-1, 0, 1))
        return min((int(instant.timestamp()) for instant in near), key=lambda seconds: abs(seconds - middle))

    def _crossing(self, below: int, above: int, height: float) -> int:
        """Return the first second of light between a midnight and a noon, in either order: the sun only climbs there.

        astral's own search for it wraps by days of UTC and errs where the sun crosses near midnight UTC.
        """
        while abs(above - below) > 1:
            middle = (below + above) // 2
            if self._height(middle) >= height:
                above = middle
            else:
                below = middle
        return above

    def _height(self, seconds: int) -> float:
        from astral.sun import elevation

        return float(elevation(self._observer(), datetime.fromtimestamp(seconds, UTC), with_refraction=False))

    def _observer(self) -> Observer:
        from astral import Observer

        return Observer(*self._place)
