"""Readings of drives, software RAID, mounts and the machine: what each tells, in the forms that there are."""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path

import pytest

from core.errors import ProbeUnanswered
from core.probes.filling import full, keep
from core.probes.host import host
from core.probes.mdstat import arrays
from core.probes.mounts import PROBE, mount, mounted
from core.probes.smart import drive, drives

MDSTAT = """Personalities : [raid1] [raid6] [raid5] [raid4]
md0 : active raid1 sdb1[1] sda1[0]
      1953382464 blocks super 1.2 [2/2] [UU]
      bitmap: 0/15 pages [0KB], 65536KB chunk

md1 : active raid1 sdb2[1](F) sda2[0]
      1953382464 blocks super 1.2 [2/1] [U_]

md2 : active raid5 sdc1[3] sdb3[1] sda3[0]
      3906764928 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [UU_]
      [=>...................]  recovery =  8.5% (166/1953) finish=140.2min speed=212K/sec

md3 : active raid1 sdb4[1] sda4[0]
      97536 blocks [2/2] [UU]
      [==>..................]  check = 12.6% (12/97) finish=1.0min speed=100K/sec

md4 : active raid1 sdb5[1] sda5[0]
      97536 blocks [2/2] [UU]
        resync=DELAYED

md5 : active (auto-read-only) raid1 sdb6[1] sda6[0]
      97536 blocks [2/2] [UU]
        resync=PENDING

md127 : inactive sdd1[0](S)
      97536 blocks super 1.2

unused devices: <none>
"""


def test_every_array_is_told_with_what_it_is_at() -> None:
    found = {one.pop("name"): one for one in arrays(MDSTAT)}
    assert found == {
        "md0": {"state": "active", "level": "raid1", "disks": 2, "up": 2},
        "md1": {"state": "active", "level": "raid1", "disks": 2, "up": 1, "failed": ["sdb2"]},
        "md2": {
            "state": "active",
            "level": "raid5",
            "disks": 3,
            "up": 2,
            "action": "recovery",
            "percent": 8.5,
            "finish": 8412,
        },
        "md3": {
            "state": "active",
            "level": "raid1",
            "disks": 2,
            "up": 2,
            "action": "check",
            "percent": 12.6,
            "finish": 60,
        },
        "md4": {"state": "active", "level": "raid1", "disks": 2, "up": 2, "action": "resync delayed"},
        "md5": {"state": "active", "level": "raid1", "disks": 2, "up": 2, "action": "resync delayed"},
        "md127": {"state": "inactive"},
    }


def attribute(number: int, value: int, raw: int = 0) -> dict[str, object]:
    return {"id": number, "value": value, "raw": {"value": raw}}


SATA = {
    "model_name": "A SATA drive",
    "serial_number": "S1",
    "smart_status": {"passed": False},
    "ata_smart_attributes": {"table": [attribute(5, 90, 12), attribute(197, 100, 3), attribute(233, 7)]},
    "temperature": {"current": 41},
    "power_on_time": {"hours": 9000},
}
NVME = {
    "model_name": "An NVMe drive",
    "smart_status": {"passed": True},
    "nvme_smart_health_information_log": {
        "percentage_used": 104,
        "available_spare": 8,
        "critical_warning": 1,
        "media_errors": 2,
    },
}


def test_a_sata_drive_tells_its_verdict_bad_sectors_and_the_life_that_is_left() -> None:
    row = drive("/dev/sda", SATA)
    assert (row["passed"], row["bad"], row["wear"], row["temperature"], row["serial"]) == (False, 15, 93, 41, "S1")


def test_an_nvme_drive_may_be_worn_beyond_a_hundred_per_cent() -> None:
    row = drive("/dev/nvme0", NVME)
    assert (row["passed"], row["wear"], row["spare"], row["warning"], row["bad"]) == (True, 104, 8, 1, 2)


def test_a_drive_that_sleeps_is_left_to_it_and_one_that_refuses_says_why() -> None:
    assert drive("/dev/sda", {"smartctl": {"exit_status": 2}, "power_mode": {}}) == {"name": "/dev/sda", "asleep": True}
    told = {"smartctl": {"exit_status": 2, "messages": [{"string": "Permission denied\x1b[2J"}]}}
    assert drive("/dev/sda", told)["error"].startswith("Permission denied")


def test_smartctl_is_asked_for_each_drive_and_one_that_hangs_is_told(tmp_path: Path) -> None:
    program = tmp_path / "smartctl"
    scan = {"devices": [{"name": "/dev/sda", "type": "sat"}, {"name": "/dev/sdb", "type": "sat"}, {"name": "no"}]}
    (tmp_path / "scan").write_text(json.dumps(scan))
    (tmp_path / "sda").write_text(json.dumps(SATA))
    code = f"import sys, time\nlast = sys.argv[-1]\nfolder = {str(tmp_path)!r}\n"
    code += "if last.endswith('sdb'): time.sleep(60)\n"
    code += "print(open(folder + ('/sda' if last.endswith('sda') else '/scan')).read())\n"
    program.write_text(f"#!{sys.executable} -IS\n{code}")
    program.chmod(0o755)
    first, second = drives(1.5, str(program))
    assert (first["name"], first["bad"]) == ("/dev/sda", 15)
    assert (second["name"], "no answer in time" in second["error"]) == ("/dev/sdb", True)
    assert drives(1, str(tmp_path / "missing")) == []


