"""Rows of a Synology and of a QNAP for `snmpd.running`, as those devices have them."""

from __future__ import annotations

from collections.abc import Mapping

Rows = dict[str, tuple[str, object]]

SYNOLOGY = ".1.3.6.1.4.1.6574"
QNAP = ".1.3.6.1.4.1.24681"


def ordered(rows: Mapping[str, tuple[str, object]]) -> Rows:
    """Return rows in the order of a walk."""
    return dict(sorted(rows.items(), key=lambda row: [int(part) for part in row[0].strip(".").split(".")]))


def synology(disks: int = 4, raid: int = 1, status: int = 1, bad: int = 0, free: object = 2 * 10**12) -> Rows:
    """Return a DS with so many disks, one RAID in state `raid`, the last disk in `status` with `bad` sectors."""
    rows: Rows = {
        f"{SYNOLOGY}.1.1.0": ("integer", 1),
        f"{SYNOLOGY}.1.2.0": ("integer", 41),
        f"{SYNOLOGY}.1.3.0": ("integer", 1),
        f"{SYNOLOGY}.1.4.1.0": ("integer", 1),
        f"{SYNOLOGY}.1.4.2.0": ("integer", 1),
        f"{SYNOLOGY}.1.5.1.0": ("string", "DS923+"),
        f"{SYNOLOGY}.1.5.2.0": ("string", "2150ABC"),
        f"{SYNOLOGY}.1.5.3.0": ("string", "DSM 7.2-64570"),
        f"{SYNOLOGY}.1.5.4.0": ("integer", 2),
        f"{SYNOLOGY}.3.1.1.2.0": ("string", "Volume 1"),
        f"{SYNOLOGY}.3.1.1.3.0": ("integer", raid),
        f"{SYNOLOGY}.3.1.1.4.0": ("counter64", free),
        f"{SYNOLOGY}.3.1.1.5.0": ("counter64", 11 * 10**12),
    }
    for disk in range(disks):
        last = disk == disks - 1
        told = {
            2: ("string", f"Disk {disk + 1}"),
            3: ("string", "A drive"),
            4: ("string", "SATA"),
            5: ("integer", status if last else 1),
            6: ("integer", 38 + disk),
            9: ("integer", bad if last else 0),
            11: ("integer", -1),
            12: ("string", f"Drive {disk + 1}"),
            13: ("integer", 1),
        }
        rows |= {f"{SYNOLOGY}.2.1.1.{column}.{disk}": value for column, value in told.items()}
    return ordered(rows)


def qnap(*temperatures: str, texts_only: bool = False, volume: str = "Ready") -> Rows:
    """Return a TS with a disk for each of `temperatures` ("40 C/104 F", "--") and an empty slot behind them."""
    rows: Rows = {
        f"{QNAP}.1.2.6.0": ("string", "44 C/111 F"),
        f"{QNAP}.1.2.12.0": ("string", "TS-453D"),
        f"{QNAP}.1.2.15.1.2.1": ("string", "System FAN 1"),
        f"{QNAP}.1.2.15.1.3.1": ("string", "853 RPM"),
        f"{QNAP}.1.2.17.1.2.1": ("string", "DataVol1"),
        f"{QNAP}.1.2.17.1.4.1": ("string", "5.36 TB"),
        f"{QNAP}.1.2.17.1.5.1": ("string", "1.82 TB"),
        f"{QNAP}.1.2.17.1.6.1": ("string", volume),
    }
    for slot in range(len(temperatures) + 1):
        empty = slot == len(temperatures)
        rows |= {
            f"{QNAP}.1.2.11.1.2.{slot + 1}": ("string", f"HDD{slot + 1}"),
            f"{QNAP}.1.2.11.1.3.{slot + 1}": ("string", "--" if empty else temperatures[slot]),
            f"{QNAP}.1.2.11.1.4.{slot + 1}": ("integer", -5 if empty else 0),
            f"{QNAP}.1.2.11.1.7.{slot + 1}": ("string", "--" if empty else "GOOD"),
        }
    if not texts_only:
        rows |= {
            f"{QNAP}.1.3.11.1.3.1": ("integer", 40),
            f"{QNAP}.1.3.17.1.4.1": ("counter64", 5_893_000_000_000),
            f"{QNAP}.1.3.17.1.5.1": ("counter64", 2_001_000_000_000),
        }
    return ordered(rows)
