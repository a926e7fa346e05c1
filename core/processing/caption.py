"""The text of a legend: fields of ours, filled in and made safe to draw."""

from __future__ import annotations

import string
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from core.processing.wire import Facts
from core.text import safe

FIELDS = ("camera", "site", "time")
DEFAULT_TIME = "%Y-%m-%d %H:%M"
LIMIT = 200  # characters; longer than any picture is wide


def fill(text: str, facts: Facts) -> str:
    """Return the legend `text` for this picture, on one line, without controls; raise ValueError for a bad field."""
    return safe("".join(_pieces(text, facts)), LIMIT)


def _pieces(text: str, facts: Facts) -> Iterator[str]:
    """Yield the parts of `text`; no field reaches attributes or items, unlike `str.format`."""
    for literal, field, form, conversion in string.Formatter().parse(text):
        yield literal
        if field is None:
            continue
        if field not in FIELDS or conversion or (form and field != "time"):
            raise ValueError(_unknown(field))
        yield _time(facts, form or DEFAULT_TIME) if field == "time" else str(getattr(facts, field))


def _unknown(field: str) -> str:
    return f"{{{field}}} is not a field; write {{camera}}, {{site}} or {{time:%d.%m.%Y %H:%M}}"


def _time(facts: Facts, form: str) -> str:
    return datetime.fromtimestamp(facts.time, UTC).astimezone(ZoneInfo(facts.zone)).strftime(form)
