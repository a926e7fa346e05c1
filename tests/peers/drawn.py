"""A screen as an SVG: what a document shows of the program, made by it. `python -m peers.drawn` makes all anew."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from console.thrift import launch

launch.prepare(TEXTUAL_THEME="ansi-dark")

from textual.strip import Strip  # noqa: E402

from checks.evaluate import verdicts  # noqa: E402
from console.app import Console  # noqa: E402
from console.feed.reader import Reader  # noqa: E402
from peers.nodesocket import instant, served  # noqa: E402
from peers.statuses import HOUR, NOW, put, redundant, shifted, with_  # noqa: E402

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
SCREENS: dict[str, list[str]] = {"fleet": [], "alert": ["4", "enter"]}  # by the keys that lead there
WIDTH, HEIGHT = 100, 14
WIDE, HIGH = 8.4, 18  # of a character, in the SVG's own units
COLOURS = {"yellow": "#d7a521", "red": "#e5534b", "magenta": "#c586c0"}
TEXT, GROUND = "#d4d4d4", "#1b1d21"


def as_svg(strips: Iterable[Strip], columns: int) -> str:
    """Return these lines as an SVG of text, without fonts or addresses of others."""
    lines = [_line(y, strip, columns) for y, strip in enumerate(strips)]
    width, height = columns * WIDE + 16, len(lines) * HIGH + 16
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}"'
    font = 'font-family="ui-monospace,Menlo,Consolas,monospace" font-size="14"'
    ground = f'<rect width="100%" height="100%" rx="6" fill="{GROUND}"/>'
    return "\n".join([f'{head} {font} fill="{TEXT}">', ground, *(line for line in lines if line), "</svg>", ""])


def _line(y: int, strip: Strip, columns: int) -> str:
    if not strip.text.strip():
        return ""
    spans = "".join(_span(segment.text, segment.style) for segment in strip if segment.text)
    place = f'x="8" y="{y * HIGH + 22}" textLength="{columns * WIDE:.0f}"'
    return f'<text xml:space="preserve" {place} lengthAdjust="spacingAndGlyphs">{spans}</text>'


def _span(text: str, style: Any) -> str:
    colour = COLOURS.get(style.color.name) if style is not None and style.color is not None else None
    look = (f' fill="{colour}"' if colour else "") + (' font-weight="bold"' if style is not None and style.bold else "")
    return f"<tspan{look}>{escape(text)}</tspan>" if look else escape(text)


def documents() -> list[Any]:
    """Return what a practice site says of itself: a camera that fails, one that pauses, a unit that is silent."""
    hub = with_(put("node", "fr"), put("kind", "cloud"), put("cameras", []), put("redundancy", redundant()))
    failing = with_(
        put("node", "unit2"),
        put("cameras.0.name", "quay"),
        put("cameras.0.state", "failing"),
        put("cameras.0.error", "battery flat"),
        put("cameras.0.row", {"missed": 6, "since": NOW - HOUR}),
        put("cameras.0.strip", "#" * 18 + "xxxxxx"),
        put("cameras.1.name", "crane"),
        put("cameras.0.picture.slot", NOW - HOUR - 300),
        put("destinations.0.waiting", 38),
    )
    quiet = shifted(
        with_(put("node", "unit3"), put("cameras.0.name", "roof"), put("cameras.1.name", "road")), -3 * HOUR
    )
    return [{**one, "verdicts": verdicts(one, one["at"])} for one in (hub, with_(), failing, quiet)]


async def shown(folder: Path, keys: list[str]) -> str:
    """Return what the console shows after these keys, as an SVG."""
    now = lambda: instant(NOW)  # noqa: E731
    with served(folder, *documents()) as node:
        app = Console(Reader([node.place], now), now)
        async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
            while app.page is None or app._reading or app.snapshot.as_of is None:
                await pilot.pause(0.02)
            await pilot.press(*keys)
            await pilot.pause()
            return as_svg(app.screen._compositor.render_strips(), WIDTH)


def main() -> None:
    """Make them all."""
    FOLDER.mkdir(exist_ok=True)
    for name, keys in SCREENS.items():
        with tempfile.TemporaryDirectory() as folder:
            (FOLDER / f"{name}.svg").write_text(asyncio.run(shown(Path(folder), keys)))


if __name__ == "__main__":
    main()
