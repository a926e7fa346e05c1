"""What an argument of a verb may be: each parser returns the value or raises ValueError with what to write."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.errors import BadRequest
from core.intake.archive import LAYOUTS
from core.text import safe
from core.units import LARGEST
from core.values import PictureName, parse_name

MAX_REASON = 200  # characters
MAX_ROWS = 1000
ARCHIVED = ("thumbnail", "jpeg", "raw", "audit")  # classes of deliveries, what goes first at the front
FIRST_YEAR, LAST_YEAR = 1970, 2200
_RUNG = re.compile(r"[a-z]{1,16}(/[0-9]{1,4})?")
_SERVICE = re.compile(r"[a-z]{1,16}( [a-z0-9][a-z0-9-]{0,31})?")
MAX_PATH = 4096
_MESSAGE = re.compile(r"[0-9a-f]{4,32}")
_VERB = re.compile(r"[a-z][a-z-]{0,39}")
_DIGEST = re.compile(r"[0-9a-f]{8,64}")


@dataclass(frozen=True, slots=True)
class Argument:
    """How one argument is read, and whether it must be there."""

    parse: Callable[[object], Any]
    required: bool = True


def parse_instant(value: object) -> datetime:
    """Return an aware UTC instant of 1970 to 2199 written as "2026-11-21T08:00:00Z" or with another offset."""
    if isinstance(value, str):
        try:
            instant = datetime.fromisoformat(value)
            if instant.tzinfo is not None and FIRST_YEAR <= instant.year < LAST_YEAR:
                return instant.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise ValueError('an instant is written with its offset, such as "2026-11-21T08:00:00Z"')


def parse_reason(value: object) -> str:
    """Return a sentence that is safe to show and log everywhere."""
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_REASON:
        raise ValueError(f"a reason is a text of 1 to {MAX_REASON} characters")
    if safe(value) != value:
        raise ValueError("a reason has no line ends, controls or invisible characters")
    return value


def parse_rows(value: object) -> int:
    """Return how many rows to give."""
    if type(value) is not int or not 1 <= value <= MAX_ROWS:
        raise ValueError(f"a whole number from 1 to {MAX_ROWS}")
    return value


def parse_side(value: object) -> int:
    """Return how many characters across or down."""
    if type(value) is not int or not 2 <= value <= 200:
        raise ValueError("a whole number from 2 to 200")
    return value


def parse_colours(value: object) -> int:
    """Return how many colours: each has a letter on its way."""
    if type(value) is not int or not 2 <= value <= 32:
        raise ValueError("a whole number from 2 to 32")
    return value


def parse_picture(value: object) -> str:
    """Return the name of a picture."""
    return str(PictureName.parse(str(value)))


def parse_class(value: object) -> str:
    """Return a class of the archive by which deliveries wait."""
    if value not in ARCHIVED:
        raise ValueError(f"one of {', '.join(ARCHIVED)}")
    return str(value)


def parse_delivery(value: object) -> int:
    """Return the number of a delivery, as `queue` shows it."""
    if type(value) is not int or not 1 <= value < 1 << 63:
        raise ValueError("a delivery is the whole number that `overlapse queue` shows")
    return value


def parse_bytes(value: object) -> int:
    """Return how many bytes somebody sent or received."""
    if type(value) is not int or not 1 <= value <= LARGEST:
        raise ValueError("a whole number of bytes, at least 1")
    return value


def parse_plan(value: object) -> str:
    """Return the digest of a retention plan."""
    if not isinstance(value, str) or _DIGEST.fullmatch(value) is None:
        raise ValueError("a plan is the 8 to 64 hexadecimal digits that `overlapse retention --dry-run` shows")
    return value


def parse_staged(value: object) -> str:
    """Return the digest of a set of staged edits."""
    if not isinstance(value, str) or _DIGEST.fullmatch(value) is None:
        raise ValueError("what is staged is known by 8 to 64 hexadecimal digits, as a dry run of apply gives them")
    return value


def parse_message(value: object) -> str:
    """Return the number of a message, or how it begins."""
    if not isinstance(value, str) or _MESSAGE.fullmatch(value) is None:
        raise ValueError("a message is the 4 to 32 hexadecimal digits that `overlapse mail` shows")
    return value


def parse_rung(value: object) -> str:
    """Return the name of a rung; the node knows which there are."""
    if not isinstance(value, str) or _RUNG.fullmatch(value) is None:
        raise ValueError('a rung is everything, jpeg, reduced or status, or one between such as "jpeg/2"')
    return value


def parse_pictures(value: object) -> list[PictureName]:
    """Return the names of pictures, some at a time."""
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ROWS:
        raise ValueError(f"a list of 1 to {MAX_ROWS} names of pictures")
    return [PictureName.parse(str(one)) for one in value]


def parse_path(value: object) -> str:
    """Return the path of a folder, from the root on."""
    if not isinstance(value, str) or not value.startswith("/") or "\0" in value or len(value) > MAX_PATH:
        raise ValueError(f"a path begins with '/' and has at most {MAX_PATH} characters")
    return value


def parse_layout(value: object) -> str:
    """Return how an archive is laid out."""
    if value not in LAYOUTS:
        raise ValueError(f"one of {', '.join(LAYOUTS)}")
    return str(value)


def parse_names(value: object) -> list[str]:
    """Return names, some at a time, each once."""
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ROWS:
        raise ValueError(f"a list of 1 to {MAX_ROWS} names")
    return list(dict.fromkeys(parse_name(one) for one in value))


def parse_text(value: object) -> str:
    """Return a text of some lines."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text")
    return value


