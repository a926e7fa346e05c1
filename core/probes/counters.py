"""The bytes that an interface of a device has carried, by IF-MIB (RFC 2863)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from core.errors import NoSuchReading
from core.probes.ber import Oid, parse_oid
from core.probes.message import Value
from core.probes.rows import text
from core.probes.snmp import Session
from core.text import safe

IF_NAME = parse_oid("1.3.6.1.2.1.31.1.1.1.1")
IF_DESCR = parse_oid("1.3.6.1.2.1.2.2.1.2")
HC_IN, HC_OUT = parse_oid("1.3.6.1.2.1.31.1.1.1.6"), parse_oid("1.3.6.1.2.1.31.1.1.1.10")
IN, OUT = parse_oid("1.3.6.1.2.1.2.2.1.10"), parse_oid("1.3.6.1.2.1.2.2.1.16")
UPTIME = parse_oid("1.3.6.1.2.1.1.3.0")

WRAP = 2**32  # where 32-bit counters begin anew: 4.3 GB, six minutes at 100 Mbit/s, ten hours at 120 kB/s
TICKS = 100  # of sysUpTime in a second
LONGEST_UPTIME = WRAP / TICKS  # seconds: sysUpTime begins anew after 497 days
DAY = 86_400.0
NAMED = 24  # interfaces that an error names


class Counter(NamedTuple):
    """What an interface has carried since its device counts."""

    interface: str
    number: int  # ifIndex; some devices number their interfaces anew at each start
    rx: int  # bytes that the interface received
    tx: int  # bytes that it sent
    bits: int  # 64 or 32: how wide its counters are
    uptime_s: float | None  # seconds since the device, or its SNMP, was started; None when it does not say


def counter(session: Session, wanted: str) -> Counter:
    """Return what the interface `wanted`, a name or an index, has carried; raise ProbeError."""
    index, name = find(session, wanted)
    asked = [(*column, index) for column in (HC_IN, HC_OUT, IN, OUT)]
    *counts, uptime = session.get([*asked, UPTIME])
    wide, narrow = _pair(counts[:2], "Counter64"), _pair(counts[2:], "Counter32")
    seconds = uptime.value / TICKS if isinstance(uptime.value, int) else None
    if wide is not None and (any(wide) or narrow is None or not any(narrow)):  # some devices have them and never count
        return Counter(name, index, *wide, 64, seconds)
    if narrow is not None:
        return Counter(name, index, *narrow, 32, seconds)
    raise NoSuchReading(f"interface {name} has no counters of bytes that we may read")


def _pair(values: Sequence[Value], kind: str) -> tuple[int, int] | None:
    numbers = [value.value for value in values if value.kind == kind and isinstance(value.value, int)]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else None


def find(session: Session, wanted: str) -> tuple[int, str]:
    """Return index and name of the interface that is called `wanted`: by ifName, by ifDescr, or by its index."""
    known: dict[int, str] = {}
    for column in (IF_NAME, IF_DESCR):
        names = _names(session.walk(column), column)
        found = [index for index, name in names.items() if name == wanted]
        if len(found) == 1:
            return found[0], safe(wanted)
        if found:
            several = " or ".join(map(str, found))
            raise NoSuchReading(f"several interfaces are called '{safe(wanted, 60)}'; write an index: {several}")
        known = names | known
    if wanted in map(str, known):
        return int(wanted), known[int(wanted)]
    raise NoSuchReading(f"no interface is called '{safe(wanted, 60)}'; {_those(known)}")


def _names(values: Sequence[Value], column: Oid) -> dict[int, str]:
    return {
        value.oid[-1]: text(value.value)
        for value in values
        if isinstance(value.value, bytes) and len(value.oid) == len(column) + 1
    }


def _those(known: Mapping[int, str]) -> str:
    """Say which interfaces there are."""
    if not known:
        return "the device shows none that we may read"
    shown = [f"{safe(name, 40)} (index {index})" for index, name in list(known.items())[:NAMED]]
    more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
    return f"there are {', '.join(shown)}{more}"


def passed(before: Mapping[str, Any], now: Counter) -> int | None:
    """Return how many bytes went through between two readings of an interface, None when they do not compare.

    `before` is a Counter as a mapping. Counters of 32 bits that begin anew are followed, one wrap of each at most; what
    passed before a restart of the device in between cannot be known and is not counted.
    """
    if before.get("bits") != now.bits or before.get("interface") != now.interface:
        return None
    wraps = now.bits == 32 and not _restarted(before.get("uptime_s"), now.uptime_s)
    return _grown(before["rx"], now.rx, wraps) + _grown(before["tx"], now.tx, wraps)


def _grown(before: int, now: int, wraps: bool) -> int:
    if now >= before:
        return now - before
    return now + WRAP - before if wraps else now


def _restarted(before: float | None, now: float | None) -> bool:
    """Tell whether the device was started in between; an uptime that itself begins anew after 497 days is not that."""
    if before is None or now is None:
        return False
    return now < before < LONGEST_UPTIME - DAY
