"""check_nas against a real agent with the tables of a Synology and of a QNAP, by both versions of SNMP."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from peers import snmpd
from peers.devices import QNAP, qnap, synology
from peers.guidelines import violations
from peers.plugin import program
from peers.statuses import NOW, put, with_

from checks.base.finding import CRITICAL, OK, UNKNOWN, WARNING
from checks.evaluate import evaluate
from core.probes.nas import nas
from core.probes.snmp import reading

pytestmark = pytest.mark.skipif(snmpd.SNMPD is None, reason=snmpd.MISSING)
Told = dict[str, Any]


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    path = tmp_path / "credentials"
    path.write_text(snmpd.v2c())
    path.chmod(0o600)
    return path


def read(folder: Path, rows: Mapping[str, tuple[str, object]], root: str = snmpd.TABLE) -> Told:
    with snmpd.running(folder, rows, root) as device:
        with reading(device.host, snmpd.v2c(), 10) as session:
            first = nas(session)
        with reading(device.host, snmpd.v3(), 10) as session:
            second = nas(session)
    assert {**first, "uptime": 0} == {**second, "uptime": 0}
    return first


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return read(tmp_path_factory.mktemp("synology"), synology())


def judged(told: Told, **words: Any) -> tuple[int, str]:
    row = {"name": "nas", "kind": "nas", "snmp": told, "expect": {"disks": 4, "raids": 1}, **words}
    verdict = next(one for one in evaluate(with_(put("watch", [row])), NOW) if one.check == "nas")
    assert violations(verdict.state, verdict.text().encode()) == []
    return verdict.state, verdict.line


def test_a_synology_tells_its_inventory_by_both_versions_alike(healthy: Told) -> None:
    assert (healthy["vendor"], healthy["model"], len(healthy["disks"]), healthy["trouble"]) == (
        "Synology",
        "DS923+",
        4,
        [],
    )
    assert healthy["raids"] == [{"name": "Volume 1", "status": "normal", "free": 2 * 10**12, "total": 11 * 10**12}]
    assert judged(healthy) == (OK, "NAS OK: nas: 4 disks, 1 raids - can wait until 21 Jan 2027")


def test_a_qnap_tells_numbers_and_where_they_lack_texts_and_no_temperature_of_two_dashes(tmp_path: Path) -> None:
    told = read(tmp_path, qnap("40 C/104 F", "--"), QNAP)
    assert [one.get("temperature") for one in told["disks"]] == [40, None]
    assert told["volumes"] == [
        {"name": "DataVol1", "status": "normal", "free": 2_001_000_000_000, "total": 5_893_000_000_000}
    ]
    assert (len(told["disks"]), told["fans"]) == (2, [{"name": "System FAN 1", "rpm": 853}])
    assert judged(told, expect={"disks": 2, "volumes": 1})[0] == OK


def test_an_old_qnap_has_texts_alone(tmp_path: Path) -> None:
    told = read(tmp_path, qnap("40 C/104 F", texts_only=True, volume="Degraded"), QNAP)
    assert told["volumes"][0]["total"] == int(5.36 * (1 << 40))
    assert judged(told, expect={}) == (CRITICAL, "NAS CRITICAL: nas DataVol1 degraded - act before Sun 00:00Z")


def changed(told: Told, key: str, number: int, **words: Any) -> Told:
    rows = [dict(one) for one in told[key]]
    rows[number] |= words
    return {**told, key: rows}


def test_a_vanished_disk_or_raid_is_critical(healthy: Told) -> None:
    assert judged({**healthy, "disks": healthy["disks"][:3]})[1].startswith("NAS CRITICAL: nas shows 3 of 4 disks")
    assert judged({**healthy, "raids": []})[0] == CRITICAL


@pytest.mark.parametrize("status", ["scrubbing", "expanding", "parity check", "syncing", "migrating"])
def test_what_a_nas_does_to_a_raid_that_is_whole_pages_nobody(healthy: Told, status: str) -> None:
    state, line = judged(changed(healthy, "raids", 0, status=status))
    assert (state, status in line) == (OK, True)


@pytest.mark.parametrize(
    ("key", "words", "state", "said"),
    [
        ("raids", {"status": "degraded"}, CRITICAL, "Volume 1 degraded"),
        ("raids", {"status": "crashed"}, CRITICAL, "Volume 1 crashed"),
        ("raids", {"status": "repairing"}, WARNING, "Volume 1 is repairing"),
        ("disks", {"status": "crashed"}, CRITICAL, "Drive 1 crashed"),
        ("disks", {"health": "failing", "bad": 80}, WARNING, "Drive 1 health failing"),
        ("disks", {"temperature": 71}, WARNING, "temperature 71"),
        ("raids", {"free": 10**9}, WARNING, "free_percent 0.009 %"),
    ],
)
def test_what_is_wrong_is_named(healthy: Told, key: str, words: Told, state: int, said: str) -> None:
    found, line = judged(changed(healthy, key, 0, **words))
    assert (found, said in line) == (state, True), line


def test_sizes_of_32_bits_that_went_below_zero_are_no_full_volume(tmp_path: Path) -> None:
    told = read(tmp_path, synology(free=2**64 - 200_000))
    assert "free" not in told["raids"][0]
    assert judged(told)[0] == OK


def test_as_a_destination_it_is_timed_and_its_pictures_are_counted(healthy: Told) -> None:
    place = {"destination": "nas", "place": {"seconds": 0.4, "free": 9}}
    assert judged(healthy, **place, count={"here": 100, "objects": 100})[0] == OK
    assert "nas lacks 3 pictures" in judged(healthy, **place, count={"here": 100, "objects": 97})[1]
    assert "write 14 s" in judged(healthy, destination="nas", place={"seconds": 14.0})[1]
    dead = {"error": "DestinationUnreachable: no route to host", "since": NOW - 60}
    assert judged(healthy, destination="nas", place=dead)[0] == WARNING


def test_a_reading_that_is_old_or_was_not_taken_is_unknown(healthy: Told) -> None:
    assert judged({**healthy, "at": NOW - 3 * 3600})[0] == UNKNOWN
    assert judged({})[0] == UNKNOWN


def test_the_program_asks_a_device_by_itself(tmp_path: Path, credentials: Path) -> None:
    with snmpd.running(tmp_path / "agent", synology(disks=3, raid=13)) as device:
        asked = ["--host", device.host, "--credentials", str(credentials)]
        well, gone = program("check_nas", *asked), program("check_nas", *asked, "--expect", "disks=4")
    for ended, state, said in ((well, OK, b"3 disks, 1 raids, scrubbing"), (gone, CRITICAL, b"shows 3 of 4 disks")):
        assert violations(*ended) == []
        assert (ended.code, said in ended.out) == (state, True), ended.out


@pytest.mark.parametrize("name", ["nas", "firewall"])
def test_a_device_that_is_silent_is_told_in_time(name: str, credentials: Path) -> None:
    ended = program(
        f"check_{name}", "-t", "2", "--host", f"127.0.0.1:{snmpd.free_port()}", "--credentials", str(credentials)
    )
    assert violations(*ended) == []
    assert ended.code == WARNING
    assert snmpd.COMMUNITY.encode() not in ended.out
