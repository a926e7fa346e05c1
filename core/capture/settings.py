"""Which of a camera's own settings and choices stand for what site.toml asks: pure.

Bodies name the same thing differently, and one that is given a value it did not offer may crash its driver
(measured), so a value is always one of the camera's own choices or is not written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

KEYS: Mapping[str, tuple[str, ...]] = {
    "format": ("imageformat", "imagequality", "imageformatsd", "imageformatcf"),
    "iso": ("iso", "isospeed"),
    "aperture": ("aperture", "f-number"),
    "shutter": ("shutterspeed2", "shutterspeed", "exposuretime"),
    "focus": ("focusmode", "focusmode2", "afmode", "autofocus"),
    "target": ("capturetarget", "recordingmedia"),
}
_SYNONYMS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("focus", "manual"): ("manual", "mf", "manual focus", "mf (fixed)", "mf (selection)", "off"),
    ("focus", "auto"): ("auto", "af-s", "one shot", "af", "on"),
    ("target", "card"): ("memory card", "card", "storage", "memory card 1"),
    ("target", "ram"): ("internal ram", "ram", "sdram", "internal"),
}
_FRACTION = re.compile(r"(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)s?")
_DECIMAL = re.compile(r"(\d+(?:\.\d+)?)s?")
NEAR = 0.06  # cameras round: 1/125 is written 0.0080s, 1/60 is 0.0166s; neighbours of a third stop are 23 % apart


def choose(setting: str, wanted: str, choices: Sequence[str]) -> str | None:
    """Return the camera's own choice that means `wanted`, None when it offers none."""
    words = (_plain(wanted), *_SYNONYMS.get((setting, _plain(wanted)), ()))
    for word in words:
        for choice in choices:
            if _plain(choice) == word:
                return choice
    number = _NUMBERS.get(setting)
    return _nearest(number, wanted, choices) if number is not None else None


def _plain(text: str) -> str:
    return text.strip().casefold()


def _nearest(number: Callable[[str], float | None], wanted: str, choices: Sequence[str]) -> str | None:
    aim = number(wanted)
    if not aim:
        return None
    known = [(choice, found) for choice in choices if (found := number(choice)) is not None]
    close = [(abs(found / aim - 1), choice) for choice, found in known if abs(found / aim - 1) <= NEAR]
    return min(close)[1] if close else None


def _seconds(text: str) -> float | None:
    plain = _plain(text).replace(" ", "")
    if (fraction := _FRACTION.fullmatch(plain)) is not None and float(fraction[2]):
        return float(fraction[1]) / float(fraction[2])
    decimal = _DECIMAL.fullmatch(plain)
    return float(decimal[1]) if decimal else None


def _f_number(text: str) -> float | None:
    decimal = _DECIMAL.fullmatch(_plain(text).removeprefix("f").removeprefix("/"))
    return float(decimal[1]) if decimal else None


_NUMBERS: Mapping[str, Callable[[str], float | None]] = {"shutter": _seconds, "aperture": _f_number}
