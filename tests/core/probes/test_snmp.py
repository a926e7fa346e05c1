"""A real agent of net-snmp read by the probe's worker, as the node and the checks do it, in both versions."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peers import snmpd
from peers.snmpd import AUTH, BLIND, COMMUNITY, OLD, PRIV, Snmpd, v2c, v3

from core.child import Child
from core.errors import ChildError, ConfigurationError, NoSuchReading, ProbeError, ProbeRefused, ProbeUnanswered

pytestmark = [pytest.mark.peer, pytest.mark.skipif(snmpd.SNMPD is None, reason=snmpd.MISSING)]

Json = dict[str, Any]
DEADLINE = 20.0
DISKS = "1.3.6.1.4.1.6574.2.1.1"
VOLUME = "1.3.6.1.4.1.6574.3.1.1.4.0"
BOTH = [pytest.param(v2c(), id="2c"), pytest.param(v3(), id="3")]
ROWS: dict[str, tuple[str, object]] = {
    **{f".{DISKS}.{column}.{disk}": (kind, value) for column, kind, value in (
        (2, "string", "Disk"), (5, "integer", 1), (6, "gauge", 37), (9, "counter", 4_294_967_295), (13, "integer", -4),
    ) for disk in range(12)},
    f".{VOLUME}": ("counter64", 2**64 - 1),
    ".1.3.6.1.4.1.6574.9.1.0": ("octet", "6e 99 c3 5b 9c 43"),
    ".1.3.6.1.4.1.6574.9.2.0": ("string", "\u017dl\u00e1b\x1b[31m"),
    ".1.3.6.1.4.1.6574.9.3.0": ("ipaddress", "192.168.1.20"),
    ".1.3.6.1.4.1.6574.9.4.0": ("objectid", ".1.3.6.1.4.1.8072.3.2.10"),
    ".1.3.6.1.4.1.6574.9.5.0": ("timeticks", 360_000),
    ".1.3.6.1.4.1.6574.9.6.0": ("string", ""),
    ".1.3.6.1.4.1.6574.9.7.0": ("string", "x" * 900),
}  # fmt: skip


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    with snmpd.running(tmp_path_factory.mktemp("snmpd"), ROWS) as running:
        yield running


@pytest.fixture(scope="module")
def probe() -> Iterator[Child]:
    child = Child("probe")
    yield child
    child.close()


def read(probe: Child, agent: Snmpd, credentials: str, **wanted: object) -> list[Json]:
    args = {"host": agent.host, "credentials": credentials, "seconds": 8.0, **wanted}
    rows: list[Json] = probe.ask("snmp-read", args, DEADLINE)["values"]
    return rows


def counter(probe: Child, agent: Snmpd, credentials: str, interface: str = "lo", **more: object) -> Json:
    args = {"host": agent.host, "credentials": credentials, "interface": interface, "seconds": 8.0, **more}
    return probe.ask("snmp-counter", args, DEADLINE)


def flow(size: int) -> None:
    """Send `size` bytes over the loopback interface."""
    with socket.socket(type=socket.SOCK_DGRAM) as taking, socket.socket(type=socket.SOCK_DGRAM) as sending:
        taking.bind(("127.0.0.1", 0))
        for _ in range(size // 50_000):
            sending.sendto(bytes(50_000), taking.getsockname())


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


# --- the bytes of a link


@pytest.mark.parametrize(
    ("credentials", "bits"), [(v2c(), 64), (v3(), 64), (v2c(OLD), 32)], ids=["2c", "3", "2c-counters-of-32-bits"]
)
def test_the_counters_of_an_interface_grow_with_what_flows(
    probe: Child, agent: Snmpd, credentials: str, bits: int
) -> None:
    before = counter(probe, agent, credentials)
    assert before["bits"] == bits
    assert before["bytes"] == before["rx"] + before["tx"]
    flow(5_000_000)
    until = time.monotonic() + DEADLINE
    while (now := counter(probe, agent, credentials, before=before))["passed"] < 10_000_000:  # received and sent
        assert time.monotonic() < until, "the counters stood still"
        time.sleep(0.05)
    if bits == 64:
        assert now["bytes"] == before["bytes"] + now["passed"]
        assert now["rx"] >= before["rx"] + 5_000_000
    assert now["uptime_s"] >= before["uptime_s"]


def test_a_user_who_may_read_the_standard_tables_only_may_read_enough(probe: Child, agent: Snmpd) -> None:
    assert counter(probe, agent, v3("reader"))["bits"] == 64
    assert read(probe, agent, v3("reader"), walk=["1.3.6.1.4.1"]) == []


@pytest.mark.parametrize("credentials", BOTH)
def test_an_interface_is_found_by_its_index_too(probe: Child, agent: Snmpd, credentials: str) -> None:
    number = socket.if_nametoindex("lo")
    found = counter(probe, agent, credentials, str(number))
    assert (found["number"], found["interface"], found["passed"]) == (number, "lo", None)


@pytest.mark.parametrize("credentials", BOTH)
def test_an_interface_that_is_not_there_is_told_with_those_that_are(
    probe: Child, agent: Snmpd, credentials: str
) -> None:
    with pytest.raises(NoSuchReading, match=r"no interface is called 'wwan\\x1b7'; there are .*lo \(index \d+\)"):
        counter(probe, agent, credentials, "wwan\x1b7")


def test_a_device_that_shows_us_no_interface_says_so(probe: Child, agent: Snmpd) -> None:
    with pytest.raises(NoSuchReading, match="the device shows none that we may read"):
        counter(probe, agent, v2c(BLIND))


# --- what the checks read


@pytest.mark.parametrize("credentials", BOTH)
def test_a_table_is_walked_whole_and_no_further(probe: Child, agent: Snmpd, credentials: str) -> None:
    rows = read(probe, agent, credentials, walk=[DISKS])
    assert [row["oid"] for row in rows] == [
        f"{DISKS}.{column}.{disk}" for column in (2, 5, 6, 9, 13) for disk in range(12)
    ]
    assert rows[0] == {"oid": f"{DISKS}.2.0", "type": "OctetString", "value": "Disk", "hex": b"Disk".hex()}
    assert [(row["type"], row["value"]) for row in rows[12::12]] == [
        ("Integer32", 1), ("Gauge32", 37), ("Counter32", 4_294_967_295), ("Integer32", -4),
    ]  # fmt: skip


@pytest.mark.parametrize("credentials", BOTH)
def test_every_type_of_value_comes_over(probe: Child, agent: Snmpd, credentials: str) -> None:
    got = {row["oid"].split(".")[-2]: row for row in read(probe, agent, credentials, walk=["1.3.6.1.4.1.6574.9"])}
    assert got["1"]["hex"] == "6e99c35b9c43"
    assert (got["2"]["value"], got["2"]["hex"]) == ("Žláb\\x1b[31m", "Žláb\x1b[31m".encode().hex())  # safe to show
    assert (got["3"]["type"], got["3"]["value"]) == ("IpAddress", "192.168.1.20")
    assert (got["4"]["type"], got["4"]["value"]) == ("ObjectIdentifier", "1.3.6.1.4.1.8072.3.2.10")
    assert (got["5"]["type"], got["5"]["value"]) == ("TimeTicks", 360_000)
    assert (got["6"]["type"], got["6"]["value"]) == ("OctetString", "")
    assert got["7"]["value"] == "x" * 900
    assert read(probe, agent, credentials, oids=[VOLUME])[0]["value"] == 2**64 - 1


def test_both_versions_read_the_same_to_the_very_end_of_what_there_is(probe: Child, agent: Snmpd) -> None:
    wanted = ["1.3.6.1.2.1.1", "1.3.6.1.4.1.6574", "1.3.6.1.6"]
    old, new = (
        [(row["oid"], row["type"]) for row in read(probe, agent, credentials, walk=wanted)]
        for credentials in (v2c(), v3())
    )
    assert old == new
    assert len(old) > 100


@pytest.mark.parametrize("credentials", BOTH)
def test_what_the_device_does_not_have_is_a_value_that_says_so(probe: Child, agent: Snmpd, credentials: str) -> None:
    wanted = ["1.3.6.9.9", "1.3.6.1.2.1.2.2.1.10.99999", ".1.3.6.1.2.1.1.3.0"]
    rows = read(probe, agent, credentials, oids=wanted)
    assert [row["type"] for row in rows] == ["noSuchObject", "noSuchInstance", "TimeTicks"]
    assert read(probe, agent, credentials, walk=["1.3.6.1.4.1.6574.77"]) == []
    assert read(probe, agent, credentials, walk=["2.5"]) == []  # behind the last that it has


@pytest.mark.parametrize("credentials", BOTH)
def test_more_single_values_than_one_message_holds_come_in_their_order(
    probe: Child, agent: Snmpd, credentials: str
) -> None:
    wanted = [f"{DISKS}.{column}.{disk}" for disk in range(12) for column in (13, 6, 5)]
    assert [row["oid"] for row in read(probe, agent, credentials, oids=wanted)] == wanted


@pytest.mark.parametrize("user", ["sha512", "signer"])
def test_stronger_hashes_and_signatures_without_encryption_are_understood(
    probe: Child, agent: Snmpd, user: str
) -> None:
    assert read(probe, agent, v3(user), oids=["1.3.6.1.2.1.1.3.0"])[0]["type"] == "TimeTicks"


# --- who may not


@pytest.mark.parametrize(
    ("credentials", "kind", "says"),
    [
        pytest.param(v2c("not-this-one"), ProbeUnanswered, "does not know this community", id="community"),
        pytest.param(v3("nobody"), ProbeRefused, "no such user", id="user"),
        pytest.param(v3(defAuthPassphrase="not-this-one"), ProbeRefused, "defAuthPassphrase", id="auth-passphrase"),
        pytest.param(v3(defAuthType="SHA-256"), ProbeRefused, "defAuthType", id="auth-type"),
        pytest.param(v3(defPrivPassphrase="not-this-one"), ProbeUnanswered, "defPrivPassphrase", id="privacy"),
        pytest.param(v3(defSecurityLevel="authNoPriv"), ProbeRefused, "may not read that", id="level"),
    ],
)
def test_credentials_that_the_device_refuses_are_told_apart_where_it_tells(
    probe: Child, agent: Snmpd, credentials: str, kind: type[ProbeError], says: str
) -> None:
    with pytest.raises(kind, match=says) as refusal:
        read(probe, agent, credentials, oids=["1.3.6.1.2.1.1.3.0"], seconds=0.4)
    assert not any(secret in str(refusal.value) for secret in ("not-this-one", COMMUNITY, AUTH, PRIV))


def test_secrets_stand_in_no_command_line_no_environment_and_no_file(
    probe: Child, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    child = Child("probe")
    seen: list[bytes] = []
    programs: list[int] = []
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.settimeout(DEADLINE)
        args = {"host": f"127.0.0.1:{silent.getsockname()[1]}", "credentials": v3(), "walk": ["1.3"], "seconds": 8.0}

        def look() -> None:
            silent.recv(65_535)  # net-snmp's program has read its configuration and runs
            assert child.pid is not None
            for pid in Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split():
                seen.append(Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes())
                programs.append(int(pid))
            seen.extend(path.read_bytes() for path in files(tmp_path))
            os.kill(child.pid, signal.SIGKILL)
            for program in programs:
                os.kill(program, signal.SIGKILL)

        thread = threading.Thread(target=look)
        thread.start()
        with pytest.raises(ChildError):
            child.ask("snmp-read", args, DEADLINE)
        thread.join(DEADLINE)
    child.close()
    assert b"snmpbulkwalk" in b"".join(seen)
    assert not any(secret.encode() in text for secret in (AUTH, PRIV) for text in seen)
    assert files(tmp_path) == []  # the child was killed, and no secret stays behind


# --- what cannot be asked


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"host": "127.0.0.1:70000"}, "a port is one of 1 to 65535", id="port"),
        pytest.param({"credentials": "defVersion 1"}, "write one of 2c, 3", id="credentials"),
        pytest.param({"oids": ["ifTable"]}, "not an object identifier", id="oid"),
    ],
)
def test_what_cannot_be_asked_is_a_fault_of_the_configuration(
    probe: Child, agent: Snmpd, change: Json, says: str
) -> None:
    args = {"host": agent.host, "credentials": v2c(), "oids": ["1.3.6.1.2.1.1.3.0"]} | change
    with pytest.raises(ConfigurationError, match=says):
        probe.ask("snmp-read", args, DEADLINE)


@pytest.mark.parametrize("credentials", BOTH)
def test_a_name_that_nobody_has_is_told(probe: Child, credentials: str) -> None:
    args = {"host": "no-such-router.invalid", "credentials": credentials, "oids": ["1.3.6.1.2.1.1.3.0"]}
    with pytest.raises(ProbeUnanswered, match=r"no-such-router\.invalid: no such machine"):
        probe.ask("snmp-read", args, DEADLINE)


def test_a_probe_knows_its_operations(probe: Child) -> None:
    with pytest.raises(ChildError, match="a probe cannot reboot"):
        probe.ask("reboot", {}, DEADLINE)
