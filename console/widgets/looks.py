"""How words look. A look adds weight to a word that says the same; none is needed to understand a screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from core.text import safe

LOOKS = {  # the 16 colours of the terminal, none of them blue: it is unreadable on black
    "plain": Style(),
    "ok": Style(),
    "strong": Style(bold=True),
    "warn": Style(color="yellow"),
    "bad": Style(color="red"),
    "crit": Style(color="red", bold=True),
    "unknown": Style(color="magenta"),
    "chosen": Style(reverse=True),
}
Part = str | tuple[str, str]  # a text, or a text and the name of its look
Text = Part | Sequence["Text"]
LONGEST = 1000  # characters of one part


def parts_of(text: Text) -> list[tuple[str, str]]:
    """Return a text as parts with a look each, made safe for a terminal."""
    if isinstance(text, str):
        return [(safe(text, LONGEST), "plain")]
    if isinstance(text, tuple) and len(text) == 2 and all(isinstance(each, str) for each in text) and text[1] in LOOKS:
        return [(safe(text[0], LONGEST), text[1])]
    return [part for each in text for part in parts_of(each)]


def fitted(text: Text, width: int, right: bool = False) -> list[tuple[str, str]]:
    """Return the parts of a text in exactly `width` columns; what is cut off is marked with a tilde."""
    parts = parts_of(text)
    length = sum(cell_len(shown) for shown, _ in parts)
    if length > width:
        return _cut(parts, width)
    padding = [(" " * (width - length), "plain")] if length < width else []
    return [*padding, *parts] if right else [*parts, *padding]


def _cut(parts: Iterable[tuple[str, str]], width: int) -> list[tuple[str, str]]:
    kept, left = [], width - 1
    for shown, look in parts:
        size = cell_len(shown)
        if size > left:
            kept.append((set_cell_size(shown, left), look))
            break
        kept.append((shown, look))
        left -= size
    return [*kept, ("~", "plain")] if width > 0 else []


def strip_of(parts: Iterable[tuple[str, str]]) -> Strip:
    """Return parts as a line to draw."""
    return Strip(Segment(shown, LOOKS[look]) for shown, look in parts if shown).simplify()
