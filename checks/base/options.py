"""The command line of a check: a short parser of our own; argparse is imported for help and usage alone."""

from __future__ import annotations

from checks.base.limits import Limit
from checks.base.say import is_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from checks.base.limits import Limits

TEXT, NUMBER, FLAG, MANY, STATE = "text", "number", "flag", "many", "state"
STATES = ("ok", "warning", "critical", "unknown")


class Usage(Exception):
    """The command line is wrong; the text says how."""


class Option:
    """One option: its words, what it takes, what it is for."""

    __slots__ = ("default", "help", "kind", "metavar", "name", "words")

    def __init__(self, words: str, kind: str, metavar: str, text: str, default: Any = None) -> None:
        """`words`: the spellings with blanks between, the long one last."""
        self.words = words.split()
        self.name = self.words[-1].strip("-").replace("-", "_")
        self.kind = kind
        self.metavar = metavar
        self.help = text
        self.default = default


COMMON = (
    Option("-h --help", FLAG, "", "show this help and exit with 3"),
    Option("-V --version", FLAG, "", "show the version and exit with 3"),
    Option("-t --timeout", NUMBER, "SECONDS", "answer within so many seconds (default 10)", 10.0),
    Option("--timeout-state", STATE, "STATE", "what a time-out is: warning, critical or unknown (default)", 3),
    Option("-w --warning", MANY, "[METRIC=]RANGE", "warn when a metric is outside; repeat it for several"),
    Option("-c --critical", MANY, "[METRIC=]RANGE", "the same for CRITICAL"),
    Option("--act-hours", NUMBER, "HOURS", "a loss within so many hours is CRITICAL (default: site.toml, else 12)"),
    Option("-v --verbose", FLAG, "", "accepted; the long output is always there"),
)
DOCUMENT = (
    Option("--status", TEXT, "FILE", "the status document to read; default: found through --site"),
    Option("--site", TEXT, "FILE", "site.toml (default: $OVERLAPSE_SITE, /etc/overlapse/sites, ./site.toml)"),
    Option("--node", TEXT, "NODE", "which node of the site this machine is"),
    Option("-H --hostname", TEXT, "NODE", "at a hub: the node whose document is read (default: this one)"),
)


def parse(arguments: Sequence[str], options: Sequence[Option]) -> dict[str, Any]:
    """Return the value of every option by its name; raise Usage."""
    known = {word: option for option in options for word in option.words}
    values = {option.name: [] if option.kind == MANY else option.default for option in options}
    rest = list(arguments)
    while rest:
        word, equals, value = rest.pop(0), "", ""
        if word.startswith("--"):
            word, equals, value = word.partition("=")
        elif len(word) > 2 and word.startswith("-"):
            word, equals, value = _short(word, known, rest)
        option = known.get(word)
        if option is None:
            raise Usage(f"there is no option {word}" if word.startswith("-") else f"{word} is no option")
        if option.kind == FLAG:
            if equals:
                raise Usage(f"{word} takes no value")
            values[option.name] = True
            continue
        if not equals:
            if not rest:
                raise Usage(f"{word} needs a value: {option.metavar}")
            value = rest.pop(0)
        _take(values, option, word, value)
    return values


def _short(word: str, known: dict[str, Option], rest: list[str]) -> tuple[str, str, str]:
    """Return what "-w5" and "-vvv" say."""
    option = known.get(word[:2])
    if option is None or option.kind != FLAG:
        return word[:2], "=", word[2:]
    rest.insert(0, f"-{word[2:]}")
    return word[:2], "", ""


def _take(values: dict[str, Any], option: Option, word: str, value: str) -> None:
    if option.kind == MANY:
        values[option.name].append(value)
    elif option.kind == NUMBER:
        values[option.name] = positive(value, word)
    elif option.kind == STATE:
        if value.lower() not in STATES[1:]:
            raise Usage(f"{word} is one of {', '.join(STATES[1:])}")
        values[option.name] = STATES.index(value.lower())
    else:
        values[option.name] = value


def positive(value: str, word: str) -> float:
    """Return a number above 0; raise Usage."""
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not is_number(number) or not 0 < number < 1e9:
        raise Usage(f"{word} is a number above 0")
    return number


def limits_of(values: dict[str, Any], metrics: Sequence[str]) -> Limits:
    """Return the limits that -w and -c give; one without a name is for the first of `metrics`. Raise Usage."""
    found: dict[str, list[str | None]] = {}
    for place, name in enumerate(("warning", "critical")):
        for word in values[name]:
            metric, equals, spec = word.rpartition("=")
            metric = metric if equals else metrics[0]
            if metric not in metrics:
                raise Usage(f"no metric {metric}; there is {', '.join(metrics)}")
            try:
                found.setdefault(metric, [None, None])[place] = str(Limit(spec))
            except ValueError as error:
                raise Usage(str(error)) from None
    return {metric: (pair[0], pair[1]) for metric, pair in found.items()}


def usage(program: str, options: Sequence[Option], text: str, whole: bool) -> str:
    """Return the usage, or the whole help."""
    import argparse

    parser = argparse.ArgumentParser(program, description=text, add_help=False, allow_abbrev=False)
    for option in options:
        plain = {"action": "store_true"} if option.kind == FLAG else {"metavar": option.metavar}
        parser.add_argument(*option.words, help=option.help.replace("%", "%%"), **plain)  # type: ignore[arg-type]
    return parser.format_help() if whole else parser.format_usage()
