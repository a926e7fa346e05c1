"""Does a picture show what its camera uses to show at this hour? Pure; without Pillow, since the node judges.

Light, sharpness and the shape of a view are compared with the same hour and its neighbours, in UTC: so a night, a dusk
that comes earlier each day, lamps that follow summer time, and weeks of fog are what is usual, and not an alarm. What
looks wrong is not learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Json = dict[str, Any]

HOUR, DAY = 3600.0, 86_400.0
MEMORY = 7.0  # days that an hour remembers
ODD = 3 * DAY  # within which what was odd comes again at the same hour, and is usual then
ALL = 0.97  # share of the pixels that makes a picture black or white: a burnt-in clock is not a view
USUAL = 100  # of 1000 pictures at this hour that were as dark or as bright: then it is usual
BESIDE = 300  # of 1000 at the hour before or after: a dusk moves; but a cap of today must not make its own way
SAME = 14  # zones of a picture's 16 that are the very same bytes as before, or all but two: a clock is burnt into those
FEWEST = 4  # zones with anything in them, below which nobody can tell a frozen picture
REPEATS = 2  # times that a picture came again before it is called frozen
DIM = 25.0  # mean luminance below which neither sharpness nor shape is judged
SOFT = 0.25  # of the usual sharpness, below which it is blurred; thin fog leaves more
SOFT_FOR = 20 * HOUR  # that it lasts: fog does not
SOFT_PICTURES = 6
FIRM = 100  # of 1000: a bit of the shape that is otherwise at most so often says something
FIRM_BITS = 16  # of 64 that say something, at least
TURNED = 0.3  # share of the firm bits that differ, above which the view is another one
TURNED_PICTURES = 3
RELEARN: Mapping[str, float] = {"moved": DAY, "blurred": 7 * DAY}  # after which it is what the camera shows

NOT_ANALYSED: Json = {"verdict": "not analysed", "text": "another node owns the camera; its pictures are not looked at"}


class Seen(NamedTuple):
    """A picture that was looked at: when it was due (seconds since the epoch), whose it is, and its look.

    `node`: another one than before is another owner of the camera, whose view may differ.
    """

    at: float
    node: str
    broken: bool
    stats: Mapping[str, Any]  # as core.processing.look has them; empty where nothing was decoded
    why: str = ""


class Judged(NamedTuple):
    """What is to be kept: the camera's standing, and the cell of this hour when something was learned."""

    standing: Json
    cell: Json | None


