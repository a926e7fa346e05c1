"""The thresholds of all checks: `[checks]` of site.toml sets them, the status document carries them."""

from __future__ import annotations

from checks.base.say import is_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULTS: Mapping[str, float] = {
    "act_hours": 12.0,  # what is lost within so many hours pages
    "missed": 3.0,  # slots missed in a row that page
    "missed_percent": 5.0,  # of the slots of a day, that warn
    "oldest_hours": 24.0,  # age of the oldest undelivered picture that warns
    "buffer_days": 3.0,  # that the buffer holds with all links down, below which it warns
    "battery_percent": 20.0,  # of a camera, below which it warns
    "clock_drift": 60.0,  # seconds of a camera's clock, either way
    "temperature": 80.0,  # degrees Celsius of the node
}


def thresholds(*given: object) -> dict[str, float]:
    """Return the thresholds: the defaults under each of `given` in turn; what is no number there is passed over."""
    made = dict(DEFAULTS)
    for one in given:
        if isinstance(one, dict):
            made |= {key: value for key, value in one.items() if key in DEFAULTS and is_number(value) and value >= 0}
    return made
