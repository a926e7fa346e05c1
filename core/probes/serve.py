"""The child's side of a probe: the kind "probe" of worker.

| op | args | result |
|---|---|---|
| snmp-counter | host, credentials, interface, before | rx, tx, bytes, bits, interface, number, uptime_s, passed |
| snmp-read | host, credentials, oids, walk | values |
| host | | temperature, undervoltage, throttled |
| arrays | | arrays |
| drives | seconds | drives |
| nas | host, credentials, seconds | that of core.probes.nas |
| wall | host, credentials, seconds | that of core.probes.wall |
| opnsense | url, credentials, ca_file, seconds | that of core.probes.opnsense |
| flows | flows, ways, rate | flows |
| mount | folder, who, expect | at, type, ro, free, total, inodes, inodes_free, write_s |

`host`: machine, or machine:port. `credentials`: the text of a snmp.conf. `seconds`, taken by both: for the whole
(default SECONDS); the parent's own deadline lies above it. `bytes`: rx + tx. `before`: an earlier result of
snmp-counter, for `passed`, the bytes since then; null without it, or when the two do not compare. `oids`: variables
wanted one by one; `walk`: tables wanted whole. `values`: {"oid", "type", "value"} each, as core.probes.rows has them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.errors import ChildError, ConfigurationError, ProbeGarbled
from core.probes.ber import Oid, parse_oid
from core.probes.counters import counter, passed
from core.probes.rows import MOST_JSON, row
from core.probes.snmp import reading
from core.text import safe

Json = dict[str, Any]
SECONDS = 10.0


class ProbeService:
    """Reads devices beside us; it holds nothing from one request to the next."""

    def __init__(self) -> None:
        self._ops: Mapping[str, Callable[[Json], Json]] = {
            "snmp-counter": _counter,
            "snmp-read": _read,
            "host": _host,
            "arrays": _arrays,
            "drives": _drives,
            "mount": _mount,
            "nas": _nas,
            "wall": _wall,
            "opnsense": _opnsense,
            "flows": _flows,
        }

    def handle(self, op: str, args: Json, talk: object) -> Json:
        """Do one of the operations of this module's table."""
        if op not in self._ops:
            raise ChildError(f"a probe cannot {safe(op)}")
        return self._ops[op](args)

    def close(self) -> None:
        """Nothing is held."""


def _counter(args: Json) -> Json:
    before = args.get("before")
    with reading(args["host"], args["credentials"], args.get("seconds", SECONDS)) as session:
        found = counter(session, args["interface"])
    since = passed(before, found) if before is not None else None
    return {**found._asdict(), "bytes": found.rx + found.tx, "passed": since}


def _read(args: Json) -> Json:
    oids, roots = _oids(args.get("oids", ())), _oids(args.get("walk", ()))
    with reading(args["host"], args["credentials"], args.get("seconds", SECONDS)) as session:
        values = session.get(oids) if oids else []
        for root in roots:
            values += session.walk(root)
    found = {"values": [row(value) for value in values]}
    if len(json.dumps(found)) > MOST_JSON:
        raise ProbeGarbled(f"{safe(args['host'], 80)}: more than {MOST_JSON // 10**6} MB of answers; ask for less")
    return found


def _host(args: Json) -> Json:
    from core.probes.host import host

    return host()


def _arrays(args: Json) -> Json:
    from core.probes.mdstat import MDSTAT, arrays

    table = Path(MDSTAT)
    return {"arrays": arrays(table.read_text(errors="replace")) if table.exists() else []}


def _drives(args: Json) -> Json:
    from core.probes.smart import drives

    return {"drives": drives(args.get("seconds", SECONDS))}


def _mount(args: Json) -> Json:
    from core.probes.mounts import mount

    return mount(args["folder"], args["who"], args.get("expect"))


def _nas(args: Json) -> Json:
    from core.probes.nas import nas

    with reading(args["host"], args["credentials"], args.get("seconds", SECONDS)) as session:
        return nas(session)


def _wall(args: Json) -> Json:
    from core.probes.wall import wall

    with reading(args["host"], args["credentials"], args.get("seconds", SECONDS)) as session:
        return wall(session)


def _opnsense(args: Json) -> Json:
    from core.probes.opnsense import opnsense

    return opnsense(args["url"], args["credentials"], args.get("ca_file"), args.get("seconds", SECONDS))


def _flows(args: Json) -> Json:
    from core.probes.flows import Flow, Way, audit

    ways = {vantage: Way(**way) for vantage, way in args.get("ways", {}).items()}
    try:
        return {"flows": audit([Flow(**flow) for flow in args["flows"]], ways, args["rate"])}
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _oids(texts: list[str]) -> list[Oid]:
    try:
        return [parse_oid(text) for text in texts]
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
