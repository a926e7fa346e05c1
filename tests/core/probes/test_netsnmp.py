"""Programs of net-snmp that are missing, hang, or print what they never should."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from peers.snmpd import AUTH, PRIV, v3

from core.errors import ProbeError, ProbeGarbled, ProbeRefused, ProbeUnanswered
from core.probes.ber import parse_oid
from core.probes.credentials import parse
from core.probes.message import Value
from core.probes.netsnmp import NetSnmpSession
from core.probes.printed import values

UPTIME = parse_oid("1.3.6.1.2.1.1.3.0")
Read = Callable[..., list[Value]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Get one value by a program that runs a script of the shell."""

    def get(script: str, seconds: float = 10.0) -> list[Value]:
        program = tmp_path / "snmpget"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        until = time.monotonic() + seconds
        return NetSnmpSession("127.0.0.1", 161, parse(v3()), until, str(tmp_path)).get([UPTIME])

    return get


def test_what_it_prints_is_read(read: Read) -> None:
    assert read("echo '.1.3.6.1.2.1.1.3.0 = Timeticks: (42) 0:00:00.42'") == [Value(UPTIME, "TimeTicks", 42)]


def test_a_program_that_is_missing_is_told_with_its_package(tmp_path: Path) -> None:
    session = NetSnmpSession("127.0.0.1", 161, parse(v3()), time.monotonic() + 10, str(tmp_path))
    with pytest.raises(ProbeError, match=r"snmpget: no such file or directory; install .*Debian: snmp"):
        session.get([UPTIME])


@pytest.mark.parametrize("script", ["exec sleep 60", "exec >&-; exec sleep 60"], ids=["silent", "output-closed"])
def test_a_program_that_hangs_is_ended_at_the_deadline(read: Read, script: str) -> None:
    start = time.monotonic()
    with pytest.raises(ProbeUnanswered):
        read(script, 0.2)
    assert time.monotonic() - start < 10


def test_a_program_that_prints_without_end_is_ended(read: Read) -> None:
    with pytest.raises(ProbeGarbled, match="more than 384 kB"):
        read("exec yes '.1.3.6.1.2.1.1.3.0 = INTEGER: 1'")


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "Segmentation fault",
        ".1.3.6.1.2.1.1.3.0",
        ".1.3.6.1.2.1.1.3.0 = INTEGER: many",
        ".1.3.6.1.2.1.1.3.0 = Timeticks: 42",
        ".1.3.6.1.2.1.1.3.0 = Hex-STRING: 4C 6",
        ".1.3.6.1.2.1.1.3.0 = Riddle: 1",
        ".1.3.x = INTEGER: 1",
        ".1.3.6.1.2.1.1.4.0 = INTEGER: 1",
    ],
)
def test_what_is_no_answer_is_not_believed(read: Read, printed: str) -> None:
    with pytest.raises(ProbeGarbled):
        read(f"echo '{printed}'")


def test_a_complaint_is_not_repeated_where_it_may_hold_a_secret(read: Read) -> None:
    with pytest.raises(ProbeGarbled, match="it cannot answer that") as refusal:
        read('cat "$SNMPCONFPATH/snmp.conf" >&2; exit 1')
    assert not any(secret in str(refusal.value) for secret in (AUTH, PRIV))


@pytest.mark.parametrize(
    ("complaint", "kind", "says"),
    [
        ("snmp.conf: line 6: Error: Unknown privacy type", ProbeRefused, "does not know this cipher"),
        ("snmpget: Decryption error", ProbeRefused, "cannot read what we encrypt"),
        ("Error: OID not increasing: .1.3.6\n >= .1.3.6", ProbeGarbled, "does not go forward"),
        ("Error in packet\nReason: (genError) A general failure occured", ProbeGarbled, "general failure"),
    ],
)
def test_a_complaint_that_is_known_is_told_in_our_words(
    read: Read, complaint: str, kind: type[ProbeError], says: str
) -> None:
    with pytest.raises(kind, match=says):
        read(f"echo '{complaint}' >&2; exit 1")


def test_a_string_of_several_lines_is_one_value() -> None:
    found = values('.1.3.6.1 = Hex-STRING: 61 62 \n63 64 \n.1.3.6.2 = ""\n.1.3.6.3 = Opaque: Float: 2.8\n')
    assert [(value.kind, value.value) for value in found] == [
        ("OctetString", b"abcd"),
        ("OctetString", b""),
        ("Opaque", None),
    ]