def hour_of(at: float) -> int:
    """Return the hour of the day in UTC, 0 to 23."""
    return int(at // HOUR) % 24


def near(hour: int) -> tuple[int, int, int]:
    """Return the hours with which one is compared: itself first."""
    return hour, (hour - 1) % 24, (hour + 1) % 24


def row(standing: Json) -> Json | None:
    """Return what the status document says of a camera's view; None before anything was judged."""
    if "verdict" not in standing:
        return None
    told = {key: standing[key] for key in ("verdict", "pictures", "since", "text") if standing.get(key)}
    return told if told["verdict"] != "ok" else {"verdict": "ok"}


def judge(before: Json, cells: Mapping[int, Json], seen: Seen, interval: float = 600.0) -> Judged:
    """Judge a picture by its camera's history.

    `before` is the standing of the camera ({} at first), `cells` what is known of the hours `near` that of the picture,
    `interval` the seconds between two slots. A picture that is older than the last one changes nothing.
    """
    if seen.at < before.get("at", 0) or (seen.at == before.get("at") and not seen.broken):
        return Judged(before, None)
    now = {"first": seen.at, "view": 0, **before, "at": seen.at, "node": seen.node}
    if before.get("node", seen.node) != seen.node or before.get("verdict") == NOT_ANALYSED["verdict"]:
        now = _another_view(now, seen.at)
    if not seen.broken and not seen.stats:
        return Judged(now, None)
    found, text, fit = _look(now, cells, seen)
    if fit["repeats"] == 1:
        now["same_from"] = before["at"]
    now |= {"repeats": fit["repeats"], "zones": fit["zones"]}
    if not fit["dark"] and not fit["bright"] and found != "broken":
        now["shown"] = seen.at
    now = _stand(now, found, text, seen.at)
    if found in ("black", "white"):
        return Judged(now, {"n": 0, "dark": 0, "bright": 0, **cells.get(hour_of(seen.at), {}), "odd": seen.at})
    if found in ("broken", "frozen"):
        return Judged(now, None)
    return Judged(now, _learn(now, cells.get(hour_of(seen.at), {}), seen, fit, found, interval))


def _another_view(now: Json, at: float) -> Json:
    """Forget what the view looked like, and keep when it is dark."""
    kept = {key: value for key, value in now.items() if key not in ("doubt", "verdict", "since", "pictures", "text")}
    return kept | {"view": round(at), "verdict": "ok", "repeats": 0}


def _look(now: Json, cells: Mapping[int, Json], seen: Seen) -> tuple[str | None, str, Json]:
    """Return what is wrong ("" nothing, None: it cannot be told), why, and what was measured."""
    if seen.broken:
        return "broken", seen.why or "it cannot be decoded whole", {"repeats": 0, "zones": "", "dark": 0, "bright": 0}
    stats = seen.stats
    mean, sharp = float(stats.get("mean", 0)), float(stats.get("sharpness", 0))
    dark, bright = float(stats.get("dark", 0)) >= ALL, float(stats.get("bright", 0)) >= ALL
    zones = str(stats.get("zones", ""))
    repeats = now.get("repeats", 0) + 1 if is_same(now.get("zones", ""), zones) else 0
    fit: Json = {"repeats": repeats, "zones": zones, "dark": dark, "bright": bright}
    for word, is_so in (("black", dark), ("white", bright)):
        if is_so:
            usual = _usual(now, cells, "dark" if dark else "bright", seen.at)
            return (None if usual else word), f"mean {mean:g} of 255, at an hour that shows something else", fit
    if repeats >= REPEATS:
        return "frozen", f"the same picture {repeats + 1} times", fit
    if mean < DIM:
        return None, "", fit
    known = [cell for cell in cells.values() if cell.get("view") == now["view"] and cell.get("shapes", 0) >= 3]
    if not known:
        return None, "", fit
    usual_sharp = min(float(cell["sharp"]) for cell in known)
    if sharp < SOFT * usual_sharp:
        return "blurred", f"sharpness {sharp:g} where {usual_sharp:g} is usual", fit
    differs = [share for cell in known if (share := turned(cell["bits"], str(stats.get("hash", "")))) is not None]
    if not differs:
        return None, "", fit
    if min(differs) > TURNED:
        return "moved", f"{100 * min(differs):.0f} % of its shape differ", fit
    return "", "", fit


def _usual(now: Json, cells: Mapping[int, Json], key: str, at: float) -> bool:
    """Return whether so dark or bright a picture is usual at this hour; nobody knows on the first day."""
    if at - now["first"] < DAY:
        return True
    if "shown" not in now:
        return False  # it never showed anything
    odd = cells.get(hour_of(at), {}).get("odd")
    if odd is not None and odd < min(now["shown"], at - DAY / 2) and at - odd < ODD:
        return True  # so it was a day ago, and between it showed something: lamps that go out before it dawns
    shares = {hour: cell[key] for hour, cell in cells.items() if cell.get("n")}
    return not shares or any(share >= (USUAL if hour == hour_of(at) else BESIDE) for hour, share in shares.items())


def is_same(before: str, zones: str) -> bool:
    """Return whether the zones of two pictures hold the same bytes, but for a burnt-in clock."""
    pairs = [(before[n : n + 4], zones[n : n + 4]) for n in range(0, len(zones), 4)]
    told = [pair for pair in pairs if pair[1] != "0000"]  # a zone without anything in it says nothing
    if len(before) != len(zones) or len(told) < FEWEST:
        return False
    return sum(a != b for a, b in told) <= min(16 - SAME, len(told) // 4)


def turned(bits: list[int], shape: str) -> float | None:
    """Return the share of firm bits in which a shape differs, None where too few say anything."""
    try:
        value = int(shape, 16)
    except ValueError:
        return None
    firm = [(n, often) for n, often in enumerate(bits) if often <= FIRM or often >= 1000 - FIRM]
    if len(firm) < FIRM_BITS:
        return None
    return sum((value >> (63 - n) & 1) != (often > 500) for n, often in firm) / len(firm)


def _stand(now: Json, found: str | None, text: str, at: float) -> Json:
    """Carry on the doubt that the pictures before left, and the verdict once it is none any more."""
    if found is None and now.get("doubt", {}).get("kind") not in ("black", "white", "frozen", "broken"):
        return now | {"verdict": now.get("verdict", "ok")}
    if not found:
        kept = {key: value for key, value in now.items() if key not in ("doubt", "since", "pictures", "text")}
        return kept | {"verdict": "ok"}
    doubt = now.get("doubt", {})
    if doubt.get("kind") != found:
        frozen = found == "frozen"
        doubt = {"kind": found, "pictures": REPEATS * frozen, "since": now["same_from"] if frozen else at}
    doubt = doubt | {"pictures": doubt["pictures"] + 1}
    lasts = at - doubt["since"]
    if lasts >= RELEARN.get(found, float("inf")):
        return _another_view(now, at)
    if not _is_sure(found, doubt["pictures"], lasts):
        kept = {key: value for key, value in now.items() if key not in ("since", "pictures", "text")}
        return kept | {"doubt": doubt, "verdict": "ok"}
    return now | {"doubt": doubt, "verdict": found, **{key: doubt[key] for key in ("since", "pictures")}, "text": text}


def _is_sure(found: str, pictures: int, lasts: float) -> bool:
    if found == "moved":
        return pictures >= TURNED_PICTURES
    if found == "blurred":
        return pictures >= SOFT_PICTURES and lasts >= SOFT_FOR
    return True


def _learn(now: Json, cell: Json, seen: Seen, fit: Json, found: str | None, interval: float) -> Json:
    """Return the cell of the hour with this picture in it."""
    memory = MEMORY * max(1.0, HOUR / max(interval, 1.0))
    count = cell.get("n", 0)
    share = max(1 / (count + 1), 1 / memory)
    made: Json = {**cell, "n": min(count + 1, round(memory))}
    for key in ("dark", "bright"):
        made[key] = round(_towards(cell.get(key, 0), 1000 * bool(fit[key]), share), 1)
    if cell.get("view") != now["view"]:
        made |= {"view": now["view"], "shapes": 0, "sharp": 0.0, "bits": [500] * 64}
    if float(seen.stats.get("mean", 0)) < DIM or fit["bright"] or found in ("moved", "blurred"):
        return made
    return made | _shape(made, seen.stats, memory)


def _shape(cell: Json, stats: Mapping[str, Any], memory: float) -> Json:
    """Return how sharp pictures are at this hour and how often each bit of their shape is set, with this picture."""
    try:
        shape = int(str(stats["hash"]), 16)
    except (KeyError, ValueError):
        return {}
    share = max(1 / (cell["shapes"] + 1), 1 / memory)
    return {
        "bits": [round(_towards(often, 1000 * (shape >> (63 - n) & 1), share)) for n, often in enumerate(cell["bits"])],
        "sharp": round(_towards(cell["sharp"], float(stats.get("sharpness", 0)), share), 2),
        "shapes": min(cell["shapes"] + 1, round(memory)),
    }


def _towards(value: float, other: float, share: float) -> float:
    return value + (other - value) * share
