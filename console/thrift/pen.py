"""The pen of a terminal: attributes and colours as SGR says them, and the shortest way from one pen to another.

Standard: ECMA-48 section 8.3.117 (SGR); 38 and 48 with 2 or 5 from ITU-T T.416; 53 and 55 as xterm has them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

OFF = {1: 22, 2: 22, 3: 23, 4: 24, 21: 24, 5: 25, 6: 25, 7: 27, 8: 28, 9: 29, 51: 54, 52: 54, 53: 55}
SEEN_ON_BLANKS = frozenset({4, 21, 7, 9, 51, 52, 53})  # underlines, reverse, strike, frames, overline


class Pen(NamedTuple):
    """How characters are drawn: SGR attribute codes that are on, and the SGR parameters of the two colours."""

    attributes: frozenset[int] = frozenset()
    foreground: str = ""  # "31" or "38;5;208"; empty: the terminal's own
    background: str = ""

    @property
    def shows_on_blanks(self) -> bool:
        """Tell whether a blank drawn so differs from one that was erased with the same background."""
        return not self.attributes.isdisjoint(SEEN_ON_BLANKS)


PLAIN = Pen()


@lru_cache(maxsize=4096)
def applied(pen: Pen, parameters: str, colour: bool = True) -> Pen:
    """Return the pen after SGR with these parameters; unknown ones change nothing.

    Without `colour` (NO_COLOR) only attributes are taken.
    """
    attributes, foreground, background = set(pen.attributes), pen.foreground, pen.background
    codes = parameters.replace(":", ";").split(";")
    while codes:
        code = int(codes.pop(0) or 0)
        if code == 0:
            attributes, foreground, background = set(), "", ""
        elif code in OFF:
            attributes.add(code)
        elif code in (38, 48):
            named = _extended(code, codes)
            foreground, background = (named, background) if code == 38 else (foreground, named)
        elif 30 <= code <= 39 or 90 <= code <= 97:
            foreground = "" if code == 39 else str(code)
        elif 40 <= code <= 49 or 100 <= code <= 107:
            background = "" if code == 49 else str(code)
        else:
            attributes = {each for each in attributes if OFF[each] != code}
    return Pen(frozenset(attributes), foreground if colour else "", background if colour else "")


def _extended(code: int, codes: list[str]) -> str:
    """Take the rest of an extended colour off `codes`; return it in the form with semicolons."""
    length = {"5": 2, "2": 4}.get(codes[0] if codes else "", 0)
    taken = [codes.pop(0) for _ in range(min(length, len(codes)))]
    return ";".join([str(code), *taken]) if length and len(taken) == length else ""


@lru_cache(maxsize=65536)
def change(old: Pen, new: Pen, off_codes: bool = True) -> str:
    """Return the shortest SGR that makes `new` of `old`: what differs, or a reset and all of it.

    `off_codes`: the terminal knows 22 to 29, 39 and 49; else only the reset is used to take something away.
    """
    if old == new:
        return ""
    whole = _sgr(["0", *_on(new.attributes), *filter(None, (new.foreground, new.background))])
    if new == PLAIN:
        return "\x1b[m"
    if not off_codes and not _only_adds(old, new):
        return whole
    ended = {OFF[code] for code in old.attributes - new.attributes}
    added = {code for code in new.attributes if code not in old.attributes or OFF[code] in ended}
    codes = [*_on(ended), *_on(added)]
    if old.foreground != new.foreground:
        codes.append(new.foreground or "39")
    if old.background != new.background:
        codes.append(new.background or "49")
    return min(_sgr(codes), whole, key=len)


def _only_adds(old: Pen, new: Pen) -> bool:
    kept = old.attributes <= new.attributes
    return kept and (not old.foreground or bool(new.foreground)) and (not old.background or bool(new.background))


def _on(codes: frozenset[int] | set[int]) -> list[str]:
    return [str(code) for code in sorted(codes)]


def _sgr(codes: list[str]) -> str:
    return f"\x1b[{';'.join(codes)}m"
