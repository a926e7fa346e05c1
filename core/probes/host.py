"""The machine itself: its temperature, whether its supply is too low, whether it slows down.

Sources: Documentation/hwmon/sysfs-interface.rst and Documentation/ABI/testing/sysfs-class-thermal of Linux; the
firmware of a Raspberry Pi tells both faults as bits of get_throttled (0 under-voltage, 1 to 3 slowed down; now, not
ever).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

Json = dict[str, Any]

SYS = Path("/sys")
THROTTLED = "devices/platform/soc/soc:firmware/get_throttled"
UNDERVOLTAGE_NOW, SLOWED_NOW = 0x1, 0x2 | 0x4 | 0x8
SENSIBLE = (-60.0, 150.0)  # degrees Celsius; sensors that are not connected tell anything


def host(sys: Path = SYS) -> Json:
    """Return {"temperature", "undervoltage", "throttled"}, each only where the machine tells it.

    The temperature is the highest of the processor's sensors, in degrees Celsius.
    """
    found: Json = {}
    warmest = max(_temperatures(sys), default=None)
    if warmest is not None:
        found["temperature"] = warmest
    word = _read(sys / THROTTLED)
    try:
        bits = int(word, 16) if word else None
    except ValueError:
        bits = None
    if bits is not None:
        found |= {"undervoltage": bool(bits & UNDERVOLTAGE_NOW), "throttled": bool(bits & SLOWED_NOW)}
    for folder in sys.glob("class/hwmon/hwmon*"):
        if _read(folder / "name") == "rpi_volt" and (alarm := _read(folder / "in0_lcrit_alarm")) in ("0", "1"):
            found["undervoltage"] = alarm == "1"
    return found


def _temperatures(sys: Path) -> list[float]:
    files = [*sys.glob("class/thermal/thermal_zone*/temp"), *sys.glob("class/hwmon/hwmon*/temp*_input")]
    found: list[float] = []
    for file in files:
        word = _read(file)
        if word and word.lstrip("-").isdigit() and SENSIBLE[0] < int(word) / 1000 < SENSIBLE[1]:
            found.append(round(int(word) / 1000, 1))
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:  # also of a sensor that is off
        return ""
