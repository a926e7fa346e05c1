"""The last pictures of a camera: what their look found, drawn as a line of ASCII, and where each is proven."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from console.feed.snapshot import Answer, Json
from console.pages import say
from console.pages.facts import fact
from console.widgets.looks import Text
from console.widgets.table import Column, Row

COLUMNS = (
    Column(key="at", label="TAKEN (UTC)", width=14),
    Column(key="verdict", label="LOOK", width=7),
    Column(key="mean", label="MEAN", width=5, right=True, from_width=60),
    Column(key="contrast", label="CONTR", width=5, right=True, from_width=70),
    Column(key="sharpness", label="SHARP", width=5, right=True, from_width=60),
    Column(key="dark", label="DARK", width=4, right=True, from_width=100),
    Column(key="bright", label="BRIGHT", width=6, right=True, from_width=100),
    Column(key="size", label="SIZE", width=5, right=True, from_width=80),
    Column(key="copies", label="COPIES", width=10, grows=True),
)
FIELDS = ("verdict", "copies", "kind", "why")
LEVELS = " .:-=+*#%@"  # from the least to the most that was seen
SHOWN = 48  # pictures: half a day every quarter of an hour
UNSEEN = "?"


def rows(answer: Answer | None) -> list[Json]:
    """Return the pictures, the newest first."""
    return [] if answer is None else list(answer.said.get("pictures", ()))


def cells(one: Json, now: datetime) -> tuple[Row, dict[str, str]]:
    """Return a row of the table, and what a filter finds in it."""
    copies = ", ".join(_copy(copy) for copy in one.get("copies", ())) or "nowhere else"
    verdict = str(one.get("verdict", "not yet"))
    made: dict[str, Text] = {"at": say.moment(one["at"])[5:], "size": say.size(one.get("size"))}
    made |= {"verdict": (verdict, "bad") if verdict == "broken" else verdict}
    made |= {key: f"{one[key]:.0f}" for key in ("mean", "contrast", "sharpness") if key in one}
    made |= {key: f"{one[key]:.0%}" for key in ("dark", "bright") if key in one}
    gone = "" if one.get("here", True) else "GONE HERE; "
    said = f"{gone}{copies if one.get('proven') else f'UNPROVEN: {copies}'}"
    made |= {"copies": said}
    plain = {"verdict": verdict, "copies": said, "kind": str(one.get("kind")), "why": str(one.get("why", ""))}
    return Row(str(one["name"]), made), plain


def _copy(copy: Json) -> str:
    what = f"{copy['rendition']} at " if copy.get("rendition") else ""
    state = str(copy.get("level") or copy.get("state"))
    return f"{what}{copy.get('destination')} {state}"


def heading(camera: str, found: Sequence[Json]) -> list[Text]:
    """Return lines of ASCII for what the looks found, the oldest picture to the left."""
    head: list[Text] = [(f"The last {len(found)} pictures of {camera}, the newest first; Enter: all of one", "strong")]
    for name, key in (("Brightness", "mean"), ("Contrast", "contrast"), ("Sharpness", "sharpness")):
        values = [one.get(key) for one in reversed(found)]
        known = [value for value in values if value is not None]
        if known:
            span = f"  {min(known):.0f} to {max(known):.0f}, now {known[-1]:.0f}"
            head += fact(name, f"[{spark(values)}]", span)
    return head


def spark(values: Sequence[float | None]) -> str:
    """Return a letter for each value, from the least to the most of them; what nobody has looked at is "?"."""
    known = [value for value in values if value is not None]
    if not known:
        return UNSEEN * len(values)
    low, span = min(known), max(known) - min(known)
    return "".join(UNSEEN if value is None else _letter(value - low, span) for value in values)


def _letter(above: float, span: float) -> str:
    top = len(LEVELS) - 1
    return LEVELS[round(above / span * top) if span else top // 2]


def lines(one: Json, now: datetime) -> list[Text]:
    """Return all that is known of a picture."""
    looked = (
        f"{one['verdict']}{f': {one_why}' if (one_why := one.get('why')) else ''}" if "verdict" in one else "not yet"
    )
    numbers = ", ".join(
        f"{key} {one[key]}" for key in ("mean", "contrast", "sharpness", "dark", "bright") if key in one
    )
    made: list[Text] = [
        (str(one["name"]), "strong"),
        *fact("Taken", f"{say.moment(one['at'])}Z, {'for its slot' if one.get('slot') else 'an extra'}"),
        *fact("Size", f"{say.size(one.get('size'))} {one.get('kind')}{'' if one.get('here', True) else ', GONE here'}"),
        *fact("Look", looked),
        *fact("Numbers", numbers),
        *fact(
            "Proven", "wherever it is required" if one.get("proven") else ("NOT YET: this node's copy counts", "warn")
        ),
    ]
    for copy in one.get("copies", ()):
        at = f", receipt of {say.moment(copy['at'])}Z" if "at" in copy else ""
        error = f": {copy['error']}" if copy.get("error") else ""
        made += fact("Copy", f"{_copy(copy)}{at}{error}")
    return made