INFO = """22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
35 22 8:2 / /srv rw,relatime - ext4 /dev/sda2 ro,errors=remount-ro
36 22 0:40 / /mnt/n\\040as rw,nosuid - nfs4 10.0.0.2:/x rw,vers=4.2
37 22 8:3 / /srvx ro - ext4 /dev/sda3 rw
"""


@pytest.mark.parametrize(
    ("path", "at", "ro"),
    [
        pytest.param("/home/x", "/", False, id="root"),
        pytest.param("/srv/pictures", "/srv", True, id="went-read-only-after-an-error"),
        pytest.param("/mnt/n as/site", "/mnt/n as", False, id="a-blank-in-its-name"),
        pytest.param("/srvx", "/srvx", True, id="mounted-so"),
    ],
)
def test_a_mount_is_found_by_its_longest_name_and_told_read_only(path: str, at: str, ro: bool) -> None:
    found = mounted(path, INFO)
    assert (found["at"], found["ro"]) == (at, ro)


def test_a_folder_is_written_synced_read_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / f"{PROBE}-unit1").write_text("left behind by a probe that was killed")
    found = mount(str(tmp_path), "unit1")
    assert 0 < found["write_s"] < 60
    assert found["free"] <= found["total"]
    assert list(tmp_path.iterdir()) == []


def test_a_mount_that_is_gone_is_not_mistaken_for_the_disk_below_it(tmp_path: Path) -> None:
    with pytest.raises(ProbeUnanswered, match="nothing is mounted at /mnt/nas any more"):
        mount(str(tmp_path), "unit1", expect="/mnt/nas")
    with pytest.raises(ProbeUnanswered, match="no such file"):
        mount(str(tmp_path / "missing"), "unit1")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ProbeUnanswered, match="permission denied"):
        mount(str(tmp_path), "unit1")


def put(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_the_machine_tells_what_it_has_sensors_for(tmp_path: Path) -> None:
    assert host(tmp_path) == {}
    zones = {"class/thermal/thermal_zone0/temp": "48312\n", "class/thermal/thermal_zone1/temp": "-273150"}
    put(tmp_path, zones | {"devices/platform/soc/soc:firmware/get_throttled": "50005"})
    assert host(tmp_path) == {"temperature": 48.3, "undervoltage": True, "throttled": True}
    put(tmp_path, {"devices/platform/soc/soc:firmware/get_throttled": "50000"})  # it was so, and is no more
    assert host(tmp_path)["undervoltage"] is False


def test_a_disk_that_does_not_fill_or_is_not_known_for_a_week_has_no_forecast() -> None:
    flat = [(day, 500_000) for day in range(30)]
    assert full(flat, 500_000) is None
    assert full([(day, 1000 - 100 * day) for day in range(7)], 400) is None
    assert full([(day, 1000 + day) for day in range(30)], 1030) is None


def test_an_even_pace_is_told_as_it_is() -> None:
    found = full([(day, 1000 - 10 * day) for day in range(15)], 860)
    assert found is not None
    assert (found.days, found.soonest, found.latest) == (86.0, 86.0, 86.0)


def test_a_sample_a_day_is_kept_for_six_weeks() -> None:
    kept: list[tuple[int, int]] = []
    for day in range(100):
        kept = keep(keep(kept, day, day), day, -1)
    assert (len(kept), kept[-1], kept[0]) == (43, (99, 99), (57, 57))


def history(dice: random.Random) -> tuple[list[float], float]:
    """Return the free space of 400 days, with steps, clean-ups, a weekly cycle and noise, and what is free at first."""
    rate, week = dice.uniform(2, 20), [dice.uniform(0, 2) for _ in range(7)]
    week = [one * 7 / sum(week) for one in week]
    clean = dice.choice((0, 0, 10, 30))
    free, days = dice.uniform(60, 150) * rate, list[float]()
    for day in range(900):
        days.append(free)
        free -= rate * week[day % 7] * dice.uniform(0.6, 1.4)
        free -= rate * dice.uniform(2, 8) if dice.random() < 0.02 else 0
        free += rate * clean * 0.4 if clean and day % clean == clean - 1 else 0
    return days, rate


def test_the_interval_holds_the_truth_in_at_least_85_of_100_histories_of_all_kinds() -> None:
    dice = random.Random(1)
    inside = told = 0
    for _ in range(1000):
        days, _ = history(dice)
        known = dice.randrange(10, 40)
        end = next((day for day, free in enumerate(days) if free <= 0), None)
        if end is None or end <= known:
            continue
        samples = [(day, int(1000 * free)) for day, free in enumerate(days[: known + 1])]
        found = full(samples, samples[-1][1])
        if found is None:
            continue
        told += 1
        inside += found.soonest - 0.5 <= end - known <= (found.latest or 1e9) + 0.5
    assert told > 500
    assert inside / told >= 0.85, (inside, told)
