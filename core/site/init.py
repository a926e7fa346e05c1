"""Write a commented site file that runs as it is: one of four ways to use an Internet link, with or without a NAS."""

from __future__ import annotations

import json
import os
import shlex
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Literal, get_args

from core.errors import ConfigurationError, StorageError
from core.site import examples
from core.site.check import zone_hint, zones
from core.site.sample import write_sample
from core.text import UNSAFE_CATEGORIES, safe
from core.values import parse_name

Way = Literal["everything", "jpeg", "reduced", "monitoring"]
WAYS: tuple[str, ...] = get_args(Way)

PICTURE = "virtual/DCIM/100NIKON/DSC_0001.jpg"  # where the virtual camera looks for what it sees


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a new site is asked for."""

    way: Way
    nas: bool = False
    name: str = "site"
    node: str = "unit1"
    zone: str = "UTC"


def write_site(folder: Path, choices: Choices, force: bool = False) -> Path:
    """Write `folder`/site.toml and what it needs to run; return its path.

    Raise ConfigurationError for a name or folder that cannot be used and, unless `force`, for a site.toml that is
    there already; StorageError when the disk refuses.
    """
    file = folder.resolve() / "site.toml"
    _judge(file, choices)
    if file.exists() and not force:
        raise ConfigurationError(f"{file}: there already; --force writes it anew, or choose another folder")
    try:
        for name in _folders(choices):
            (file.parent / name).mkdir(parents=True, exist_ok=True)
        write_sample(file.parent / PICTURE)
        _write(file, site_text(file, choices))
    except OSError as error:
        raise StorageError(f"{error.filename or file}: {error.strerror}") from error
    return file


def _judge(file: Path, choices: Choices) -> None:
    problems = []
    for option, name in (("--name", choices.name), ("--node", choices.node)):
        try:
            parse_name(name)
        except ValueError as error:
            problems.append(f"{option} {safe(name)!r}: {error}")
    if choices.zone not in zones():
        problems.append(f"--zone {safe(choices.zone)!r}: no such time zone{zone_hint(choices.zone)}")
    if not _plain(str(file)):
        problems.append(f"{safe(file)}: choose a folder without control characters in its path")
    if problems:
        raise ConfigurationError(problems)


def _plain(text: str) -> bool:
    return not any(unicodedata.category(character) in UNSAFE_CATEGORIES for character in text)


def _folders(choices: Choices) -> list[str]:
    remote = [] if choices.way == "monitoring" else ["remote"]
    return [str(Path(PICTURE).parent), *remote, *(["nas"] if choices.nas else [])]


def _write(file: Path, text: str) -> None:
    beside = file.with_suffix(".toml.new")
    with beside.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(file)


def site_text(file: Path, choices: Choices) -> str:
    """Return the text of a site file that will stand in `file`."""
    way, nas = choices.way, choices.nas
    values = {
        "title": examples.TITLES[way] + ("; originals are kept on a NAS" if nas else ""),
        "file": shlex.quote(str(file)),
        "site": choices.name,
        "zone": choices.zone,
        "node": choices.node,
        "capacity": examples.CAPACITY[way],
        "shoots": {"everything": examples.SHOOTS_BOTH, "jpeg": examples.SHOOTS_JPEG}.get(way, examples.SHOOTS_ANY),
        "remote": _folder_address(file.parent / "remote"),
        "nas": _folder_address(file.parent / "nas"),
        "stays": "on the NAS" if nas else "here",
    }
    return Template("".join(_parts(way, nas))).substitute(values)


def _parts(way: Way, nas: bool) -> list[str]:
    out = way != "monitoring"
    return [
        examples.HEAD,
        *([examples.NAS_LINK] if nas else []),
        examples.CAMERA,
        examples.RECIPE if way == "reduced" else examples.RECIPE_EXAMPLE,
        examples.DESTINATIONS,
        *([examples.NAS] if nas else [examples.NAS_EXAMPLE]),
        *([examples.REMOTE] if out else [examples.REMOTE_EXAMPLE]),
        examples.ROUTES,
        *([examples.ROUTE_NAS] if nas else []),
        *_routes_out(way, nas),
    ]


def _routes_out(way: Way, nas: bool) -> list[str]:
    if way == "monitoring":
        return [] if nas else [examples.ROUTE_NONE]
    routes = {
        "everything": examples.ROUTE_EVERYTHING,
        "jpeg": examples.ROUTE_JPEG,
        "reduced": examples.ROUTE_REDUCED,
    }
    return [routes[way]]


def _folder_address(folder: Path) -> str:
    return json.dumps(f"folder:{folder}", ensure_ascii=False)  # a JSON string is a TOML string


def local_zone(clock: Path = Path("/etc/localtime")) -> str:
    """Return the name of this machine's time zone, UTC when it does not say."""
    parts = clock.resolve().parts
    return "/".join(parts[parts.index("zoneinfo") + 1 :]) if "zoneinfo" in parts else "UTC"
