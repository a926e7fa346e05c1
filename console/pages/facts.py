"""Facts as lines: a name, and what is known under it; a fact that nobody knows is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from console.widgets.looks import Text

NAME = 12  # characters


def fact(name: str, *said: Text) -> list[Text]:
    """Return a line; without anything said, none."""
    return [[(f"{name:<{NAME}}", "strong"), *said]] if any(said) else []


def counted(counts: Mapping[str, Any]) -> str:
    """Return counts in words: "142 captured, 1 missed"."""
    return ", ".join(f"{count} {word}" for word, count in counts.items() if count)


def pairs(values: Mapping[str, Any], without: Iterable[str] = ()) -> str:
    """Return readings: "battery 80, clock drift 0.4"."""
    left_out = set(without)
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in values.items() if key not in left_out)
