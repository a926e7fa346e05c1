"""The day that a restore has in hand: what the destination listed of it, and which of that is to come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from core.transfer.base import StoredObject
from core.transfer.holdings import BOOK, Held, original
from core.values import PictureName


@dataclass(frozen=True)
class Wanted:
    """One original that is to come back."""

    held: Held
    sha256: str  # what the day book says of it; "": nothing


@dataclass
class DayInHand:
    """Collects a listing, and makes of it what is wanted."""

    listed: list[Held] = field(default_factory=list)
    book: str | None = None  # the name of the day's book there
    wanted: deque[Wanted] = field(default_factory=deque)  # newest first

    def add(self, name: str, size: int) -> None:
        """Note one object of the listing."""
        if name.endswith(f"/{BOOK}"):
            self.book = name
        held = original(StoredObject(name, size))
        if held is not None:
            self.listed.append(held)

    def choose(self, is_wanted: Callable[[Held], bool], sha256: Callable[[PictureName], str]) -> None:
        """Choose what is to come. Of two objects of one name the marked one is ours, of which a day book tells."""
        self.listed.sort(key=lambda held: (held.name.at, held.remote), reverse=True)
        marked = {held.name for held in self.listed if _is_marked(held)}
        for held in self.listed:
            if is_wanted(held):
                is_other = held.name in marked and not _is_marked(held)
                self.wanted.append(Wanted(held, "" if is_other else sha256(held.name)))
        self.listed = []


def _is_marked(held: Held) -> bool:
    return not held.remote.endswith(f"/{held.name}")
