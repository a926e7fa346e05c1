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
    places: Sequence[Place], *, restricted: bool = False, budget: int = 0, now: Callable[[], datetime] = _now
) -> int:
    """Run the console on these sites until it is left; return the exit status.

    `restricted`: Ctrl-Z ends the session and gives no shell. `budget`: bytes a minute; 0: any.
    """
    launch.hurry()
    launch.prepare(TEXTUAL_THEME=THEME)
    try:
        driver = launch.driver_class(_options(restricted, budget))
    except UnfitTerminal as error:
        sys.stderr.write(f"{error}\n")
        return 2
    from console.app import Console
    from console.feed.reader import Reader

    app = Console(Reader(places, now), now, driver)
    app.run(mouse=False)
    if app.printed:
        sys.stdout.write(app.printed)
    return app.return_code or 0


def _options(restricted: bool, budget: int) -> launch.Options:
    import os

    return launch.Options(may_suspend=not restricted, budget=budget, colour="NO_COLOR" not in os.environ)
