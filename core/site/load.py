"""Read a site file: all that is wrong with it in one go, each problem with its line and its key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any

from core.errors import ConfigurationError
from core.site import lines
from core.site.check import Check, own_checks, warnings
from core.site.fill import Filled
from core.site.folders import Finding
from core.site.model.file import SiteFile
from core.site.secrets import read_secret, secret_problems
from core.site.shape import by_name
from core.site.tidy import Problem, Tidied
from core.text import safe

LONGEST = 1000  # characters of one problem
_DIGITS = re.compile(r"[0-9_]{4300,}")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A site file that holds; `warnings` are written as problems are: LINE: key.path: sentence."""

    site: SiteFile
    path: Path
    text: str
    warnings: tuple[str, ...] = ()

    @property
    def base(self) -> Path:
        """The folder that relative paths in the file start from."""
        return self.path.absolute().parent


def reparse(text: str) -> SiteFile:
    """Return the site that `text` says, for a text that held once: nothing outside of it is looked at.

    Raise ConfigurationError when it does not fill the model of this version.
    """
    _, filled, told = _fill(text)
    if told:
        raise ConfigurationError(_written(told, lines.Lines(text)))
    return filled.site


def load(path: Path, checks: Sequence[Check] = (), node: str | None = None, *, secrets: bool = True) -> Loaded:
    """Return the site in `path`; raise ConfigurationError with every problem, each "LINE: key.path: what is wrong".

    `checks` judge what other rooms know of (schedules, recipes, destinations). With `node`, only the secrets that
    this node needs must be there; without `secrets` none: on a machine that is no node.
    """
    text = _read(path)
    tidied, filled, told = _fill(text)
    where = lines.Lines(text)
    site, base = filled.site, path.absolute().parent
    faulty = tidied.mended | set(filled.problems)
    findings = own_checks(site, base, tidied.lost)
    if secrets:
        findings += secret_problems(site, base, node)
    said = {key for key, _ in findings}
    findings += [(key, sentence) for check in checks for key, sentence in check(site, base) if key not in said]
    told += _sound(site, findings, faulty, tidied)
    if told:
        raise ConfigurationError(_written(told, where))
    kept = _sound(site, warnings(site), faulty, tidied)
    return Loaded(site, path, text, tuple(_written(kept, where)))


def _fill(text: str) -> tuple[Tidied, Filled, list[Problem]]:
    tidied = Tidied(_parse(text), SiteFile)
    filled = Filled(tidied.tree)
    told = [*tidied.problems, *((tidied.origin(at), sentence) for at, sentence in filled.problems.items())]
    return tidied, filled, told


def _read(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{line}: the file is not UTF-8; save it as UTF-8") from error


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(_syntax(str(error), text)) from error
    except RecursionError as error:
        raise ConfigurationError("1: brackets are nested too deeply") from error
    except ValueError as error:  # Python reads no number of more than 4300 digits
        digits = _DIGITS.search(text)
        line = text.count("\n", 0, digits.start()) + 1 if digits else 1
        raise ConfigurationError(f"{line}: a number has more digits than can be counted; write less") from error


def _syntax(message: str, text: str) -> str:
    found = _PLACE.search(message)
    line = int(found[1]) if found and found[1] else text.count("\n") + 1
    what = _PLACE.sub("", message)
    column = f" (column {found[2]})" if found and found[2] else ""
    return safe(f"{line}: this is not TOML: {what[:1].lower()}{what[1:]}{column}{_hint(what)}", LONGEST)


def _hint(what: str) -> str:
    if any(sign in what for sign in ("after a statement", "Invalid value", "Unclosed")):
        return '; text and quantities stand in quotes: every = "10m"'
    if "Cannot overwrite" in what or "Cannot declare" in what:
        return "; it is written twice"
    return ""


def _sound(site: SiteFile, findings: Iterable[Finding], faulty: set[lines.Path], tidied: Tidied) -> list[Problem]:
    """Return the findings, by path in the file, that are not the echo of a fault told already."""
    sound = []
    for written, sentence in findings:
        path = _in_model(site, lines.parse_path(written))
        if not any(_echoes(path, fault) for fault in faulty):
            sound.append((tidied.origin(path), sentence))
    return sound


def _echoes(path: lines.Path, fault: lines.Path) -> bool:
    return path[: len(fault)] == fault or path == fault[:-1]


def _in_model(site: SiteFile, path: lines.Path) -> lines.Path:
    """Return `path` by the model's names; checks may also use the words of the file."""
    value: Any = site
    named: list[str | int] = []
    for part in path:
        if isinstance(part, str) and is_dataclass(value):
            table: type = type(value)
            part = next((field.name for field in by_name(table).values() if field.word == part), part)
        named.append(part)
        try:
            value = value[part] if isinstance(part, int) else getattr(value, part, None)
        except (IndexError, TypeError):
            value = None
    return tuple(named)


def _written(told: Iterable[Problem], where: lines.Lines) -> list[str]:
    numbered = {(where.of(path), lines.show(path), sentence) for path, sentence in told}
    return [safe(f"{line}: {key}: {sentence}", LONGEST) for line, key, sentence in sorted(numbered)]


__all__ = ["Check", "Loaded", "load", "read_secret", "reparse"]
