"""When a pushed picture was taken: by its name, else its EXIF, else its arrival. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

BELIEVED = 600.0  # seconds that a camera's own time may be off its arrival; with more its clock is wrong, or its zone

_IN_NAME = re.compile(
    r"(?=(20\d\d)[-_.]?([01]\d)[-_.]?([0-3]\d)[-_./ T]*([0-2]\d)[-_.:hH]?([0-5]\d)[-_.:mM]?([0-5]\d))"
)
_IN_EXIF = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)([+-]\d\d:\d\d)?")


def taken_at(name: str, exif: str | None, arrived: float, zone: tzinfo) -> float:
    """Return the second since the epoch at which a picture was taken, `arrived` when nothing believable says it.

    `exif`: DateTimeOriginal with its offset behind it, if it has one; `zone`: of times that do not say theirs.
    """
    told = [*_of_name(name), *_of_exif(exif or "")]
    times = [each.replace(tzinfo=each.tzinfo or zone).timestamp() for each in told]
    times += [each.replace(tzinfo=UTC).timestamp() for each in told if each.tzinfo is None]
    return next((time for time in times if abs(time - arrived) <= BELIEVED), arrived)


def _of_name(name: str) -> Iterator[datetime]:
    for found in _IN_NAME.finditer(name):
        yield from _instant(found.groups())


def _of_exif(text: str) -> Iterator[datetime]:
    found = _IN_EXIF.fullmatch(text.strip("\0 "))
    if found is not None:
        for instant in _instant(found.groups()[:6]):
            offset = found[7]
            yield instant if offset is None else instant.replace(tzinfo=datetime.strptime(offset, "%z").tzinfo)


def _instant(parts: tuple[str, ...]) -> Iterator[datetime]:
    try:
        yield datetime(*(int(part) for part in parts))  # type: ignore[arg-type]  # noqa: DTZ001 - the caller knows the zone
    except ValueError:
        return
