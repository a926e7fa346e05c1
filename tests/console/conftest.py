"""Consoles in front of a node's real control socket, on a clock that is given."""

from __future__ import annotations

from console.thrift import launch

launch.prepare(TEXTUAL_THEME="ansi-dark")  # before Textual is imported

from collections.abc import AsyncIterator, Callable, Sequence  # noqa: E402
from contextlib import asynccontextmanager  # noqa: E402
from dataclasses import dataclass, field  # noqa: E402
from typing import Any  # noqa: E402

import pytest  # noqa: E402
from peers.nodesocket import Served, instant  # noqa: E402
from peers.statuses import NOW  # noqa: E402
from textual.pilot import Pilot  # noqa: E402

from console.app import Console  # noqa: E402
from console.feed.reader import Reader  # noqa: E402

PATIENCE = 20.0  # seconds


@dataclass
class Desk:
    """An operator before a console. `seconds` is the time that its clock shows."""

    app: Console
    pilot: Pilot[Any]
    seconds: list[float] = field(default_factory=lambda: [NOW])

    @property
    def text(self) -> list[str]:
        """Return what is on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    async def until(self, happened: Callable[[], object]) -> None:
        """Wait until something happened on the screen."""
        import time

        end = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < end, "\n".join(self.text)
            await self.pilot.pause(0.02)

    async def sees(self, *words: str) -> list[str]:
        """Wait until all of these stand on the screen, and return it."""
        await self.until(lambda: all(any(word in line for line in self.text) for word in words))
        return self.text

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Type a text."""
        await self.pilot.press(*text)

    async def confirms(self) -> None:
        """Type the four characters that the page shows, and Enter."""
        await self.sees("Leave it as it is")
        await self.type(self.app.screen.state.code)  # type: ignore[attr-defined]
        await self.press("enter")

    async def reads(self) -> None:
        """Have the console read anew."""
        self.app.action_read()
        await self.until(lambda: not self.app._reading)


@asynccontextmanager
async def console(nodes: Sequence[Served], size: tuple[int, int] = (100, 30)) -> AsyncIterator[Desk]:
    """Open the console on these nodes."""
    seconds = [NOW]
    now = lambda: instant(seconds[0])  # noqa: E731
    app = Console(Reader([node.place for node in nodes], now), now)
    async with app.run_test(size=size) as pilot:
        desk = Desk(app, pilot, seconds)
        await desk.until(lambda: app.page is not None and not app._reading)
        yield desk


@pytest.fixture
def at_the_console() -> Any:
    """Return what opens a console."""
    return console
