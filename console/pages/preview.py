"""What a preview costs, said before it is drawn, and its lines."""

from __future__ import annotations

from collections.abc import Sequence

from console.feed.snapshot import Answer
from console.pages import say
from console.widgets.looks import Text
from core.processing.halfblocks import cells

MOST = 9000  # bytes to the terminal
LASTS = 3600.0  # seconds: one picture, and no newer one unasked
COMPRESSED = 5  # times less with `ssh -C` (-C), as measured of photographs (512x341 in 8 colours)


def heading(answer: Answer | None, camera: str, how: str) -> list[Text]:
    """Return which picture it is, and the price, or how else it can be seen."""
    if answer is None or not answer.said:
        return [answer.error if answer is not None and answer.error else f"{camera}: being made"]
    said = answer.said
    first = (f"{camera} {say.moment(said['at'])}Z", "strong")
    if how:
        return [first, "Enter colours, a ASCII, Esc back"]
    across, down = len(said["rows"][0]) if said["rows"] else 0, (len(said["rows"]) + 1) // 2
    grey, price = sum(len(line) + 2 for line in said["grey"]), say.size(said["price"])
    compressed = say.size(said["price"] / COMPRESSED)
    return [first, f"Enter {price}B ({compressed}B -C), a ASCII {say.size(grey)}B; {across}x{down}"]


def lines(answer: Answer | None) -> list[list[tuple[int, int]]]:
    """Return the colours of its half blocks."""
    return [] if answer is None or not answer.said else cells(answer.said["rows"], answer.said["palette"])


def grey(answer: Answer | None) -> Sequence[Text]:
    """Return it as ASCII."""
    return [] if answer is None else [str(line) for line in answer.said.get("grey", ())]
