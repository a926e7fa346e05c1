"""What a Synology or QNAP tells of itself by SNMP: disks, RAIDs, volumes, fans. No verdicts.

Sources: SYNOLOGY-SYSTEM-MIB, SYNOLOGY-DISK-MIB and SYNOLOGY-RAID-MIB (6574); QNAP's NAS-MIB (24681), whose tables are
there as texts ("40 C/104 F", "1.82 TB", "--") and, in systemInfoEx, as numbers. Texts are only read where numbers lack.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.errors import NoSuchReading
from core.probes.ber import Oid
from core.probes.message import MISSING, Value
from core.probes.rows import text
from core.probes.snmp import Session

Json = dict[str, Any]
Table = dict[int, dict[int, Any]]  # index -> column -> value

ENTERPRISES = (1, 3, 6, 1, 4, 1)
SYNOLOGY = (*ENTERPRISES, 6574)
SYSTEM, SYNO_DISKS, SYNO_RAIDS = (*SYNOLOGY, 1), (*SYNOLOGY, 2, 1, 1), (*SYNOLOGY, 3, 1, 1)
QNAP = (*ENTERPRISES, 24681, 1)
TEXTS, NUMBERS = (*QNAP, 2), (*QNAP, 3)
UPTIME = (1, 3, 6, 1, 2, 1, 1, 3, 0)
DISK_STATES = {1: "normal", 2: "initialized", 3: "not initialized", 4: "system partition failed", 5: "crashed"}
HEALTH = {1: "normal", 2: "warning", 3: "critical", 4: "failing"}
RAID_STATES = {
    1: "normal", 2: "repairing", 3: "migrating", 4: "expanding", 5: "deleting", 6: "creating", 7: "syncing",
    8: "parity check", 9: "assembling", 10: "canceling", 11: "degraded", 12: "crashed", 13: "scrubbing",
    14: "deploying", 15: "undeploying", 16: "mounting cache", 17: "unmounting cache", 18: "expand unfinished",
    19: "converting", 20: "migrating", 21: "unknown",
}  # fmt: skip
UNKNOWN = -4
QNAP_DISK = {0: "normal", -4: "unknown", -5: "no disk", -6: "invalid", -9: "read-write error"}
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50}
WRAP = 1 << 32


def nas(session: Session) -> Json:
    """Return {"vendor", "model", "version", "uptime", "temperature", "trouble", "disks", "raids", "volumes", "fans"}.

    `trouble`: parts of the device that say they failed. A disk has "name", "status", "health", "temperature", "bad",
    "life"; a RAID "name", "status", "free", "total"; a volume the same; a fan "name" and "rpm" or "status". What the
    device does not tell is left out. Raise ProbeError, NoSuchReading for a device that is neither.
    """
    told = _columns(session.walk(SYSTEM), SYSTEM)
    found = _synology(session, told) if told else _qnap(session)
    (uptime,) = session.get([UPTIME])
    if isinstance(uptime.value, int) and uptime.kind not in MISSING:
        found["uptime"] = uptime.value / 100
    return found


def _synology(session: Session, told: Mapping[Oid, Any]) -> Json:
    parts = {"system": (1, 0), "power": (3, 0), "system fan": (4, 1, 0), "CPU fan": (4, 2, 0)}
    disks = _table(session.walk(SYNO_DISKS), SYNO_DISKS)
    raids = _table(session.walk(SYNO_RAIDS), SYNO_RAIDS)
    found: Json = {
        "vendor": "Synology",
        "model": told.get((5, 1, 0)),
        "version": told.get((5, 3, 0)),
        "temperature": _degrees(told.get((2, 0))),
        "trouble": [name for name, oid in parts.items() if told.get(oid) == 2],
        "disks": [
            {
                "name": row.get(12) or row.get(2) or f"disk {index}",
                "status": DISK_STATES.get(row.get(5, 0), "unknown"),
                "health": HEALTH.get(row.get(13, 0)),
                "temperature": _degrees(row.get(6)),
                "bad": _count(row.get(9)),
                "life": _count(row.get(11)),
            }
            for index, row in disks.items()
        ],
        "raids": [_sized(row.get(2) or f"raid {index}", row, 3, RAID_STATES) for index, row in raids.items()],
        "fans": [
            {"name": name, "status": "failed" if told.get(oid) == 2 else "normal"}
            for name, oid in parts.items()
            if "fan" in name and oid in told
        ],
    }
    return _known(found)  # fmt: skip


def _sized(name: str, row: Mapping[int, Any], status: int, words: Mapping[int, str]) -> Json:
    free, total = _wide(row.get(4)), _wide(row.get(5))
    known = total is not None and free is not None and 0 <= free <= total
    return {
        "name": name,
        "status": words.get(row.get(status, 0), "unknown"),
        **({"free": free, "total": total} if known else {}),
    }


def _qnap(session: Session) -> Json:
    numbers, texts = session.walk(NUMBERS), session.walk(TEXTS)
    if not numbers and not texts:
        raise NoSuchReading("it answers, and is neither a Synology nor a QNAP; is its own SNMP service on?")
    told = _columns(texts, TEXTS)

    def table(number: int) -> Table:
        wide = _table(numbers, (*NUMBERS, number, 1))
        narrow = _table(texts, (*TEXTS, number, 1))
        return {index: narrow.get(index, {}) | wide.get(index, {}) for index in sorted({*wide, *narrow})}

    volumes = table(17)
    found: Json = {
        "vendor": "QNAP",
        "model": told.get((12, 0)),
        "temperature": _degrees(told.get((6, 0))),
        "trouble": [],
        "disks": [
            {
                "name": row.get(2) or f"disk {index}",
                "status": QNAP_DISK.get(UNKNOWN if (state := _number(row.get(4))) is None else state, "unknown"),
                "health": None if not (smart := str(row.get(7) or "").strip("- ")) else _smart(smart),
                "temperature": _degrees(row.get(3)),
            }
            for index, row in table(11).items()
            if _number(row.get(4)) != -5
        ],
        "volumes": [_volume(index, row) for index, row in volumes.items()],
        "fans": [
            {"name": row.get(2) or f"fan {index}", "rpm": _number(row.get(3))} for index, row in table(15).items()
        ],
    }
    return _known(found)


def _volume(index: int, row: Mapping[int, Any]) -> Json:
    total, free = _bytes(row.get(4)), _bytes(row.get(5))
    known = total is not None and free is not None and 0 <= free <= total
    status = str(row.get(6) or "").strip("- ").lower() or "unknown"
    name = str(row.get(2) or f"volume {index}")
    return {"name": name, "status": "normal" if status in ("ready", "normal", "good") else status} | (
        {"free": free, "total": total} if known else {}
    )


def _smart(said: str) -> str:
    return "normal" if said.upper() in ("GOOD", "NORMAL", "OK") else said.lower()


def _columns(values: Iterable[Value], root: Oid) -> dict[Oid, Any]:
    return {value.oid[len(root) :]: _plain(value) for value in values if value.value is not None}


def _table(values: Iterable[Value], root: Oid) -> Table:
    """Return the rows of a table below its entry `root`."""
    found: Table = {}
    for value in values:
        rest = value.oid[len(root) :]
        if len(rest) == 2 and value.oid[: len(root)] == root and value.value is not None:
            found.setdefault(rest[1], {})[rest[0]] = _plain(value)
    return found


def _plain(value: Value) -> Any:
    return text(value.value) if isinstance(value.value, bytes) else value.value


def _number(value: Any) -> int | None:
    """Return a number that may come as text ("5400 RPM"), None for "--" and the like."""
    if isinstance(value, int):
        return value
    found = _leading(value) if isinstance(value, str) else None
    return None if found is None else int(found[0])


def _count(value: Any) -> int | None:
    found = _number(value)
    return None if found is None or found < 0 else found  # -1: it does not know


def _degrees(value: Any) -> float | None:
    """Return degrees Celsius of a number, or of "40 C/104 F"; None for "--" and for what no sensor measures."""
    if isinstance(value, str):
        told = _leading(value)
        found = told[0] if told is not None and told[1].lstrip("°")[:1] == "C" else None
    else:
        found = value
    return found if found is not None and 0 < found < 150 else None


def _wide(value: Any) -> int | None:
    """Return a size that some firmwares give as 32 signed bits."""
    return value + WRAP if isinstance(value, int) and -WRAP < value < 0 else _number(value)


def _bytes(value: Any) -> int | None:
    if isinstance(value, int):
        return _wide(value)
    told = _leading(value) if isinstance(value, str) else None
    return None if told is None else int(told[0] * _UNITS.get(told[1][:1].upper(), 1))


def _leading(said: str) -> tuple[float, str] | None:
    """Return the number that a text begins with, and what follows it without blanks; `re` would cost a plugin 5 ms."""
    end = next((n for n, sign in enumerate(said) if not (sign in "0123456789." or (n == 0 and sign == "-"))), len(said))
    try:
        return float(said[:end]), said[end:].strip()
    except ValueError:
        return None


def _known(found: Json) -> Json:
    """Return it without what is not known."""
    told = {key: value for key, value in found.items() if value is not None}
    for key in ("disks", "raids", "volumes", "fans"):
        if key in told:
            told[key] = [{name: one for name, one in row.items() if one is not None} for row in told[key]]
    return told
