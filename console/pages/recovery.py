"""A camera's settings and their drift, and its recovery ladder: the rung, what was tried, and the transcript."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from console.feed.snapshot import Answer
from console.pages import say
from console.pages.facts import counted, fact, pairs
from console.widgets.looks import Text

WORDS = {
    "retry": "try again",
    "reopen": "close and open the camera",
    "respawn": "a new worker process",
    "usb_reset": "USB reset",
    "hook": "power off and on, by the hook",
    "wait-long": "wait, and tell a person",
}


def lines(answer: Answer | None, camera: str, now: datetime) -> list[Text]:
    """Return what the node that drives the camera says."""
    if answer is None or not answer.said:
        return [answer.error if answer is not None and answer.error else "not known yet"]
    said: Any = answer.said
    drift = said.get("drift") or {}
    settings = [*fact("Settings", pairs(said.get("settings") or {}) or "none are written to it")]
    settings += fact("Written", "" if said.get("written", True) else ("NO: it crashed while they were written", "warn"))
    for key, (wanted, found) in drift.items():
        settings += fact("Drift", (f"{key} is {found}, and {wanted} is wanted", "warn"))
    rested = said.get("not_before")
    made: list[Text] = [
        [(camera, "strong"), f"  rung {said.get('rung')}: {WORDS.get(str(said.get('means')), '?')}"],
        *fact("Error", str(said.get("error") or "")),
        *settings,
        *fact("Next try", f"not before {say.clock(rested, now)}" if rested else ""),
        *fact("Next rung", f"{_next(said)}   (n has it done now)" if said.get("next") else _next(said)),
        *fact("Tried", counted(said.get("tried") or {})),
        *fact("Helped", counted(said.get("helped") or {})),
        "",
        ("Transcript, the newest first", "strong"),
    ]
    made += [f"{say.moment(at)[5:]}  {line}" for at, line in reversed(said.get("history") or [])]
    return made if said.get("history") else [*made, "nothing has failed"]


def _next(said: Any) -> str:
    return WORDS.get(
        str(said.get("next")), "nothing stronger may be done: [camera.recovery] of site.toml says what may"
    )
