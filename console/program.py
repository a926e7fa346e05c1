"""Start: levers first, then Textual, then the program; nothing heavy before the terminal is known to fit."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from console.thrift import launch
from console.thrift.capabilities import UnfitTerminal
from core.site.place import Place

THEME = "ansi-dark"


def _now() -> datetime:
    return datetime.now(UTC)


def main(
    places: Sequence[Place],
    *,
    restricted: bool = False,
    budget: int = 0,
    ascii_only: bool = False,
    now: Callable[[], datetime] = _now,
) -> int:
    """Run the console on these sites until it is left; return the exit status.

    `restricted`: Ctrl-Z ends the session and gives no shell. `budget`: bytes a minute; 0: any.
    `ascii_only`: nothing but ASCII, and no colour.
    """
    launch.hurry()
    launch.prepare(TEXTUAL_THEME=THEME)
    try:
        driver = launch.driver_class(_options(restricted, budget, ascii_only))
    except UnfitTerminal as error:
        sys.stderr.write(f"{error}\n")
        return 2
    from console.app import Console
    from console.feed.reader import Reader
    from console.thrift.grid import plain

    app = Console(Reader(places, now), now, driver)
    app.run(mouse=False)
    if app.printed:
        sys.stdout.write("\n".join(map(plain, app.printed.split("\n"))) if ascii_only else app.printed)
    return app.return_code or 0


def _options(restricted: bool, budget: int, ascii_only: bool) -> launch.Options:
    import os

    colour = not ascii_only and "NO_COLOR" not in os.environ
    return launch.Options(may_suspend=not restricted, budget=budget, colour=colour, ascii_only=ascii_only)
