"""What net-snmp's programs print with -Onx and without MIBs, as values. Pure.

.1.3.6.1.2.1.1.3.0 = Timeticks: (6142) 0:01:01.42
.1.3.6.1.2.1.1.1.0 = Hex-STRING: 4C 69 6E 75 78 20 76 6D 20 36 2E 31 38 2E 34 34
2D 66 63
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.probes.ber import parse_oid, show_oid
from core.probes.message import Value

_ABSENT = {
    "No Such Object": "noSuchObject",
    "No Such Instance": "noSuchInstance",
    "No more variables": "endOfMibView",
}
_KINDS: Mapping[str, tuple[str, Callable[[str], int | bytes | str | None]]] = {
    "INTEGER": ("Integer32", int),
    "Counter32": ("Counter32", int),
    "Counter64": ("Counter64", int),
    "Gauge32": ("Gauge32", int),
    "Timeticks": ("TimeTicks", lambda text: int(text[text.index("(") + 1 : text.index(")")])),
    "IpAddress": ("IpAddress", str),
    "OID": ("ObjectIdentifier", lambda text: show_oid(parse_oid(text))),
    "Hex-STRING": ("OctetString", bytes.fromhex),
    "Opaque": ("Opaque", lambda text: None),
    "NULL": ("Null", lambda text: None),
}


def values(printed: str) -> list[Value]:
    """Return the values in their order; raise ValueError for a line that is none."""
    lines: list[str] = []
    for line in printed.splitlines():
        if line.startswith("."):
            lines.append(line)
        elif lines:
            lines[-1] += f" {line}"  # a long string goes on
        else:
            raise ValueError(f"it begins with {line[:40]!r}")
    return [_value(line) for line in lines]


def _value(line: str) -> Value:
    name, _, said = line.partition(" = ")
    oid = parse_oid(name)
    if said.strip() == '""':
        return Value(oid, "OctetString", b"")
    for words, kind in _ABSENT.items():
        if said.startswith(words):
            return Value(oid, kind)
    kind, _, text = said.partition(":")
    if kind.strip() not in _KINDS:
        raise ValueError(f"a value of a kind that is not known: {said[:40]!r}")
    told, decode = _KINDS[kind.strip()]
    return Value(oid, told, decode(text.strip()))
