"""Before Textual is loaded: its levers, and which driver this terminal gets. Imports nothing heavy."""

from __future__ import annotations

import gc
import os
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, NamedTuple

from console.thrift.capabilities import Capabilities, capabilities

if TYPE_CHECKING:
    from textual.driver import Driver

SWITCH = "THRIFT"  # =off: the driver that comes with Textual
LEVERS = {  # Textual 8.2.8 reads these once, when it is imported
    "TEXTUAL_ANIMATIONS": "none",
    "TEXTUAL_SMOOTH_SCROLL": "0",  # animated scrolling, and the size reports that come with it
    "ESCDELAY": "20",  # ms that Escape waits to be the beginning of another key, instead of 100
    "TEXTUAL_DISABLE_KITTY_KEY": "1",  # 8 to 11 bytes more for every key
}


class Options(NamedTuple):
    """How thrifty the driver is."""

    frames_a_second: float = 4.0
    urgent_for: float = 0.4  # seconds after a key in which frames are not held back
    budget: int = 0  # bytes a minute on the wire that the refresh is stretched to; 0: none. Keys are exempt
    ask_every: float = 30.0  # seconds between two measurements of the round trip; 0: never
    colour: bool = True
    ascii_only: bool = False  # whatever the program draws, only ASCII reaches the terminal
    may_suspend: bool = True  # Ctrl-Z gives a shell back; without it, it ends the program


def prepare(environ: MutableMapping[str, str] = os.environ, **more: str) -> None:
    """Set Textual's levers, and `more` of them, where the environment does not say otherwise."""
    for name, value in {**LEVERS, **more}.items():
        environ.setdefault(name, value)


def hurry() -> None:
    """Collect no garbage until something is on the screen: what is being imported stays. Saves 5 % of the CPU."""
    gc.disable()


def settled() -> None:
    """Collect garbage as usual, but for what was there before: the driver calls this behind its first frame."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def wants_stock(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether the environment asks for Textual's own driver."""
    return environ.get(SWITCH, "").lower() in ("off", "0", "no", "stock")


def driver_class(options: Options | None = None, environ: Mapping[str, str] = os.environ) -> type[Driver] | None:
    """Return the driver for `App(driver_class=...)`; None for Textual's own.

    Raise UnfitTerminal, with a sentence for the operator, where no full screen can be drawn.
    """
    can = capabilities(environ.get("TERM", ""), environ)
    if wants_stock(environ):
        settled()
        return None
    return _made(options or Options(colour="NO_COLOR" not in environ), can)


def _made(options: Options, can: Capabilities) -> type[Driver]:
    from console.thrift.driver import ThriftDriver  # loads Textual: not before the levers are set

    return ThriftDriver.made(options, can)
