"""What a terminal can do: terminfo's word, less what is known not to hold for terminals that borrow a name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from console.thrift import terminfo


class UnfitTerminal(Exception):
    """This terminal cannot be drawn on at all; the text says why and what to do."""


class Capabilities(NamedTuple):
    """Sequences that may be sent beyond CUP, SGR and text."""

    term: str = ""
    known: bool = False  # has an entry in terminfo
    erase: bool = False  # EL and ED
    bce: bool = False  # they, and ECH, erase to the pen's background
    ech: bool = False  # erase n characters
    rep: bool = False  # repeat the last (ASCII) character
    cha: bool = False  # column by number
    vpa: bool = False  # line by number
    scroll_up: bool = False  # a region (DECSTBM) moved up (SU)
    scroll_down: bool = False  # and down (SD)
    lines: bool = False  # lines inserted and deleted inside it (IL, DL)
    off_codes: bool = False  # SGR 22 to 29, 39, 49


SPELLED = {  # a sequence is used only when terminfo spells it as ECMA-48 does: (capability, then its field)
    "el": (b"\x1b[K", "erase"),
    "ech": (b"\x1b[%p1%dX", "ech"),
    "rep": (b"%p1%c\x1b[%p2%{1}%-%db", "rep"),
    "hpa": (b"\x1b[%i%p1%dG", "cha"),
    "vpa": (b"\x1b[%i%p1%dd", "vpa"),
    "indn": (b"\x1b[%p1%dS", "scroll_up"),
    "rin": (b"\x1b[%p1%dT", "scroll_down"),
    "il": (b"\x1b[%p1%dL", "lines"),
    "dl": (b"\x1b[%p1%dM", "lines"),
}
CUP = b"\x1b[%i%p1%d;%p2%dH"
CSR = b"\x1b[%i%p1%d;%p2%dr"
PADDING = re.compile(rb"\$<[^>]*>")
NEEDING_REGION = ("scroll_up", "scroll_down", "lines")
NOT_USED = (  # (names, field, why)
    (r"xterm|xterm-256color", "rep", "mosh (1.4) gives itself these names and knows no REP: its issue 1064"),
    (r"vt\d+.*", "off_codes", "SGR 22 to 29 came with the VT300, colours later"),
)
MODERN = re.compile(r"xterm-(kitty|ghostty)|alacritty(-direct)?|foot(-extra|-direct)?|wezterm|contour(-latest)?|rio")
NOT_TERMINALS = ("", "dumb", "unknown", "network", "emacs")


def capabilities(term: str, environ: Mapping[str, str]) -> Capabilities:
    """Return what may be sent to a terminal of this name; what a VT100 does for a name that terminfo has not.

    Raise UnfitTerminal for one that has no addressable screen.
    """
    if term in NOT_TERMINALS:
        raise UnfitTerminal(f"TERM is {term or 'not set'!r}: no full screen can be drawn on it. With ssh use `ssh -t`.")
    entry = terminfo.find(term, environ)
    if entry is None and MODERN.fullmatch(term):  # their entries come with them, and a server seldom has them
        plain = {field: True for _, field in SPELLED.values()} | {"rep": False}
        return Capabilities(term=term, known=True, off_codes=True, **plain)
    if entry is None:
        return Capabilities(term=term if terminfo.NAME.fullmatch(term) else "", erase=True)
    if not _is(entry, "cup", CUP):
        raise UnfitTerminal(f"TERM is {term!r}: its screen is not addressed as ECMA-48 says, nothing can be drawn.")
    fields = {field: _is(entry, name, spelled) for name, (spelled, field) in SPELLED.items()}
    fields |= {"bce": "bce" in entry.flags, "off_codes": True}
    if not _is(entry, "csr", CSR):
        fields |= dict.fromkeys(NEEDING_REGION, False)
    fields |= {field: False for names, field, _ in NOT_USED if re.fullmatch(names, term)}
    return Capabilities(term=term, known=True, **fields)


def _is(entry: terminfo.Entry, name: str, spelled: bytes) -> bool:
    return PADDING.sub(b"", entry.strings.get(name, b"")) == spelled
