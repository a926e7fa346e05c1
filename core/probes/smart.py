"""The health of a drive as `smartctl --json` tells it: verdict, wear, bad sectors. Pure, but for asking the program.

Wear is per cent of the endurance used, and may pass 100. Sources: the NVM Express base specification, SMART log page
02h (Percentage Used may exceed 100); ATA attributes by the vendors' tables: 177, 202, 231 and 233 count down from 100.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import ProbeGarbled, ProbeUnanswered
from core.text import safe

Json = dict[str, Any]

SMARTCTL = "/usr/sbin/smartctl"
LIFE_LEFT = (202, 231, 233, 177)  # attributes whose normalised value is the life that is left, the surest first
BAD = {5: "reallocated", 197: "pending", 198: "uncorrectable"}  # attributes whose raw value counts bad sectors
ASLEEP = 2  # bit of smartctl's exit status: the drive could not be opened, or sleeps and was left to it
MOST = 32  # drives


def drives(seconds: float, program: str = SMARTCTL) -> list[Json]:
    """Return the health of every drive that smartctl finds; an empty list where there is no smartctl.

    A drive that cannot be read has "name" and "error". Raise ProbeError when smartctl itself does not answer.
    """
    if not os.access(program, os.X_OK):
        return []
    until = time.monotonic() + seconds
    found = _asked([program, "--scan", "--json"], until).get("devices", [])
    rows: list[Json] = []
    for one in found[:MOST]:
        name, kind = str(one.get("name", "")), str(one.get("type", "auto"))
        if not name.startswith("/dev/"):
            continue
        try:
            rows.append(drive(name, _asked([program, "--json", "-a", "-n", "standby", "-d", kind, name], until)))
        except (ProbeUnanswered, ProbeGarbled) as error:
            rows.append({"name": name, "error": str(error)})
    return rows


def _asked(command: Sequence[str], until: float) -> Json:
    left = until - time.monotonic()
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=max(0.1, left), check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ProbeUnanswered(f"{command[-1]}: smartctl gave no answer in time") from error
    except OSError as error:
        raise ProbeUnanswered(f"{command[0]}: {error.strerror}") from error
    try:
        told = json.loads(done.stdout)
    except ValueError as error:
        raise ProbeGarbled(f"{command[-1]}: smartctl does not answer in JSON") from error
    if not isinstance(told, dict):
        raise ProbeGarbled(f"{command[-1]}: smartctl does not answer with an object")
    return told


def drive(name: str, told: Json) -> Json:
    """Return {"name", "model", "serial", "passed", "wear", "spare", "bad", "temperature", "hours", "asleep", "error"}.

    `wear` and `spare` are per cent, `bad` counts sectors or blocks of memory that could not be read or were replaced.
    What the drive does not tell is left out.
    """
    row: Json = {"name": name}
    for key, word in (("model", "model_name"), ("serial", "serial_number")):
        if told.get(word):
            row[key] = safe(str(told[word]), 40)
    passed = _part(told, "smart_status").get("passed")
    if isinstance(passed, bool):
        row["passed"] = passed
    row |= {key: value for key, value in _measured(told).items() if value is not None}
    if len(row) <= 1:
        row |= _silent(told)
    return row


def _measured(told: Json) -> Json:
    nvme = _part(told, "nvme_smart_health_information_log")
    table = _part(told, "ata_smart_attributes").get("table")
    attributes = {one.get("id"): one for one in table if isinstance(one, dict)} if isinstance(table, list) else {}
    wear = _number(_part(told, "endurance_used"), "current_percent")
    if wear is None:
        wear = _number(nvme, "percentage_used")
    if wear is None:
        left = next((_number(attributes[one], "value") for one in LIFE_LEFT if one in attributes), None)
        wear = None if left is None else max(0, 100 - left)
    bad = [_number(_part(attributes[one], "raw"), "value") or 0 for one in BAD if one in attributes]
    return {
        "wear": wear,
        "spare": _number(nvme, "available_spare"),
        "bad": sum(bad) if bad else _number(nvme, "media_errors"),
        "warning": _number(nvme, "critical_warning") or None,
        "temperature": _number(_part(told, "temperature"), "current"),
        "hours": _number(_part(told, "power_on_time"), "hours"),
    }


def _silent(told: Json) -> Json:
    """Say why a drive told nothing of itself."""
    head = _part(told, "smartctl")
    if (_number(head, "exit_status") or 0) & ASLEEP and "power_mode" in told:
        return {"asleep": True}
    messages = head.get("messages")
    words = [str(one.get("string", "")) for one in messages if isinstance(one, dict)] if messages else []
    return {"error": safe("; ".join(words) or "it tells nothing of its health", 200)}


def _part(table: Mapping[str, Any], key: str) -> Json:
    value = table.get(key)
    return value if isinstance(value, dict) else {}


def _number(table: Mapping[str, Any], key: str) -> int | None:
    value = table.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