def parse_zone(value: object) -> str:
    """Return the name of a time zone."""
    try:
        if isinstance(value, str) and value:
            return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ValueError('a time zone is written as "Europe/Paris" or "UTC"')


def parse_count(value: object) -> int:
    """Return how many of something."""
    if type(value) is not int or not 1 <= value < 1 << 31:
        raise ValueError("a whole number from 1 on")
    return value


def parse_seconds(value: object) -> int:
    """Return an instant in whole seconds since the epoch."""
    if type(value) is not int or not 0 <= value < 1 << 40:
        raise ValueError("whole seconds since the epoch")
    return value


def parse_service(value: object) -> str:
    """Return a service as `status` and Nagios name it, such as "camera north" or "node"; raise ValueError."""
    if not isinstance(value, str) or _SERVICE.fullmatch(value) is None:
        raise ValueError('write a service, such as "camera north" or "storage"')
    return value


def parse_flag(value: object) -> bool:
    """Return true or false."""
    if type(value) is not bool:
        raise ValueError("true or false")
    return value


def parse_verb(value: object) -> str:
    """Return what may be the name of a verb; the table knows which there are."""
    if not isinstance(value, str) or _VERB.fullmatch(value) is None:
        raise ValueError('a verb is a word such as "capture"')
    return value


def parse_object(value: object) -> dict[str, object]:
    """Return the arguments of a verb, as they are said; the verb parses them."""
    if not isinstance(value, dict):
        raise ValueError('an object such as {"camera": "north"}')
    return value


CAMERA = DESTINATION = LINK = NODE = Argument(parse_name)
REASON = Argument(parse_reason)
UNTIL = Argument(parse_instant)


def optional(argument: Argument) -> Argument:
    """Return `argument` as one that may be left out."""
    return Argument(argument.parse, required=False)


def parse_arguments(takes: Mapping[str, Argument], args: Mapping[str, object]) -> dict[str, Any]:
    """Return the values of `args`; raise BadRequest that names every problem."""
    problems = [f"unknown argument '{safe(key, 40)}'" for key in args if key not in takes]
    problems += [f"{key} is missing" for key, argument in takes.items() if argument.required and key not in args]
    values: dict[str, Any] = {}
    for key, argument in takes.items():
        if key in args:
            try:
                values[key] = argument.parse(args[key])
            except ValueError as error:
                problems.append(f"{key}: {error}")
    if problems:
        raise BadRequest("; ".join(problems))
    return values
