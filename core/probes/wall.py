"""What a firewall tells of itself by SNMP: how long it runs, its interfaces and their errors, its states. No verdicts.

Sources: IF-MIB (RFC 2863); BEGEMOT-PF-MIB (12325.1.200), which pf on FreeBSD, OPNsense and pfSense serve.
"""

from __future__ import annotations

from typing import Any

from core.probes.ber import Oid
from core.probes.message import MISSING, Value
from core.probes.rows import text
from core.probes.snmp import Session

Json = dict[str, Any]

UPTIME = (1, 3, 6, 1, 2, 1, 1, 3, 0)
ENTRY = (1, 3, 6, 1, 2, 1, 2, 2, 1)
NAMES = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 1)
DESCR, ADMIN, OPER = 2, 7, 8
ERRORS = (13, 14, 19, 20)  # discards and errors, in and out
UP = 1
PF = (1, 3, 6, 1, 4, 1, 12325, 1, 200, 1)
RUNNING, STATES, LIMIT = (*PF, 1, 1, 0), (*PF, 3, 1, 0), (*PF, 5, 1, 0)
MOST = 64  # interfaces that are told


def wall(session: Session) -> Json:
    """Return {"uptime", "interfaces", "running", "states", "limit"}; raise ProbeError.

    An interface has "name", "up", "wanted" (it is switched on) and "errors", counted since it was started. What the
    device does not tell is left out.
    """
    found: Json = {}
    uptime, running, states, limit = (_number(one) for one in session.get([UPTIME, RUNNING, STATES, LIMIT]))
    if uptime is not None:
        found["uptime"] = uptime / 100
    if running is not None:
        found["running"] = running == 1
    if states is not None and limit:
        found |= {"states": states, "limit": limit}
    return found | {"interfaces": _interfaces(session)}


def _interfaces(session: Session) -> list[Json]:
    columns = {number: _column(session, (*ENTRY, number)) for number in (DESCR, ADMIN, OPER, *ERRORS)}
    names = {**columns[DESCR], **{index: name for index, name in _column(session, NAMES).items() if name}}
    return [
        {
            "name": names[index],
            "wanted": columns[ADMIN].get(index) == UP,
            "up": columns[OPER].get(index) == UP,
            "errors": sum(columns[number].get(index) or 0 for number in ERRORS),
        }
        for index in list(names)[:MOST]
    ]


def _column(session: Session, column: Oid) -> dict[int, Any]:
    return {
        value.oid[-1]: text(value.value) if isinstance(value.value, bytes) else value.value
        for value in session.walk(column)
    }


def _number(value: Value) -> int | None:
    return value.value if value.kind not in MISSING and isinstance(value.value, int) else None
