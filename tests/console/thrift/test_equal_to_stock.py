"""What an operator sees does not depend on the driver: every cell is the same as with Textual's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from peers import ptys
from peers.emulator import Look
from peers.ptys import Pty

TOUR = ptys.python("-m", "peers.tour")
STEPS: dict[str, Callable[[Pty], object]] = {
    "first paint": lambda line: line.shows("cam9"),
    "cursor": lambda line: line.type("\x1b[B\x1b[B\x1b[B"),
    "update": lambda line: line.type("u"),
    "page down": lambda line: line.type("\x1b[6~"),
    "modal": lambda line: line.type("m"),
    "typed": lambda line: line.type("né漢x"),
    "modal closed": lambda line: line.type("\x1b"),
    "log": lambda line: line.type("l"),
    "log up": lambda line: line.type("\x1b[A\x1b[A\x1b[A"),
    "log page up": lambda line: line.type("\x1b[5~"),
    "log closed": lambda line: line.type("\x1b"),
    "narrow": lambda line: line.resize(44, 18),
    "tiny": lambda line: line.resize(20, 5),
    "wide": lambda line: line.resize(160, 45),
    "page": lambda line: line.type("\x1b[6~"),
}


def differing(stock: Pty, ours: Pty) -> list[tuple[int, int, Look, Look]]:
    """Return where the two screens differ."""
    rows = enumerate(zip(stock.screen.looks(), ours.screen.looks(), strict=True))
    pairs = ((x, y, a, b) for y, row in rows for x, (a, b) in enumerate(zip(*row, strict=True)))
    return [(x, y, a, b) for x, y, a, b in pairs if a != b]


def settle(lines: tuple[Pty, Pty], since: list[int]) -> None:
    """Wait until both have drawn something and nothing more comes."""
    for line, before in zip(lines, since, strict=True):
        assert line.until(lambda line=line, before=before: len(line.sent) > before, 5)  # type: ignore[misc]
    for line in lines:
        line.quiet(0.12)
    for line in lines:
        line.quiet(0.05)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"COLORTERM": "truecolor"}, id="xterm-256color in true colour"),
        pytest.param({"TEXTUAL_THEME": "ansi-dark", "TERM": "linux"}, id="linux console in its own colours"),
    ],
)
def test_a_tour_looks_the_same_with_both_drivers(more: dict[str, str]) -> None:
    with (
        ptys.on_a_pty(TOUR, environ=ptys.environment(THRIFT="off", **more)) as stock,
        ptys.on_a_pty(TOUR, environ=ptys.environment(**more)) as ours,
    ):
        for name, step in STEPS.items():
            since = [len(stock.sent), len(ours.sent)]
            step(stock)
            step(ours)
            settle((stock, ours), since)
            assert (name, differing(stock, ours)[:5]) == (name, [])
        stock.type("q")
        ours.type("q")
        assert (stock.status(), ours.status()) == (0, 0)
    assert len(ours.sent) < len(stock.sent) / 5
