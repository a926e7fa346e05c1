"""The guidelines for monitoring plugins as a checker: what a plugin printed, and what is wrong with it.

Source: the developer guidelines of the Monitoring Plugins, sections on output, ranges and performance data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
TIME = (
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d\d:\d\dZ|\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4})"
)
ENDING = rf"(?:losing (?:[1-9]\d*|\d+\.\d*[1-9])/h|act before {TIME}|can wait until {TIME})"
LINE = re.compile(rf"([A-Z]+) ({'|'.join(STATES)}): (.+) - {ENDING}")
NUMBER = r"-?\d+(?:\.\d+)?"
RANGE = re.compile(rf"@?(?:(?:~|{NUMBER})?:(?:{NUMBER})?|{NUMBER})")
ITEM = re.compile(
    rf"(?P<label>'(?:[^'=]|'')+'|[^\s'=]+)=(?P<value>U|{NUMBER})(?P<unit>|s|us|ms|%|B|KB|MB|GB|TB|c)"
    rf"(?:;(?P<warning>[^;\s]*))?(?:;(?P<critical>[^;\s]*))?(?:;(?P<min>{NUMBER})?)?(?:;(?P<max>{NUMBER})?)?"
)
LONGEST = 80


def violations(code: int, out: bytes, err: bytes = b"") -> list[str]:
    """Return what is wrong with a plugin's answer."""
    return list(_violations(code, out, err))


def _violations(code: int, out: bytes, err: bytes) -> Iterator[str]:
    if not 0 <= code <= 3:
        yield f"exit status {code}"
    if err:
        yield f"standard error: {err[:200]!r}"
    try:
        text = out.decode("utf-8")
    except UnicodeDecodeError as error:
        yield f"no UTF-8: {error}"
        return
    if not text.endswith("\n"):
        yield "no line end"
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in text.replace("\n", "")):
        yield "control characters"
    if "Traceback" in text:
        yield "a traceback"
    first, _, _ = text.partition("\n")
    yield from _first(code, first)
    if text.count("|") > 1:
        yield "more than one |"
    yield from perfdata(text.partition("|")[2])


def _first(code: int, line: str) -> Iterator[str]:
    if len(line) >= LONGEST:
        yield f"first line of {len(line)} characters: {line}"
    found = LINE.fullmatch(line)
    if found is None:
        yield f"first line: {line}"
    elif 0 <= code <= 3 and found[2] != STATES[code]:
        yield f"{found[2]} with exit status {code}"


def perfdata(text: str) -> Iterator[str]:
    """Yield what is wrong with performance data."""
    labels: list[str] = []
    for item in re.findall(r"(?:'[^']*'|[^\s'])+", text):
        found = ITEM.fullmatch(item)
        if found is None:
            yield f"performance data: {item}"
            continue
        labels.append(found["label"].strip("'"))
        for key in ("warning", "critical"):
            if found[key] and not is_range(found[key]):
                yield f"{key} range: {item}"
    if len(set(labels)) < len(labels):
        yield f"a label twice: {sorted(labels)}"
    if len({label[:19] for label in labels}) < len(set(labels)):
        yield f"labels not told apart by 19 characters: {labels}"


def is_range(text: str) -> bool:
    """Return whether `text` is a range of the guidelines."""
    if not RANGE.fullmatch(text):
        return False
    start, colon, end = text.removeprefix("@").rpartition(":")
    if not colon or start in ("", "~") or not end:
        return True
    return float(start) <= float(end)
