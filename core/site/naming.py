"""Names at a destination that a site chooses itself: of live pictures, and of an archive for people.

Pure. A template has fields in braces; what it makes is relative, `/`-separated and plain on every file system.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from string import Formatter
from zoneinfo import ZoneInfo

from core.text import UNSAFE_CATEGORIES, safe

LIVE_FIELDS = ("camera", "site", "recipe")
FIELDS = ("camera", "site", "node", "time", "kind", "index")
EXTENSION = "{ext}"
DEFAULT_TIME = "%Y%m%d-%H%M%S"
LONGEST_PART = 200  # bytes; file systems take 255, with what is put behind a name meanwhile
_DIRECTIVES = frozenset("aAbBdGHIjmMpSuUVWyYzZ%")  # of strftime, without those that make slashes, blanks or commas
_DIRECTIVE = re.compile(r"%(.?)")
_COUNT = re.compile(r"(0?[1-9])?")
_REFUSED = frozenset('\\:*?"<>|')  # no file name on Windows, and so on many a NAS

Piece = tuple[str, str | None, str]  # literal text, field, its format


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """What a name may say of a picture. `kind`: "raw", "jpeg", or the name of the recipe that made it."""

    site: str
    camera: str
    node: str
    at: datetime  # aware
    kind: str
    zone: str
    index: int | None = None  # of its slot in the day; None: an extra
    nth: int = 1  # of a kind in its second


def live_name(template: str, site: str, camera: str, recipe: str) -> str:
    """Return the stable name of a live picture; `recipe` is also "jpeg" or "raw", for the original itself."""
    return template.format(site=site, camera=camera, recipe=recipe)


def archive_name(template: str, shot: Shot, extension: str) -> str:
    """Return the name of a picture in an archive by template, with `extension` (".jpg") at its end.

    All files of one shot have the same name but for the extension. The second picture of a second has `_2` behind
    it. The hour that is repeated when clocks go back has the zone's word behind it the second time, such as `_CET`.
    """
    pieces = list(_pieces(template.removesuffix(EXTENSION)))
    local = shot.at.astimezone(ZoneInfo(shot.zone))
    name = "".join(literal + _fill(field, form, shot, local) for literal, field, form in pieces)
    tells_offset = any(field == "time" and re.search("%[zZ]", form) for _, field, form in pieces)
    again = f"_{local:%Z}" if local.fold and not tells_offset else ""
    return f"{name}{again}{'' if shot.nth == 1 else f'_{shot.nth}'}{extension}"


def _pieces(template: str) -> Iterator[Piece]:
    """Yield the parts of a template; no field reaches attributes or items. Raise ValueError."""
    for literal, field, form, conversion in Formatter().parse(template):
        if conversion:
            raise ValueError(f"{{{field}!{conversion}}}")
        yield literal, field, form or ""


def _fill(field: str | None, form: str, shot: Shot, local: datetime) -> str:
    if field is None:
        return ""
    if field == "time":
        return local.strftime(form or DEFAULT_TIME)
    if field == "index":
        return "extra" if shot.index is None else format(shot.index, form)
    return str(getattr(shot, field))


def live_problem(template: str) -> str | None:
    """Return what is wrong with the template of a live picture's name, and what to write instead."""
    try:
        plain = all(field in (None, *LIVE_FIELDS) and not form for _, field, form in _pieces(template))
    except ValueError:
        plain = False
    if not plain:
        return f"{safe(template, 60)!r}: only {{camera}}, {{site}} and {{recipe}} may stand in braces"
    return _unfit(live_name(template, "s" * 32, "c" * 32, "r" * 32), template, "{camera}.jpg")


def archive_problem(template: str) -> str | None:
    """Return what is wrong with the template of an archive's names, and what to write instead."""
    shown = safe(template, 80)
    if template.count(EXTENSION) != 1 or not template.endswith(EXTENSION):
        return f"{shown!r}: a name ends with {{ext}}, so that RAW, JPEG and sidecar of a shot differ in nothing else"
    try:
        pieces = list(_pieces(template.removesuffix(EXTENSION)))
    except ValueError:
        return f"{shown!r}: a brace is left open, or has more in it than a field and its format"
    for _, field, form in pieces:
        if field is not None and (wrong := _wrong_field(field, form)) is not None:
            return wrong
    names = [archive_name(template, shot, ".jpg") for shot in (_LONGEST, _FIRST)]
    return next((wrong for name in names if (wrong := _unfit(name, template, _GOOD)) is not None), None)


def _wrong_field(field: str, form: str) -> str | None:
    if field not in FIELDS:
        return f"{{{safe(field, 40)}}} is not a field; write one of {', '.join(FIELDS)}, and {{ext}} at the end"
    if field == "time":
        unknown = next((found[0] for found in _DIRECTIVE.finditer(form) if found[1] not in _DIRECTIVES), None)
        return unknown and f"{{time}} does not know {safe(unknown)!r}; write such as {{time:%Y-%m-%d}}"
    if form and (field != "index" or not _COUNT.fullmatch(form)):
        return f"{{{field}:{safe(form, 40)}}}: only {{time:%Y...}} and {{index:04}} have a format"
    return None


def _unfit(name: str, template: str, instead: str) -> str | None:
    """Return why a name that a template made cannot be one."""
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return f'{safe(template, 60)!r} is not a name below the destination; write such as "{instead}"'
    if any(part.startswith(".") or part.endswith((" ", ".")) for part in parts):
        return f"{safe(template, 60)!r}: no part of a name begins with a dot, or ends with one or with a blank"
    if any(character in _REFUSED or _is_unsafe(character) for character in name):
        return f"{safe(template, 60)!r}: none of {' '.join(sorted(_REFUSED))} and no control character may be in a name"
    if any(len(part.encode()) > LONGEST_PART for part in parts):
        return f"a part of the name is longer than {LONGEST_PART} bytes; write a shorter one"
    return None


def _is_unsafe(character: str) -> bool:
    return unicodedata.category(character) in UNSAFE_CATEGORIES


_GOOD = "{time:%Y-%m-%d}/{camera}_{time}{ext}"
_LONGEST = Shot(
    site="s" * 32,
    camera="c" * 32,
    node="n" * 32,
    at=datetime(2026, 9, 30, 12, tzinfo=UTC),
    kind="k" * 32,
    zone="UTC",
    index=86_399,
    nth=9999,
)
_FIRST = replace(_LONGEST, at=datetime(2026, 3, 1, tzinfo=UTC), index=0, nth=1)
_APART = (  # two instants that a name should tell apart, and what tells them apart
    (timedelta(days=365), "%Y"),
    (timedelta(days=31), "%m"),
    (timedelta(days=1), "%d"),
    (timedelta(days=7), "%d"),
    (timedelta(hours=1), "%H"),
    (timedelta(hours=12), "%H"),
    (timedelta(minutes=1), "%M"),
    (timedelta(seconds=1), "%S"),
)


def missing(template: str, cameras: int) -> list[str]:
    """Return which fields a sound template lacks for the names of different pictures to differ, extras included."""
    first = archive_name(template, _FIRST, "")
    times = [
        word for apart, word in _APART if archive_name(template, replace(_FIRST, at=_FIRST.at + apart), "") == first
    ]
    same_camera = cameras > 1 and archive_name(template, replace(_FIRST, camera="d" * 32), "") == first
    return [*(["{camera}"] if same_camera else []), *dict.fromkeys(times)]
