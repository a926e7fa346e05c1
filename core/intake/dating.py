"""When a picture of an archive was taken: what its name says, else what its camera wrote, else the file's own time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

How = Literal["name", "exif", "mtime"]
FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
NEAR = timedelta(minutes=15)  # within which a file is written after its picture was taken
_IN_NAME = re.compile(
    r"(?<!\d)(\d{4})[-_.]?(\d\d)[-_.]?(\d\d)[-_ T.]?(\d\d)[-_.:]?(\d\d)[-_.:]?(\d\d)(?!\d)(?P<utc>Z)?", re.ASCII
)


class Dated(NamedTuple):
    """An instant, how it is known, and whether the local time that gave it came twice and no file said which."""

    at: datetime  # UTC, whole seconds
    how: How
    doubtful: bool = False


def date(
    stem: str, zone: ZoneInfo, mtime: datetime, exif: tuple[datetime, timedelta | None] | None = None, *, last: bool
) -> Dated:
    """Return when a picture was taken.

    `stem`: its file name, which may say it in local time (20261121085000, 2026-11-21_08-50-00; with a Z behind it in
    UTC); `exif`: what the camera's clock showed, and its offset when known. An hour that clocks repeat is told
    apart by the file's time where that is near; else it is the second one if `last`: who named files by local time
    overwrote the first.
    """
    match = _IN_NAME.search(stem)
    local = _datetime(match) if match is not None else None
    if match is not None and local is not None:
        if match["utc"]:
            return Dated(local.replace(tzinfo=UTC), "name")
        return _in_zone(local, zone, mtime, "name", last)
    if exif is not None and _is_plausible(exif[0]):
        shown, offset = exif
        if offset is not None:
            return Dated((shown - offset).replace(tzinfo=UTC), "exif")
        return _in_zone(shown, zone, mtime, "exif", last)
    return Dated(mtime.replace(microsecond=0), "mtime")


def _datetime(match: re.Match[str]) -> datetime | None:
    try:
        found = datetime(*(int(digits) for digits in match.groups()[:6]))  # type: ignore[arg-type] # noqa: DTZ001
    except ValueError:
        return None
    return found if _is_plausible(found) else None


def _is_plausible(local: datetime) -> bool:
    return FIRST.year <= local.year < LAST.year


def _in_zone(local: datetime, zone: ZoneInfo, mtime: datetime, how: How, last: bool) -> Dated:
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first >= second:  # at most once: a time that clocks skip is read by what they showed before
        return Dated(first, how)
    near = [at for at in (first, second) if -NEAR <= mtime - at <= NEAR]
    if len(near) == 1:
        return Dated(near[0], how)
    return Dated(second if last else first, how, doubtful=True)
