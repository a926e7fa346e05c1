"""Software RAID, drives, mounts and NAS of a node, as it reads them; what has an error says since when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from console.feed.snapshot import Json
from console.pages import fleet, say
from console.pages.facts import fact
from console.widgets.looks import LOOKS, Text
from core.units import show_duration, show_size

PARTS = ("disks", "raids", "volumes", "fans")
CALM = (
    "normal",
    "initialized",
    "unknown",
    "hot spare",
    "not in use",
)  # what a part of a NAS is while nothing is wrong with it
Line = Callable[[Any, datetime], tuple[str, str]]  # of a row, what is said and its look


def lines(document: Json, now: datetime) -> list[Text]:
    """Return a line for each of them, below what the checks say."""
    made: list[Text] = [
        line
        for one in fleet.verdicts(document)
        if one.get("check") in ("storage", "nas")
        for line in fact("Check", (str(one.get("line", "")), fleet.LOOK.get(int(one.get("state", 3)), "plain")))
    ]
    for name, key, say_row in (("RAID", "arrays", _array), ("Drive", "drives", _drive), ("Mount", "mounts", _mount)):
        made += [line for row in _rows(document, key) for line in _told(name, row, say_row, now)]
    for row in _rows(document, "watch"):
        if row.get("kind") == "nas":
            made += _nas(row, now)
    return made or ["this node has told nothing of drives, RAID, mounts or a NAS"]


def brief(document: Json) -> str:
    """Return in a few words what there is."""
    counts = [(len(_rows(document, key)), word) for key, word in (("arrays", "RAID"), ("drives", "drives"))]
    counts += [(sum(row.get("kind") == "nas" for row in _rows(document, "watch")), "NAS")]
    said = ", ".join(f"{count} {word}" for count, word in counts if count)
    return f"{said}; d shows them" if said else ""


def _rows(document: Json, key: str) -> list[Json]:
    found = document.get(key)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _told(name: str, row: Json, say_row: Line, now: datetime) -> list[Text]:
    if "error" in row:
        return fact(name, (f"{row.get('name', '')}: NOT READ{_since(row, now)}: {row['error']}", "bad"))
    try:
        said, look = say_row(row, now)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        said, look = "what it says is not understood", "unknown"
    assert look in LOOKS
    return fact(name, (f"{row.get('name', '?')}: {said}", look))


def _since(row: Json, now: datetime) -> str:
    return f" since {say.clock(row['since'], now)}" if row.get("since") else ""


def _array(row: Any, now: datetime) -> tuple[str, str]:
    short = int(row.get("disks") or 0) - int(row.get("up") or 0)
    done = f" {row['percent']} %" if "percent" in row else ""
    action = f", {row['action']}{done}" if row.get("action") else ""
    left = f", {show_duration(row['finish'])} left" if row.get("finish") else ""
    failed = f", {row['failed']} failed" if row.get("failed") else ""
    said = (
        f"{row.get('state')} {row.get('level')}, {row.get('up')} of {row.get('disks')} disks up{failed}{action}{left}"
    )
    return (f"DEGRADED, {said}", "crit") if short > 0 or row.get("state") == "inactive" else (said, "plain")


def _drive(row: Any, now: datetime) -> tuple[str, str]:
    said = [str(row.get("model") or "")]
    said += [
        f"{row[key]} {word}" for key, word in (("wear", "% worn"), ("temperature", "C"), ("hours", "h")) if key in row
    ]
    said += [f"{row['bad']} bad sectors, {row.get('grew', 0)} more in a week"] if row.get("bad") else []
    said += ["asleep"] if row.get("asleep") else []
    failing = row.get("passed") is False or bool(row.get("warning"))
    look = "crit" if failing else "warn" if row.get("grew") else "plain"
    return ("FAILING, " if failing else "") + ", ".join(one for one in said if one), look


def _mount(row: Any, now: datetime) -> tuple[str, str]:
    full = row.get("full") or {}
    days = f", full in {say.days(full['days'])} days" if full.get("days") is not None else ""
    room = f"{show_size(row['free'])} free of {show_size(row['total'])}" if "free" in row and "total" in row else ""
    slow = f", a write took {row['write_s']:.2f} s" if "write_s" in row else ""
    said = f"{row.get('at', '?')} ({row.get('type', '?')}) {room}{days}{slow}".rstrip()
    return (f"READ-ONLY, {said}", "crit") if row.get("ro") else (said, "plain")


def _nas(row: Json, now: datetime) -> list[Text]:
    """Return what a NAS says of itself, how it took a file, and what lies there."""
    made: list[Text] = []
    for name, key, say_row in (("NAS", "snmp", _device), ("NAS file", "place", _place), ("NAS holds", "count", _count)):
        part = row.get(key)
        if isinstance(part, dict):
            made += _told(name, {"name": row.get("name"), **part}, say_row, now)
    return made


def _device(row: Any, now: datetime) -> tuple[str, str]:
    said = [" ".join(str(row[key]) for key in ("vendor", "model", "version") if row.get(key))]
    said += [f"{len(row[key])} {key}{_unwell(row[key])}" for key in PARTS if isinstance(row.get(key), list)]
    said += [f"{row['temperature']} C"] if "temperature" in row else []
    trouble = row.get("trouble")
    parts = "; ".join(map(str, trouble)) if isinstance(trouble, list) else str(trouble or "")
    text = ", ".join(one for one in said if one)
    return (f"TROUBLE: {parts}; {text}", "crit") if parts else (text, "plain")


def _unwell(parts: list[Any]) -> str:
    """Return the names of the parts that say of themselves that they are not well."""
    bad = list(_bad(parts))
    return f" ({', '.join(bad)})" if bad else ""


def _bad(parts: list[Any]) -> Iterator[str]:
    for part in parts:
        told = {key: str(part[key]) for key in ("status", "health") if key in part} if isinstance(part, dict) else {}
        if words := [word for word in told.values() if word not in CALM]:
            yield f"{part.get('name', '?')} {', '.join(words)}"


def _place(row: Any, now: datetime) -> tuple[str, str]:
    free = f", {show_size(row['free'])} free" if row.get("free") else ""
    return f"a small file written, read back and deleted in {row.get('seconds', '?')} s{free}", "plain"


def _count(row: Any, now: datetime) -> tuple[str, str]:
    lost = int(row.get("here") or 0) - int(row.get("objects") or 0)
    said = f"{row.get('objects')} objects, {row.get('here')} were proven there"
    return (f"{lost} MISSING, {said}", "crit") if lost > 0 else (said, "plain")
