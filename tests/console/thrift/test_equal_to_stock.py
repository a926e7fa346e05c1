"""What an operator sees does not depend on the driver: every cell is the same as with Textual's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from peers import ptys, tmuxes
from peers.emulator import Look
from peers.ptys import Pty

TOUR = ptys.python("-m", "peers.tour")
STEPS: dict[str, Callable[[Pty], object]] = {
    "first paint": lambda line: line.shows("bell"),
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


def settle(stock: Pty, ours: Pty, since: tuple[int, int]) -> None:
    """Wait until both have drawn something and show the same, or for so long that they never will."""
    assert stock.until(lambda: len(stock.sent) > since[0], 10)
    assert ours.until(lambda: len(ours.sent) > since[1], 10)
    assert ours.until(lambda: not (stock.step(0.02) or differing(stock, ours)), 10), differing(stock, ours)[:5]


@pytest.mark.parametrize(
    ("more", "steps"),
    [
        pytest.param({"COLORTERM": "truecolor"}, list(STEPS), id="xterm-256color in true colour"),
        pytest.param(
            {"TEXTUAL_THEME": "ansi-dark", "TERM": "linux"}, list(STEPS)[:6], id="linux console in its own colours"
        ),
    ],
)
def test_a_tour_looks_the_same_with_both_drivers(more: dict[str, str], steps: list[str]) -> None:
    with (
        ptys.on_a_pty(TOUR, environ=ptys.environment(THRIFT="off", **more)) as stock,
        ptys.on_a_pty(TOUR, environ=ptys.environment(**more)) as ours,
    ):
        for name in steps:
            since = len(stock.sent), len(ours.sent)
            STEPS[name](stock)
            STEPS[name](ours)
            settle(stock, ours, since)
        stock.type("\x11")
        ours.type("\x11")
        assert (stock.status(), ours.status()) == (0, 0)
    assert len(ours.sent) < len(stock.sent) / 5


IN_TMUX = {
    "cursor": ("Down", "Down"),
    "update": ("u",),
    "page down": ("PageDown",),
    "modal": ("m",),
    "modal closed": ("Escape",),
    "log": ("l",),
    "log up": ("Up", "Up"),
    "log page up": ("PageUp",),
    "log closed": ("Escape",),
}


@pytest.mark.peer
@pytest.mark.skipif(tmuxes.missing(), reason="tmux is not installed (package tmux)")
def test_a_tour_looks_the_same_in_a_real_tmux() -> None:
    with tmuxes.tmux(100, 30) as server:
        for name, more in (("stock", {"THRIFT": "off"}), ("ours", {})):
            server.start(name, TOUR, ptys.environment(**more))
        for name in ("stock", "ours"):
            assert tmuxes.until(lambda name=name: "bell" in server.text(name))  # type: ignore[misc]
        for step, keys in IN_TMUX.items():
            before = server.looks("stock")
            server.type("stock", *keys)
            server.type("ours", *keys)
            assert tmuxes.until(lambda before=before: server.looks("stock") != before), step  # type: ignore[misc]
            assert tmuxes.until(lambda: server.looks("stock") == server.looks("ours")), step
        server.resize("stock", 60, 20)
        server.resize("ours", 60, 20)
        assert tmuxes.until(lambda: server.looks("stock") == server.looks("ours") != before)
