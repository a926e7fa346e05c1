"""What check_firewall says of a firewall that was read, and of the flows through it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from peers import snmpd
from peers.guidelines import violations
from peers.plugin import program
from peers.statuses import DAY, HOUR, NOW, put, with_

from checks.base.finding import CRITICAL, OK, UNKNOWN, WARNING
from checks.evaluate import evaluate

Told = dict[str, Any]
WAN = {"name": "wan", "wanted": True, "up": True, "errors": 9, "grew": 0}
LAN = {"name": "lan", "wanted": True, "up": True, "errors": 0, "grew": 0}
SNMP: Told = {
    "at": NOW - 60,
    "uptime": 9 * DAY,
    "running": True,
    "states": 900,
    "limit": 100_000,
    "interfaces": [WAN, LAN],
}
GATE = {"name": "WAN_GW", "status": "none", "loss": 0.0, "delay": 31.0}
API: Told = {"at": NOW - 60, "states": 900, "limit": 100_000, "rules": 41, "gateways": [GATE]}
FLOWS: Told = {"at": NOW - HOUR, "total": 6, "violated": 0, "not_proven": 0, "wrong": []}


def flow(verdict: str, expect: str, **words: str) -> Told:
    told = {"to": "10.1.0.5:445", "vantage": "", "expect": expect, "outcome": "open", "control": "open", **words}
    return {**FLOWS, verdict.replace(" ", "_"): 1, "wrong": [{**told, "verdict": verdict, "why": "it is open"}]}


def judged(**words: Any) -> tuple[int, str]:
    row = {"name": "wall", "kind": "firewall", **words}
    verdict = next(one for one in evaluate(with_(put("watch", [row])), NOW) if one.check == "firewall")
    assert violations(verdict.state, verdict.text().encode()) == []
    return verdict.state, verdict.line


CASES = [
    pytest.param(
        {"snmp": SNMP, "opnsense": API, "flows": FLOWS}, OK, "wall: 6 of 6 flows as designed - can", id="well"
    ),
    pytest.param(
        {"snmp": {"error": "no answer, asked 4 times", "since": NOW - HOUR}},
        WARNING,
        "wall silent since Sat 11:00Z",
        id="silent",
    ),
    pytest.param({"snmp": {**SNMP, "uptime": 300.0}}, WARNING, "restarted 5 min ago", id="rebooted"),
    pytest.param({"snmp": {**SNMP, "interfaces": [{**WAN, "up": False}]}}, WARNING, "wan is down", id="interface-down"),
    pytest.param(
        {"snmp": {**SNMP, "interfaces": [{**LAN, "up": False}, WAN]}, "wanted": ["wan"]}, OK, "wall", id="nobody-asked"
    ),
    pytest.param({"snmp": SNMP, "wanted": ["wan", "dmz"]}, WARNING, "dmz is down", id="interface-gone"),
    pytest.param({"snmp": {**SNMP, "states": 91_000}}, WARNING, "states_percent 91 %", id="states"),
    pytest.param({"snmp": {**SNMP, "running": False}}, CRITICAL, "filters nothing - act before", id="switched-off"),
    pytest.param({"snmp": {**SNMP, "interfaces": [{**WAN, "grew": 400}]}}, WARNING, "errors 400", id="errors"),
    pytest.param(
        {"opnsense": {**API, "gateways": [{**GATE, "status": "down", "loss": 100.0}]}},
        WARNING,
        "gateway WAN_GW down",
        id="gateway",
    ),
    pytest.param(
        {"opnsense": {**API, "gateways": [{**GATE, "loss": 12.0}]}}, WARNING, "gateway_loss 12 %", id="gateway-loss"
    ),
    pytest.param({"opnsense": {**API, "rules_changed": NOW - HOUR}}, WARNING, "rules changed Sat 11:00Z", id="rules"),
    pytest.param({"opnsense": {**API, "rules_changed": NOW - 8 * DAY}}, OK, "wall", id="rules-a-week-ago"),
    pytest.param({"flows": flow("violated", "blocked")}, CRITICAL, "10.1.0.5:445 open - act before", id="a-hole"),
    pytest.param({"flows": flow("violated", "pass")}, WARNING, "10.1.0.5:445 blocked", id="shut"),
    pytest.param({"flows": flow("not proven", "blocked")}, WARNING, "10.1.0.5:445 not proven", id="not-proven"),
    pytest.param({}, UNKNOWN, "not read yet", id="not-yet"),
    pytest.param({"snmp": {**SNMP, "at": NOW - 2 * HOUR}}, UNKNOWN, "was read Sat 10:00Z", id="old"),
]


@pytest.mark.parametrize(("row", "state", "said"), CASES)
def test_a_firewall_is_judged_by_what_was_read(row: Told, state: int, said: str) -> None:
    found, line = judged(**row)
    assert (found, said in line) == (state, True), line


@pytest.mark.skipif(snmpd.SNMPD is None, reason=snmpd.MISSING)
def test_the_program_asks_a_firewall_by_itself(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    credentials.write_text(snmpd.v2c())
    credentials.chmod(0o600)
    pf = {
        ".1.3.6.1.4.1.12325.1.200.1.1.1.0": ("integer", 1),
        ".1.3.6.1.4.1.12325.1.200.1.3.1.0": ("gauge", 95),
        ".1.3.6.1.4.1.12325.1.200.1.5.1.0": ("gauge", 100),
    }
    with snmpd.running(tmp_path / "agent", pf, ".1.3.6.1.4.1.12325") as device:
        ended = program("check_firewall", "--host", device.host, "--credentials", credentials)
    assert violations(*ended) == []
    assert ended.code == WARNING
    assert b"states_percent=95%" in ended.out
    assert b"up: lo" in ended.out
